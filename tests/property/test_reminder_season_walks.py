"""Walks of the real service over a real database: whenever the worker looks, nobody is told twice, at night or too often."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from support.season import ZONE, Given, find_faults, read_ledger, sent_twice

from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.records import AlertRecord
from bot.migrations import upgrade
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.reminders import giving
from bot.reminders.deciding import Caps
from bot.reminders.giving import Giving, ReminderRules
from bot.reminders.records import ReminderGivenRecord, ReminderRunRecord
from bot.reminders.schedule import Schedule
from bot.reminders.series import Relative, Season, Series, Weekly
from bot.reminders.service import Reminders
from bot.students.contacts import Contact, opt_in, opt_out, save_contacts
from bot.students.records import ContactRecord
from bot.students.window import Window

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2027, 6, 1, 3, 0, tzinfo=ZONE)
NIGHT = (time(22), time(8))
CAPS = Caps(1, 3)
SERIES = (
    Series("two", "题", "甲", (Weekly("mon", 12, 0), Weekly("thu", 12, 0)), timedelta(hours=30), ("一", "二", "三")),
    Series("late", "题", "乙", (Weekly("tue", 21, 50), Weekly("wed", 23, 30)), timedelta(hours=6), ("四", "五", "六")),
    Series(
        "key", "题", "甲", (Relative("leave", -3, 12, 0), Relative("leave", 0, 7, 0)), timedelta(hours=3), ("七", "八")
    ),
    Series("same", "题", "丙", (Weekly("mon", 12, 0),), timedelta(hours=6), ("九", "十", "百")),
)
TEXTS = {one.key: len(one.texts) for one in SERIES}
NAMES = ("o1", "o2", "o3")


@dataclass
class Place:
    database: Database
    ids: Iterator[int]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One migrated SQLite database for all walks, emptied before each."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('season') / 'walk.db'}")
    upgrade(database, ROOT)
    yield Place(database, count())
    database.dispose()


ACTS = st.sampled_from(
    ["look", "look", "look", "restart", "writes", "opts_out", "opts_in", "suffers", "recovers", "by_hand"]
)
WALKS = st.lists(
    st.tuples(ACTS, st.sampled_from(NAMES), st.timedeltas(timedelta(minutes=1), timedelta(hours=14))),
    min_size=10,
    max_size=60,
)


def walk(place: Place, steps: list[tuple[str, str, timedelta]], rules: ReminderRules) -> list[Given]:
    """The ledger after the steps; the first look is at the start."""
    database, clock = place.database, FakeClock(START)
    chance = Chance(clock, seed=1)
    outbox = Outbox(clock, chance, Cipher([base64.b64decode("c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4=")]))

    def service() -> Reminders:
        return Reminders(
            database,
            clock=clock,
            chance=chance,
            giving=Giving(outbox, rules),
            season=Season(SERIES),
            schedule=Schedule({"leave": date(2027, 6, 18)}, ZONE),
            rules=rules,
        )

    with database.write() as session:
        for table in (ReminderGivenRecord, ReminderRunRecord, DeliveryRecord, AlertRecord, ContactRecord):
            session.execute(delete(table))
        save_contacts(session, [Contact(name, "wechat", START, START) for name in NAMES])
    reminders = service()
    for act, name, pause in steps:
        if act == "restart":
            reminders = service()
        elif act == "by_hand":
            reminders.run_now("two")
        elif act != "look":
            _do(database, clock, act, name)
        while reminders.tick().more:
            pass
        clock.advance(pause)
    with database.read() as session:
        assert sent_twice(session) == []
        return read_ledger(session)


def _do(database: Database, clock: FakeClock, act: str, name: str) -> None:
    now = clock.now()
    with database.write() as session:
        if act == "writes":
            window = Window(now + timedelta(hours=48), 5, 0)
            save_contacts(session, [Contact(name, "wechat", START, now, window=window)])
        elif act == "opts_out":
            opt_out(session, name, ["甲"], now)
        elif act == "opts_in":
            opt_in(session, name, ["甲"])
        elif act == "recovers":
            session.execute(update(AlertRecord).where(AlertRecord.contact == name).values(state="resolved"))
        else:
            session.execute(update(AlertRecord).where(AlertRecord.contact == name).values(state="resolved"))
            session.add(
                AlertRecord(
                    contact=name,
                    about="self",
                    level="orange",
                    state="triggered",
                    signals=[],
                    first_inbound_id="i",
                    last_inbound_id="i",
                    triggered_at=now,
                    last_message_at=now,
                    next_notice_at=None,
                )
            )


def faults_of(ledger: list[Given]) -> list[str]:
    return find_faults(ledger, texts=TEXTS, quiet=NIGHT, per_day=CAPS.per_day, per_week=CAPS.per_week)


RULES = ReminderRules(quiet=NIGHT, zone=ZONE, reserve=2, caps=CAPS)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(WALKS)
def test_whenever_the_worker_looks(place: Place, steps: list[tuple[str, str, timedelta]]):
    """Not twice for one planned time, not at night, not over the cap, each text once before any again."""
    assert faults_of(walk(place, steps, RULES)) == []


TWO_HOURLY = [("look", "o1", timedelta(hours=2))] * 260


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (replace(RULES, caps=Caps(9, 3)), "2 on"),
        (replace(RULES, caps=Caps(1, 9)), "4 in the week"),
        (replace(RULES, quiet=(time(8), time(8))), "in quiet hours"),
    ],
)
def test_a_planted_mistake_in_the_rules_is_seen(place: Place, rules: ReminderRules, fault: str):
    assert any(fault in line for line in faults_of(walk(place, TWO_HOURLY, rules)))


def test_a_planted_mistake_in_the_choice_of_texts_is_seen(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(giving, "choose", lambda texts, _given: texts[0])
    assert any("again before all were read" in line for line in faults_of(walk(place, TWO_HOURLY, RULES)))


def test_three_weeks_as_they_should_be(place: Place):
    """The walk of the planted mistakes, without them: it serves everybody, and the checker finds nothing."""
    ledger = walk(place, TWO_HOURLY, RULES)
    assert faults_of(ledger) == []
    assert {one.contact for one in ledger} == set(NAMES)
    assert {one.series for one in ledger if one.outcome == "held"} == {"two", "late"}


def test_the_checker_sees_doubles_and_what_comes_too_early():
    one = Given("o1", "two", START.replace(hour=12), START.replace(hour=12), "t", "queued")
    early = replace(one, series="late", at=START.replace(hour=11), outcome="skipped")
    found = find_faults([one, one, early], texts=TEXTS, quiet=NIGHT, per_day=9, per_week=9)
    assert [line.split(":")[0] for line in found] == [
        "twice",
        "too early",
        "skipped without a reason",
        "again before all were read",
    ]
