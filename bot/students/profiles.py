"""SQL of the students' profiles. Names and phones are sealed on the way in and opened on the way out. Never commits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import ColumnElement, bindparam, delete, func, select, true
from sqlalchemy.orm import Session

from bot.bulk import insert_rows, upsert_rows
from bot.crypto import Cipher, UnreadableError
from bot.db import table_of
from bot.students.models import Student, Who
from bot.students.records import StudentRecord, StudentTagRecord

logger = structlog.get_logger(__name__)

_STUDENTS = table_of(StudentRecord)
_TAGS = table_of(StudentTagRecord)
_COLUMNS = _STUDENTS.c
_AT_ONCE = 500
_PLAIN = (
    "student_no",
    "college",
    "class_name",
    "degree",
    "politics",
    "hukou_here",
    "has_loan",
    "dorm",
    "destination",
    "extended",
)
WhoIs = Callable[[Session, str], Who | None]
"""Whose phone a contact is, within the caller's transaction; None if nobody has bound it."""
ANYBODY: ColumnElement[bool] = true()

FILTERS: dict[str, Callable[[str], ColumnElement[bool]]] = {
    "college": lambda value: _COLUMNS.college == value,
    "class": lambda value: _COLUMNS.class_name == value,
    "degree": lambda value: _COLUMNS.degree == value,
    "politics": lambda value: _COLUMNS.politics == value,
    "dorm": lambda value: _COLUMNS.dorm.startswith(value, autoescape=True),  # a building, or one room of it
    "destination": lambda value: _COLUMNS.destination == value,
    "tag": lambda value: _COLUMNS.student_no.in_(select(_TAGS.c.student_no).where(_TAGS.c.tag == value)),
    "student": lambda value: _COLUMNS.student_no == value,
}
"""Who has this value in this column. Never NULL, so that any of them can be turned round with `not_`."""

SWITCHES: dict[str, ColumnElement[bool]] = {
    "hukou_here": _COLUMNS.hukou_here.is_(True),
    "has_loan": _COLUMNS.has_loan.is_(True),
    "extended": _COLUMNS.extended.is_(True),
    "bound": _COLUMNS.contact.is_not(None),
}
"""Of whom this is known to be true."""

_CLASS_OF = select(_COLUMNS.class_name).where(_COLUMNS.contact == bindparam("contact"))


class Profiles:
    """Finds and stores students."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def find_by_contact(self, session: Session, contact: str) -> Student | None:
        """The student whose phone this is."""
        return self._find(session, _COLUMNS.contact == contact) if contact else None

    def find_by_number(self, session: Session, student_no: str) -> Student | None:
        """The student with this number."""
        return self._find(session, _COLUMNS.student_no == student_no)

    def college_of(self, session: Session, contact: str) -> str:
        """The college of whose phone this is, empty if nobody's."""
        return session.scalar(select(_COLUMNS.college).where(_COLUMNS.contact == contact)) or ""

    def class_of(self, session: Session, contact: str) -> str:
        """The class of whose phone this is, empty if nobody's. Opens nothing: it is asked at each step of an alert."""
        return session.connection().scalar(_CLASS_OF, {"contact": contact}) or ""

    def who_is(self, session: Session, contact: str) -> Who | None:
        """What an alert says of whose phone this is; None if it is nobody's. No name if no key opens it."""
        try:
            found = self.find_by_contact(session, contact)
        except UnreadableError:
            logger.error("student_unreadable", mend="put the old key back into security.data_keys")  # noqa: TRY400 - it says all
            number = session.scalar(select(_COLUMNS.student_no).where(_COLUMNS.contact == contact))
            return Who(self.college_of(session, contact), "", f"学号 {number}")
        return Who(found.college, found.class_name, found.name) if found else None

    def matching(
        self, session: Session, condition: ColumnElement[bool] = ANYBODY, *, after: str = "", limit: int | None = None
    ) -> list[Student]:
        """Those students to whom `condition` applies, by number: the next `limit` after the number `after`."""
        query = select(_STUDENTS).where(condition, _COLUMNS.student_no > after).order_by(_COLUMNS.student_no)
        rows = session.execute(query.limit(limit)).all()
        tags = self._tags(session, [row.student_no for row in rows])
        return [self._opened(row, tags.get(row.student_no, ())) for row in rows]

    def count(self, session: Session, condition: ColumnElement[bool] = ANYBODY) -> int:
        """To how many students `condition` applies."""
        return session.scalar(select(func.count()).select_from(_STUDENTS).where(condition)) or 0

    def colleges(self, session: Session) -> list[str]:
        """The colleges that have students."""
        return list(session.scalars(select(_COLUMNS.college).distinct().order_by(_COLUMNS.college)))

    def bound_by_college(self, session: Session) -> list[tuple[str, int, int]]:
        """Of each college: its name, how many students it has, and how many of them are bound."""
        query = select(_COLUMNS.college, func.count(), func.count(_COLUMNS.contact)).group_by(_COLUMNS.college)
        return [
            (college, number, bound) for college, number, bound in session.execute(query.order_by(_COLUMNS.college))
        ]

    def sealed(self, student: Student) -> dict[str, Any]:
        """The student's row, without what only binding changes. Costs time, so do it before the transaction."""
        row = {name: getattr(student, name) for name in _PLAIN}
        row["name"] = self._cipher.seal(student.name, row=name_row(student.student_no))
        row["phone"] = self._cipher.seal(student.phone, row=phone_row(student.student_no))
        return row

    def save(self, session: Session, rows: Sequence[dict[str, Any]], tags: Mapping[str, Sequence[str]]) -> None:
        """`rows` of `sealed`, with their `updated_at`, are inserted or replace what was there; bindings stay.

        The students in `tags` have these and no others.
        """
        upsert_rows(session, _STUDENTS, rows, key="student_no")
        for some in _batches(list(tags)):
            session.connection().execute(delete(_TAGS).where(_TAGS.c.student_no.in_(some)))
        pairs = [{"student_no": number, "tag": tag} for number, words in tags.items() for tag in words]
        insert_rows(session, _TAGS, pairs)

    def remove(self, session: Session, numbers: Iterable[str]) -> None:
        """The students with these numbers are gone, with their tags and codes."""
        for some in _batches(list(numbers)):
            session.connection().execute(delete(_STUDENTS).where(_COLUMNS.student_no.in_(some)))

    def _find(self, session: Session, condition: ColumnElement[bool]) -> Student | None:
        found = self.matching(session, condition, limit=1)
        return found[0] if found else None

    def _tags(self, session: Session, numbers: Sequence[str]) -> dict[str, list[str]]:
        tags: dict[str, list[str]] = {}
        for some in _batches(numbers):
            query = select(_TAGS).where(_TAGS.c.student_no.in_(some)).order_by(_TAGS.c.student_no, _TAGS.c.tag)
            for row in session.execute(query):
                tags.setdefault(row.student_no, []).append(row.tag)
        return tags

    def _opened(self, row: Any, tags: Sequence[str]) -> Student:
        return Student(
            **{name: getattr(row, name) for name in _PLAIN},
            name=self._cipher.open(row.name, row=name_row(row.student_no)),
            phone=self._cipher.open(row.phone, row=phone_row(row.student_no)),
            tags=tuple(tags),
            contact=row.contact or "",
            bound_at=row.bound_at,
        )


def nobody_knows(_session: Session, _contact: str) -> None:
    """A WhoIs where there are no students."""


def name_row(student_no: str) -> str:
    """What a student's name is sealed for."""
    return f"students:{student_no}:name"


def phone_row(student_no: str) -> str:
    """What a student's phone is sealed for."""
    return f"students:{student_no}:phone"


def _batches(items: Sequence[str]) -> Iterable[Sequence[str]]:
    """Not more values in one statement than a database takes."""
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))
