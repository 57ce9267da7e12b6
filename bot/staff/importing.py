"""Reads the staff list: 工号,姓名,角色,学院,企业微信账号,手机号,邮箱[,负责班级]. All rows or none."""

from pathlib import Path

from bot.staff.models import ROLE_NAMES, Role, Staff, find_role
from bot.tables import BadRowError, BadTableError, Row, convert, read_table

COLUMNS = ("工号", "姓名", "角色", "学院", "企业微信账号", "手机号", "邮箱")
_PHONE_DIGITS = (7, 15)


def read_staff(path: Path) -> list[Staff]:
    """The people of the file. Raises BadTableError that lists every bad row by its line."""
    people = convert(read_table(path, required=COLUMNS), _person)
    faults = [
        f"{label} {value} 出现了 {count} 次"
        for label, values in (
            ("工号", [person.staff_no for person in people]),
            ("企业微信账号", [person.wecom_userid for person in people if person.wecom_userid]),
        )
        for value in sorted(set(values))
        if (count := values.count(value)) > 1
    ]
    if faults:
        raise BadTableError(faults)
    return people


def _person(row: Row) -> Staff:
    if not row["工号"] or not row["姓名"]:
        message = "工号和姓名都要填"
        raise BadRowError(message)
    role = find_role(row["角色"])
    if role is None:
        known = "、".join([*(role.value for role in Role), *ROLE_NAMES])
        message = f"角色“{row['角色']}”不认识，请用其中之一：{known}"
        raise BadRowError(message)
    digits = row["手机号"].replace("-", "").replace(" ", "").lstrip("+")
    if digits and not (digits.isdigit() and _PHONE_DIGITS[0] <= len(digits) <= _PHONE_DIGITS[1]):
        message = "手机号应只有数字"
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
