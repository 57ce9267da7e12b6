"""The hours in which nothing but what is urgent goes to students: a pure rule."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_quiet(moment: datetime, quiet: tuple[time, time], zone: ZoneInfo) -> bool:
    """True if the moment is in the quiet hours, which may go over midnight; the same two hours mean none."""
    start, end = quiet
    clock = moment.astimezone(zone).time()
    return start <= clock < end if start <= end else clock >= start or clock < end


def after_quiet(moment: datetime, quiet: tuple[time, time], zone: ZoneInfo) -> datetime:
    """The moment itself, or the end of the quiet hours that it falls into."""
    if not is_quiet(moment, quiet, zone):
        return moment
    local = moment.astimezone(zone)
    day = local.date() + timedelta(days=1 if local.time() >= quiet[1] else 0)
    return datetime.combine(day, quiet[1], zone)
