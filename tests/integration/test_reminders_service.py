"""Reminders on both databases: each planned time once for everybody, at once or held, whatever happens in between."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.records import AlertRecord
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.reminders.deciding import Caps, Reason, Verdict, Way
from bot.reminders.giving import Giving, ReminderRules
from bot.reminders.records import ReminderGivenRecord, ReminderRunRecord
from bot.reminders.schedule import Schedule
from bot.reminders.series import Relative, Season, Series, Weekly
from bot.reminders.service import Reminders
from bot.students.contacts import Contact, find_opt_outs, mark_unfollowed, opt_in, opt_out, save_contacts
from bot.students.window import Window

ZONE = ZoneInfo("Asia/Shanghai")
FRAUD = Series("fraud", "反诈", "反诈", (Weekly("tue", 13, 0),), timedelta(hours=6), ("第一条", "第二条", "第三条"))
LEAVE = Series(
    "leave", "离校", "离校", (Relative("leaving_day", -7, 9, 0),), timedelta(hours=6), ("还有七天", "一周后离校")
)
NIGHT = (time(22), time(8))
MANY = Caps(100, 100)
Make = Callable[..., Reminders]


class Failing(Outbox):
    """Breaks at the third message."""

    count = 0

    def enqueue(self, *args: Any, **rest: Any) -> Any:
        self.count += 1
        if self.count == 3:
            raise ZeroDivisionError
        return super().enqueue(*args, **rest)


def at(*when: int) -> datetime:
    return datetime(2027, *when, tzinfo=ZONE)  # type: ignore[arg-type,misc]


def alert(contact: str, clock: FakeClock, *, level: str = "red", state: str = "triggered") -> AlertRecord:
    return AlertRecord(
        contact=contact,
        about="self",
        level=level,
        state=state,
        signals=[],
        first_inbound_id="i",
        last_inbound_id="i",
        triggered_at=clock.now(),
        last_message_at=clock.now(),
        next_notice_at=None,
    )


@pytest.fixture
def make(database: Database, clock: FakeClock, chance: Chance, outbox: Outbox) -> Make:
    """The reminders of one process."""

    def _make(
        *series: Series,
        quiet: tuple[time, time] = NIGHT,
        leaving: date | None = date(2027, 6, 25),
        door: Outbox = outbox,
        caps: Caps = MANY,
        **rules: Any,
    ) -> Reminders:
        made = ReminderRules(quiet=quiet, zone=ZONE, reserve=2, caps=caps, **rules)
        return Reminders(
            database,
            clock=clock,
            chance=chance,
            giving=Giving(door, made),
            season=Season(series or (FRAUD,)),
            schedule=Schedule({"leaving_day": leaving}, ZONE),
            rules=made,
        )

    return _make


@pytest.fixture
def students(database: Database, clock: FakeClock) -> Callable[..., None]:
    """Students who follow the account, by how many messages their window still allows."""

    def _students(**left: int) -> None:
        now = clock.now()
        with database.write() as session:
            save_contacts(
                session,
                [
                    Contact(
                        name,
                        "wechat",
                        now,
                        now,
                        window=Window(now + timedelta(hours=47), 5, 5 - count) if count else Window(),
                    )
                    for name, count in left.items()
                ],
            )

    return _students


Students = Callable[..., None]


def run_all(reminders: Reminders) -> None:
    while reminders.tick().more:
        pass


def to(clock: FakeClock, moment: datetime) -> None:
    clock.advance(moment - clock.now())


def deliveries(database: Database) -> dict[str, list[str]]:
    """The states of each student's deliveries."""
    found: dict[str, list[str]] = {}
    with database.read() as session:
        for recipient, state in session.execute(
            select(DeliveryRecord.recipient, DeliveryRecord.state).order_by(DeliveryRecord.recipient, DeliveryRecord.id)
        ):
            found.setdefault(recipient, []).append(state)
    return found


def runs(database: Database) -> list[tuple[str, str, int, int, int]]:
    with database.read() as session:
        query = select(ReminderRunRecord).order_by(ReminderRunRecord.id)
        return [(run.series, run.state, run.queued, run.held, run.skipped) for run in session.scalars(query)]


class TestPlanned:
    def test_not_before_its_hour_and_then_once(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        reminders = make()
        to(clock, at(6, 8, 12, 59))
        run_all(reminders)
        assert deliveries(database) == {}
        for _ in range(30):
            clock.advance(timedelta(minutes=1))
            run_all(reminders)
        assert deliveries(database) == {"o1": ["pending"]}
        assert runs(database) == [("fraud", "done", 1, 0, 0)]

    def test_every_week_another_text(
        self, make: Make, students: Students, database: Database, clock: FakeClock, cipher: Cipher, outbox: Outbox
    ):
        students(o1=5)
        reminders = make()
        for week in range(4):
            to(clock, at(6, 8, 13) + timedelta(weeks=week))
            run_all(reminders)
        with database.read() as session:
            texts = [
                outbox.text_of(one.id, one.content)
                for one in session.scalars(select(DeliveryRecord).order_by(DeliveryRecord.id))
            ]
        assert len(texts) == 4
        assert set(texts[:3]) == {"第一条", "第二条", "第三条"}
        assert texts[3] == texts[0]

    def test_a_late_worker_still_sends_it_and_a_very_late_one_does_not(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        to(clock, at(6, 8, 18, 59))
        run_all(make())
        assert len(deliveries(database)["o1"]) == 1
        to(clock, at(6, 15, 19, 1))
        run_all(make())
        assert len(deliveries(database)["o1"]) == 1

    def test_after_a_long_outage_the_missed_weeks_stay_missed(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        to(clock, at(7, 6, 14))
        run_all(make())
        assert len(deliveries(database)["o1"]) == 1

    def test_two_processes_send_it_once(self, make: Make, students: Students, database: Database, clock: FakeClock):
        """A second leader for a moment: the run's row is the same, and so are the deliveries' keys."""
        students(o1=5, o2=5)
        to(clock, at(6, 8, 13))
        one, other = make(), make()
        for _ in range(4):
            one.tick()
            other.tick()
        assert deliveries(database) == {"o1": ["pending"], "o2": ["pending"]}
        assert len(runs(database)) == 1

    def test_so_many_days_before_the_leaving_day(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        reminders = make(LEAVE)
        to(clock, at(6, 18, 8, 59))
        run_all(reminders)
        assert deliveries(database) == {}
        to(clock, at(6, 18, 9))
        run_all(reminders)
        assert list(deliveries(database)) == ["o1"]

    def test_without_a_leaving_day_nothing_goes(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        reminders = make(LEAVE, leaving=None)
        for day in range(1, 30):
            to(clock, at(6, 8, 13) + timedelta(days=day))
            run_all(reminders)
        assert runs(database) == []

    def test_switched_off_nothing_goes(self, make: Make, students: Students, database: Database, clock: FakeClock):
        students(o1=5)
        to(clock, at(6, 8, 13))
        run_all(make(enabled=False))
        assert runs(database) == []

    def test_two_series_at_one_time_are_two_runs(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        other = Series("loan", "校园贷", "校园贷", (Weekly("tue", 13, 0),), timedelta(hours=6), ("甲", "乙"))
        to(clock, at(6, 8, 13))
        run_all(make(FRAUD, other))
        assert [run[:2] for run in runs(database)] == [("fraud", "done"), ("loan", "done")]
        assert len(deliveries(database)["o1"]) == 2


class TestByHand:
    def test_at_once_whatever_the_calendar_says(self, make: Make, students: Students, database: Database):
        students(o1=5)
        reminders = make()
        assert reminders.run_now("fraud")
        run_all(reminders)
        assert deliveries(database) == {"o1": ["pending"]}

    def test_an_unknown_key(self, make: Make, database: Database):
        assert not make().run_now("frued")
        assert runs(database) == []

    def test_again_later_is_another_run(self, make: Make, students: Students, database: Database, clock: FakeClock):
        students(o1=5)
        reminders = make()
        for _ in range(2):
            reminders.run_now("fraud")
            run_all(reminders)
            clock.advance(timedelta(minutes=1))
        assert len(deliveries(database)["o1"]) == 2


class TestWho:
    def test_an_open_window_gets_it_at_once_a_closed_one_with_the_next_answer(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        """Two of the platform's messages are kept for safety."""
        students(five=5, three=3, two=2, one=1, none=0)
        to(clock, at(6, 8, 13))
        run_all(make())
        assert deliveries(database) == {
            "five": ["pending"],
            "three": ["pending"],
            "two": ["held"],
            "one": ["held"],
            "none": ["held"],
        }
        assert runs(database) == [("fraud", "done", 2, 3, 0)]

    def test_what_is_already_on_its_way_counts(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        """Several series at one hour must not eat the reserve together."""
        students(o1=4)
        others = [
            Series(f"s{n}", "题", "题", (Weekly("tue", 13, 0),), timedelta(hours=6), ("甲", "乙")) for n in range(4)
        ]
        to(clock, at(6, 8, 13))
        run_all(make(*others))
        assert sorted(deliveries(database)["o1"]) == ["held", "held", "pending", "pending"]

    def test_who_opted_out_gets_none_of_that_topic(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5, o2=5)
        with database.write() as session:
            opt_out(session, "o1", ["反诈"], clock.now())
            opt_out(session, "o2", ["离校"], clock.now())
        to(clock, at(6, 8, 13))
        reminders = make()
        run_all(reminders)
        assert list(deliveries(database)) == ["o2"]
        with database.write() as session:
            opt_out(session, "o1", ["反诈"], clock.now())
            opt_in(session, "o1", ["反诈", "没有退过"])
            assert find_opt_outs(session, "o1") == []
        to(clock, at(6, 15, 13))
        run_all(reminders)
        assert len(deliveries(database)["o1"]) == 1

    def test_who_unfollowed_and_who_is_staff_gets_none(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5, o2=5)
        with database.write() as session:
            mark_unfollowed(session, "o1")
            save_contacts(session, [Contact("wangl", "wecom", clock.now(), clock.now())])
        to(clock, at(6, 8, 13))
        run_all(make())
        assert list(deliveries(database)) == ["o2"]

    @pytest.mark.parametrize(
        ("level", "state", "spared"),
        [
            ("red", "triggered", True),
            ("orange", "acknowledged", True),
            ("red", "resolved", False),
            ("yellow", "triggered", False),
        ],
    )
    def test_somebody_in_pain_is_spared(
        self,
        make: Make,
        students: Students,
        database: Database,
        clock: FakeClock,
        level: str,
        state: str,
        *,
        spared: bool,
    ):
        students(o1=5, o2=5)
        with database.write() as session:
            session.add(alert("o1", clock, level=level, state=state))
        to(clock, at(6, 8, 13))
        run_all(make())
        assert ("o1" in deliveries(database)) is not spared
        assert runs(database)[0][4] == int(spared)
        with database.read() as session:
            row = session.scalars(select(ReminderGivenRecord).where(ReminderGivenRecord.contact == "o1")).one()
        assert (row.outcome, row.reason) == (("skipped", "open_alert") if spared else ("queued", ""))

    def test_nobody_at_all(self, make: Make, database: Database, clock: FakeClock):
        to(clock, at(6, 8, 13))
        run_all(make())
        assert runs(database) == [("fraud", "done", 0, 0, 0)]


class TestQuietHours:
    LATE = Series("late", "晚", "晚", (Weekly("tue", 23, 0),), timedelta(hours=6), ("甲", "乙"))

    def test_in_them_the_run_waits_for_the_morning(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        reminders = make(self.LATE)
        to(clock, at(6, 8, 23, 5))
        run_all(reminders)
        to(clock, at(6, 9, 7, 59, 59))
        run_all(reminders)
        assert deliveries(database) == {}
        to(clock, at(6, 9, 8))
        run_all(reminders)
        assert deliveries(database) == {"o1": ["pending"]}

    def test_what_happens_in_the_night_counts_in_the_morning(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        """An opt-out at midnight, a window that closes: nothing was decided too early."""
        to(clock, at(6, 8, 2))
        students(o1=5, o2=5)  # until 01:00 on the 10th
        reminders = make(replace(self.LATE, rules=(Weekly("wed", 23, 0),)))
        to(clock, at(6, 9, 23, 5))
        run_all(reminders)
        with database.write() as session:
            opt_out(session, "o1", ["晚"], clock.now())
        to(clock, at(6, 10, 8))
        run_all(reminders)
        assert deliveries(database) == {"o2": ["held"]}

    def test_by_hand_in_the_night_waits_too(self, make: Make, students: Students, database: Database, clock: FakeClock):
        to(clock, at(6, 8, 23))
        students(o1=5)
        reminders = make()
        reminders.run_now("fraud")
        run_all(reminders)
        assert deliveries(database) == {}
        to(clock, at(6, 9, 8))
        run_all(reminders)
        assert deliveries(database) == {"o1": ["pending"]}

    def test_an_urgent_one_does_not_wait(self, make: Make, students: Students, database: Database, clock: FakeClock):
        to(clock, at(6, 8, 23))
        students(o1=5, o2=5)
        with database.write() as session:
            opt_out(session, "o2", ["反诈"], clock.now())
        reminders = make(replace(FRAUD, key="storm", urgent=True), FRAUD)
        reminders.run_now("fraud")
        reminders.run_now("storm")
        run_all(reminders)
        assert deliveries(database) == {"o1": ["pending"], "o2": ["pending"]}
        assert ("fraud", "running", 0, 0, 0) in runs(database)


class TestCaps:
    def test_one_a_day_and_three_in_seven_days(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        daily = [
            Series(f"s{n}", "题", "题", (Weekly(day, 9, 0),), timedelta(hours=6), ("甲", "乙"))
            for n, day in enumerate(days)
        ]
        second = Series("second", "题", "题", (Weekly("wed", 17, 0),), timedelta(hours=6), ("甲", "乙"))
        to(clock, at(6, 8, 16))
        students(o1=0)
        reminders = make(*daily, second, caps=Caps(per_day=1, per_week=3))
        while clock.now() < at(6, 22):
            clock.advance(timedelta(hours=1))
            run_all(reminders)
        with database.read() as session:
            rows = session.execute(
                select(ReminderGivenRecord.series, ReminderGivenRecord.reason).order_by(ReminderGivenRecord.id)
            ).all()
        assert [tuple(row) for row in rows[:8]] == [
            ("s2", "window"),
            ("second", "cap_day"),
            ("s3", "window"),
            ("s4", "window"),
            ("s5", "cap_week"),
            ("s6", "cap_week"),
            ("s0", "cap_week"),
            ("s1", "cap_week"),
        ]
        assert [row.reason for row in rows].count("window") == 6
        assert len(deliveries(database)["o1"]) == 6

    def test_urgent_ones_are_beyond_it(self, make: Make, students: Students, database: Database, clock: FakeClock):
        students(o1=5)
        reminders = make(FRAUD, replace(FRAUD, key="storm", urgent=True), caps=Caps(1, 1))
        for key in ("fraud", "storm"):
            reminders.run_now(key)
            run_all(reminders)
            clock.advance(timedelta(minutes=1))
        assert deliveries(database) == {"o1": ["pending", "pending"]}


class TestBeforehand:
    def test_a_rehearsal_says_who_would_get_it_and_changes_nothing(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(open=5, closed=0, pain=5, tired=5, away=5)
        with database.write() as session:
            session.add(alert("pain", clock))
            opt_out(session, "away", ["反诈"], clock.now())
            session.add(
                ReminderGivenRecord(
                    source_id="x", contact="tired", series="other", text="t", outcome="queued", at=clock.now()
                )
            )
        reminders = make(caps=Caps(1, 4))
        assert reminders.rehearse("fraud") == {
            Verdict(Way.SEND): 1,
            Verdict(Way.HOLD, Reason.WINDOW): 1,
            Verdict(Way.SKIP, Reason.OPEN_ALERT): 1,
            Verdict(Way.SKIP, Reason.CAP_DAY): 1,
        }
        assert reminders.rehearse("frued") == {}
        assert reminders.audiences() == {"fraud": (4, 1)}
        assert (runs(database), deliveries(database)) == ([], {})

    def test_what_is_planned_in_order(self, make: Make, clock: FakeClock):
        found = make(LEAVE, FRAUD).planned(clock.now(), at(6, 20))
        assert [(one.series.key, one.at) for one in found] == [
            ("fraud", at(6, 8, 13)),
            ("fraud", at(6, 15, 13)),
            ("leave", at(6, 18, 9)),
        ]


class TestCrash:
    def test_a_new_process_goes_on_where_the_old_one_stopped(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        """450 students, 200 a transaction: the second process serves the other 250, and nobody twice."""
        students(**{f"o{number:03}": 5 for number in range(450)})
        to(clock, at(6, 8, 13))
        assert make().tick().done == 200
        assert len(deliveries(database)) == 200
        run_all(make())
        found = deliveries(database)
        assert len(found) == 450
        assert all(states == ["pending"] for states in found.values())
        assert runs(database) == [("fraud", "done", 450, 0, 0)]

    def test_a_crash_within_a_chunk_takes_the_whole_chunk_back(
        self, make: Make, students: Students, database: Database, clock: FakeClock, chance: Chance, cipher: Cipher
    ):
        students(o1=5, o2=5, o3=5)
        to(clock, at(6, 8, 13))
        with pytest.raises(ZeroDivisionError):
            make(door=Failing(clock, chance, cipher)).tick()
        assert deliveries(database) == {}
        assert runs(database) == [("fraud", "running", 0, 0, 0)]
        run_all(make())
        assert len(deliveries(database)) == 3

    def test_who_follows_during_a_run_is_served_or_not_but_never_twice(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(**{f"o{number:03}": 5 for number in range(250)})
        to(clock, at(6, 8, 13))
        reminders = make()
        reminders.tick()
        students(a_new=5, z_new=5)
        run_all(reminders)
        found = deliveries(database)
        assert "z_new" in found
        assert all(len(states) == 1 for states in found.values())

    def test_a_series_that_is_gone_ends_its_run(
        self, make: Make, students: Students, database: Database, clock: FakeClock
    ):
        students(o1=5)
        make().run_now("fraud")
        run_all(make(LEAVE))
        assert runs(database) == [("fraud", "done", 0, 0, 0)]


def test_a_held_one_is_given_for_two_weeks(
    make: Make, students: Students, database: Database, clock: FakeClock, outbox: Outbox
):
    students(o1=0)
    to(clock, at(6, 8, 13))
    run_all(make())
    for days, count in ((13, 1), (14, 0)):
        to(clock, at(6, 8, 13) + timedelta(days=days))
        with database.read() as session:
            assert outbox.held_for(["o1"]).ask(session) == ({"o1": 1} if count else {})


def test_a_run_that_was_left_for_too_long_ends_without_the_rest(
    make: Make, students: Students, database: Database, clock: FakeClock
):
    """A worker that was away for days does not tell the others of last week's dinner."""
    dinner = replace(FRAUD, kept_for=timedelta(days=1))
    students(**{f"o{number:03}": 5 for number in range(250)})
    to(clock, at(6, 8, 13))
    make(dinner).tick()
    to(clock, at(6, 9, 13))
    run_all(make(dinner))
    assert runs(database) == [("fraud", "late", 200, 0, 0)]
    assert len(deliveries(database)) == 200


def test_topics_are_named_once_in_order(make: Make):
    again = Series("again", "反诈二", "反诈", (Weekly("fri", 9, 0),), timedelta(hours=1), ("甲", "乙"))
    assert make(LEAVE, FRAUD, again).topics == ("离校", "反诈")
