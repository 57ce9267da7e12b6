"""Subscription taps on both databases: counted once, used once, worth nothing after a refusal."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.clock import FakeClock
from bot.db import Database
from bot.students.contacts import Contact, save_contacts
from bot.students.subscriptions import (
    count_remaining,
    exhaust_subscription,
    grant_subscription,
    refuse_subscription,
    remaining_for,
    remaining_subscriptions,
    spend_subscription,
)


@pytest.fixture
def followed(database: Database, clock: FakeClock) -> Database:
    with database.write() as session:
        save_contacts(session, [Contact(name, "wechat", clock.now(), clock.now()) for name in ("o1", "o2")])
    return database


def left(database: Database, contact: str = "o1", template: str = "T") -> int:
    with database.read() as session:
        return remaining_subscriptions(session, contact, template)


def test_one_tap_is_one_message(followed: Database, clock: FakeClock):
    assert left(followed) == 0
    with followed.write() as session:
        for _ in range(2):
            grant_subscription(session, "o1", "T", clock.now())
        grant_subscription(session, "o1", "other", clock.now())
    assert (left(followed), left(followed, "o2"), left(followed, "o1", "other")) == (2, 0, 1)
    with followed.write() as session:
        assert remaining_for(session, ["o1", "o2"], "T") == {"o1": 2}
        assert count_remaining(session, "o1") == 3
        assert [spend_subscription(session, "o1", "T", clock.now()) for _ in range(3)] == [True, True, False]
        assert not spend_subscription(session, "o2", "T", clock.now())
    assert left(followed) == 0


@pytest.mark.parametrize("end", [refuse_subscription, exhaust_subscription])
def test_after_a_refusal_none_is_left_and_a_new_tap_is_one(followed: Database, clock: FakeClock, end):
    with followed.write() as session:
        end(session, "o1", "T", clock.now())
        for _ in range(3):
            grant_subscription(session, "o1", "T", clock.now())
        end(session, "o1", "T", clock.now())
    assert left(followed) == 0
    with followed.write() as session:
        grant_subscription(session, "o1", "T", clock.now())
    assert left(followed) == 1


def test_two_workers_never_spend_the_same_one(followed: Database, clock: FakeClock):
    with followed.write() as session:
        for _ in range(5):
            grant_subscription(session, "o1", "T", clock.now())

    def spend(_: int) -> bool:
        with followed.write() as session:
            return spend_subscription(session, "o1", "T", clock.now())

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(spend, range(12))) == 5
    assert left(followed) == 0
