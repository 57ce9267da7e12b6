"""Binding a phone to a student by a one-time code. Everything happens within the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.bulk import insert_rows
from bot.clock import Chance, Clock
from bot.db import table_of
from bot.students import codes
from bot.students.lockout import LockPolicy, Tries, after_wrong
from bot.students.models import Outcome, Result, Student
from bot.students.profiles import Profiles
from bot.students.records import BindingCodeRecord, BindingTriesRecord, StudentRecord

logger = structlog.get_logger(__name__)

_AT_ONCE = 500


class Binding:
    """The use cases of binding. A code is good once, for `code_for`, and never tells whose it is to who guesses."""

    def __init__(
        self,
        *,
        clock: Clock,
        chance: Chance,
        profiles: Profiles,
        key: str,
        code_for: timedelta,
        policy: LockPolicy,
    ) -> None:
        """`key` is a secret of the installation; codes that were hashed with another one are wrong."""
        self._clock = clock
        self._chance = chance
        self._profiles = profiles
        self._key = key
        self._code_for = code_for
        self._policy = policy

    def new_codes(self, session: Session, students: Sequence[str]) -> dict[str, str]:
        """A code for each student number. They are good when `hand_out` has stored them."""
        taken = set(session.scalars(select(BindingCodeRecord.handle)))
        made = {}
        for number in students:
            code = self._chance.code(codes.ALPHABET, codes.HANDLE + codes.SECRET)
            while code[: codes.HANDLE] in taken:
                code = self._chance.code(codes.ALPHABET, codes.HANDLE + codes.SECRET)
            taken.add(code[: codes.HANDLE])
            made[number] = code
        return made

    def hand_out(self, session: Session, made: Mapping[str, str]) -> datetime:
        """The codes are good until the moment returned; earlier ones of the same students are not any more.

        Raises IntegrityError if somebody else has handed out one that begins alike meanwhile: make new ones.
        """
        now = self._clock.now()
        until = now + self._code_for
        numbers = list(made)
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            session.execute(delete(BindingCodeRecord).where(BindingCodeRecord.student_no.in_(some)))
        rows = [
            {
                "handle": code[: codes.HANDLE],
                "student_no": number,
                "secret_hash": codes.hash_of(code, self._key),
                "wrong_tries": 0,
                "issued_at": now,
                "expires_at": until,
            }
            for number, code in made.items()
        ]
        insert_rows(session, table_of(BindingCodeRecord), rows)
        logger.info("binding_codes_handed_out", count=len(rows))
        return until

    def count_open(self, session: Session, students: Sequence[str]) -> int:
        """How many of the students have a code that is still good."""
        record = BindingCodeRecord
        good = (record.used_at.is_(None), record.expires_at > self._clock.now())
        counts = (
            session.scalar(
                select(func.count())
                .select_from(record)
                .where(record.student_no.in_(students[start : start + _AT_ONCE]), *good)
            )
            for start in range(0, len(students), _AT_ONCE)
        )
        return sum(count or 0 for count in counts)

    def bind(self, session: Session, contact: str, typed: str) -> Outcome:
        """The phone is the student's if the code is right and nothing stands against it; wrong tries are counted."""
        tries = self._tries(session, contact)
        now = self._clock.now()
        if tries.is_locked(now):
            return Outcome(Result.LOCKED, until=tries.locked_until)
        code = codes.read(typed)
        record = session.get(BindingCodeRecord, code[: codes.HANDLE], with_for_update=True)
        if record is None or not codes.is_same(record.secret_hash, codes.hash_of(code, self._key)):
            return self._wrong(session, contact, tries, record)
        return self._right(session, contact, record)

    def unbind(self, session: Session, contact: str) -> Student | None:
        """The phone is nobody's any more; returns whose it was."""
        student = self._profiles.find_by_contact(session, contact)
        if student is not None:
            self._release(session, student.student_no)
        return student

    def unbind_student(self, session: Session, student_no: str) -> bool:
        """The student has no phone bound any more. False if there was none."""
        student = self._profiles.find_by_number(session, student_no)
        if student is None or not student.contact:
            return False
        self._release(session, student_no)
        return True

    def _right(self, session: Session, contact: str, record: BindingCodeRecord) -> Outcome:
        now = self._clock.now()
        student = session.get_one(StudentRecord, record.student_no, with_for_update=True)
        mine = self._profiles.find_by_contact(session, contact)
        if student.contact == contact:
            return Outcome(Result.ALREADY, mine)
        hindrances = (
            (record.used_at is not None, Result.USED),
            (record.wrong_tries >= self._policy.tries, Result.VOID),
            (record.expires_at <= now, Result.EXPIRED),
            (student.contact is not None, Result.OTHER_PHONE),
            (mine is not None, Result.OTHER_STUDENT),
        )
        hindrance = next((result for stands, result in hindrances if stands), None)
        if hindrance is not None:
            return Outcome(hindrance, mine)
        student.contact, student.bound_at = contact, now
        record.used_at = now
        session.execute(delete(BindingTriesRecord).where(BindingTriesRecord.contact == contact))
        session.flush()
        logger.info("student_bound")
        return Outcome(Result.BOUND, self._profiles.find_by_contact(session, contact))

    def _wrong(self, session: Session, contact: str, tries: Tries, record: BindingCodeRecord | None) -> Outcome:
        if record is not None:
            record.wrong_tries += 1
        after = after_wrong(tries, self._clock.now(), self._policy)
        session.merge(
            BindingTriesRecord(
                contact=contact, wrong=after.wrong, last_at=self._clock.now(), locked_until=after.locked_until
            )
        )
        session.flush()
        if after.locked_until is not None:
            logger.warning("binding_locked", contact=contact[-4:], wrong=after.wrong)
            return Outcome(Result.LOCKED, until=after.locked_until)
        return Outcome(Result.WRONG, left=after.left(self._policy))

    def _tries(self, session: Session, contact: str) -> Tries:
        record = session.get(BindingTriesRecord, contact, with_for_update=True)
        return Tries(record.wrong, record.last_at, record.locked_until) if record else Tries()

    def _release(self, session: Session, student_no: str) -> None:
        record = session.get_one(StudentRecord, student_no, with_for_update=True)
        record.contact, record.bound_at = None, None
        session.flush()
        logger.info("student_unbound")
