"""When a person can be expected to answer: the end of the next working day. A pure rule.

Monday to Friday; public holidays come with the duty rota's calendar.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_OFFICE_CLOSES = time(17, 0)
_FRIDAY = 4


def is_working_day(day: date) -> bool:
    """Monday to Friday."""
    return day.weekday() <= _FRIDAY


def next_working_day_end(now: datetime, zone: ZoneInfo) -> datetime:
    """17:00 of the first Monday-to-Friday after today, in `zone`."""
    day = now.astimezone(zone).date() + timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, _OFFICE_CLOSES, zone)
