"""What a change of a profile shows, and which deadlines a student is told of on which day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reminders.deadlines import STAGES, Deadline, deadline_text, due_reminders
from bot.reminders.steps import STEPS, steps_shown

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ({"dorm": "8-101"}, {"dorm": ""}, ["dorm_left"]),
        ({"dorm": ""}, {"dorm": ""}, []),
        ({"dorm": "8-101"}, {"dorm": "9-202"}, []),
        ({"dorm": "8-101"}, {}, []),
        ({"has_loan": True}, {"has_loan": False}, ["loan_confirmed"]),
        ({"has_loan": None}, {"has_loan": False}, []),
        ({"has_loan": True}, {"has_loan": None}, []),
        ({"destination": ""}, {"destination": "升学"}, ["destination_registered"]),
        ({"destination": "未就业"}, {"destination": "就业"}, ["destination_registered"]),
        ({"destination": "升学"}, {"destination": "就业"}, []),
        ({"destination": ""}, {"destination": "未就业"}, []),
        ({}, {"dorm": "", "has_loan": False, "destination": "就业"}, []),
        (
            {"dorm": "8-101", "has_loan": True, "destination": None},
            {"dorm": "", "has_loan": False, "destination": "就业"},
            list(STEPS),
        ),
    ],
)
def test_a_step_is_a_change_and_not_a_gap_in_the_list(
    before: dict[str, object], after: dict[str, object], steps: list[str]
):
    assert list(steps_shown(before, after)) == steps


def at(day: int, hour: int = 10) -> datetime:
    return datetime(2027, 6, day, hour, tzinfo=ZONE)


LOAN = Deadline("loan", "助学贷款毕业确认", at(18, 17))
DORM = Deadline("dorm", "退宿验房", at(20, 12))


@pytest.mark.parametrize(
    ("day", "stage"),
    [(10, None), (11, 7), (12, 7), (14, 7), (15, 3), (16, 3), (17, 1), (18, 0), (19, None)],
)
def test_a_stage_on_its_day_or_made_up_for_until_the_next(day: int, stage: int | None):
    found = due_reminders([LOAN], now=at(day), zone=ZONE, told=())
    assert [one.stage for one in found] == ([] if stage is None else [stage])


def test_each_stage_once_and_anew_when_the_deadline_moves():
    (first,) = due_reminders([LOAN], now=at(11), zone=ZONE, told=())
    assert first.key == "loan:2027-06-18:7"
    assert due_reminders([LOAN], now=at(12), zone=ZONE, told={first.key}) == []
    moved = Deadline("loan", LOAN.title, at(19, 17))
    assert len(due_reminders([moved], now=at(12), zone=ZONE, told={first.key})) == 1


def test_one_that_has_passed_today_is_not_mentioned():
    assert due_reminders([LOAN], now=at(18, 17), zone=ZONE, told=()) == []


def test_days_are_the_schools():
    """Five in the afternoon in UTC is the next day at the school."""
    (one,) = due_reminders([LOAN], now=datetime(2027, 6, 16, 17, tzinfo=UTC), zone=ZONE, told=())
    assert one.days_left == 1


def test_one_message_for_all_the_most_pressing_first():
    found = due_reminders([DORM, LOAN], now=at(17), zone=ZONE, told=())
    assert deadline_text(found, ZONE) == (
        "【截止】还没办的，快到时间了：\n"
        "· 助学贷款毕业确认：明天截止（6月18日 周五 17:00 前）\n"
        "· 退宿验房：还有 3 天（6月20日 周日 12:00 前）\n"
        "怎么办、去哪办，直接问我。办好了就不用管这条。"
    )


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.lists(st.timedeltas(timedelta(minutes=5), timedelta(days=4)), max_size=60),
)
def test_whenever_one_looks_no_stage_twice_and_none_after_the_end(days: list[int], pauses: list[timedelta]):
    deadlines = [
        Deadline(f"s{number}", f"第 {number} 步", datetime(2027, 6, 1, 17, tzinfo=ZONE) + timedelta(days=day))
        for number, day in enumerate(days)
    ]
    now, told = datetime(2027, 5, 20, 9, tzinfo=ZONE), list[str]()
    for pause in [timedelta(), *pauses]:
        now += pause
        found = due_reminders(deadlines, now=now, zone=ZONE, told=told)
        assert len({one.deadline.step for one in found}) == len(found)
        for one in found:
            assert now < one.deadline.at
            assert 0 <= one.days_left <= one.stage <= max(STAGES)
            assert one.days_left == (one.deadline.at.date() - now.date()).days
        told += [one.key for one in found]
    assert len(set(told)) == len(told)
    assert all(len([key for key in told if key.startswith(f"{one.step}:")]) <= len(STAGES) for one in deadlines)


def test_who_looks_every_day_is_told_all_four_stages():
    told: list[str] = []
    for day in range(1, 25):
        told += [one.key for one in due_reminders([LOAN], now=at(day), zone=ZONE, told=told)]
    assert told == [f"loan:{date(2027, 6, 18)}:{stage}" for stage in STAGES]
