"""How long somebody waits who types wrong codes, and how codes look and are read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.students.codes import ALPHABET, hash_of, is_same, looks_like_one, read, written
from bot.students.lockout import LockPolicy, Tries, after_wrong

NOW = datetime(2027, 6, 8, 4, 0, tzinfo=UTC)
POLICY = LockPolicy(tries=3, lock_for=timedelta(hours=1), longest=timedelta(hours=6), forget_after=timedelta(hours=12))
HOUR = timedelta(hours=1)


def wrong(times: int, tries: Tries | None = None) -> Tries:
    tries = tries or Tries()
    for _ in range(times):
        tries = after_wrong(tries, tries.locked_until or NOW, POLICY)
    return tries


def test_the_third_wrong_try_locks_for_an_hour():
    assert [wrong(times).is_locked(NOW) for times in (0, 1, 2, 3)] == [False, False, False, True]
    assert wrong(3).locked_until == NOW + HOUR
    assert not wrong(3).is_locked(NOW + HOUR)
    assert [wrong(times).left(POLICY) for times in (0, 1, 2)] == [3, 2, 1]


@pytest.mark.parametrize(("times", "hours"), [(3, 1), (6, 2), (9, 4), (12, 6), (300, 6)])
def test_each_lock_is_twice_as_long_up_to_the_longest(times: int, hours: int):
    tries = wrong(times)
    assert tries.locked_until is not None
    assert tries.last_at is not None
    assert tries.locked_until - tries.last_at == timedelta(hours=hours)


def test_who_was_not_wrong_for_long_begins_anew():
    tries = wrong(2)
    assert after_wrong(tries, NOW + timedelta(hours=12), POLICY).wrong == 1
    assert after_wrong(tries, NOW + timedelta(hours=11), POLICY).wrong == 3


@given(st.lists(st.integers(0, 20), max_size=60))
def test_nobody_has_more_tries_a_day_than_the_policy_gives(waits: list[int]):
    """However the tries are spread, in any 12 hours there are never more than the locks leave room for."""
    tries, at, made = Tries(), NOW, []
    for wait in waits:
        at += timedelta(minutes=wait)
        if not tries.is_locked(at):
            tries = after_wrong(tries, at, POLICY)
            made.append(at)
    for first in made:
        within = [one for one in made if first <= one < first + HOUR]
        assert len(within) <= POLICY.tries * 2  # the end of one run of tries and the whole of the next


@pytest.mark.parametrize(
    "typed", ["K7QM3-XH9PD", "k7qm3xh9pd", " K7QM3 XH9PD ", "Ｋ７ＱＭ３－ＸＨ９ＰＤ", "k7qm3—xh9pd", "K7Q-M3XH9-PD"]
)
def test_a_code_is_read_however_it_was_typed(typed: str):
    assert read(typed) == "K7QM3XH9PD"
    assert written(read(typed)) == "K7QM3-XH9PD"


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        ("K7QM3-XH9PD", True),
        ("k7qm3－xh9pd", True),
        ("K7QM3XH9PD", False),
        ("20234-01010", False),
        ("12345-12345", False),
        ("K7QM3-XH9PD 谢谢", False),
    ],
)
def test_a_code_alone_is_seen_as_one_and_a_number_is_not(words: str, is_one: bool):
    assert looks_like_one(words) is is_one


def test_what_is_stored_tells_nothing_without_the_key():
    assert is_same(hash_of("K7QM3XH9PD", "key"), hash_of("K7QM3XH9PD", "key"))
    assert not is_same(hash_of("K7QM3XH9PD", "key"), hash_of("K7QM3XH9PD", "other"))
    assert not is_same(hash_of("K7QM3XH9PD", "key"), hash_of("K7QM3XH9PE", "key"))


def test_no_two_letters_are_alike():
    assert len(set(ALPHABET)) == 31
    assert not set("01ILO") & set(ALPHABET)
