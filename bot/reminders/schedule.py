"""When a series is due: planned times from its rules, the school's calendar, working days and pauses. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.reminders.series import AfterStep, Pause, Relative, Rule, Series, Weekly
from bot.workdays import Workdays

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FARTHEST_MOVE = 11  # days: longer than the longest public holiday
_LOOK_AHEAD = (60, 400, 1200)  # days: most answers are near


class Schedule:
    """Answers when a series was and will be planned. `days` are the calendar's key dates; a blank one is None."""

    def __init__(
        self,
        days: Mapping[str, date | None],
        zone: ZoneInfo,
        *,
        pauses: Sequence[Pause] = (),
        is_working_day: Callable[[date], bool] | None = None,
    ) -> None:
        self._days = days
        self.zone = zone
        self._pauses = tuple(pauses)
        self._is_working_day = is_working_day or Workdays().is_working_day

    def planned(self, series: Series, after: datetime, until: datetime) -> list[datetime]:
        """The planned times later than `after` and not later than `until`, in order."""
        first = after.astimezone(self.zone).date() - timedelta(days=_FARTHEST_MOVE)
        last = until.astimezone(self.zone).date() + timedelta(days=_FARTHEST_MOVE)
        found = {at for rule in series.rules for at in self._times(rule, first, last) if after < at <= until}
        return sorted(found)

    def latest(self, series: Series, now: datetime) -> datetime | None:
        """The last planned time that is not later than `now` and not so late that the text makes no sense any more."""
        return max(self.planned(series, now - series.misfire, now), default=None)

    def following(self, series: Series, after: datetime) -> datetime | None:
        """The first planned time later than `after`; None if there is none, or its key date is blank."""
        for ahead in _LOOK_AHEAD:
            found = self.planned(series, after, after + timedelta(days=ahead))
            if found:
                return found[0]
        return None

    def missing_day(self, series: Series) -> str | None:
        """The key date that this series waits for."""
        relative = (rule for rule in series.rules if isinstance(rule, Relative))
        return next((rule.relative_to for rule in relative if self._days.get(rule.relative_to) is None), None)

    def _times(self, rule: Rule, first: date, last: date) -> Iterator[datetime]:
        """Every planned time whose nominal day is from `first` to `last`."""
        if isinstance(rule, AfterStep):
            return
        for nominal in self._nominal(rule, first, last):
            day = self._moved(nominal, rule)
            if day is not None and not (isinstance(rule, Weekly) and self._rests(day)):
                yield datetime.combine(day, time(rule.hour, rule.minute), self.zone)

    def _nominal(self, rule: Weekly | Relative, first: date, last: date) -> Iterator[date]:
        if isinstance(rule, Relative):
            key_date = self._days.get(rule.relative_to)
            if key_date is not None and first <= key_date + timedelta(days=rule.days) <= last:
                yield key_date + timedelta(days=rule.days)
            return
        wanted = _DAYS.index(rule.day_of_week)
        day = first + timedelta(days=(wanted - first.weekday()) % 7)
        while day <= last:
            in_month = not rule.months or day.month in rule.months
            if in_month and (not rule.nth or (day.day - 1) // 7 + 1 in rule.nth):
                yield day
            day += timedelta(days=7)

    def _moved(self, day: date, rule: Weekly | Relative) -> date | None:
        """The day on which it goes; None where it is left out."""
        if rule.workday == "any" or self._is_working_day(day):
            return day
        if rule.workday == "skip":
            return None
        step = timedelta(days=1 if rule.workday == "after" else -1)
        others = (day + step * number for number in range(1, _FARTHEST_MOVE))
        return next((other for other in others if self._is_working_day(other)), None)

    def _rests(self, day: date) -> bool:
        for pause in self._pauses:
            key_date = self._days.get(pause.relative_to)
            if key_date is not None and pause.first <= (day - key_date).days <= pause.last:
                return True
        return False


def is_quiet(moment: datetime, *, quiet: tuple[time, time], zone: ZoneInfo) -> bool:
    """True within the quiet hours, which may go over midnight; the same hour twice is never quiet."""
    start, end = quiet
    clock = moment.astimezone(zone).time()
    return start <= clock < end if start <= end else clock >= start or clock < end
