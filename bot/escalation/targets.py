"""Who stands behind a rung's words at this moment: the rota and the staff list, for one student's college."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from bot.escalation.policy import Step, Target
from bot.escalation.rota import OnDuty, Rota
from bot.staff.models import Role, Staff
from bot.staff.store import Directory

CollegeOf = Callable[[Session, str], str]
"""The college of the student behind a contact; empty if it is not known."""

_ROLES = {
    Target.COUNSELORS: Role.COUNSELOR,
    Target.COLLEGE_LEAD: Role.COLLEGE_LEAD,
    Target.STUDENT_AFFAIRS: Role.STUDENT_AFFAIRS,
    Target.PSYCHOLOGY: Role.PSYCHOLOGY,
}
_OF_A_COLLEGE = frozenset({Target.COUNSELORS, Target.COLLEGE_LEAD})


def unknown_college(_session: Session, _contact: str) -> str:
    """As long as students are not bound: everybody on duty is told, whatever the college."""
    return ""


ClassOf = Callable[[Session, str], str]
"""The class of the student behind a contact; empty if it is not known."""
CanReach = Callable[[Staff], bool]


def unknown_class(_session: Session, _contact: str) -> str:
    """As long as students are not bound: whoever is on duty is told, by day as well."""
    return ""


class Targets:
    """Finds people. Each `circle` asks the database once for each question, however many alerts ask it."""

    def __init__(
        self,
        rota: Rota,
        directory: Directory,
        *,
        class_of: ClassOf = unknown_class,
        can_reach: CanReach | None = None,
    ) -> None:
        self._rota = rota
        self._directory = directory
        self._class_of = class_of
        self._can_reach = can_reach or can_be_reached

    def circle(self, session: Session, now: datetime) -> "Circle":
        """Everybody as of `now`, within one transaction."""
        return Circle(session, now, self._rota, self._directory, self._class_of, self._can_reach)


class Circle:
    """The people of one moment."""

    def __init__(
        self,
        session: Session,
        now: datetime,
        rota: Rota,
        directory: Directory,
        class_of: ClassOf,
        can_reach: CanReach,
    ) -> None:
        self._session = session
        self._now = now
        self._rota = rota
        self._directory = directory
        self._class_of = class_of
        self.can_reach = can_reach
        self._duties: dict[tuple[str, str], OnDuty] = {}
        self._classes: dict[str, str] = {}
        self._roles: dict[Role, list[Staff]] = {}
        self._found: dict[tuple[tuple[Target, ...], str, str], list[Staff]] = {}

    def duty(self, college: str, contact: str) -> OnDuty:
        """Who is on duty for a student, and why them: by day the class's counselor, else who has a shift."""
        if contact not in self._classes:
            self._classes[contact] = self._class_of(self._session, contact)
        key = (college, self._classes[contact])
        if key not in self._duties:
            self._duties[key] = self._rota.on_duty(self._session, self._now, college=key[0], class_name=key[1])
        return self._duties[key]

    def find(self, staff_no: str) -> Staff | None:
        """The active member of staff with this number."""
        return self._rota.find_person(self._session, staff_no) if staff_no else None

    def with_role(self, role: Role) -> list[Staff]:
        """All active members of staff in a role."""
        if role not in self._roles:
            self._roles[role] = self._directory.with_role(self._session, role)
        return self._roles[role]

    def people(self, step: Step, college: str, contact: str) -> list[Staff]:
        """Everybody whom the step names for the student behind `contact`, each once."""
        whose = contact if Target.DUTY in step.targets else ""
        key = (step.targets, college, whose)
        if key not in self._found:
            named = [person for target in step.targets for person in self._behind(target, college, contact)]
            self._found[key] = list({person.staff_no: person for person in named}.values())
        return self._found[key]

    def _behind(self, target: Target, college: str, contact: str) -> list[Staff]:
        if target is Target.DUTY:
            duty = self.duty(college, contact)
            people = list(duty.people)
            ours = people if duty.reason == "class" else _of(college, people)
            return ours or people  # somebody of another college who is awake is better than nobody
        people = self.with_role(_ROLES[target])
        return _of(college, people) if target in _OF_A_COLLEGE else people


def _of(college: str, people: list[Staff]) -> list[Staff]:
    """Those of the college and those for all of them; everybody, if the college is not known."""
    return [person for person in people if not college or person.college in ("", college)]


def can_be_reached(person: Staff) -> bool:
    """True if a card can get to this person: the rule where no other ways are configured."""
    return bool(person.wecom_userid)
