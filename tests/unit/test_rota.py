"""The duty rota's file: what a row may say, nights that end on the next day, every bad row by its line."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from bot.escalation.rota_files import read_rota
from bot.escalation.rotation import Shift
from bot.tables import BadTableError

ZONE = ZoneInfo("Asia/Shanghai")
Listed = Callable[..., Path]


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    """A rota of these rows."""

    def make(*rows: str) -> Path:
        path = tmp_path / "rota.csv"
        path.write_text("\n".join(["日期,开始,结束,工号,学院", *rows, ""]), encoding="utf-8")
        return path

    return make


def read(path: Path) -> list[Shift]:
    return read_rota(path, zone=ZONE, known={"1001", "1002"})


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2027, 6, day, hour, minute, tzinfo=ZONE)


def test_a_day_and_a_night(listed: Listed):
    """A shift that ends before it starts ends on the next day."""
    assert read(listed("2027-06-18,08:00,18:00,1001,体育教育学院", "2027-06-18,18:00,08:00,1002,")) == [
        Shift("1001", "体育教育学院", at(18, 8), at(18, 18)),
        Shift("1002", "", at(18, 18), at(19, 8)),
    ]


@pytest.mark.parametrize(
    "day", ["2027-06-18", "2027/06/18", "2027/6/18", "2027.6.18", " 2027-6-18 ", "2027-06-18 00:00:00"]
)
def test_days_as_people_and_excel_write_them(listed: Listed, day: str):
    assert read(listed(f"{day},08:00,18:00,1001,"))[0].starts_at == at(18, 8)


@pytest.mark.parametrize("hour", ["08:00", "8:00", "08:00:00", "8:00:00", " 8:00", "8：00"])
def test_hours_as_people_and_excel_write_them(listed: Listed, hour: str):
    assert read(listed(f"2027-06-18,{hour},18:00,1001,"))[0].starts_at == at(18, 8)


@pytest.mark.parametrize("midnight", ["24:00", "00:00", "0:00"])
def test_midnight_ends_the_day(listed: Listed, midnight: str):
    assert read(listed(f"2027-06-18,18:00,{midnight},1001,"))[0].ends_at == at(19, 0)


def test_the_same_hour_twice_is_a_whole_day(listed: Listed):
    (shift,) = read(listed("2027-06-18,08:00,08:00,1001,"))
    assert shift.ends_at - shift.starts_at == timedelta(days=1)


def test_the_last_day_of_a_year(listed: Listed):
    (shift,) = read(listed("2027-12-31,22:00,06:00,1001,"))
    assert shift.ends_at == datetime(2028, 1, 1, 6, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("2027-06-18,08:00,18:00,9999,", "第 2 行：工号 9999 不在教职工名单里，请先 flask staff import"),
        ("2027-06-18,08:00,18:00,,", "第 2 行：工号 （空） 不在教职工名单里"),
        ("18.06,08:00,18:00,1001,", "第 2 行：日期“18.06”应写成 2027-06-18"),
        ("2027-02-30,08:00,18:00,1001,", "第 2 行：日期“2027-02-30”应写成"),
        (",08:00,18:00,1001,", "第 2 行：日期“”应写成"),
        ("2027-06-18,早上,18:00,1001,", "第 2 行：时刻“早上”应写成 08:00"),
        ("2027-06-18,,18:00,1001,", "第 2 行：时刻“”应写成"),
        ("2027-06-18,25:00,18:00,1001,", "第 2 行：时刻“25:00”应写成"),
        ("2027-06-18,24:00,06:00,1001,", "第 2 行：时刻“24:00”只能是结束"),
        ("2027-06-18,08:00+01:00,18:00,1001,", "第 2 行：时刻“08:00+01:00”应写成"),
        (f"2027-06-18,08:00,18:00,1001,{'学' * 81}", "第 2 行：学院最多 80 个字"),
    ],
)
def test_a_bad_row_says_its_line_and_what_to_write(listed: Listed, row: str, fault: str):
    with pytest.raises(BadTableError) as caught:
        read(listed(row))
    (found,) = caught.value.faults
    assert found.startswith(fault)


def test_all_bad_rows_at_once(listed: Listed):
    with pytest.raises(BadTableError) as caught:
        read(listed("x,08:00,18:00,1001,", "2027-06-18,08:00,18:00,1001,", "2027-06-18,08:00,18:00,7,"))
    assert [fault.partition("：")[0] for fault in caught.value.faults] == ["第 2 行", "第 4 行"]


def test_an_empty_rota_is_refused(listed: Listed):
    with pytest.raises(BadTableError, match="没有任何班次"):
        read(listed())


def test_excels_own_days_and_hours(tmp_path: Path):
    path = tmp_path / "rota.xlsx"
    book = Workbook()
    assert book.active is not None
    rows: list[list[Any]] = [
        ["日期", "开始", "结束", "工号", "学院"],
        [at(18, 0).date(), at(18, 18).time(), at(18, 8).time(), 1001, None],
    ]
    for row in rows:
        book.active.append(row)
    book.save(path)
    assert read(path) == [Shift("1001", "", at(18, 18), at(19, 8))]
