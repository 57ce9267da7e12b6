"""Reminders that follow a step on both databases: once a student, at the right time, put off, or closed with a reason."""

from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.records import AlertRecord
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.reminders.deciding import Caps
from bot.reminders.giving import Giving, ReminderRules
from bot.reminders.personal import StepReminders
from bot.reminders.records import ReminderDueRecord, ReminderGivenRecord
from bot.reminders.series import AfterStep, Season, Series
from bot.reminders.steps import StepDone
from bot.students.contacts import Contact, opt_out, save_contacts
from bot.students.importing import read_students
from bot.students.profiles import Profiles
from bot.students.records import StudentRecord
from bot.students.register import Register
from bot.students.window import Window

ZONE = ZoneInfo("Asia/Shanghai")
RENT = Series("rent", "租房", "租房", (AfterStep("dorm_left", timedelta(hours=3)),), timedelta(hours=20), ("一", "二"))
LOAN = Series(
    "loan", "贷款", "反诈", (AfterStep("loan_confirmed", timedelta(hours=3)),), timedelta(hours=20), ("三", "四")
)


@pytest.fixture
def steps(database: Database, clock: FakeClock, chance: Chance, outbox: Outbox) -> StepReminders:
    rules = ReminderRules(quiet=(time(22), time(8)), zone=ZONE, reserve=2, caps=Caps(1, 4))
    with database.write() as session:
        for name in ("o1", "o2"):
            window = Window(clock.now() + timedelta(hours=47), 5, 0)
            save_contacts(session, [Contact(name, "wechat", clock.now(), clock.now(), window=window)])
    giving = Giving(outbox, rules)
    return StepReminders(database, clock=clock, chance=chance, giving=giving, season=Season((RENT, LOAN)), rules=rules)


Done = Callable[..., int]


@pytest.fixture
def done(steps: StepReminders, database: Database, clock: FakeClock) -> Done:
    """A student has just done a step; the number of reminders that will follow."""

    def _done(contact: str = "o1", step: str = "dorm_left") -> int:
        with database.write() as session:
            return steps.step_done(session, StepDone(contact, step, clock.now()))

    return _done


def run(steps: StepReminders, clock: FakeClock, **ahead: float) -> None:
    clock.advance(timedelta(**ahead))
    while steps.tick().more:
        pass


def sent(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as session:
        query = select(DeliveryRecord).order_by(DeliveryRecord.id)
        return [(one.recipient, one.subject, one.state) for one in session.scalars(query)]


def outcomes(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as session:
        query = select(ReminderGivenRecord).order_by(ReminderGivenRecord.id)
        return [(one.contact, one.outcome, one.reason) for one in session.scalars(query)]


def test_three_hours_later_and_once(steps: StepReminders, done: Done, database: Database, clock: FakeClock):
    assert done() == 1
    assert done() == 0
    run(steps, clock, hours=2, minutes=59)
    assert sent(database) == []
    run(steps, clock, minutes=1)
    run(steps, clock, hours=5)
    assert done() == 0
    run(steps, clock, hours=5)
    assert sent(database) == [("o1", "reminder:rent", "pending")]
    assert outcomes(database) == [("o1", "queued", "")]


def test_each_student_and_each_step_for_itself(steps: StepReminders, done: Done, database: Database, clock: FakeClock):
    assert (done("o1"), done("o2"), done("o2", "destination_registered"), done("nobody")) == (1, 1, 0, 0)
    run(steps, clock, hours=3)
    assert sorted(sent(database)) == [("o1", "reminder:rent", "pending"), ("o2", "reminder:rent", "pending")]


def test_a_step_that_nobody_knows(done: Done):
    with pytest.raises(KeyError, match="dorm_gone"):
        done("o1", "dorm_gone")


def test_a_change_of_the_profile(steps: StepReminders, database: Database, clock: FakeClock):
    before, after = {"dorm": "8-101", "has_loan": True}, {"dorm": "", "has_loan": False}
    with database.write() as session:
        assert steps.profile_changed(session, "o1", before, after) == 2
        assert steps.profile_changed(session, "o1", after, after) == 0
    run(steps, clock, hours=3)
    assert len(sent(database)) == 1  # the second is put off: one a day
    run(steps, clock, hours=9)
    assert len(sent(database)) == 1
    run(steps, clock, hours=8)
    assert sorted(one[1] for one in sent(database)) == ["reminder:loan", "reminder:rent"]


def test_at_night_it_waits_for_the_morning(steps: StepReminders, done: Done, database: Database, clock: FakeClock):
    clock.advance(timedelta(hours=8))  # 20:00
    done()
    run(steps, clock, hours=3)
    run(steps, clock, hours=8)
    assert sent(database) == []
    run(steps, clock, hours=1)
    assert len(sent(database)) == 1


@pytest.mark.parametrize(
    ("hours_of_pain", "outcome"), [(5, ("o1", "queued", "")), (60, ("o1", "skipped", "open_alert"))]
)
def test_somebody_in_pain_gets_it_later_or_not_at_all(
    steps: StepReminders,
    done: Done,
    database: Database,
    clock: FakeClock,
    hours_of_pain: int,
    outcome: tuple[str, str, str],
):
    done()
    with database.write() as session:
        session.add(
            AlertRecord(
                contact="o1",
                about="self",
                level="orange",
                state="acknowledged",
                signals=[],
                first_inbound_id="i",
                last_inbound_id="i",
                triggered_at=clock.now(),
                last_message_at=clock.now(),
                next_notice_at=None,
            )
        )
    ends_at = clock.now() + timedelta(hours=hours_of_pain)
    for _ in range(40):
        run(steps, clock, hours=1)
        if clock.now() >= ends_at:
            with database.write() as session:
                session.scalars(select(AlertRecord)).one().state = "resolved"
    assert outcomes(database) == [outcome]
    assert len(sent(database)) == (outcome[1] == "queued")


def test_who_opted_out_meanwhile_and_who_comes_too_late(
    steps: StepReminders, done: Done, database: Database, clock: FakeClock
):
    done("o1")
    with database.write() as session:
        opt_out(session, "o1", ["租房"], clock.now())
    run(steps, clock, hours=4)
    done("o2")
    run(steps, clock, hours=24)  # the worker was away: 16:00 of the next day
    assert sent(database) == []
    assert outcomes(database) == [("o1", "skipped", "not_wanted"), ("o2", "skipped", "late")]
    with database.read() as session:
        assert set(session.scalars(select(ReminderDueRecord.state))) == {"done"}


def test_a_step_that_is_rolled_back_brings_nothing(steps: StepReminders, database: Database, clock: FakeClock):
    class BoomError(Exception):
        pass

    with pytest.raises(BoomError), database.write() as session:
        steps.step_done(session, StepDone("o1", "dorm_left", clock.now()))
        raise BoomError
    run(steps, clock, hours=4)
    assert sent(database) == []


def test_an_import_tells_of_those_whose_phone_is_bound(
    steps: StepReminders, database: Database, clock: FakeClock, cipher: Cipher, tmp_path: Path
):
    """The list of the second week has no bed for S1 and S2; only S1 has a phone to read it on. Twice is once."""
    register = Register(database, clock, Profiles(cipher), on_change=steps.profile_changed)

    def bring(*rows: str) -> None:
        path = tmp_path / "students.csv"
        path.write_text("\n".join(["学号,姓名,学院,宿舍", *rows, ""]), encoding="utf-8")
        register.apply(register.compare(read_students(path)))

    bring("S1,甲,体育教育学院,8-101", "S2,乙,体育教育学院,8-101", "S3,丙,体育教育学院,8-102")
    with database.write() as session:
        for number, contact in (("S1", "o1"), ("S3", "o2")):
            session.execute(update(StudentRecord).where(StudentRecord.student_no == number).values(contact=contact))
    for _ in range(2):
        bring("S1,甲,体育教育学院,", "S2,乙,体育教育学院,", "S3,丙,体育教育学院,8-103")
    run(steps, clock, hours=3)
    assert sent(database) == [("o1", "reminder:rent", "pending")]
