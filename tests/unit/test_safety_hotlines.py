"""Which lines are shown at which hour."""

from datetime import datetime, time

import pytest

from bot.safety.hotlines import HotlinesError, load_hotlines, open_lines

NIGHT = datetime(2026, 6, 17, 3, 0)  # noqa: DTZ001 - the school's wall clock; a Wednesday
MORNING = datetime(2026, 6, 17, 10, 0)  # noqa: DTZ001 - likewise
SATURDAY = datetime(2026, 6, 20, 10, 0)  # noqa: DTZ001 - likewise
NATIONAL_DAY = datetime(2026, 10, 1, 10, 0)  # noqa: DTZ001 - a Thursday

FILE = """
emergency:
  - {number: "120", name: 急救, region: 全国, hours: always, grade: A, source: s, verified: 2026-01-01}
lines:
  - {number: "1", name: 学校, region: 本校, hours: {周三: "08:30-12:00 13:30-17:00", 周四: "08:30-17:00"},
     holidays: closed, grade: A, source: s, verified: 2026-01-01}
  - {number: "2", name: 未核实, region: 全国, hours: unverified, grade: A, source: s, verified: 2026-01-01}
  - {number: "3", name: 全天, region: 北京, hours: always, grade: A, source: s, verified: 2026-01-01}
  - {number: 【请学校填写】, name: 空, region: 本校, hours: always, grade: A, source: s, verified: 2026-01-01}
  - {number: "4", name: 夜间, region: 北京, hours: {周二: "20:00-24:00", 周三: "00:00-04:00"}, grade: A, source: s,
     verified: 2026-01-01}
holidays: [10-01, 2026-06-19]
"""


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "hotlines.yaml"
    path.write_text(FILE, encoding="utf-8")
    return load_hotlines(path)


def numbers(at, book):
    return [shown.line.number for shown in open_lines(at, book)]


def test_at_night_a_line_that_sleeps_is_not_shown(book):
    assert numbers(NIGHT, book) == ["3", "4", "2"]


def test_in_office_hours_the_school_is_there(book):
    assert numbers(MORNING, book) == ["1", "3", "2"]


def test_at_noon_and_at_closing_time_it_is_not(book):
    assert "1" not in numbers(MORNING.replace(hour=12, minute=30), book)
    assert "1" not in numbers(MORNING.replace(hour=17), book)
    assert "1" in numbers(MORNING.replace(hour=16, minute=59), book)


def test_on_a_holiday_and_at_the_weekend_it_is_not(book):
    assert "1" not in numbers(NATIONAL_DAY, book)
    assert "1" not in numbers(SATURDAY, book)


def test_hours_that_nobody_verified_are_not_called_open(book):
    shown = next(line for line in open_lines(MORNING, book) if line.line.number == "2")
    assert not shown.confirmed
    assert "24 小时" not in str(shown)
    assert "到" not in str(shown)


def test_the_closing_hour_is_told(book):
    assert open_lines(MORNING, book)[0].until == time(12)
    assert "今天到 12:00" in str(open_lines(MORNING, book)[0])


@pytest.mark.parametrize("at", [NIGHT, MORNING, SATURDAY, NATIONAL_DAY])
def test_the_shipped_lines_leave_nobody_without_one(at):
    """Day and night, holiday or not: 110, 120 and at least one line that is known to answer."""
    book = load_hotlines()
    assert {line.number for line in book.emergency} == {"110", "120"}
    assert any(shown.confirmed for shown in open_lines(at, book))
    assert not any("【" in str(shown) for shown in open_lines(at, book))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hours: unverified", "hours: sometimes"),
        ("周四:", "星期四:"),
        ("08:30-17:00", "17:00-08:30"),
        ("08:30-17:00", "8点-17:00"),
        ("grade: A, source: s,\n", "source: s,\n"),
        ("lines:", "linen:"),
    ],
)
def test_a_fault_in_the_file_is_named(tmp_path, old, new):
    path = tmp_path / "broken.yaml"
    path.write_text(FILE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HotlinesError):
        load_hotlines(path)
