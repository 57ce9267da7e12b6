"""The season on paper: days in order, a month as a calendar whose columns stand below each other."""

import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.reminders.preview import day_lines, month_lines, padded, step_lines
from bot.reminders.series import AfterStep, Series, Weekly

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = timedelta(hours=6)
FIRE = Series("dorm_fire", "宿舍消防", "安全", (Weekly("fri", 18, 40),), HOURS, ("一", "二"))
LONG = Series("loan", "贷款确认之后的注销校园贷", "反诈", (AfterStep("loan_confirmed", HOURS),), HOURS, ("三", "四"))


def at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2027, 6, day, hour, minute, tzinfo=ZONE)


PLANNED = [(at(4, 12, 20), LONG), (at(4, 18, 40), FIRE), (at(30, 12, 20), LONG)]


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def test_days_with_how_many_get_what():
    assert list(day_lines(PLANNED[:2], {"loan": (180, 20), "dorm_fire": (200, 0)}, ZONE)) == [
        "2027-06-04 周五",
        "  12:20　loan             贷款确认之后的注销校园贷（反诈）　180 人，退订 20 人",
        "  18:40　dorm_fire        宿舍消防（安全）　200 人",
    ]


def test_what_follows_on_steps():
    assert list(step_lines([FIRE, LONG])) == [
        "  loan             贷款确认之后 6 小时　贷款确认之后的注销校园贷（反诈）"
    ]


def test_a_month_is_a_calendar():
    lines = list(month_lines(PLANNED, 2027, 6, ZONE))
    assert lines[0] == "2027 年 6 月"
    assert [cell.strip() for cell in lines[1].split("|")] == [f"周{day}" for day in "一二三四五六日"]
    assert "4" in lines[2]
    cells = [line.split("|") for line in lines[2:]]
    assert [row[4].strip() for row in cells[:4]] == ["4", "12:20 贷款确认", "之后的注", "18:40 宿舍消防"]
    assert [cell.strip() for cell in cells[0]] == ["", "1", "2", "3", "4", "5", "6"]
    assert any(cell.strip() == "30" for row in cells for cell in row)
    assert not any(cell.strip() == "31" for row in cells for cell in row)


def test_the_columns_stand_below_each_other():
    for line in list(month_lines(PLANNED, 2027, 6, ZONE))[1:]:
        places = [columns(line[:index]) for index, character in enumerate(line) if character == "|"]
        assert places == [15, 31, 47, 63, 79, 95]


def test_padding_counts_what_a_terminal_shows():
    assert padded("提醒", 6) == "提醒  "
    assert padded("提醒提醒", 5) == "提醒 "
    assert padded("", 2) == "  "
