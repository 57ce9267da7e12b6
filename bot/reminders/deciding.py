"""Whether one student gets a due reminder now, and in which words: pure rules."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """What becomes of one reminder for one student."""

    SEND = "queued"
    HOLD = "held"
    SKIP = "skipped"


class Reason(StrEnum):
    """Why it is not sent now; empty if it is."""

    NONE = ""
    OPEN_ALERT = "open_alert"
    CAP_DAY = "cap_day"
    CAP_WEEK = "cap_week"
    WINDOW = "window"
    LATE = "late"
    NOT_WANTED = "not_wanted"

    @property
    def words(self) -> str:
        """As an operator reads it."""
        return _WORDS[self]

    @property
    def passes(self) -> bool:
        """True for what may be otherwise in an hour."""
        return self in (Reason.OPEN_ALERT, Reason.CAP_DAY, Reason.CAP_WEEK)


_WORDS = {
    Reason.NONE: "马上发",
    Reason.OPEN_ALERT: "有没关的红色或橙色警报",
    Reason.CAP_DAY: "今天已经收到过",
    Reason.CAP_WEEK: "7 天里已经够多",
    Reason.WINDOW: "等学生下次说话时给",
    Reason.LATE: "太晚了，说了也没有用",
    Reason.NOT_WANTED: "退订了，或者不再关注",
}


@dataclass(frozen=True, slots=True)
class Caps:
    """How many reminders one student gets on one day of the school's zone, and within seven days."""

    per_day: int
    per_week: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a student when a reminder is due.

    `left` is how many messages the platform still allows beside those on their way. `today` and `week` count the
    reminders of this day and of the last seven days, sent or held.
    """

    left: int
    in_pain: bool = False
    today: int = 0
    week: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The way and the reason."""

    way: Way
    reason: Reason = Reason.NONE


def decide(standing: Standing, *, caps: Caps, reserve: int, urgent: bool) -> Verdict:
    """Skip, hold or send.

    Nobody about whom people worry gets a reminder, urgent or not: until the alert is closed every word to them is a
    person's or a plain reply. Urgent ones are beyond the caps. The last `reserve` messages of the platform's window are
    kept for alerts.
    """
    if standing.in_pain:
        return Verdict(Way.SKIP, Reason.OPEN_ALERT)
    if not urgent and standing.today >= caps.per_day:
        return Verdict(Way.SKIP, Reason.CAP_DAY)
    if not urgent and standing.week >= caps.per_week:
        return Verdict(Way.SKIP, Reason.CAP_WEEK)
    if standing.left <= (0 if urgent else reserve):
        return Verdict(Way.HOLD, Reason.WINDOW)
    return Verdict(Way.SEND)


def fingerprint(text: str) -> str:
    """Twelve characters that name a text: another wording is another text."""
    return hashlib.blake2s(text.encode(), digest_size=6).hexdigest()


def choose(texts: Sequence[str], given: Mapping[str, int]) -> str:
    """The text that this student has been given least often, the first written of these.

    `given` counts by fingerprint. So none comes again before all have been given, whatever was edited meanwhile.
    """
    return min(texts, key=lambda text: given.get(fingerprint(text), 0))
