"""Any table at all gives either every one of its rows or a list of the bad ones by line; never a part, never a crash."""

import csv
import re
import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from bot.students.importing import COLUMNS, REQUIRED, read_students, write_students
from bot.students.models import Student
from bot.tables import BadTableError, read_table

CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "是", "否", "本科", "共青团员", "升学", "2023001", "２０２３", "13800000001", "=1", "'=1", "1E+9"]
    ),
)
GOOD = {"学号": "20230{}", "姓名": "王同学", "学院": "体育教育学院"}
_LINE = re.compile(r"^第 (\d+) 行：")


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A header of some of our columns and others, and rows that are good in what is needed or are anything."""
    others = draw(st.lists(st.sampled_from([*COLUMNS[3:], "专业", ""]), unique=True))
    header = draw(st.permutations([*COLUMNS[:3], *others]))
    rows = []
    for number in range(draw(st.integers(0, 6))):
        wild = draw(st.booleans())
        row = [
            GOOD[name].format(number) if name in GOOD and not wild else draw(CELLS) if wild else "" for name in header
        ]
        rows.append(row)
    return [list(header), *rows]


def written(table: list[list[str]], folder: Path, kind: str) -> Path:
    path = folder / f"t{kind}"
    if kind == ".csv":
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            csv.writer(file).writerows(table)
        return path
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in table:
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("", cell.encode("utf-8", "replace").decode()) for cell in row])
    book.save(path)
    return path


def read(path: Path) -> tuple[list[Student], list[str]]:
    """The students, or the faults."""
    try:
        return read_students(path).students, []
    except BadTableError as error:
        return [], error.faults


@given(tables(), st.sampled_from([".csv", ".xlsx"]))
@example([["学号", "姓名", "学院"], ["1", "王", "甲"], ["", "", ""], ["2", "", "甲"]], ".csv")
def test_all_rows_or_a_list_by_line(table: list[list[str]], kind: str):
    with tempfile.TemporaryDirectory() as folder:
        path = written(table, Path(folder), kind)
        students, faults = read(path)
        if faults:
            assert all(_LINE.match(fault) for fault in faults) or len(faults) == 1  # or the file as a whole
            return
        assert len(students) == len(read_table(path, required=REQUIRED))
        assert len({one.student_no for one in students}) == len(students)
        assert all(one.student_no and one.name and one.college for one in students)
        write_students(path, students)
        assert read(path) == (students, [])  # what was read is written and read again as it was


@given(st.binary(max_size=200), st.sampled_from([".csv", ".xlsx", ".txt"]))
def test_any_bytes(data: bytes, kind: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{kind}"
        path.write_bytes(data)
        students, faults = read(path)
        assert bool(students) != bool(faults)
