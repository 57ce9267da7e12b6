"""Bringing the students' list up to date from a file: what would change, and then all of it in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import Database
from bot.students.importing import Listing, with_known
from bot.students.models import Student
from bot.students.profiles import Profiles

logger = structlog.get_logger(__name__)

_STEP = 500
Progress = Callable[[int], None]
OnChange = Callable[[Session, str, Mapping[str, object], Mapping[str, object]], object]
"""Told of a bound student's contact, and of the profile before and after, in the transaction that changes it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a file would change. `missing` are in the list and not in the file; `before` is by student number."""

    added: Sequence[Student]
    changed: Sequence[Student]
    unchanged: int
    missing: Sequence[Student]
    before: Mapping[str, Student] = field(default_factory=dict)

    @property
    def is_none(self) -> bool:
        """True if the file says what is known already."""
        return not self.added and not self.changed


class Register:
    """The use cases of the students' list."""

    def __init__(
        self, database: Database, clock: Clock, profiles: Profiles, *, on_change: OnChange = lambda *_: None
    ) -> None:
        self._database = database
        self._clock = clock
        self._profiles = profiles
        self._on_change = on_change

    def compare(self, listing: Listing) -> Changes:
        """What `listing` would change. Columns that it does not have stay as they are; an empty cell empties."""
        with self._database.read() as session:
            known = {one.student_no: one for one in self._profiles.matching(session)}
        added, changed, unchanged, earlier = [], [], 0, {}
        for student in listing.students:
            before = known.pop(student.student_no, None)
            if before is None:
                added.append(student)
            elif (after := with_known(student, before, listing.columns)) != before:
                changed.append(after)
                earlier[student.student_no] = before
            else:
                unchanged += 1
        return Changes(added, changed, unchanged, list(known.values()), earlier)

    def apply(self, changes: Changes, *, remove_missing: bool = False, progress: Progress = lambda _: None) -> None:
        """All of `changes` is stored, or nothing if this is killed on the way; who has a phone bound keeps it.

        `progress` is told of every few hundred rows that are ready.
        """
        students = [*changes.added, *changes.changed]
        now = self._clock.now()
        rows = []
        for start in range(0, len(students), _STEP):
            some = students[start : start + _STEP]
            rows += [self._profiles.sealed(one) | {"updated_at": now} for one in some]
            progress(len(some))
        tags = {one.student_no: one.tags for one in students}
        gone = [one.student_no for one in changes.missing] if remove_missing else []
        with self._database.write() as session:
            self._profiles.save(session, rows, tags)
            self._profiles.remove(session, gone)
            for student in changes.changed:
                before = changes.before[student.student_no]
                if before.contact:
                    self._on_change(session, before.contact, asdict(before), asdict(student))
        logger.info("students_imported", added=len(changes.added), changed=len(changes.changed), removed=len(gone))

    def everybody(self) -> list[Student]:
        """All students, by number."""
        with self._database.read() as session:
            return self._profiles.matching(session)
