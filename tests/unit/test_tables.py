"""Reading CSV and XLSX: every encoding that Excel writes, every bad row by its line, all or nothing."""

from collections.abc import Callable, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import text
from openpyxl import Workbook, load_workbook

from bot.tables import (
    BadRowError,
    BadTableError,
    Numbered,
    Row,
    convert,
    neutralised,
    read_table,
    restored,
    write_table,
)

Csv = Callable[..., Path]
Xlsx = Callable[[Sequence[Sequence[Any]]], Path]


@pytest.fixture
def csv(tmp_path: Path) -> Csv:
    """A CSV file with this text."""

    def make(text: str, encoding: str = "utf-8", name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return make


@pytest.fixture
def xlsx(tmp_path: Path) -> Xlsx:
    """An XLSX file with these rows."""

    def make(rows: Sequence[Sequence[Any]]) -> Path:
        path = tmp_path / "people.xlsx"
        book = Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(list(row))
        book.save(path)
        book.close()
        return path

    return make


def read(path: Path) -> list[Numbered]:
    return read_table(path, required=("工号", "姓名"))


class TestCsv:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_every_encoding_that_excel_writes(self, csv: Csv, encoding: str, newline: str):
        path = csv(newline.join(["工号,姓名", "1001,王老师", "1002,张老师", ""]), encoding)
        assert read(path) == [
            Numbered(2, {"工号": "1001", "姓名": "王老师"}),
            Numbered(3, {"工号": "1002", "姓名": "张老师"}),
        ]

    def test_a_name_outside_the_common_set_is_kept(self, csv: Csv):
        """GB18030 has all characters; some names of people are not in GBK."""
        assert read(csv("工号,姓名\n1,䶮𠮷\n", "gb18030"))[0].values["姓名"] == "䶮𠮷"

    def test_blanks_around_cells_are_cut_and_columns_may_stand_in_any_order(self, csv: Csv):
        (row,) = read(csv(" 姓名 ,备注, 工号\u3000\n 王 老师 , ,\u30001001 \n"))
        assert row.values == {"姓名": "王 老师", "备注": "", "工号": "1001"}

    def test_quoted_commas_and_quotes(self, csv: Csv):
        (row,) = read(csv('工号,姓名\n1001,"王, ""小""老师"\n'))
        assert row.values["姓名"] == '王, "小"老师'

    def test_short_rows_have_empty_cells(self, csv: Csv):
        assert read(csv("工号,姓名,电话\n1001,王\n"))[0].values == {"工号": "1001", "姓名": "王", "电话": ""}

    def test_empty_rows_are_left_out_and_lines_still_count_them(self, csv: Csv):
        rows = read(csv("工号,姓名\n\n,\n1001,王\n  ,  \n1002,张\n"))
        assert [(row.line, row.values["工号"]) for row in rows] == [(4, "1001"), (6, "1002")]

    def test_a_line_break_inside_a_cell_does_not_shift_the_lines_below(self, csv: Csv):
        """The line is the one at which an editor shows the row."""
        rows = read(csv('工号,姓名\n1001,"王\n老师\n"\n1002,张\n\n1003,李\n'))
        assert [(row.line, row.values["工号"]) for row in rows] == [(2, "1001"), (5, "1002"), (7, "1003")]

    def test_more_cells_than_columns_is_a_fault_and_not_dropped(self, csv: Csv):
        """A comma too many moves or loses what stands behind it."""
        with pytest.raises(BadTableError, match="第 3 行") as caught:
            read(csv("工号,姓名\n1001,王\n1002,张,三\n1003,李,\n"))
        assert len(caught.value.faults) == 1

    def test_the_same_column_twice_is_a_fault(self, csv: Csv):
        with pytest.raises(BadTableError, match="第 1 行.*姓名"):
            read(csv("工号,姓名,姓名\n1001,王,张\n"))


class TestXlsx:
    def test_rows_and_lines(self, xlsx: Xlsx):
        rows = read(xlsx([["工号", "姓名"], ["1001", "王老师"], [None, None], ["1002", "张老师"]]))
        assert [(row.line, row.values) for row in rows] == [
            (2, {"工号": "1001", "姓名": "王老师"}),
            (4, {"工号": "1002", "姓名": "张老师"}),
        ]

    def test_rows_that_the_file_leaves_out_still_count(self, tmp_path: Path):
        path = tmp_path / "gap.xlsx"
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for place, value in {"A1": "工号", "B1": "姓名", "A5": "1001", "B5": "王"}.items():
            sheet[place] = value
        book.save(path)
        assert [row.line for row in read(path)] == [5]

    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            (2021001, "2021001"),
            (13800000000, "13800000000"),
            (13800000000.0, "13800000000"),
            (1.5, "1.5"),
            (True, "True"),
            (time(8, 0), "08:00:00"),
        ],
    )
    def test_what_excel_took_for_a_number_reads_as_it_was_written(self, xlsx: Xlsx, cell: Any, text: str):
        assert read(xlsx([["工号", "姓名"], [cell, "王"]]))[0].values["工号"] == text

    def test_a_day(self, xlsx: Xlsx):
        assert read(xlsx([["工号", "姓名"], [date(2027, 6, 18), "王"]]))[0].values["工号"].startswith("2027-06-18")

    def test_upper_case_suffix(self, xlsx: Xlsx, tmp_path: Path):
        path = xlsx([["工号", "姓名"], ["1", "王"]]).rename(tmp_path / "PEOPLE.XLSX")
        assert len(read(path)) == 1

    @pytest.mark.parametrize(
        "content", [b"", b"not a zip at all", b"PK\x03\x04 cut short", b"\xd0\xcf\x11\xe0 an old xls"]
    )
    def test_what_is_no_xlsx_says_so(self, tmp_path: Path, content: bytes):
        path = tmp_path / "people.xlsx"
        path.write_bytes(content)
        with pytest.raises(BadTableError, match=r"people\.xlsx 不是正确的 XLSX"):
            read(path)


class TestFaults:
    @pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.xlsx"])
    def test_a_missing_file(self, tmp_path: Path, name: str):
        with pytest.raises(BadTableError, match="读不到"):
            read(tmp_path / name)

    def test_a_folder(self, tmp_path: Path):
        with pytest.raises(BadTableError, match="读不到"):
            read(tmp_path)

    def test_an_empty_file(self, csv: Csv):
        with pytest.raises(BadTableError, match=r"people\.csv 是空的"):
            read(csv(""))

    def test_missing_columns_are_named_with_those_that_are_there(self, csv: Csv):
        with pytest.raises(BadTableError, match="第 1 行缺少列：工号、姓名（现有：学号、名字）"):
            read(csv("学号,名字\n1,2\n"))

    def test_bytes_of_no_encoding(self, tmp_path: Path):
        path = tmp_path / "people.csv"
        path.write_bytes(b"\xff\xff\xff,\x80\n")
        with pytest.raises(BadTableError, match="编码既不是 UTF-8 也不是 GB18030"):
            read(path)

    def test_an_open_quote(self, csv: Csv):
        with pytest.raises(BadTableError, match="不是正确的 CSV"):
            read(csv('工号,姓名\n1001,"王\n'))


class TestConvert:
    def test_every_bad_row_is_listed_by_line_and_nothing_is_built(self, csv: Csv):
        def build(row: Row) -> int:
            if not row["工号"].isdigit():
                message = f"工号“{row['工号']}”应只有数字"
                raise BadRowError(message)
            return int(row["工号"])

        rows = read(csv("工号,姓名\nx,王\n1002,张\n\ny,李\n"))
        with pytest.raises(BadTableError) as caught:
            convert(rows, build)
        assert str(caught.value) == (
            "表格有 2 处问题，什么都没有导入：\n· 第 2 行：工号“x”应只有数字\n· 第 5 行：工号“y”应只有数字"
        )
        assert convert([rows[1]], build) == [1002]

    def test_a_long_list_is_cut_and_says_how_much_is_left(self):
        error = BadTableError([f"第 {line} 行" for line in range(2, 63)])
        assert len(str(error).splitlines()) == 52
        assert str(error).endswith("· 还有 11 处")
        assert len(error.faults) == 61

    def test_another_error_is_a_bug_and_goes_through(self):
        with pytest.raises(ZeroDivisionError):
            convert([Numbered(2, {})], lambda _: 1 // 0)


class TestWriting:
    @pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
    def test_no_cell_is_a_formula_and_all_come_back(self, tmp_path: Path, name: str):
        cells = ["=1+1", "+1", "-1", "@x", "＝1", "'=1", "''=1", "王", "", "'", "it's", "0012", "a\nb"]
        assert write_table(tmp_path / name, ["工号", "姓名"], [[str(n), cell] for n, cell in enumerate(cells)]) == 13
        assert [row.values["姓名"] for row in read(tmp_path / name)] == cells

    def test_what_excel_opens_holds_only_texts(self, tmp_path: Path):
        write_table(tmp_path / "out.xlsx", ["工号", "姓名"], [["1", "=1+1"]])
        sheet = load_workbook(tmp_path / "out.xlsx").worksheets[0]
        assert [[cell.data_type for cell in row] for row in sheet.iter_rows()] == [["s", "s"], ["s", "s"]]
        assert sheet["B2"].value == "'=1+1"

    def test_a_file_that_cannot_be_written_is_left_as_it_was(self, tmp_path: Path):
        (tmp_path / "out.csv").mkdir()
        with pytest.raises(BadTableError, match="写不了"):
            write_table(tmp_path / "out.csv", ["工号"], [["1"]])
        with pytest.raises(BadTableError, match="写不了"):
            write_table(tmp_path / "none" / "out.csv", ["工号"], [["1"]])
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@given(text())
def test_neutral_cells_are_no_formulas_and_are_restored(cell: str):
    assert not neutralised(cell).startswith(tuple("=+-@＝＋－＠\t\r"))
    assert restored(neutralised(cell)) == cell
