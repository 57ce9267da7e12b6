"""Reads CSV and XLSX tables whose first row names the columns, and collects every bad row before anything is stored."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from bot.errors import UserFacingError

T = TypeVar("T")
Row = dict[str, str]
_MOST_SHOWN = 50


class BadTableError(UserFacingError):
    """The table has faults; nothing was stored."""

    def __init__(self, faults: Sequence[str]) -> None:
        shown = "\n".join(f"· {fault}" for fault in faults[:_MOST_SHOWN])
        more = f"\n· 还有 {len(faults) - _MOST_SHOWN} 处" if len(faults) > _MOST_SHOWN else ""
        super().__init__(f"表格有 {len(faults)} 处问题，什么都没有导入：\n{shown}{more}")
        self.faults = list(faults)


class BadRowError(UserFacingError):
    """This row cannot be used; the message says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A row with the line on which it stands in the file, from 1."""

    line: int
    values: Row


def read_table(path: Path, *, required: Sequence[str]) -> list[Numbered]:
    """The rows of a .csv (UTF-8 or GB18030) or .xlsx file. Empty rows are left out.

    Raises BadTableError if the file cannot be read or a column of `required` is missing.
    """
    try:
        rows = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    except OSError as error:
        raise BadTableError([f"读不到 {path}：{error.strerror}"]) from None
    if not rows:
        raise BadTableError([f"{path.name} 是空的"])
    header = [cell.strip() for cell in rows[0]]
    missing = [name for name in required if name not in header]
    if missing:
        raise BadTableError([f"第 1 行缺少列：{'、'.join(missing)}（现有：{'、'.join(header)}）"])
    return [
        Numbered(line, dict(zip(header, [cell.strip() for cell in row] + [""] * len(header), strict=False)))
        for line, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]


def convert(rows: Iterable[Numbered], build: Callable[[Row], T]) -> list[T]:
    """`build` of every row. Raises BadTableError that lists every row for which it raised BadRowError, by line."""
    built, faults = [], []
    for row in rows:
        try:
            built.append(build(row.values))
        except BadRowError as error:
            faults.append(f"第 {row.line} 行：{error}")
    if faults:
        raise BadTableError(faults)
    return built


def _read_csv(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):  # Excel on Chinese Windows saves CSV in the second
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadTableError([f"{path.name} 的编码既不是 UTF-8 也不是 GB18030"])
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadTableError([f"{path.name} 不是正确的 CSV：{error}"]) from None


def _read_xlsx(path: Path) -> list[list[str]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise BadTableError([f"{path.name} 不是正确的 XLSX"]) from None
    sheet = book.worksheets[0]
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    book.close()
    return rows
