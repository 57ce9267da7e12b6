"""Profiles on both databases: found by phone and by number, chosen by column, sealed in the tables."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import and_, not_, select, update
from sqlalchemy.exc import IntegrityError

from bot.clock import FakeClock
from bot.crypto import Cipher, UnreadableError
from bot.db import Database
from bot.students.models import Student, Who
from bot.students.profiles import FILTERS, SWITCHES, Profiles
from bot.students.records import StudentRecord, StudentTagRecord

LI = Student(
    student_no="2023001",
    name="李同学",
    college="体育教育学院",
    class_name="2023级4班",
    degree="本科",
    phone="13800000001",
    politics="团员",
    hukou_here=True,
    has_loan=False,
    dorm="3号楼 402",
    destination="升学",
    extended=False,
    tags=("困难", "校队"),
)
WANG = Student(student_no="2023002", name="王同学", college="体育教育学院", dorm="3_楼", has_loan=True)
ZHAO = Student(student_no="2023003", name="赵同学", college="运动康复学院", degree="硕士", tags=("校队",))
Store = Callable[..., None]


@pytest.fixture
def profiles(cipher: Cipher) -> Profiles:
    return Profiles(cipher)


@pytest.fixture
def store(database: Database, profiles: Profiles, clock: FakeClock) -> Store:
    """These students are in the list, with the phones that are theirs."""

    def _store(*students: Student) -> None:
        rows = [profiles.sealed(one) | {"updated_at": clock.now()} for one in students]
        with database.write() as session:
            profiles.save(session, rows, {one.student_no: one.tags for one in students})
            for one in students:
                if one.contact:
                    binding = update(StudentRecord).where(StudentRecord.student_no == one.student_no)
                    session.execute(binding.values(contact=one.contact, bound_at=clock.now()))

    return _store


def test_what_is_stored_comes_back_whole(database: Database, profiles: Profiles, store: Store):
    store(LI, WANG)
    with database.read() as session:
        assert profiles.find_by_number(session, "2023001") == LI
        assert profiles.find_by_number(session, "2023002") == WANG
        assert profiles.find_by_number(session, "2023") is None


def test_a_phone_tells_whose_it_is(database: Database, profiles: Profiles, store: Store, clock: FakeClock):
    store(replace(LI, contact="o-li"), WANG)
    with database.read() as session:
        assert profiles.find_by_contact(session, "o-li") == replace(LI, contact="o-li", bound_at=clock.now())
        assert profiles.who_is(session, "o-li") == Who("体育教育学院", "2023级4班", "李同学")
        assert profiles.college_of(session, "o-li") == "体育教育学院"
        for nobody in ("o-other", ""):
            assert profiles.find_by_contact(session, nobody) is None
            assert profiles.who_is(session, nobody) is None
            assert profiles.college_of(session, nobody) == ""


def test_one_phone_is_nobody_elses(store: Store):
    with pytest.raises(IntegrityError):
        store(replace(LI, contact="o-li"), replace(WANG, contact="o-li"))


def test_a_later_list_changes_the_profile_and_leaves_the_phone(database: Database, profiles: Profiles, store: Store):
    store(replace(LI, contact="o-li"), ZHAO)
    store(replace(LI, name="李明", tags=("校队", "献血")))
    with database.read() as session:
        found = profiles.find_by_contact(session, "o-li")
        assert found is not None
        assert (found.name, found.tags) == ("李明", ("校队", "献血"))
        assert profiles.find_by_number(session, "2023003") == ZHAO


@pytest.mark.parametrize(
    ("name", "value", "chosen"),
    [
        ("college", "体育教育学院", [LI, WANG]),
        ("class", "2023级4班", [LI]),
        ("degree", "硕士", [ZHAO]),
        ("politics", "团员", [LI]),
        ("dorm", "3号楼", [LI]),
        ("dorm", "3_", [WANG]),  # not a pattern
        ("destination", "升学", [LI]),
        ("tag", "校队", [LI, ZHAO]),
        ("student", "2023002", [WANG]),
        ("tag", "没有", []),
    ],
)
def test_students_are_chosen_by_column_and_by_its_opposite(
    database: Database, profiles: Profiles, store: Store, name: str, value: str, chosen: list[Student]
):
    store(LI, WANG, ZHAO)
    condition = FILTERS[name](value)
    with database.read() as session:
        assert profiles.matching(session, condition) == chosen
        assert profiles.count(session, condition) == len(chosen)
        assert profiles.count(session, not_(condition)) == 3 - len(chosen)


@pytest.mark.parametrize(
    ("name", "chosen"), [("hukou_here", [LI]), ("has_loan", [WANG]), ("extended", []), ("bound", [ZHAO])]
)
def test_what_is_not_known_counts_as_no(
    database: Database, profiles: Profiles, store: Store, clock: FakeClock, name: str, chosen: list[Student]
):
    store(LI, WANG, replace(ZHAO, contact="o-zhao"))
    with database.read() as session:
        found = profiles.matching(session, SWITCHES[name])
        assert [one.student_no for one in found] == [one.student_no for one in chosen]
        assert profiles.count(session, not_(SWITCHES[name])) == 3 - len(chosen)
        both = and_(SWITCHES[name], FILTERS["college"]("没有"))
        assert profiles.count(session, both) == 0


def test_pages_follow_one_another(database: Database, profiles: Profiles, store: Store):
    store(LI, WANG, ZHAO)
    with database.read() as session:
        assert profiles.matching(session, limit=2) == [LI, WANG]
        assert profiles.matching(session, after="2023002", limit=2) == [ZHAO]
        assert profiles.colleges(session) == sorted({"体育教育学院", "运动康复学院"})


def test_who_is_removed_is_gone_with_the_tags(database: Database, profiles: Profiles, store: Store):
    store(LI, ZHAO)
    with database.write() as session:
        profiles.remove(session, ["2023001"])
    with database.read() as session:
        assert profiles.matching(session) == [ZHAO]
        assert session.scalars(select(StudentTagRecord.student_no)).all() == ["2023003"]


def test_a_sealed_name_opens_only_in_its_own_row_and_column(
    database: Database, profiles: Profiles, store: Store, cipher: Cipher
):
    """Somebody who can write to the tables cannot give one student's name to another."""
    store(LI, WANG)
    with database.write() as session:
        first, second = (session.get_one(StudentRecord, number) for number in ("2023001", "2023002"))
        assert "李同学".encode() not in first.name
        second.name = first.name
        first.name = first.phone
    for number in ("2023001", "2023002"):
        with database.read() as session, pytest.raises(UnreadableError):
            profiles.find_by_number(session, number)
