"""When a person can be expected to answer: the end of the next working day. A pure rule.

Monday to Friday; public holidays come with the duty rota's calendar.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_OFFICE_CLOSES = time(17, 0)
_FRIDAY = 4


def next_working_day_end(now: datetime, zone: ZoneInfo) -> datetime:
    """17:00 of the first Monday-to-Friday after today, in `zone`."""
    day = now.astimezone(zone).date() + timedelta(days=1)
    while day.weekday() > _FRIDAY:
        day += timedelta(days=1)
    return datetime.combine(day, _OFFICE_CLOSES, zone)
