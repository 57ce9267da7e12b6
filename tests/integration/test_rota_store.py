"""Who is on duty, on both databases: the shifts, and what there is when they leave a hole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.clock import FakeClock
from bot.db import Database
from bot.escalation.records import ShiftRecord
from bot.escalation.rota import Rota
from bot.escalation.rota_files import Planned
from bot.escalation.rota_records import OverrideRecord
from bot.escalation.rotation import Days, Override, Rotation, Shift
from bot.staff.models import Role, Staff
from bot.staff.records import StaffRecord
from bot.staff.store import Directory

ZONE = ZoneInfo("Asia/Shanghai")
WANG = Staff("1001", "王老师", Role.COUNSELOR, "甲学院", "wangl", "13800000001", "w@example.edu", ("4班", "5班"))
ZHANG = Staff("1002", "张老师", Role.COUNSELOR, "乙学院", "zhangl")
LEAD = Staff("2001", "李书记", Role.COLLEGE_LEAD, "甲学院", "lisj")


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2027, 6, day, hour, tzinfo=ZONE)


def shift(number: str, starts_at: datetime, ends_at: datetime) -> Shift:
    return Shift(number, "", starts_at, ends_at)


@pytest.fixture
def rota(directory: Directory, database: Database) -> Rota:
    with database.write() as session:
        directory.replace_all(session, [WANG, ZHANG, LEAD])
    return Rota(directory)


@pytest.fixture
def plan(database: Database, rota: Rota) -> Callable[..., None]:
    """Stores shifts as an import does."""

    def _plan(*shifts: Shift) -> None:
        with database.write() as session:
            rota.replace(session, list(shifts))

    return _plan


@pytest.fixture
def duty(database: Database, rota: Rota) -> Callable[[datetime], tuple[list[str], str]]:
    """Numbers of those on duty, and why them."""

    def _duty(now: datetime) -> tuple[list[str], str]:
        with database.read() as session:
            on_duty = rota.on_duty(session, now)
        return [person.staff_no for person in on_duty.people], on_duty.reason

    return _duty


Duty = Callable[[datetime], tuple[list[str], str]]
Plan = Callable[..., None]


class TestOnDuty:
    def test_without_a_rota_all_counselors(self, duty: Duty):
        assert duty(at(8, 12)) == (["1001", "1002"], "no_rota")

    def test_from_the_start_up_to_the_end(self, duty: Duty, plan: Plan):
        plan(shift("1001", at(8, 8), at(8, 18)), shift("2001", at(8, 18), at(9, 8)))
        assert duty(at(8, 8)) == (["1001"], "rota")
        assert duty(at(8, 18) - timedelta(microseconds=1)) == (["1001"], "rota")
        assert duty(at(8, 18)) == (["2001"], "rota")
        assert duty(at(9, 7)) == (["2001"], "rota")

    def test_two_shifts_at_once_are_two_people_and_one_twice_is_one(self, duty: Duty, plan: Plan):
        plan(
            shift("1002", at(8, 8), at(8, 18)), shift("1001", at(8, 9), at(8, 18)), shift("1001", at(8, 10), at(8, 12))
        )
        assert duty(at(8, 11)) == (["1001", "1002"], "rota")

    def test_a_hole_in_the_rota_falls_to_all_counselors(self, duty: Duty, plan: Plan):
        plan(shift("2001", at(8, 8), at(8, 18)))
        assert duty(at(8, 19)) == (["1001", "1002"], "gap")

    def test_a_shift_of_somebody_who_left_is_a_hole(
        self, duty: Duty, plan: Plan, database: Database, directory: Directory
    ):
        plan(shift("2001", at(8, 8), at(8, 18)))
        with database.write() as session:
            directory.replace_all(session, [WANG])
        assert duty(at(8, 12)) == (["1001"], "gap")


class TestReplace:
    def test_the_new_days_replace_the_old_and_others_stay(self, duty: Duty, plan: Plan):
        plan(*(shift("1001", at(day, 8), at(day, 18)) for day in (7, 8, 9)))
        plan(shift("1002", at(8, 8), at(8, 18)))
        assert [duty(at(day, 12))[0] for day in (7, 8, 9)] == [["1001"], ["1002"], ["1001"]]

    def test_days_between_those_of_the_file_stay(self, duty: Duty, plan: Plan):
        plan(*(shift("1001", at(day, 8), at(day, 18)) for day in (7, 8, 9)))
        plan(shift("1002", at(7, 8), at(7, 18)), shift("1002", at(9, 8), at(9, 18)))
        assert [duty(at(day, 12))[0] for day in (7, 8, 9)] == [["1002"], ["1001"], ["1002"]]

    def test_a_night_does_not_delete_the_next_morning(self, duty: Duty, plan: Plan):
        """A night of the 8th ends on the 9th; the 9th is another day."""
        plan(shift("1001", at(9, 0), at(9, 8)), shift("1001", at(9, 7), at(9, 18)))
        plan(shift("1002", at(8, 18), at(9, 8)))
        assert duty(at(9, 7))[0] == ["1001", "1002"]
        assert duty(at(9, 12))[0] == ["1001"]

    def test_the_whole_day_is_replaced_also_before_the_first_new_shift(self, duty: Duty, plan: Plan):
        plan(shift("1001", at(8, 6), at(8, 8)), shift("1001", at(8, 8), at(8, 18)))
        plan(shift("1002", at(8, 8), at(8, 18)))
        assert duty(at(8, 7))[1] == "gap"

    def test_twice_the_same_file_is_the_same_rota(self, plan: Plan, database: Database):
        for _ in range(2):
            plan(shift("1001", at(8, 8), at(8, 18)), shift("1002", at(8, 18), at(9, 8)))
        with database.read() as session:
            assert session.scalar(select(func.count(ShiftRecord.id))) == 2

    def test_nothing_replaces_nothing(self, plan: Plan, duty: Duty):
        plan(shift("1001", at(8, 8), at(8, 18)))
        plan()
        assert duty(at(8, 12)) == (["1001"], "rota")


class TestGaps:
    @pytest.fixture
    def gaps(self, database: Database, rota: Rota, clock: FakeClock) -> Callable[[], list[tuple[datetime, datetime]]]:
        def _gaps() -> list[tuple[datetime, datetime]]:
            with database.read() as session:
                return rota.gaps(session, clock.now())

        return _gaps

    def test_without_a_rota_there_are_none(self, gaps: Callable[[], list[tuple[datetime, datetime]]]):
        assert gaps() == []

    def test_each_hole_within_fourteen_days(self, gaps: Callable[[], list[tuple[datetime, datetime]]], plan: Plan):
        """Now is noon of the 8th."""
        plan(
            shift("1001", at(8, 8), at(8, 18)),
            shift("1002", at(8, 17), at(10, 8)),
            shift("1001", at(10, 9), at(10, 12)),
            shift("1001", at(10, 10), at(10, 11)),
            shift("1001", at(10, 12), at(30, 12)),
        )
        assert gaps() == [(at(10, 8), at(10, 9))]

    def test_the_open_end_and_the_present_are_holes_too(
        self, gaps: Callable[[], list[tuple[datetime, datetime]]], plan: Plan
    ):
        plan(shift("1001", at(8, 14), at(9, 14)))
        assert gaps() == [(at(8, 12), at(8, 14)), (at(9, 14), at(22, 12))]

    def test_a_rota_that_has_run_out_is_one_hole(self, gaps: Callable[[], list[tuple[datetime, datetime]]], plan: Plan):
        plan(shift("1001", at(1), at(2)))
        assert gaps() == [(at(8, 12), at(22, 12))]


class TestDirectory:
    def test_somebody_comes_back_whole(self, rota: Rota, database: Database, directory: Directory):
        with database.read() as session:
            assert directory.find(session, "1001") == WANG
            assert directory.find_by_userid(session, "wangl") == WANG
            assert directory.find(session, "9999") is None
            assert directory.find_by_userid(session, "") is None
            assert directory.with_role(session, Role.COUNSELOR) == [WANG, ZHANG]
            assert directory.with_role(session, Role.PSYCHOLOGY) == []

    def test_names_and_phones_are_sealed(self, rota: Rota, database: Database):
        with database.read() as session:
            record = session.get_one(StaffRecord, "1001")
            assert "王老师".encode() not in record.name
            assert b"138" not in record.phone
            assert b"example" not in record.email

    def test_the_list_is_the_truth(self, rota: Rota, database: Database, directory: Directory):
        """Who is not in it any more gets no alerts and has no account; who comes back has both again."""
        with database.write() as session:
            assert directory.replace_all(session, [ZHANG]) == (1, 2)
        with database.read() as session:
            assert directory.find(session, "1001") is None
            assert directory.find_by_userid(session, "wangl") is None
            assert not directory.is_empty(session)
        with database.write() as session:
            assert directory.replace_all(session, [WANG, ZHANG]) == (2, 0)
        with database.read() as session:
            assert directory.find_by_userid(session, "wangl") == WANG

    def test_an_account_that_changes_hands_is_the_new_ones(self, rota: Rota, database: Database, directory: Directory):
        heir = Staff("1003", "赵老师", Role.COUNSELOR, wecom_userid="wangl")
        with database.write() as session:
            directory.replace_all(session, [heir, ZHANG])
        with database.read() as session:
            assert directory.find_by_userid(session, "wangl") == heir

    def test_an_empty_table_is_empty(self, database: Database, directory: Directory):
        with database.read() as session:
            assert directory.is_empty(session)


class TestPlans:
    """Rotations and overrides, stored and read again."""

    NIGHTS = Rotation("夜班", "甲学院", ("1001", "1002"), date(2027, 6, 7), time(18), time(8), 1)

    @pytest.fixture
    def store(self, database: Database, rota: Rota) -> Callable[..., None]:
        def _store(*rows: Rotation | Override) -> None:
            planned = Planned(
                rotations=tuple(row for row in rows if isinstance(row, Rotation)),
                overrides=tuple(row for row in rows if isinstance(row, Override)),
            )
            with database.write() as session:
                rota.plan(session, planned)

        return _store

    def test_a_rotation_is_a_rota(self, duty: Duty, store: Plan):
        store(self.NIGHTS)
        assert duty(at(7, 18)) == (["1001"], "rota")
        assert duty(at(9, 7)) == (["1002"], "rota")
        assert duty(at(9, 12)) == (["1001", "1002"], "gap")

    def test_one_of_the_same_name_takes_its_place(self, duty: Duty, store: Plan):
        store(self.NIGHTS, replace(self.NIGHTS, name="另一个", order=("2001",)))
        store(replace(self.NIGHTS, order=("1002",), last_day=date(2027, 6, 30), days=Days.EVERY))
        assert duty(at(7, 19)) == (["1002", "2001"], "rota")

    def test_a_newer_stand_in_takes_the_place_of_an_older_one(self, duty: Duty, store: Plan):
        store(self.NIGHTS, Override(0, at(7, 18), at(8, 8), "1002", "1001"))
        assert duty(at(7, 19))[0] == ["1002"]
        store(Override(0, at(7, 18), at(8, 8), "2001", "1001"))
        assert duty(at(7, 19))[0] == ["2001"]
        assert duty(at(8, 19))[0] == ["1002"], "only in its span"

    def test_extra_duty_twice_is_once(self, duty: Duty, store: Plan, database: Database):
        for _ in range(2):
            store(self.NIGHTS, Override(0, at(7, 18), at(8, 8), "2001"), Override(0, at(7, 18), at(8, 8), "1002"))
        assert duty(at(7, 19))[0] == ["1001", "1002", "2001"]
        with database.read() as session:
            assert session.scalar(select(func.count(OverrideRecord.id))) == 2


class TestWhose:
    """By day the class's counselor, by night who is on duty, and each college its own."""

    @pytest.fixture
    def whose(self, database: Database, rota: Rota) -> Callable[..., tuple[list[str], str]]:
        def _whose(now: datetime, **known: str) -> tuple[list[str], str]:
            with database.read() as session:
                on_duty = rota.on_duty(session, now, **known)
            return [person.staff_no for person in on_duty.people], on_duty.reason

        return _whose

    def test_by_day_the_class_counselor_and_by_night_who_is_on_duty(
        self, whose: Callable[..., tuple[list[str], str]], plan: Plan
    ):
        plan(shift("1002", at(8), at(9)))
        assert whose(at(8, 12), class_name="4班") == (["1001"], "class")
        assert whose(at(8, 12), class_name="9班") == (["1002"], "rota")
        assert whose(at(8, 19), class_name="4班") == (["1002"], "rota")

    def test_a_college_has_its_own_shifts_and_those_for_all(
        self, whose: Callable[..., tuple[list[str], str]], plan: Plan
    ):
        plan(
            Shift("1001", "甲学院", at(8), at(9)),
            Shift("1002", "乙学院", at(8), at(8, 12)),
            Shift("2001", "", at(8, 6), at(8, 12)),
        )
        assert whose(at(8, 7), college="甲学院") == (["1001", "2001"], "rota")
        assert whose(at(8, 7), college="乙学院") == (["1002", "2001"], "rota")
        assert whose(at(8, 13), college="乙学院") == (["1002"], "gap"), "the college's own counselors"
        assert whose(at(8, 13), college="丙学院") == (["1001", "1002"], "gap"), "then all"
        assert whose(at(8, 7)) == (["1001", "1002", "2001"], "rota")
