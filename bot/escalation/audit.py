"""Is everybody told on time? A pure rule over what the database says; it knows nothing of how alerts are chased.

It is written apart from what it watches, so that a fault there is not repeated here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LATE_FOR = timedelta(seconds=60)
"""How late a step may be before it is a fault."""
WORKER_SILENT_FOR = timedelta(seconds=30)
WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Watched:
    """An open red or orange alert: when something is to happen with it next, and whether anybody has it."""

    number: int
    next_at: datetime | None
    is_taken: bool
    is_unreached: bool = False


@dataclass(frozen=True, slots=True)
class Beat:
    """When a loop last went round, and within which time it is to do so again."""

    at: datetime
    within: timedelta


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the database says at one moment. `oldest_due_at` is since when the oldest notice of an alert waits."""

    alerts: Sequence[Watched]
    oldest_due_at: datetime | None
    beats: Mapping[str, Beat]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be: a word for it, what it is about, and since how long."""

    word: str
    about: str
    lasting: timedelta = timedelta()

    def __str__(self) -> str:
        seconds = f" for {int(self.lasting.total_seconds())} s" if self.lasting else ""
        return f"{self.about}: {self.word}{seconds}"


def find_faults(pulse: Pulse, now: datetime, *, is_worker_needed: bool = True) -> list[Fault]:
    """Everything that is late, stuck or reaches nobody; empty when all is well.

    Without `is_worker_needed` a worker that has never run is none: so asks a worker about itself.
    """
    return [
        *_workers(pulse, now, is_worker_needed=is_worker_needed),
        *_alerts(pulse, now),
        *_queue(pulse, now),
    ]


def _workers(pulse: Pulse, now: datetime, *, is_worker_needed: bool) -> list[Fault]:
    worker = pulse.beats.get(WORKER)
    if worker is None:
        return [Fault("has never run (flask worker)", WORKER)] if is_worker_needed else []
    if now - worker.at > WORKER_SILENT_FOR:
        return [Fault("silent", WORKER, now - worker.at)]
    return [
        Fault("stuck", f"loop {name}", now - beat.at)
        for name, beat in sorted(pulse.beats.items())
        if name != WORKER and now - beat.at > beat.within
    ]


def _alerts(pulse: Pulse, now: datetime) -> list[Fault]:
    found = []
    for alert in pulse.alerts:
        if alert.next_at is None and not alert.is_taken:
            found.append(Fault("nothing is going to happen", f"alert A{alert.number}"))
        elif alert.next_at is not None and now - alert.next_at > LATE_FOR:
            found.append(Fault("late", f"alert A{alert.number}", now - alert.next_at))
        if alert.is_unreached:
            found.append(Fault("nobody can be reached", f"alert A{alert.number}"))
    return found


def _queue(pulse: Pulse, now: datetime) -> list[Fault]:
    if pulse.oldest_due_at is None or now - pulse.oldest_due_at <= LATE_FOR:
        return []
    return [Fault("not sent", "notice of an alert", now - pulse.oldest_due_at)]
