"""Whose alert it is by day and by night: a pure rule.

By day the counselor of the student's class, who knows the student. By night, at weekends and on holidays whoever is on
duty, and the class's counselor has a copy in the morning.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Hours:
    """From `day_starts` up to `day_ends` of a working day it is day. `copy_at` is the morning's hour for copies."""

    zone: ZoneInfo
    is_working_day: Callable[[date], bool]
    day_starts: time = time(8, 0)
    day_ends: time = time(18, 0)
    copy_at: time = time(7, 30)


def is_day(hours: Hours, at: datetime) -> bool:
    """True in the office hours of a working day."""
    local = at.astimezone(hours.zone)
    return hours.is_working_day(local.date()) and hours.day_starts <= local.time() < hours.day_ends


def copy_due_at(hours: Hours, raised_at: datetime) -> datetime | None:
    """When the class's counselor gets a copy of what was raised at `raised_at`; None by day, when they have it."""
    if is_day(hours, raised_at):
        return None
    local = raised_at.astimezone(hours.zone)
    day = local.date() if local.time() < hours.copy_at else local.date() + timedelta(days=1)
    return datetime.combine(day, hours.copy_at, hours.zone)
