"""The rota's other files: rotations and overrides; the header says which it is."""

from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.escalation.rota_files import Planned, read_planned
from bot.escalation.rotation import Days, Override, Rotation
from bot.tables import BadTableError

ZONE = ZoneInfo("Asia/Shanghai")
TURNS = "轮值,学院,开始,结束,起始日期,每班天数,日子,顺序,结束日期"
STAND_INS = "开始时间,结束时间,原工号,代班工号,学院"


def read(folder: Path, *lines: str) -> Planned:
    path = folder / "rota.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return read_planned(path, zone=ZONE, known={"1001", "1002"})


def test_a_rotation(tmp_path: Path):
    planned = read(
        tmp_path,
        TURNS,
        "夜班,甲学院,18:00,8:00,2027-06-07,7,工作日,1001；1002,2027-07-01",
        "周末,,0:00,24:00,2027-06-07,1,休息日,1002,",
    )
    assert planned == Planned(
        rotations=(
            Rotation("夜班", "甲学院", ("1001", "1002"), date(2027, 6, 7), time(18), time(8), 7, date(2027, 7, 1), Days.WORKING),
            Rotation("周末", "", ("1002",), date(2027, 6, 7), time(0), time(0), 1, None, Days.FREE),
        )
    )  # fmt: skip


def test_stand_ins_leave_and_extra_duty(tmp_path: Path):
    planned = read(
        tmp_path,
        STAND_INS,
        "2027-06-18 18:00,2027-06-19 8:00,1001,1002,",
        "2027/6/20 0:00:00,2027/6/20 24:00,1001,,甲学院",
        "2027-06-21 08:00,2027-06-21 09:00,,1002,",
    )
    assert planned.overrides == (
        Override(0, datetime(2027, 6, 18, 18, tzinfo=ZONE), datetime(2027, 6, 19, 8, tzinfo=ZONE), "1002", "1001"),
        Override(0, datetime(2027, 6, 20, tzinfo=ZONE), datetime(2027, 6, 21, tzinfo=ZONE), "", "1001", "甲学院"),
        Override(0, datetime(2027, 6, 21, 8, tzinfo=ZONE), datetime(2027, 6, 21, 9, tzinfo=ZONE), "1002"),
    )


def test_shifts_as_ever(tmp_path: Path):
    assert len(read(tmp_path, "日期,开始,结束,工号,学院", "2027-06-18,08:00,18:00,1001,").shifts) == 1


@pytest.mark.parametrize(
    ("header", "row", "fault"),
    [
        (TURNS, ",,18:00,8:00,2027-06-07,7,每天,1001,", "第 2 行：轮值要有名字"),
        (TURNS, "夜班,,18:00,8:00,2027-06-07,7,每天,,", "第 2 行：顺序要写轮流值班的工号"),
        (TURNS, "夜班,,18:00,8:00,2027-06-07,7,每天,1001;9,", "第 2 行：工号 9 不在教职工名单里"),
        (TURNS, "夜班,,18:00,8:00,2027-06-07,0,每天,1001,", "第 2 行：每班天数“0”应是 1 到 366 的整数"),
        (TURNS, "夜班,,18:00,8:00,2027-06-07,一周,每天,1001,", "第 2 行：每班天数“一周”应是"),
        (TURNS, "夜班,,18:00,8:00,2027-06-07,7,周一,1001,", "第 2 行：日子“周一”应是 每天、工作日、休息日 之一"),
        (TURNS, "夜班,,18:00,8:00,2027-06-07,7,每天,1001,2027-06-06", "第 2 行：结束日期早于起始日期"),
        (TURNS, "夜班,,24:00,8:00,2027-06-07,7,每天,1001,", "第 2 行：时刻“24:00”只能是结束"),
        (STAND_INS, "2027-06-18 18:00,2027-06-19 08:00,,,甲", "第 2 行：原工号和代班工号至少填一个"),
        (STAND_INS, "2027-06-18 18:00,2027-06-19 08:00,1001,1001,", "第 2 行：原工号和代班工号是同一个人"),
        (STAND_INS, "2027-06-18 18:00,2027-06-18 18:00,1001,1002,", "第 2 行：结束时间应晚于开始时间"),
        (STAND_INS, "2027-06-18,2027-06-19 08:00,1001,1002,", "第 2 行：时间“2027-06-18”应写成 2027-06-18 18:00"),
    ],
)
def test_a_bad_row_says_its_line_and_what_to_write(tmp_path: Path, header: str, row: str, fault: str):
    with pytest.raises(BadTableError) as caught:
        read(tmp_path, header, row)
    (found,) = caught.value.faults
    assert found.startswith(fault)


def test_one_name_twice_is_refused(tmp_path: Path):
    row = "夜班,,18:00,8:00,2027-06-07,7,每天,1001,"
    with pytest.raises(BadTableError, match="轮值 夜班 与第 2 行重复"):
        read(tmp_path, TURNS, row, row)


@pytest.mark.parametrize("header", [TURNS, STAND_INS, "日期,开始,结束,工号,学院", "甲,乙"])
def test_a_file_of_nothing_is_refused(tmp_path: Path, header: str):
    with pytest.raises(BadTableError):
        read(tmp_path, header)
