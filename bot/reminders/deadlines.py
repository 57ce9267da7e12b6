"""Which deadlines a student is reminded of today: T-7, T-3, T-1 and the last day. Pure; their source is open.

A source answers `(session, contact)` with the deadlines of the steps that this student still has open.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

STAGES = (7, 3, 1, 0)
"""Days before the deadline's day."""
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment until which a student has to have done a step; `title` as the student reads it."""

    step: str
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DeadlineReminder:
    """One stage of one deadline, due now."""

    deadline: Deadline
    stage: int
    days_left: int
    key: str
    """Names the step, the day and the stage: a deadline that is moved is told of anew."""


def due_reminders(
    deadlines: Iterable[Deadline], *, now: datetime, zone: ZoneInfo, told: Collection[str]
) -> list[DeadlineReminder]:
    """What the student is to be told at `now`, the most pressing first. `told` are the keys of what they were told.

    A stage whose day was missed is made up for until the next one, with the days that are left by then. A deadline
    that has passed is not mentioned.
    """
    today = now.astimezone(zone).date()
    found = []
    for deadline in deadlines:
        day = deadline.at.astimezone(zone).date()
        left = (day - today).days
        stage = min((stage for stage in STAGES if stage >= left), default=None)
        if stage is None or left < 0 or now >= deadline.at:
            continue
        key = f"{deadline.step}:{day:%Y-%m-%d}:{stage}"
        if key not in told:
            found.append(DeadlineReminder(deadline, stage, left, key))
    return sorted(found, key=lambda one: (one.deadline.at, one.deadline.step))


def deadline_text(reminders: Sequence[DeadlineReminder], zone: ZoneInfo) -> str:
    """One message for all of them: a student gets at most one a day, however much is due."""
    lines = [f"· {one.deadline.title}：{_when(one, zone)}" for one in reminders]
    return "\n".join(("【截止】还没办的，快到时间了：", *lines, "怎么办、去哪办，直接问我。办好了就不用管这条。"))


def _when(one: DeadlineReminder, zone: ZoneInfo) -> str:
    at = one.deadline.at.astimezone(zone)
    left = {0: "今天截止", 1: "明天截止"}.get(one.days_left, f"还有 {one.days_left} 天")
    return f"{left}（{at.month}月{at.day}日 周{_WEEKDAYS[at.weekday()]} {at:%H:%M} 前）"
