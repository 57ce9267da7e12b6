"""Reads and writes CSV and XLSX tables whose first row names the columns; bad rows are listed, all of them at once."""

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

from bot.errors import UserFacingError

T = TypeVar("T")
Row = dict[str, str]
_MOST_SHOWN = 50
_FORMULA = tuple("=+-@＝＋－＠\t\r")  # a spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection)
_XLSX = ".xlsx"


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

    Raises BadTableError if the file cannot be read, a column of `required` is missing, a column stands there twice,
    or a row has more cells than there are columns.
    """
    try:
        lines = _read_xlsx(path) if path.suffix.lower() == _XLSX else _read_csv(path)
    except OSError as error:
        raise BadTableError([f"读不到 {path}：{error.strerror}"]) from None
    if not lines:
        raise BadTableError([f"{path.name} 是空的"])
    (_, first), *rest = lines
    header = [cell.strip() for cell in first]
    missing = [name for name in required if name not in header]
    if missing:
        raise BadTableError([f"第 1 行缺少列：{'、'.join(missing)}（现有：{'、'.join(header)}）"])
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise BadTableError([f"第 1 行有重复的列：{'、'.join(twice)}"])
    rows = [(line, [restored(cell.strip()) for cell in cells]) for line, cells in rest]
    faults = [
        f"第 {line} 行：比表头多出内容“{'、'.join(filter(None, cells[len(header) :]))}”，内容里有逗号时要加引号"
        for line, cells in rows
        if any(cells[len(header) :])
    ]
    if faults:
        raise BadTableError(faults)
    return [
        Numbered(line, dict(zip(header, cells + [""] * len(header), strict=False)))
        for line, cells in rows
        if any(cells)
    ]


def convert(rows: Iterable[Numbered], build: Callable[[Row], T], *, unique: Sequence[str] = ()) -> list[T]:
    """`build` of every row, at most one row for each value of a `unique` column.

    Raises BadTableError that lists every row for which it raised BadRowError or which repeats another, by line.
    """
    built, faults = [], []
    first_line: dict[tuple[str, str], int] = {}
    for row in rows:
        repeated = [name for name in unique if row.values[name] and (name, row.values[name]) in first_line]
        faults += [
            f"第 {row.line} 行：{name} {row.values[name]} 与第 {first_line[name, row.values[name]]} 行重复"
            for name in repeated
        ]
        first_line |= {(name, row.values[name]): row.line for name in unique if name not in repeated}
        try:
            built.append(build(row.values))
        except BadRowError as error:
            faults.append(f"第 {row.line} 行：{error}")
    if faults:
        raise BadTableError(faults)
    return built


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """The .csv (UTF-8, as Excel opens it) or .xlsx file is there whole, for its owner only; returns the number of rows.

    No cell is a formula for the spreadsheet that opens it, and `read_table` gives what was written. Raises
    BadTableError if the file cannot be written; what was there before is then as it was.
    """
    neutral = [[neutralised(cell) for cell in cells] for cells in rows]
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write((_xlsx if path.suffix.lower() == _XLSX else _csv)(header, neutral))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadTableError([f"写不了 {path}：{error.strerror}"]) from None
    return len(neutral)


def neutralised(cell: str) -> str:
    """The cell with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def restored(cell: str) -> str:
    """The inverse of `neutralised`."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode("utf-8-sig")


def _xlsx(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - see _read_xlsx

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for cells in (header, *rows):
        sheet.append(list(cells))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _read_csv(path: Path) -> list[tuple[int, list[str]]]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):  # Excel on Chinese Windows saves CSV in the second
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadTableError([f"{path.name} 的编码既不是 UTF-8 也不是 GB18030"])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, start = [], 1
    try:
        for cells in reader:
            lines.append((start, cells))
            start = reader.line_num + 1  # a cell may hold line breaks
    except csv.Error as error:
        raise BadTableError([f"{path.name} 不是正确的 CSV：{error}"]) from None
    return lines


def _read_xlsx(path: Path) -> list[tuple[int, list[str]]]:
    # 15 MB and a third of a second that only an import of a workbook needs
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    with path.open("rb") as file:
        try:
            book = load_workbook(file, read_only=True, data_only=True)
            rows = book.worksheets[0].iter_rows(values_only=True)
            lines = [(line, [_text(cell) for cell in cells]) for line, cells in enumerate(rows, start=1)]
            book.close()
        except (InvalidFileException, BadZipFile, LookupError, ValueError, EOFError, SyntaxError):
            raise BadTableError([f"{path.name} 不是正确的 XLSX"]) from None
    return lines


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():  # a number that Excel stores as 13800000000.0
        return str(int(cell))
    return "" if cell is None else str(cell)
