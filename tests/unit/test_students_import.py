"""The students' list: what a row may say, what the schools write for the same thing, and what is refused by line."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bot.students.importing import COLUMNS, read_students, with_known, write_students
from bot.students.models import DEGREES, DESTINATIONS, POLITICS, Student
from bot.tables import BadTableError

ALL = ",".join(COLUMNS)
Listed = Callable[..., Path]
LI = Student(
    student_no="2023001",
    name="李同学",
    college="体育教育学院",
    class_name="2023级4班",
    degree="本科",
    phone="13800000001",
    politics="团员",
    hukou_here=True,
    has_loan=False,
    dorm="3号楼 402",
    destination="升学",
    extended=False,
    tags=("困难", "校队"),
)


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    """A students' list of these rows."""

    def make(*rows: str, header: str = ALL) -> Path:
        path = tmp_path / "students.csv"
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return path

    return make


def only(path: Path) -> Student:
    (student,) = read_students(path).students
    return student


def faults_of(path: Path) -> list[str]:
    with pytest.raises(BadTableError) as caught:
        read_students(path)
    return caught.value.faults


def test_a_whole_row(listed: Listed):
    row = "2023001,李同学,体育教育学院,2023级4班,本科,138-0000 0001,共青团员,是,无,3号楼　402,考研,否,校队、困难；校队"
    listing = read_students(listed(row))
    assert listing.students == [LI]
    assert listing.columns == set(COLUMNS)
    assert listing.ignored == ()


def test_only_number_name_and_college_are_needed(listed: Listed):
    assert only(listed("1,王,甲", header="学号,姓名,学院")) == Student("1", "王", "甲")
    assert only(listed("1,王,甲,,,,,,,,,,")) == Student("1", "王", "甲")


def test_columns_that_are_not_ours_are_named(listed: Listed):
    listing = read_students(listed("田径,1,王,甲,x", header="专业,学号,姓名,学院,手机号码"))
    assert listing.ignored == ("专业", "手机号码")
    assert listing.columns == {"学号", "姓名", "学院"}


@pytest.mark.parametrize(
    ("column", "field", "words"),
    [("学历层次", "degree", DEGREES), ("政治面貌", "politics", POLITICS), ("毕业去向", "destination", DESTINATIONS)],
)
def test_the_words_of_the_schools_lists_are_understood(listed: Listed, column: str, field: str, words: dict):
    for word, others in words.items():
        for said in (word, *others):
            student = only(listed(f"1,王,甲,{said}", header=f"学号,姓名,学院,{column}"))
            assert getattr(student, field) == word, said


@pytest.mark.parametrize(
    ("said", "meant"),
    [("是", True), ("有", True), ("Y", True), ("1", True), ("否", False), ("无", False), ("0", False), ("", None)],
)
def test_yes_no_and_not_known(listed: Listed, said: str, meant: bool | None):
    for column, field in (("户口在校", "hukou_here"), ("贷款", "has_loan"), ("延长学制", "extended")):
        student = only(listed(f"1,王,甲,{said}", header=f"学号,姓名,学院,{column}"))
        assert getattr(student, field) is meant


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (",王,甲", "第 2 行：学号要填"),
        ("1,,甲", "第 2 行：姓名要填"),
        ("1,王,", "第 2 行：学院要填"),
        ("1,王\u200b,\u200b", "第 2 行：学院要填"),  # a character that shows nothing
        ("2023 001号,王,甲", "第 2 行：学号只能有字母、数字、点、横线"),
        (f"{'1' * 41},王,甲", "第 2 行：学号只能有"),
        ("2.02301E+11,王,甲", "第 2 行：学号“2.02301E+11”被 Excel 改成了科学计数法，请把这一列设为“文本”"),
        (f"1,{'王' * 41},甲", "第 2 行：姓名最多 40 个字"),
        (f"1,王,{'甲' * 81}", "第 2 行：学院最多 80 个字"),
        ("1,王\x01,甲", "第 2 行：姓名里有不能显示的字符"),
        ("1,王,甲,,研究生", "第 2 行：学历层次“研究生”不认识，请用其中之一：专科、本科、硕士、博士"),
        ("1,王,甲,,,12ab", "第 2 行：手机号应只有数字，7 到 15 位"),
        ("1,王,甲,,,,少先队员", "第 2 行：政治面貌“少先队员”不认识，请用其中之一：党员、"),
        ("1,王,甲,,,,,也许", "第 2 行：户口在校“也许”不认识，请填“是”或“否”，不清楚就空着"),
        ("1,王,甲,,,,,,,,回家", "第 2 行：毕业去向“回家”不认识，请用其中之一：升学、"),
        (f"1,王,甲,,,,,,,,,,{'长' * 21}", "第 2 行：每个标签最多 20 个字"),
        (f"1,王,甲,,,,,,,,,,{'、'.join(map(str, range(31)))}", "第 2 行：标签最多 30 个"),
    ],
)
def test_a_bad_row_says_its_line_and_what_to_write(listed: Listed, row: str, fault: str):
    (found,) = faults_of(listed(row))
    assert found.startswith(fault)


def test_all_bad_rows_are_listed_and_nobody_is_read(listed: Listed):
    faults = faults_of(listed("1,王,", "2,张,甲", ",李,甲"))
    assert [fault.partition("：")[0] for fault in faults] == ["第 2 行", "第 4 行"]


def test_the_same_number_in_other_characters_is_the_same(listed: Listed):
    assert faults_of(listed("2023,王,甲", "２０２３,张,甲")) == ["第 3 行：学号 2023 与第 2 行重复"]


def test_a_list_of_nobody_is_refused(listed: Listed):
    """With --replace it would remove everybody."""
    assert faults_of(listed()) == ["没有任何学生"]


def test_missing_columns(listed: Listed):
    (fault,) = faults_of(listed("1,王", header="学号,姓名"))
    assert fault.startswith("第 1 行缺少列：学院")


@pytest.mark.parametrize(
    ("phone", "kept"),
    [
        ("+86 138 0000 0001", "13800000001"),
        ("010-12345678", "01012345678"),
        ("１３８００００００００", "13800000000"),
    ],
)
def test_phones_keep_their_digits_only(listed: Listed, phone: str, kept: str):
    assert only(listed(f"1,王,甲,{phone}", header="学号,姓名,学院,手机号")).phone == kept


def test_a_name_in_rare_characters_is_kept(listed: Listed):
    for name in ("㛃𠀀", "阿卜杜拉·买买提", "\ue863"):
        assert only(listed(f"1,{name},甲")).name == name


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_what_is_exported_is_imported_as_it_was(tmp_path: Path, name: str):
    students = [
        LI,
        Student("1", "=HYPERLINK(0)", "甲", tags=("+a",), dorm="@b", class_name="'=c"),
        Student("0012", "-1", "乙", hukou_here=False, phone="0012345"),
    ]
    assert write_students(tmp_path / name, students) == 3
    assert read_students(tmp_path / name).students == students
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_columns_that_a_file_does_not_have_stay_as_they_are():
    later = Student("2023001", "李明", "甲")
    known = replace(LI, contact="o-li")
    assert with_known(later, known, frozenset({"学号", "姓名"})) == replace(known, name="李明")
    emptied = with_known(later, known, frozenset(COLUMNS))
    assert emptied == replace(later, contact="o-li")


def test_every_field_of_a_student_but_the_binding_is_a_column(tmp_path: Path):
    """A field that is forgotten would be lost by every export. LI has something in each."""
    assert {field.name for field in fields(LI) if getattr(LI, field.name) in ("", None, ())} == {"contact", "bound_at"}
    write_students(tmp_path / "out.csv", [LI])
    assert only(tmp_path / "out.csv") == LI
