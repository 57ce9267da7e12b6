"""Reads and writes the students' list: 学号,姓名,学院 and what else the school knows. All rows or none."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.students.models import DEGREES, DESTINATIONS, POLITICS, Student
from bot.tables import BadRowError, BadTableError, Numbered, Row, convert, read_table, write_table

REQUIRED = ("学号", "姓名", "学院")
_NUMBER = re.compile(r"[0-9A-Za-z._-]{1,40}")
_SCIENTIFIC = re.compile(r"\d\.\d+E\+\d+", re.IGNORECASE)
_PHONE_DIGITS = (7, 15)
_CHINA = re.compile(r"86(?=1\d{10}$)")
_YES = frozenset({"是", "有", "对", "y", "yes", "true", "1", "√"})
_NO = frozenset({"否", "无", "没有", "不", "n", "no", "false", "0", "×"})
_BETWEEN_TAGS = re.compile(r"[、,，;；|]")
_MOST_TAGS = 30


@dataclass(frozen=True, slots=True)
class Listing:
    """The students of a file, which of our columns it has, and those that are not ours."""

    students: list[Student]
    columns: frozenset[str]
    ignored: tuple[str, ...] = ()


def read_students(path: Path) -> Listing:
    """The students of the file, at least one. Raises BadTableError that lists every bad row by its line."""
    rows = read_table(path, required=REQUIRED)
    if not rows:
        raise BadTableError(["没有任何学生"])
    header = rows[0].values
    cleaned = [Numbered(row.line, _cleaned(row.values)) for row in rows]
    return Listing(
        students=convert(cleaned, _student, unique=("学号",)),
        columns=frozenset(_COLUMNS) & frozenset(header),
        ignored=tuple(name for name in header if name and name not in _COLUMNS),
    )


def write_students(path: Path, students: Iterable[Student]) -> int:
    """The file holds `students` as `read_students` takes them; returns how many."""
    return write_table(
        path,
        list(_COLUMNS),
        ([_written(getattr(one, column.field)) for column in _COLUMNS.values()] for one in students),
    )


def with_known(student: Student, known: Student, columns: frozenset[str]) -> Student:
    """`student` as a file with `columns` says, and as `known` already in the others; the phone stays bound."""
    kept: dict[str, Any] = {name: getattr(known, name) for name in ("contact", "bound_at")}
    kept |= {column.field: getattr(known, column.field) for name, column in _COLUMNS.items() if name not in columns}
    said = {column.field: getattr(student, column.field) for column in _COLUMNS.values()}
    return Student(**(said | kept))


def _student(row: Row) -> Student:
    values = {column.field: column.read(row.get(name, ""), name) for name, column in _COLUMNS.items()}
    return Student(**values)


def _cleaned(row: Row) -> Row:
    """One space for any white space, nothing for characters that show nothing; the number in plain digits."""
    cleaned = {name: " ".join(_visible(cell).split()) for name, cell in row.items()}
    return cleaned | {"学号": unicodedata.normalize("NFKC", cleaned["学号"]).replace(" ", "")}


def _visible(cell: str) -> str:
    if cell.isprintable():
        return cell
    return "".join(one for one in cell if unicodedata.category(one) != "Cf")


def _number(cell: str, _column: str) -> str:
    if not cell:
        raise BadRowError("学号要填")
    if _SCIENTIFIC.fullmatch(cell):
        raise BadRowError(f"学号“{cell}”被 Excel 改成了科学计数法，请把这一列设为“文本”再重新填")
    if not _NUMBER.fullmatch(cell):
        raise BadRowError("学号只能有字母、数字、点、横线，最多 40 个字符")
    return cell


def _text(most: int, *, needed: bool = False) -> Callable[[str, str], str]:
    def read(cell: str, column: str) -> str:
        if needed and not cell:
            raise BadRowError(f"{column}要填")
        if len(cell) > most:
            raise BadRowError(f"{column}最多 {most} 个字")
        if not cell.isprintable() and any(unicodedata.category(one) in ("Cc", "Cs") for one in cell):
            raise BadRowError(f"{column}里有不能显示的字符")
        return cell

    return read


def _phone(cell: str, column: str) -> str:
    digits = unicodedata.normalize("NFKC", cell).replace("-", "").replace(" ", "").lstrip("+")
    digits = _CHINA.sub("", digits)
    if digits and not (digits.isascii() and digits.isdigit() and _PHONE_DIGITS[0] <= len(digits) <= _PHONE_DIGITS[1]):
        raise BadRowError(f"{column}应只有数字，{_PHONE_DIGITS[0]} 到 {_PHONE_DIGITS[1]} 位")
    return digits


def _word(words: Mapping[str, tuple[str, ...]]) -> Callable[[str, str], str]:
    meant = {other: word for word, others in words.items() for other in (word, *others)}

    def read(cell: str, column: str) -> str:
        if cell and cell not in meant:
            raise BadRowError(f"{column}“{cell[:20]}”不认识，请用其中之一：{'、'.join(words)}")
        return meant.get(cell, "")

    return read


def _yes_or_no(cell: str, column: str) -> bool | None:
    if cell.lower() in _YES:
        return True
    if cell and cell.lower() not in _NO:
        raise BadRowError(f"{column}“{cell[:20]}”不认识，请填“是”或“否”，不清楚就空着")
    return False if cell else None


def _tags(cell: str, column: str) -> tuple[str, ...]:
    tags = sorted({tag for part in _BETWEEN_TAGS.split(cell) if (tag := part.strip())})
    if len(tags) > _MOST_TAGS:
        raise BadRowError(f"{column}最多 {_MOST_TAGS} 个")
    return tuple(_text(20)(tag, f"每个{column}") for tag in tags)


def _written(value: str | bool | tuple[str, ...] | None) -> str:
    if isinstance(value, tuple):
        return "、".join(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    return value or ""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the file: which field of Student it fills, and what its cells may say."""

    field: str
    read: Callable[[str, str], Any]


_COLUMNS = {
    "学号": _Column("student_no", _number),
    "姓名": _Column("name", _text(40, needed=True)),
    "学院": _Column("college", _text(80, needed=True)),
    "班级": _Column("class_name", _text(80)),
    "学历层次": _Column("degree", _word(DEGREES)),
    "手机号": _Column("phone", _phone),
    "政治面貌": _Column("politics", _word(POLITICS)),
    "户口在校": _Column("hukou_here", _yes_or_no),
    "贷款": _Column("has_loan", _yes_or_no),
    "宿舍": _Column("dorm", _text(80)),
    "毕业去向": _Column("destination", _word(DESTINATIONS)),
    "延长学制": _Column("extended", _yes_or_no),
    "标签": _Column("tags", _tags),
}
COLUMNS = tuple(_COLUMNS)
