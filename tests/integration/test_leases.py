"""One holder of a name at a time, on both databases: takeover when the life runs out, at once when it is given back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from support.threads import run_together

from bot.clock import FakeClock
from bot.db import Database
from bot.leases import Lease, LeaseRecord

LIFE = timedelta(seconds=15)
Make = Callable[..., Lease]


@pytest.fixture
def lease(database: Database, clock: FakeClock) -> Make:
    """One process's claim to the name."""
    return lambda holder, name="scheduler": Lease(database, clock, name=name, holder=holder, life=LIFE)


def epoch(database: Database) -> int:
    with database.read() as session:
        return session.get_one(LeaseRecord, "scheduler").epoch


def test_the_first_holds_and_the_second_waits(lease: Make):
    one, other = lease("a"), lease("b")
    assert one.hold()
    assert not other.hold()
    assert one.hold()


def test_who_renews_keeps_it_for_ever(lease: Make, clock: FakeClock, database: Database):
    one, other = lease("a"), lease("b")
    for _ in range(20):
        assert one.hold()
        clock.advance(LIFE - timedelta(seconds=1))
        assert not other.hold()
    assert epoch(database) == 1


def test_who_is_silent_for_its_life_loses_it(lease: Make, clock: FakeClock, database: Database):
    one, other = lease("a"), lease("b")
    assert one.hold()
    clock.advance(LIFE - timedelta(milliseconds=1))
    assert not other.hold()
    clock.advance(timedelta(milliseconds=1))
    assert other.hold()
    assert not one.hold()
    assert epoch(database) == 2


def test_a_silent_holder_that_nobody_replaced_goes_on(lease: Make, clock: FakeClock, database: Database):
    one = lease("a")
    one.hold()
    clock.advance(LIFE * 10)
    assert one.hold()
    assert epoch(database) == 1


def test_released_it_is_free_at_once(lease: Make):
    one, other = lease("a"), lease("b")
    one.hold()
    one.release()
    assert other.hold()


def test_only_the_holder_can_release(lease: Make):
    one, other = lease("a"), lease("b")
    one.hold()
    other.release()
    assert not other.hold()
    assert one.hold()


def test_releasing_what_nobody_holds_does_nothing(lease: Make):
    lease("a").release()
    assert lease("b").hold()


def test_names_are_apart(lease: Make):
    assert lease("a", "one").hold()
    assert lease("b", "two").hold()


def test_of_many_that_begin_together_one_gets_it(lease: Make, clock: FakeClock):
    """The first time, when there is no row yet, and at a takeover."""
    contenders = [lease(f"h{number}") for number in range(8)]
    assert sorted(run_together(8, lambda number: contenders[number].hold())) == [False] * 7 + [True]
    clock.advance(LIFE)
    assert sorted(run_together(8, lambda number: contenders[number].hold())) == [False] * 7 + [True]
