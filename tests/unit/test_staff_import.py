"""The staff list: what a row may say, and that one bad row keeps the whole list out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.staff.importing import read_staff
from bot.staff.models import ROLE_NAMES, Role, Staff, find_role
from bot.tables import BadTableError

HEADER = "工号,姓名,角色,学院,企业微信账号,手机号,邮箱"
Listed = Callable[..., Path]


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    """A staff list of these rows."""

    def make(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "staff.csv"
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return path

    return make


def faults_of(path: Path) -> list[str]:
    with pytest.raises(BadTableError) as caught:
        read_staff(path)
    return caught.value.faults


def test_a_whole_row(listed: Listed):
    path = listed(
        "1001,王老师,辅导员,体育教育学院,wangl,138-0000 0001,w@example.edu,2023级4班、2023级5班；2023级6班",
        header=HEADER + ",负责班级",
    )
    assert read_staff(path) == [
        Staff(
            staff_no="1001",
            name="王老师",
            role=Role.COUNSELOR,
            college="体育教育学院",
            wecom_userid="wangl",
            phone="13800000001",
            email="w@example.edu",
            classes=("2023级4班", "2023级5班", "2023级6班"),
        )
    ]


def test_only_number_name_and_role_are_needed(listed: Listed):
    assert read_staff(listed("1001,王,counselor,,,,")) == [Staff("1001", "王", Role.COUNSELOR)]


@pytest.mark.parametrize("role", Role)
def test_every_role_has_its_own_word_and_a_chinese_one(listed: Listed, role: Role):
    assert read_staff(listed(f"1,王,{role.value},,,,"))[0].role is role
    assert read_staff(listed(f"1,王,{role.value.upper()},,,,"))[0].role is role
    names = [name for name, meant in ROLE_NAMES.items() if meant is role]
    assert names
    assert all(find_role(f" {name} ") is role for name in names)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (",王,辅导员,,,,", "第 2 行：工号和姓名都要填"),
        ("1001,,辅导员,,,,", "第 2 行：工号和姓名都要填"),
        ("1001,王,校长,,,,", "第 2 行：角色“校长”不认识，请用其中之一：counselor"),
        ("1001,王,,,,,", "第 2 行：角色“”不认识"),
        ("1001,王,辅导员,,,12ab34567,", "第 2 行：手机号应只有数字"),
        ("1001,王,辅导员,,,123,", "第 2 行：手机号应"),
        ("1001,王,辅导员,,,1234567890123456,", "第 2 行：手机号应"),
        ("1001,王,辅导员,,,١٢٣٤٥٦٧٨,", "第 2 行：手机号应只有数字"),
        ("1001,王,辅导员,,,,not-an-address", "第 2 行：邮箱应含有 @"),
        (f"{'1' * 41},王,辅导员,,,,", "第 2 行：工号最多 40 个字"),
        (f"1001,王,辅导员,{'学' * 81},,,", "第 2 行：学院最多 80 个字"),
        (f"1001,王,辅导员,,{'w' * 65},,", "第 2 行：企业微信账号最多 64 个字"),
    ],
)
def test_a_bad_row_says_its_line_and_what_to_write(listed: Listed, row: str, fault: str):
    (found,) = faults_of(listed(row))
    assert found.startswith(fault)


@pytest.mark.parametrize("phone", ["13800000001", "+86 13800000001", "010-12345678", "１３８００００００００１"])
def test_phones_keep_their_digits_only(listed: Listed, phone: str):
    (person,) = read_staff(listed(f"1001,王,辅导员,,,{phone},"))
    assert person.phone.isascii()
    assert person.phone.isdigit()
    assert person.phone.endswith("1" if "1234" not in phone else "8")


def test_all_bad_rows_are_listed_and_nobody_is_read(listed: Listed):
    faults = faults_of(listed("1,王,校长,,,,", "2,张,辅导员,,,,", "3,李,辅导员,,,,x"))
    assert [fault.partition("：")[0] for fault in faults] == ["第 2 行", "第 4 行"]


def test_the_same_number_or_account_twice_is_named_with_its_lines(listed: Listed):
    """An account that two people have would send the alert of one to the other."""
    faults = faults_of(
        listed("1,王,辅导员,,a,,", "1,张,辅导员,,b,,", "3,李,辅导员,,a,,", "4,赵,辅导员,,,,", "5,钱,辅导员,,,,")
    )
    assert faults == ["第 3 行：工号 1 与第 2 行重复", "第 4 行：企业微信账号 a 与第 2 行重复"]


def test_duplicates_are_listed_together_with_bad_rows(listed: Listed):
    faults = faults_of(listed("1,王,辅导员,,,,", "1,张,辅导员,,,,", "3,李,校长,,,,"))
    assert sorted(fault.partition("：")[0] for fault in faults) == ["第 3 行", "第 4 行"]


def test_a_list_of_nobody_is_refused(listed: Listed):
    """It would retire everybody, and the next alert would reach no one."""
    assert faults_of(listed()) == ["没有任何人"]


def test_missing_columns(listed: Listed):
    (fault,) = faults_of(listed("1,王", header="工号,姓名"))
    assert fault.startswith("第 1 行缺少列：角色、学院、企业微信账号、手机号、邮箱")
