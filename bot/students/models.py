"""A student as the school's list has it, as values, and the words of its columns. Pure."""

from dataclasses import dataclass
from datetime import datetime

DEGREES = ("专科", "本科", "硕士", "博士")
POLITICS = ("党员", "预备党员", "团员", "群众", "其他")
DESTINATIONS = ("升学", "就业", "灵活就业", "创业", "入伍", "出国", "未就业")


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
