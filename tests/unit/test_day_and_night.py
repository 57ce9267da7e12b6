"""Whose alert it is by day and by night, and which days are worked."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.escalation.day_and_night import Hours, copy_due_at, is_day
from bot.workdays import Workdays

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = Hours(ZONE, Workdays().is_working_day)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """June 2027: the 7th is a Monday."""
    return datetime(2027, 6, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(7, 8), True),
        (at(7, 7, 59), False),
        (at(7, 17, 59), True),
        (at(7, 18), False),
        (at(7, 0), False),
        (at(12, 10), False),  # a Saturday
        (at(13, 10), False),
    ],
)
def test_it_is_day_in_office_hours_of_working_days(moment: datetime, expected: bool):
    assert is_day(HOURS, moment) is expected


@pytest.mark.parametrize(
    ("raised", "due"),
    [
        (at(7, 10), None),  # by day it was theirs
        (at(7, 18), at(8, 7, 30)),
        (at(7, 23, 59), at(8, 7, 30)),
        (at(8, 0), at(8, 7, 30)),
        (at(8, 7, 29), at(8, 7, 30)),
        (at(8, 7, 30), at(9, 7, 30)),
        (at(12, 12), at(13, 7, 30)),
    ],
)
def test_a_copy_of_the_night_is_due_in_the_morning(raised: datetime, due: datetime | None):
    assert copy_due_at(HOURS, raised) == due


class TestWorkdays:
    def test_the_states_holidays_and_make_up_days(self):
        """From the notice for 2026: 1 October is free, Saturday 10 October is worked."""
        days = Workdays()
        assert not days.is_working_day(date(2026, 10, 1))
        assert days.is_working_day(date(2026, 10, 10))
        assert days.is_known(date(2026, 12, 31))

    def test_a_year_that_is_not_out_yet_is_monday_to_friday_and_says_so(self):
        days = Workdays()
        assert days.is_working_day(date(2027, 10, 1))
        assert not days.is_working_day(date(2027, 10, 2))
        assert not days.is_known(date(2027, 1, 4))

    def test_the_schools_own_days_win(self):
        days = Workdays(holidays=[date(2027, 10, 1)], workdays=[date(2027, 10, 9), date(2026, 10, 1)])
        assert not days.is_working_day(date(2027, 10, 1))
        assert days.is_working_day(date(2027, 10, 9))
        assert days.is_working_day(date(2026, 10, 1))
        assert days.is_known(date(2027, 5, 1))


def test_another_school_has_other_hours():
    hours = Hours(ZONE, lambda _: True, day_starts=time(9), day_ends=time(21), copy_at=time(8, 15))
    assert is_day(hours, at(12, 20, 59))
    assert copy_due_at(hours, at(12, 21)) == at(13, 8, 15)
