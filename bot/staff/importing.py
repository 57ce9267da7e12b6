"""Reads the staff list: 工号,姓名,角色,学院,企业微信账号,手机号,邮箱[,负责班级]. All rows or none."""

import unicodedata
from pathlib import Path

from bot.staff.models import ROLE_NAMES, Role, Staff, find_role
from bot.tables import BadRowError, BadTableError, Row, convert, read_table

COLUMNS = ("工号", "姓名", "角色", "学院", "企业微信账号", "手机号", "邮箱")
_PHONE_DIGITS = (7, 15)
_UNIQUE = ("工号", "企业微信账号")  # an account of two people would send the alert of one to the other
_MOST_CHARACTERS = {"工号": 40, "学院": 80, "企业微信账号": 64}  # as wide as their columns


def read_staff(path: Path) -> list[Staff]:
    """The people of the file, at least one. Raises BadTableError that lists every bad row by its line."""
    rows = read_table(path, required=COLUMNS)
    if not rows:
        raise BadTableError(["没有任何人"])
    return convert(rows, _person, unique=_UNIQUE)


def _person(row: Row) -> Staff:
    if not row["工号"] or not row["姓名"]:
        message = "工号和姓名都要填"
        raise BadRowError(message)
    for column, most in _MOST_CHARACTERS.items():
        if len(row[column]) > most:
            message = f"{column}最多 {most} 个字"
            raise BadRowError(message)
    role = find_role(row["角色"])
    if role is None:
        known = "、".join([*(role.value for role in Role), *ROLE_NAMES])
        message = f"角色“{row['角色']}”不认识，请用其中之一：{known}"
        raise BadRowError(message)
    digits = unicodedata.normalize("NFKC", row["手机号"]).replace("-", "").replace(" ", "").lstrip("+")
    if digits and not (digits.isascii() and digits.isdigit() and _PHONE_DIGITS[0] <= len(digits) <= _PHONE_DIGITS[1]):
        message = f"手机号应只有数字，{_PHONE_DIGITS[0]} 到 {_PHONE_DIGITS[1]} 位"
        raise BadRowError(message)
    if row["邮箱"] and "@" not in row["邮箱"]:
        message = "邮箱应含有 @"
        raise BadRowError(message)
    classes = row.get("负责班级", "").replace("、", ";").replace("；", ";").replace("，", ";").split(";")
    return Staff(
        staff_no=row["工号"],
        name=row["姓名"],
        role=role,
        college=row["学院"],
        wecom_userid=row["企业微信账号"],
        phone=digits,
        email=row["邮箱"],
        classes=tuple(name.strip() for name in classes if name.strip()),
    )
