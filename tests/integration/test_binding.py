"""Binding a phone on both databases: one code once, one phone a student, and wrong tries that count."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from support.threads import run_together

from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.students.binding import Binding
from bot.students.codes import hash_of
from bot.students.lockout import LockPolicy
from bot.students.models import Outcome, Result, Student
from bot.students.profiles import Profiles
from bot.students.records import BindingCodeRecord, StudentRecord

LI, WANG = "2023001", "2023002"
HOUR = timedelta(hours=1)
GUESS = "ZZZZZZZZZZ"


class Office:
    """A college that hands out codes, and phones that send them."""

    def __init__(self, database: Database, clock: FakeClock, cipher: Cipher) -> None:
        self.database = database
        self.clock = clock
        self.profiles = Profiles(cipher)
        self.binding = Binding(
            clock=clock,
            chance=Chance(clock, seed=7),
            profiles=self.profiles,
            key="k" * 40,
            code_for=timedelta(days=14),
            policy=LockPolicy(tries=3),
        )
        with database.write() as session:
            students = [Student(LI, "李同学", "甲学院"), Student(WANG, "王同学", "乙学院")]
            rows = [self.profiles.sealed(one) | {"updated_at": clock.now()} for one in students]
            self.profiles.save(session, rows, {})

    def code(self, student_no: str) -> str:
        with self.database.write() as session:
            made = self.binding.new_codes(session, [student_no])
            self.binding.hand_out(session, made)
        return made[student_no]

    def send(self, contact: str, typed: str) -> Outcome:
        with self.database.write() as session:
            return self.binding.bind(session, contact, typed)

    def results(self, contact: str, *typed: str) -> list[Result]:
        return [self.send(contact, one).result for one in typed]

    def bound(self) -> dict[str, str | None]:
        with self.database.read() as session:
            records = session.scalars(select(StudentRecord).where(StudentRecord.contact.is_not(None)))
            return {record.student_no: record.contact for record in records}


@pytest.fixture
def office(database: Database, clock: FakeClock, cipher: Cipher) -> Office:
    return Office(database, clock, cipher)


def test_the_right_code_binds(office: Office, clock: FakeClock):
    outcome = office.send("o-li", office.code(LI).lower())
    assert outcome.result is Result.BOUND
    assert outcome.student is not None
    assert (outcome.student.name, outcome.student.bound_at) == ("李同学", clock.now())
    assert office.bound() == {LI: "o-li"}


def test_a_code_is_good_once(office: Office):
    code = office.code(LI)
    assert office.results("o-li", code, code) == [Result.BOUND, Result.ALREADY]
    assert office.send("o-other", code).result is Result.USED
    with office.database.write() as session:
        assert office.binding.unbind(session, "o-li") is not None
    assert office.results("o-li", code) == [Result.USED]
    assert office.bound() == {}


def test_a_code_expires(office: Office, clock: FakeClock):
    code = office.code(LI)
    clock.advance(timedelta(days=14) - timedelta(seconds=1))
    late = office.code(WANG)
    assert office.send("o-li", code).result is Result.BOUND
    clock.advance(timedelta(days=14))
    assert office.send("o-wang", late).result is Result.EXPIRED
    assert office.bound() == {LI: "o-li"}


def test_a_new_code_makes_the_earlier_one_wrong(office: Office):
    first, second = office.code(LI), office.code(LI)
    assert office.results("o-li", first, second) == [Result.WRONG, Result.BOUND]


def test_a_second_phone_of_a_bound_student_is_refused_and_does_not_use_the_code_up(office: Office):
    office.send("o-li", office.code(LI))
    code = office.code(LI)
    assert office.results("o-second", code, code) == [Result.OTHER_PHONE, Result.OTHER_PHONE]
    assert office.bound() == {LI: "o-li"}
    with office.database.write() as session:
        assert office.binding.unbind_student(session, LI)
        assert not office.binding.unbind_student(session, LI)
        assert not office.binding.unbind_student(session, "nobody")
    assert office.results("o-second", code) == [Result.BOUND]


def test_a_phone_that_is_bound_is_refused_a_second_student(office: Office):
    office.send("o-li", office.code(LI))
    code = office.code(WANG)
    outcome = office.send("o-li", code)
    assert (outcome.result, outcome.student and outcome.student.name) == (Result.OTHER_STUDENT, "李同学")
    assert office.send("o-wang", code).result is Result.BOUND


class TestWrongTries:
    def test_a_phone_is_locked_after_three_and_the_right_code_waits(self, office: Office, clock: FakeClock):
        code = office.code(LI)
        tries = [office.send("o-li", GUESS) for _ in range(3)]
        assert [(one.result, one.left) for one in tries[:2]] == [(Result.WRONG, 2), (Result.WRONG, 1)]
        assert (tries[2].result, tries[2].until) == (Result.LOCKED, clock.now() + HOUR)
        assert office.results("o-li", code) == [Result.LOCKED]
        clock.advance(HOUR)
        assert office.results("o-li", code) == [Result.BOUND]

    def test_the_lock_is_in_the_database(self, office: Office, clock: FakeClock, cipher: Cipher):
        """Another process, or the same after a restart, knows of it."""
        office.results("o-li", GUESS, GUESS, GUESS)
        other = Binding(
            clock=clock,
            chance=Chance(clock),
            profiles=Profiles(cipher),
            key="k" * 40,
            code_for=HOUR,
            policy=LockPolicy(tries=3),
        )
        with office.database.write() as session:
            assert other.bind(session, "o-li", GUESS).result is Result.LOCKED

    def test_other_phones_are_not_locked(self, office: Office):
        office.results("o-li", GUESS, GUESS, GUESS)
        assert office.results("o-wang", office.code(WANG)) == [Result.BOUND]

    def test_tries_while_locked_do_not_lengthen_the_lock(self, office: Office, clock: FakeClock):
        until = [office.send("o-li", GUESS).until for _ in range(6)][-1]
        assert until == clock.now() + HOUR

    def test_a_success_forgets_the_wrong_ones(self, office: Office):
        office.results("o-li", GUESS, GUESS, office.code(LI))
        with office.database.write() as session:
            office.binding.unbind(session, "o-li")
        assert office.send("o-li", GUESS).left == 2

    def test_a_code_at_which_many_phones_guessed_is_void(self, office: Office):
        """Its first half is known, its second half is tried from one phone after the other."""
        code = office.code(LI)
        near = code[:5] + GUESS[5:]
        assert [office.send(f"o-{number}", near).result for number in range(3)] == [Result.WRONG] * 3
        assert office.results("o-li", code) == [Result.VOID]
        assert office.bound() == {}
        assert office.results("o-li", office.code(LI)) == [Result.BOUND]

    @pytest.mark.parametrize("typed", ["", "-", "2023001", "k" * 3000, "密码123456"])
    def test_anything_else_is_wrong_too(self, office: Office, typed: str):
        assert office.results("o-li", typed) == [Result.WRONG]


def test_only_a_keyed_hash_is_stored(office: Office):
    code = office.code(LI)
    with office.database.read() as session:
        record = session.scalars(select(BindingCodeRecord)).one()
    assert record.secret_hash == hash_of(code, "k" * 40)
    assert code[5:] not in repr(vars(record))


def test_two_phones_at_the_same_moment(office: Office):
    """One of them gets the code; the other hears that it is used, or that there is a phone."""
    code = office.code(LI)
    results = run_together(4, lambda number: office.send(f"o-{number}", code).result)
    assert sorted(results) == [Result.BOUND, Result.USED, Result.USED, Result.USED]
    assert len(office.bound()) == 1


def test_codes_of_many_students_differ(office: Office):
    """Those that are out already count, too: the row is found by the first half."""
    first = office.code(LI)
    with office.database.read() as session:
        made = office.binding.new_codes(session, [str(number) for number in range(3000)])
    assert len({code[:5] for code in made.values()} | {first[:5]}) == 3001


def test_open_codes_are_counted(office: Office, clock: FakeClock):
    code = office.code(LI)
    office.code(WANG)
    with office.database.read() as session:
        assert office.binding.count_open(session, [LI, WANG, "nobody"]) == 2
    office.send("o-li", code)
    with office.database.read() as session:
        assert office.binding.count_open(session, [LI, WANG]) == 1
    clock.advance(timedelta(days=15))
    with office.database.read() as session:
        assert office.binding.count_open(session, [LI, WANG]) == 0
