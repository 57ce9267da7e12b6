"""Reads the rota's three kinds of file: shifts by date, rotations, overrides. The header says which it is."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.escalation.rotation import Days, Override, Rotation, Shift
from bot.tables import BadRowError, BadTableError, Row, convert, read_table

COLUMNS = ("日期", "开始", "结束", "工号", "学院")
ROTATION_COLUMNS = ("轮值", "学院", "开始", "结束", "起始日期", "每班天数", "日子", "顺序")
OVERRIDE_COLUMNS = ("开始时间", "结束时间", "原工号", "代班工号", "学院")
_MIDNIGHT_AT_THE_END = frozenset({"24:00", "24:00:00"})
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")
_SEPARATORS = re.compile(r"[;；、，,\s]+")
_COLLEGE_CHARACTERS = 80  # as wide as its column
_NAME_CHARACTERS = 40
_MOST_TURN_DAYS = 366


@dataclass(frozen=True, slots=True)
class Planned:
    """What one file says: rows of one of the three kinds."""

    shifts: tuple[Shift, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Override, ...] = ()


def read_planned(path: Path, *, zone: ZoneInfo, known: Collection[str]) -> Planned:
    """The rows of the file, whichever kind it is. Raises BadTableError that lists every bad row by its line."""
    rows = read_table(path, required=())
    header = rows[0].values if rows else {}
    if "轮值" in header:
        return Planned(rotations=tuple(read_rotations(path, known=known)))
    if "代班工号" in header:
        return Planned(overrides=tuple(read_overrides(path, zone=zone, known=known)))
    return Planned(shifts=tuple(read_rota(path, zone=zone, known=known)))


def read_rota(path: Path, *, zone: ZoneInfo, known: Collection[str]) -> list[Shift]:
    """The shifts of the file 日期,开始,结束,工号,学院. A shift that ends before it starts ends on the next day.

    Raises BadTableError that lists every bad row by its line; a staff number outside `known` is one.
    """

    def build(row: Row) -> Shift:
        _check_number(row["工号"], known)
        _check_college(row)
        day, start, end = _day(row["日期"]), _start(row["开始"]), _hour(row["结束"])
        starts_at = datetime.combine(day, start, zone)
        ends_at = datetime.combine(day + timedelta(days=0 if end > start else 1), end, zone)
        return Shift(row["工号"], row["学院"], starts_at, ends_at)

    shifts = convert(read_table(path, required=COLUMNS), build)
    if not shifts:
        raise BadTableError(["没有任何班次"])
    return shifts


def read_rotations(path: Path, *, known: Collection[str]) -> list[Rotation]:
    """The rotations of the file 轮值,学院,开始,结束,起始日期,每班天数,日子,顺序[,结束日期], each name once.

    Raises BadTableError that lists every bad row by its line.
    """

    def build(row: Row) -> Rotation:
        if not 0 < len(row["轮值"]) <= _NAME_CHARACTERS:
            message = f"轮值要有名字，最多 {_NAME_CHARACTERS} 个字"
            raise BadRowError(message)
        _check_college(row)
        order = tuple(number for number in _SEPARATORS.split(row["顺序"]) if number)
        if not order:
            message = "顺序要写轮流值班的工号，用分号隔开，例如 T001;T002;T003"
            raise BadRowError(message)
        for number in order:
            _check_number(number, known)
        first = _day(row["起始日期"])
        last = _day(row["结束日期"]) if row.get("结束日期") else None
        if last is not None and last < first:
            message = "结束日期早于起始日期"
            raise BadRowError(message)
        return Rotation(
            name=row["轮值"],
            college=row["学院"],
            order=order,
            first_day=first,
            last_day=last,
            turn_days=_turn_days(row["每班天数"]),
            starts=_start(row["开始"]),
            ends=_hour(row["结束"]),
            days=_days(row["日子"]),
        )

    rotations = convert(read_table(path, required=ROTATION_COLUMNS), build, unique=("轮值",))
    if not rotations:
        raise BadTableError(["没有任何轮值"])
    return rotations


def read_overrides(path: Path, *, zone: ZoneInfo, known: Collection[str]) -> list[Override]:
    """The exceptions of the file 开始时间,结束时间,原工号,代班工号,学院, numbered by their order in it.

    Raises BadTableError that lists every bad row by its line.
    """

    def build(row: Row) -> Override:
        if not row["原工号"] and not row["代班工号"]:
            message = "原工号和代班工号至少填一个：只填代班工号是加班，只填原工号是请假"
            raise BadRowError(message)
        if row["原工号"] == row["代班工号"]:
            message = "原工号和代班工号是同一个人"
            raise BadRowError(message)
        for number in filter(None, (row["原工号"], row["代班工号"])):
            _check_number(number, known)
        _check_college(row)
        starts_at, ends_at = _moment(row["开始时间"], zone), _moment(row["结束时间"], zone)
        if ends_at <= starts_at:
            message = "结束时间应晚于开始时间"
            raise BadRowError(message)
        return Override(0, starts_at, ends_at, row["代班工号"], row["原工号"], row["学院"])

    overrides = convert(read_table(path, required=OVERRIDE_COLUMNS), build)
    if not overrides:
        raise BadTableError(["没有任何代班"])
    return overrides


def read_day(word: str) -> date:
    """The day that people write as 2027-06-18, 2027/6/18 or 2027.6.18. Raises BadRowError."""
    return _day(word)


def _check_number(number: str, known: Collection[str]) -> None:
    if number not in known:
        message = f"工号 {number or '（空）'} 不在教职工名单里，请先 flask staff import"
        raise BadRowError(message)


def _check_college(row: Row) -> None:
    if len(row["学院"]) > _COLLEGE_CHARACTERS:
        message = f"学院最多 {_COLLEGE_CHARACTERS} 个字"
        raise BadRowError(message)


def _turn_days(word: str) -> int:
    if not (word.isascii() and word.isdigit() and 1 <= int(word) <= _MOST_TURN_DAYS):
        message = f"每班天数“{word}”应是 1 到 {_MOST_TURN_DAYS} 的整数，一周一轮写 7"
        raise BadRowError(message)
    return int(word)


def _days(word: str) -> Days:
    try:
        return Days(word or Days.EVERY.value)
    except ValueError:
        message = f"日子“{word}”应是 {'、'.join(one.value for one in Days)} 之一"
        raise BadRowError(message) from None


def _moment(word: str, zone: ZoneInfo) -> datetime:
    day, _, hour = word.strip().partition(" ")
    if hour in _MIDNIGHT_AT_THE_END:
        return datetime.combine(_day(day) + timedelta(days=1), time(0), zone)
    try:
        return datetime.combine(_day(day), _hour(hour), zone)
    except BadRowError:
        message = f"时间“{word}”应写成 2027-06-18 18:00"
        raise BadRowError(message) from None


def _day(word: str) -> date:
    cleaned = word.strip().split(" ")[0].replace("/", "-").replace(".", "-")
    try:
        year, month, day = (int(part) for part in cleaned.split("-"))
        return date(year, month, day)
    except ValueError:
        message = f"日期“{word}”应写成 2027-06-18"
        raise BadRowError(message) from None


def _start(word: str) -> time:
    if word in _MIDNIGHT_AT_THE_END:
        message = f"时刻“{word}”只能是结束；从零点开始请写成第二天的 00:00"
        raise BadRowError(message)
    return _hour(word)


def _hour(word: str) -> time:
    """The time of day, as people (8:00) and Excel (8:00:00) write it; 24:00 is midnight."""
    if word in _MIDNIGHT_AT_THE_END:
        return time(0)
    written = _HOUR.fullmatch(word.replace("：", ":"))
    if written is None:
        message = f"时刻“{word}”应写成 08:00"
        raise BadRowError(message)
    return time(int(written[1]), int(written[2]))
