"""Walks of three phones, two students and a college that hands out codes: no walk binds wrongly or uses a code twice."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, select

from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Base, Database
from bot.students.binding import Binding
from bot.students.codes import ALPHABET
from bot.students.lockout import LockPolicy
from bot.students.models import Result, Student
from bot.students.profiles import Profiles
from bot.students.records import BindingCodeRecord, BindingTriesRecord, StudentRecord

START = datetime(2027, 6, 8, 4, tzinfo=UTC)
LIFE = timedelta(days=2)
POLICY = LockPolicy(tries=3)
STUDENTS = ("2023001", "2023002")
PHONES = ("o-1", "o-2", "o-3")
KINDS = ("right", "right", "right", "near", "near", "far", "old")
_OFTEN = (STUDENTS[0], STUDENTS[0], STUDENTS[0], STUDENTS[1])  # what takes several steps happens to one of them
ACTIONS = st.sampled_from(
    [(f"send {kind}", student, phone) for kind in KINDS for student in _OFTEN for phone in PHONES]
    + [("hand out", student, "") for student in _OFTEN]
    + [("unbind", "", phone) for phone in PHONES] * 4
    + [("college unbinds", student, "") for student in _OFTEN] * 2
    + [(passes, "", "") for passes in ("a minute passes", "an hour passes", "three days pass")]
)
PASSES = {
    "a minute passes": timedelta(minutes=1),
    "an hour passes": timedelta(hours=1),
    "three days pass": timedelta(days=3),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One SQLite file for all walks; each begins by emptying it."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('walks') / 'w.db'}")

    @event.listens_for(made.engine, "connect")
    def _hurry(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    Base.metadata.create_all(made.engine)
    yield made
    made.dispose()


@dataclass
class Code:
    """What the test knows of a code that was handed out."""

    text: str
    until: datetime
    wrong: int = 0
    used: bool = False


@dataclass
class Phone:
    """What the test knows of a phone's tries."""

    wrong: int = 0
    last_at: datetime = START
    locked_until: datetime = START


@dataclass
class Walk:
    """The product on a database, and beside it what must be true, kept by simple rules of its own."""

    database: Database
    clock: FakeClock
    handed: dict[str, list[Code]] = field(default_factory=lambda: {one: [] for one in STUDENTS})
    phones: dict[str, Phone] = field(default_factory=lambda: {one: Phone() for one in PHONES})
    phone_of: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.profiles = Profiles(Cipher([b"k" * 32]))
        self.binding = Binding(
            clock=self.clock,
            chance=Chance(self.clock),
            profiles=self.profiles,
            key="k",
            code_for=LIFE,
            policy=POLICY,
        )
        with self.database.write() as session:
            for record in (BindingCodeRecord, BindingTriesRecord, StudentRecord):
                session.execute(delete(record))
            rows = [self.profiles.sealed(Student(one, "同学", "甲学院")) | {"updated_at": START} for one in STUDENTS]
            self.profiles.save(session, rows, {})

    def act(self, action: str, student: str, phone: str) -> None:
        if action in PASSES:
            self.clock.advance(PASSES[action])
        elif action == "hand out":
            with self.database.write() as session:
                made = self.binding.new_codes(session, [student])
                until = self.binding.hand_out(session, made)
            self.handed[student].append(Code(made[student], until))
        elif action == "unbind":
            with self.database.write() as session:
                self.binding.unbind(session, phone)
            self.phone_of = {one: held for one, held in self.phone_of.items() if held != phone}
        elif action == "college unbinds":
            with self.database.write() as session:
                self.binding.unbind_student(session, student)
            self.phone_of.pop(student, None)
        else:
            self._send(action.removeprefix("send "), student, phone)

    def bound(self) -> dict[str, str]:
        with self.database.read() as session:
            records = session.scalars(select(StudentRecord).where(StudentRecord.contact.is_not(None)))
            return {record.student_no: record.contact or "" for record in records}

    def _send(self, kind: str, student: str, contact: str) -> None:
        phone, now = self.phones[contact], self.clock.now()
        code = self.handed[student][-1] if self.handed[student] else None
        with self.database.write() as session:
            outcome = self.binding.bind(session, contact, self._typed(kind, student))
        if now < phone.locked_until:
            assert outcome.result is Result.LOCKED
            assert outcome.until == phone.locked_until
        elif kind == "right" and code is not None:
            expected = self._expected(student, contact, code, now)
            assert outcome.result in expected
            if outcome.result is Result.BOUND:
                code.used, phone.wrong, self.phone_of[student] = True, 0, contact
        else:
            stale = now - phone.last_at >= POLICY.forget_after
            phone.wrong, phone.last_at = (1 if stale else phone.wrong + 1), now
            if kind == "near" and code is not None:
                code.wrong += 1
            assert outcome.result is (Result.WRONG if phone.wrong % POLICY.tries else Result.LOCKED)
            if outcome.until is not None:
                assert outcome.until >= now + POLICY.lock_for
                phone.locked_until = outcome.until

    def _typed(self, kind: str, student: str) -> str:
        codes = self.handed[student]
        if kind == "right" and codes:
            return codes[-1].text
        if kind == "near" and codes:
            right = codes[-1].text
            return right[:-1] + next(one for one in ALPHABET if one != right[-1])
        if kind == "old" and len(codes) > 1:
            return codes[0].text
        return "ZZZZZZZZZZ"

    def _expected(self, student: str, contact: str, code: Code, now: datetime) -> set[Result]:
        """One thing that may stand against the code and is true; ALREADY or BOUND leave no other."""
        if self.phone_of.get(student) == contact:
            return {Result.ALREADY}
        against = {
            Result.USED: code.used,
            Result.VOID: code.wrong >= POLICY.tries,
            Result.EXPIRED: now >= code.until,
            Result.OTHER_PHONE: student in self.phone_of,
            Result.OTHER_STUDENT: contact in self.phone_of.values(),
        }
        return {result for result, stands in against.items() if stands} or {Result.BOUND}


@settings(max_examples=250)
@given(st.lists(ACTIONS, max_size=30))
def test_no_walk_binds_two_phones_or_uses_a_code_twice(database: Database, actions: list[tuple[str, str, str]]):
    walk = Walk(database, FakeClock(START))
    for student in STUDENTS:
        walk.act("hand out", student, "")
    for action, student, contact in actions:
        walk.act(action, student, contact)
        bound = walk.bound()
        assert bound == walk.phone_of
        assert len(set(bound.values())) == len(bound)
