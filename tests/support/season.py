"""What must never be in the ledger of reminders, as a checker that tests of whole seasons share."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.outbox.records import DeliveryRecord
from bot.reminders.records import ReminderGivenRecord, ReminderRunRecord

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Given:
    """One row of the ledger with its planned time; `at` and `planned` in the school's zone."""

    contact: str
    series: str
    planned: datetime
    at: datetime
    text: str
    outcome: str
    reason: str = ""


def read_ledger(session: Session) -> list[Given]:
    """Every row of runs, in the order in which they were written."""
    query = (
        select(ReminderGivenRecord, ReminderRunRecord.planned_at)
        .join(ReminderRunRecord, ReminderRunRecord.id == ReminderGivenRecord.source_id)
        .order_by(ReminderGivenRecord.id)
    )
    return [
        Given(
            row.contact,
            row.series,
            planned.astimezone(ZONE),
            row.at.astimezone(ZONE),
            row.text,
            row.outcome,
            row.reason,
        )
        for row, planned in session.execute(query)
    ]


def find_faults(
    ledger: Iterable[Given],
    *,
    texts: Mapping[str, int],
    quiet: tuple[time, time],
    per_day: int,
    per_week: int,
) -> list[str]:
    """One line for everything that a student should not have had. `texts` is how many each series has."""
    faults: list[str] = []
    reached: dict[str, list[Given]] = defaultdict(list)
    seen: set[tuple[str, str, datetime]] = set()
    for one in ledger:
        key = (one.contact, one.series, one.planned)
        if key in seen:
            faults.append(f"twice: {one}")
        seen.add(key)
        start, end = quiet
        if one.at.time() >= start or one.at.time() < end:
            faults.append(f"in quiet hours: {one}")
        if one.at < one.planned:
            faults.append(f"too early: {one}")
        if one.outcome != "skipped":
            reached[one.contact].append(one)
        elif not one.reason:
            faults.append(f"skipped without a reason: {one}")
    for several in reached.values():
        faults += _too_many(several, per_day, per_week) + _repeats(several, texts)
    return faults


def _too_many(several: Sequence[Given], per_day: int, per_week: int) -> list[str]:
    days = Counter(one.at.date() for one in several)
    faults = [f"{count} on {day}" for day, count in days.items() if count > per_day]
    for one in several:
        week = [other for other in several if timedelta() <= one.at - other.at < timedelta(days=7)]
        if len(week) > per_week:
            faults.append(f"{len(week)} in the week before {one}")
    return faults


def _repeats(several: Sequence[Given], texts: Mapping[str, int]) -> list[str]:
    faults = []
    read: dict[str, Counter[str]] = defaultdict(Counter)
    for one in several:
        counts = read[one.series]
        if counts[one.text] and (len(counts) < texts[one.series] or counts[one.text] > min(counts.values())):
            faults.append(f"again before all were read: {one}")
        counts[one.text] += 1
    return faults


def sent_twice(session: Session) -> list[str]:
    """Keys of reminders that have more than one delivery."""
    keys = session.scalars(select(DeliveryRecord.dedup_key).where(DeliveryRecord.subject.like("reminder:%"))).all()
    return [str(key) for key, count in Counter(keys).items() if count > 1]
