"""Turns, stand-ins and holidays, in the words of who plans them."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.escalation.rotation import (
    Days,
    Gap,
    OnCall,
    Override,
    Rotation,
    Schedule,
    Shift,
    expand,
    gaps,
    on_call,
    starting_on,
)

ZONE = ZoneInfo("Asia/Shanghai")
NIGHTS = Rotation("夜班", "", ("A", "B"), date(2027, 6, 7), time(18), time(8))


def at(day: int, hour: int = 0) -> datetime:
    """June 2027: the 7th is a Monday."""
    return datetime(2027, 6, day, hour, tzinfo=ZONE)


def plan(*rows: Shift | Rotation | Override) -> Schedule:
    return Schedule(
        ZONE,
        lambda day: day.weekday() < 5,
        [row for row in rows if isinstance(row, Shift)],
        [row for row in rows if isinstance(row, Rotation)],
        [row for row in rows if isinstance(row, Override)],
    )


def who(schedule: Schedule, moment: datetime) -> list[str]:
    return sorted(one.staff_no for one in on_call(schedule, moment))


def test_a_week_each_and_a_night_belongs_to_the_day_on_which_it_starts():
    schedule = plan(NIGHTS)
    assert who(schedule, at(7, 17)) == []
    assert who(schedule, at(7, 18)) == ["A"]
    assert who(schedule, at(14, 7)) == ["A"], "the night of the 13th is the last of the first week"
    assert who(schedule, at(14, 8)) == []
    assert who(schedule, at(14, 18)) == ["B"]
    assert who(schedule, at(21, 18)) == ["A"]
    assert who(schedule, at(7, 2)) == [], "nothing before the first day"


def test_days_of_work_and_days_off():
    days = Rotation("白班", "甲", ("A",), date(2027, 6, 7), time(8), time(18), days=Days.WORKING)
    free = Rotation("周末", "甲", ("B",), date(2027, 6, 7), time(0), time(0), days=Days.FREE)
    schedule = plan(days, free)
    assert [who(schedule, at(day, 12)) for day in range(10, 15)] == [["A"], ["A"], ["B"], ["B"], ["A"]]


def test_who_stands_in_can_be_stood_in_for_and_who_is_away_is_a_gap():
    ill = Override(1, at(7, 18), at(8, 8), "B", "A")
    ill_too = Override(2, at(7, 22), at(8, 8), "C", "B")
    schedule = plan(NIGHTS, ill_too, ill)
    assert [who(schedule, at(7, hour)) for hour in (18, 21, 22)] == [["B"], ["B"], ["C"]]
    away = plan(NIGHTS, Override(1, at(7, 20), at(7, 22), "", "A"))
    assert gaps(away, at(7, 18), at(8, 8)) == [Gap("", at(7, 20), at(7, 22))]


def test_somebody_beside_the_others():
    schedule = plan(NIGHTS, Override(1, at(8, 0), at(8, 4), "C", "", "甲"))
    assert on_call(schedule, at(8, 1)) == {OnCall("A", ""), OnCall("C", "甲")}


def test_a_swap_is_two_stand_ins():
    week = plan(NIGHTS, Override(1, at(8, 18), at(9, 8), "B", "A"), Override(2, at(15, 18), at(16, 8), "A", "B"))
    assert [who(week, at(day, 19)) for day in (7, 8, 9, 14, 15, 16)] == [["A"], ["B"], ["A"], ["B"], ["A"], ["B"]]


def test_a_college_without_its_own_shift_is_covered_by_one_for_all():
    schedule = plan(Shift("A", "甲", at(7), at(8)), Shift("B", "", at(7), at(7, 12)), Shift("C", "乙", at(7), at(8)))
    assert gaps(schedule, at(7), at(8)) == []
    one = plan(Shift("A", "甲", at(7), at(8)), Shift("C", "乙", at(7), at(7, 12)))
    assert gaps(one, at(7), at(8)) == [Gap("乙", at(7, 12), at(8))]


def test_who_has_left_covers_nothing():
    schedule = plan(Shift("A", "", at(7), at(8)))
    assert gaps(schedule, at(7), at(8), known={"B"}) == [Gap("", at(7), at(8))]


def test_shifts_that_start_on_a_day_are_each_for_itself():
    schedule = plan(Rotation("全天", "", ("A",), date(2027, 6, 7), time(8), time(8)))
    assert starting_on(schedule, date(2027, 6, 8)) == [Shift("A", "", at(8, 8), at(9, 8))]
    assert expand(schedule, at(8), at(11)) == [Shift("A", "", at(8), at(11))]


def test_a_rotation_ends_after_its_last_day():
    ended = Rotation("夜班", "", ("A",), date(2027, 6, 7), time(18), time(8), last_day=date(2027, 6, 8))
    assert who(plan(ended), at(9, 7)) == ["A"]
    assert who(plan(ended), at(9, 19)) == []


def test_midnight_belongs_to_the_day_that_begins():
    schedule = plan(Shift("A", "", at(7), at(8)), Shift("B", "", at(8), at(9)))
    assert who(schedule, at(8) - timedelta(microseconds=1)) == ["A"]
    assert who(schedule, at(8)) == ["B"]
