"""When a person can be expected to answer: the end of the next working day, on the school's clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.cases.working_days import next_working_day_end
from bot.workdays import Workdays

ZONE = ZoneInfo("Asia/Shanghai")
WORKED = Workdays().is_working_day


@pytest.mark.parametrize(
    ("asked", "promised"),
    [
        ((2027, 6, 7, 9, 0), (2027, 6, 8)),  # Monday → Tuesday
        ((2027, 6, 8, 23, 59), (2027, 6, 9)),
        ((2027, 6, 10, 16, 0), (2027, 6, 11)),  # Thursday → Friday
        ((2027, 6, 11, 0, 0), (2027, 6, 14)),  # Friday → Monday
        ((2027, 6, 12, 12, 0), (2027, 6, 14)),
        ((2027, 6, 13, 23, 59), (2027, 6, 14)),
        ((2027, 12, 31, 12, 0), (2028, 1, 3)),  # a Friday at the year's end
        ((2026, 9, 30, 12, 0), (2026, 10, 8)),  # the day before the National Day's week
        ((2026, 10, 9, 12, 0), (2026, 10, 10)),  # a Saturday that makes up for it
    ],
)
def test_five_in_the_afternoon_of_the_next_working_day(asked: tuple[int, ...], promised: tuple[int, ...]):
    now = datetime(*asked, tzinfo=ZONE)  # type: ignore[arg-type,misc]
    assert next_working_day_end(now, ZONE, WORKED) == datetime(*promised, 17, tzinfo=ZONE)  # type: ignore[misc]


def test_the_day_is_the_schools_not_the_servers():
    """Half past four in the afternoon in UTC is already tomorrow at the school."""
    asked = datetime(2027, 6, 9, 16, 30, tzinfo=UTC)  # Thursday 00:30 in Shanghai
    assert next_working_day_end(asked, ZONE, WORKED) == datetime(2027, 6, 11, 17, tzinfo=ZONE)


def test_it_is_always_a_working_day_within_four_days_and_never_today():
    for hour in range(24 * 21):
        asked = datetime(2027, 6, 1, tzinfo=ZONE) + timedelta(hours=hour)
        promised = next_working_day_end(asked, ZONE, WORKED)
        assert promised.weekday() < 5
        assert asked.date() < promised.date() <= asked.date() + timedelta(days=3)
