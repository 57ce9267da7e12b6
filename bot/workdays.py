"""Which days are worked: the state's holidays and make-up days, and the school's own table above them. Pure.

Source: the State Council's yearly notice of holidays, as the package chinesecalendar has it. A year that it does not
have yet falls back to Monday to Friday, and `is_known` says so, for somebody to fill the table.
"""

from collections.abc import Collection
from datetime import date

import chinese_calendar

_FRIDAY = 4


class Workdays:
    """A calendar of working days. The school's own days win over the state's."""

    def __init__(self, *, holidays: Collection[date] = (), workdays: Collection[date] = ()) -> None:
        """`holidays` are free whatever the weekday, `workdays` are worked whatever the weekday."""
        self._holidays = frozenset(holidays)
        self._workdays = frozenset(workdays)
        self._years_filled = {day.year for day in holidays}

    def is_working_day(self, day: date) -> bool:
        """True if people are at work on `day`."""
        if day in self._holidays:
            return False
        if day in self._workdays:
            return True
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            return day.weekday() <= _FRIDAY

    def is_known(self, day: date) -> bool:
        """False if the holidays of the day's year are in neither table, so that only weekends are free."""
        if day.year in self._years_filled:
            return True
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:
            return False
        return True
