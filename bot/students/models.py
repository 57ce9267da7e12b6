"""A student as the school's list has it, as values, and the words of its columns. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

DEGREES = {"专科": ("大专", "高职"), "本科": ("本科生", "学士"), "硕士": ("硕士研究生",), "博士": ("博士研究生",)}
POLITICS = {
    "党员": ("中共党员", "正式党员"),
    "预备党员": ("中共预备党员",),
    "团员": ("共青团员",),
    "群众": (),
    "其他": ("民主党派", "无党派", "无党派人士"),
}
DESTINATIONS = {
    "升学": ("考研", "读研", "读博", "国内升学", "保研"),
    "就业": ("签约就业", "协议就业", "劳动合同就业"),
    "灵活就业": ("自由职业",),
    "创业": ("自主创业",),
    "入伍": ("参军", "应征入伍"),
    "出国": ("出境", "出国出境", "留学", "出国留学"),
    "未就业": ("待就业", "暂不就业", "求职中"),
}
"""Each word that is stored, and the other words of the schools' lists that mean it."""


@dataclass(frozen=True, slots=True)
class Student:
    """One student. Empty text, or None for a yes or no, means that it is not known. `contact` is the bound openid."""

    student_no: str
    name: str
    college: str
    class_name: str = ""
    degree: str = ""
    phone: str = ""
    politics: str = ""
    hukou_here: bool | None = None
    has_loan: bool | None = None
    dorm: str = ""
    destination: str = ""
    extended: bool | None = None
    tags: tuple[str, ...] = ()
    contact: str = ""
    bound_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """What a counselor has to know of who wrote."""

    college: str
    class_name: str
    name: str

    def __str__(self) -> str:
        """体育教育学院 2023级4班 李同学."""
        return " ".join(part for part in (self.college, self.class_name, self.name) if part)


class Result(StrEnum):
    """What became of a code that somebody sent."""

    BOUND = "bound"
    ALREADY = "already"  # this phone, this student
    WRONG = "wrong"
    LOCKED = "locked"  # too many wrong tries of this phone
    VOID = "void"  # too many wrong tries at this code
    USED = "used"
    EXPIRED = "expired"
    OTHER_PHONE = "other_phone"  # the student has one bound
    OTHER_STUDENT = "other_student"  # the phone is bound to one


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result; the student where the sender may know; how many tries are left, or until when to wait."""

    result: Result
    student: Student | None = None
    left: int = 0
    until: datetime | None = None
