"""When a series is due: planned times from its rule, the school's calendar and the quiet hours. No database here."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from bot.reminders.series import Relative, Series, Weekly

_WEEK = 7


class Schedule:
    """Answers when a series was and will be planned. `days` are the calendar's key dates; a blank one is None."""

    def __init__(self, days: Mapping[str, date | None], zone: ZoneInfo) -> None:
        self._days = days
        self._zone = zone

    def latest(self, series: Series, now: datetime) -> datetime | None:
        """The last planned time that is not later than `now` and not so late that the text makes no sense any more."""
        earliest = now - series.misfire
        planned = self.following(series, earliest)
        latest = None
        while planned is not None and planned <= now:
            latest = planned
            planned = self.following(series, planned)
        return latest

    def following(self, series: Series, after: datetime) -> datetime | None:
        """The first planned time later than `after`; None if there is none, or its key date is blank."""
        if isinstance(series.when, Relative):
            planned = self._relative(series.when)
            return planned if planned is not None and planned > after else None
        trigger = _trigger(series.when, self._zone)
        # the trigger rounds up to the next whole second, so this is later than `after` and skips nothing
        found: datetime | None = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
        return found

    def missing_day(self, series: Series) -> str | None:
        """The key date that this series waits for."""
        if isinstance(series.when, Relative) and self._relative(series.when) is None:
            return series.when.relative_to
        return None

    def occurrence(self, planned_at: datetime) -> int:
        """A number that grows by one from week to week."""
        return planned_at.astimezone(self._zone).date().toordinal() // _WEEK

    def _relative(self, when: Relative) -> datetime | None:
        day = self._days.get(when.relative_to)
        if day is None:
            return None
        return datetime.combine(day + timedelta(days=when.days), time(when.hour, when.minute), self._zone)


def after_quiet(moment: datetime, *, quiet: tuple[time, time], zone: ZoneInfo) -> datetime:
    """The moment itself, or the end of the quiet hours that it falls into."""
    start, end = quiet
    local = moment.astimezone(zone)
    clock = local.time()
    inside = start <= clock < end if start <= end else clock >= start or clock < end
    if not inside or start == end:
        return moment
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(day, end, zone)


def _trigger(when: Weekly, zone: ZoneInfo) -> CronTrigger:
    months = ",".join(str(month) for month in when.months) or "*"
    return CronTrigger(day_of_week=when.day_of_week, hour=when.hour, minute=when.minute, month=months, timezone=zone)
