"""Staff as values, and the words for their roles."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is there for."""

    COUNSELOR = "counselor"
    COLLEGE_LEAD = "college_lead"
    STUDENT_AFFAIRS = "student_affairs"
    PSYCHOLOGY = "psychology"
    STEP_HANDLER = "step_handler"
    ADMIN = "admin"


ROLE_NAMES = {
    "辅导员": Role.COUNSELOR,
    "学院副书记": Role.COLLEGE_LEAD,
    "学院领导": Role.COLLEGE_LEAD,
    "学院负责人": Role.COLLEGE_LEAD,
    "学生处": Role.STUDENT_AFFAIRS,
    "学工部": Role.STUDENT_AFFAIRS,
    "心理中心": Role.PSYCHOLOGY,
    "心理咨询中心": Role.PSYCHOLOGY,
    "环节经办": Role.STEP_HANDLER,
    "经办人": Role.STEP_HANDLER,
    "经办老师": Role.STEP_HANDLER,
    "管理员": Role.ADMIN,
}


def find_role(word: str) -> Role | None:
    """The role that an English or Chinese word names."""
    cleaned = word.strip().lower()
    by_value = {role.value: role for role in Role}
    return by_value.get(cleaned) or ROLE_NAMES.get(word.strip())


@dataclass(frozen=True, slots=True)
class Staff:
    """One member of staff. Empty text means that it is not known."""

    staff_no: str
    name: str
    role: Role
    college: str = ""
    wecom_userid: str = ""
    phone: str = ""
    email: str = ""
    classes: tuple[str, ...] = ()
