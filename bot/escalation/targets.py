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


class Targets:
    """Finds people. Each `circle` asks the database once for each question, however many alerts ask it."""

    def __init__(self, rota: Rota, directory: Directory) -> None:
        self._rota = rota
        self._directory = directory

    def circle(self, session: Session, now: datetime) -> "Circle":
        """Everybody as of `now`, within one transaction."""
        return Circle(session, now, self._rota, self._directory)


class Circle:
    """The people of one moment."""

    def __init__(self, session: Session, now: datetime, rota: Rota, directory: Directory) -> None:
        self._session = session
        self._now = now
        self._rota = rota
        self._directory = directory
        self._duty: OnDuty | None = None
        self._roles: dict[Role, list[Staff]] = {}
        self._found: dict[tuple[tuple[Target, ...], str], list[Staff]] = {}

    @property
    def duty(self) -> OnDuty:
        """Who is on duty, and why them."""
        if self._duty is None:
            self._duty = self._rota.on_duty(self._session, self._now)
        return self._duty

    def find(self, staff_no: str) -> Staff | None:
        """The active member of staff with this number."""
        return self._rota.find_person(self._session, staff_no) if staff_no else None

    def with_role(self, role: Role) -> list[Staff]:
        """All active members of staff in a role."""
        if role not in self._roles:
            self._roles[role] = self._directory.with_role(self._session, role)
        return self._roles[role]

    def people(self, step: Step, college: str) -> list[Staff]:
        """Everybody whom the step names, each once."""
        key = (step.targets, college)
        if key not in self._found:
            named = [person for target in step.targets for person in self._behind(target, college)]
            self._found[key] = list({person.staff_no: person for person in named}.values())
        return self._found[key]

    def _behind(self, target: Target, college: str) -> list[Staff]:
        if target is Target.DUTY:
            people = list(self.duty.people)
            ours = _of(college, people)
            return ours or people  # somebody of another college who is awake is better than nobody
        people = self.with_role(_ROLES[target])
        return _of(college, people) if target in _OF_A_COLLEGE else people


def _of(college: str, people: list[Staff]) -> list[Staff]:
    """Those of the college and those for all of them; everybody, if the college is not known."""
    return [person for person in people if not college or person.college in ("", college)]


def can_be_reached(person: Staff) -> bool:
    """True if a card, or anything else of ours, can get to this person."""
    return bool(person.wecom_userid)
