"""When a person can be expected to answer: the end of the next working day. A pure rule."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_OFFICE_CLOSES = time(17, 0)


def next_working_day_end(now: datetime, zone: ZoneInfo, is_working_day: Callable[[date], bool]) -> datetime:
    """17:00 in `zone` of the first working day after today."""
    day = now.astimezone(zone).date() + timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, _OFFICE_CLOSES, zone)
