"""Sixty days of the shipped season with 200 students on both databases: everybody is accounted for, nobody is flooded."""

import random  # noqa: TID251 - the students' habits, the same in every run
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from support.season import ZONE, find_faults, read_ledger, sent_twice

from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.records import AlertRecord
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.reminders.deciding import Caps, fingerprint
from bot.reminders.giving import Giving, ReminderRules
from bot.reminders.loading import load_season
from bot.reminders.records import ReminderRunRecord
from bot.reminders.schedule import Schedule
from bot.reminders.service import Reminders
from bot.students.contacts import Contact, find_opt_outs, mark_unfollowed, opt_out, save_contacts
from bot.students.window import Window

SEASON = load_season(Path(__file__).resolve().parents[2] / "bot" / "reminders" / "data" / "series.yaml")
START = datetime(2027, 4, 30, 9, 0, tzinfo=ZONE)
LEAVING = date(2027, 6, 25)
QUIET = (time(22), time(8))
CAPS = Caps(1, 5)
NAMES = [f"o{number:03}" for number in range(200)]


@pytest.mark.timeout(300)
def test_a_season_of_sixty_days(database: Database, outbox: Outbox, chance: Chance, cipher: Cipher):
    clock, habits = FakeClock(START), random.Random(5)  # noqa: S311 - habits, no secret
    outbox = Outbox(clock, chance, cipher)
    rules = ReminderRules(quiet=QUIET, zone=ZONE, reserve=2, caps=CAPS)
    reminders = Reminders(
        database,
        clock=clock,
        chance=chance,
        giving=Giving(outbox, rules),
        season=SEASON,
        schedule=Schedule({"leaving_day": LEAVING}, ZONE, pauses=SEASON.pauses),
        rules=rules,
    )
    with database.write() as session:
        save_contacts(session, [Contact(name, "wechat", START, START) for name in NAMES])
    gone: set[str] = set()
    while clock.now() < START + timedelta(days=60):
        live_on(database, clock, habits, gone)
        while reminders.tick().more:
            pass
        clock.advance(timedelta(hours=habits.choice((4, 5))))
    with database.read() as session:
        ledger = read_ledger(session)
        assert sent_twice(session) == []
        planned = [(one.series, one.planned_at.astimezone(ZONE)) for one in session.scalars(select(ReminderRunRecord))]
        delivered = session.scalar(select(func.count()).select_from(DeliveryRecord))
        unwanted = {name: find_opt_outs(session, name) for name in NAMES}
        states = Counter(session.scalars(select(ReminderRunRecord.state)))
    texts = {one.key: len(one.texts) for one in SEASON.series}
    assert find_faults(ledger, texts=texts, quiet=QUIET, per_day=CAPS.per_day, per_week=CAPS.per_week) == []
    assert states == {"done": len(planned)}
    assert_all_of_the_calendar_came(planned, reminders)
    outcomes = Counter((one.outcome, one.reason) for one in ledger)
    assert set(outcomes) <= {("queued", ""), ("held", "window"), ("skipped", "open_alert")}, outcomes  # no cap is hit
    assert min(outcomes.values()) > 0
    assert delivered == outcomes["queued", ""] + outcomes["held", "window"]
    steady = [name for name in NAMES if name not in gone and not unwanted[name]]
    assert len(steady) > 100
    for name in steady:  # one row for every planned time
        assert Counter(one.series for one in ledger if one.contact == name) == Counter(key for key, _ in planned)
    known = {fingerprint(text) for one in SEASON.series for text in one.texts}
    assert {one.text for one in ledger} <= known | {""}


def live_on(database: Database, clock: FakeClock, habits: random.Random, gone: set[str]) -> None:
    """Some write, one in a while unfollows, unsubscribes from something, or is in pain for some days."""
    now = clock.now()
    with database.write() as session:
        writers = [name for name in habits.sample(NAMES, 20) if name not in gone]
        window = Window(now + timedelta(hours=48), 5, 0)
        save_contacts(session, [Contact(name, "wechat", START, now, window=window) for name in writers])
        if habits.random() < 0.04:
            name = habits.choice(NAMES)
            gone.add(name)
            mark_unfollowed(session, name)
        if habits.random() < 0.1:
            opt_out(session, habits.choice(NAMES), [habits.choice(list(SEASON.topics))], now)
        if habits.random() < 0.08:
            session.execute(update(AlertRecord).values(state="resolved"))
            session.add(suffering(habits.choice(NAMES), now))


def suffering(name: str, now: datetime) -> AlertRecord:
    return AlertRecord(
        contact=name,
        about="self",
        level="red",
        state="triggered",
        signals=[],
        first_inbound_id="i",
        last_inbound_id="i",
        triggered_at=now,
        last_message_at=now,
        next_notice_at=None,
    )


def assert_all_of_the_calendar_came(planned: list[tuple[str, datetime]], reminders: Reminders) -> None:
    """Whatever was planned in these days was run, but for what a worker that looks every five hours comes too late for."""
    expected = [(one.series.key, one.at) for one in reminders.planned(START, START + timedelta(days=60))]
    assert set(planned) <= set(expected)
    assert len(planned) >= len(expected) - 2
    assert {key for key, _ in planned} == {one.key for one in SEASON.series if not one.steps}
