"""Clocks that are moved by hand, the shift that processes share, and identifiers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.threads import run_together

from bot.clock import Chance, FakeClock, ShiftedClock, SystemClock

START = datetime(2027, 6, 8, 4, 0, tzinfo=UTC)


def test_the_systems_clock_is_aware_and_in_utc():
    assert SystemClock().now().tzinfo is UTC


class TestFakeClock:
    def test_it_stands_still_until_it_is_moved(self):
        clock = FakeClock(START)
        assert clock.now() == clock.now() == START
        clock.advance(timedelta(minutes=5))
        assert clock.now() == START + timedelta(minutes=5)

    def test_it_tells_utc_whatever_the_start_was_in(self, clock: FakeClock):
        assert clock.now().tzinfo is UTC
        assert clock.now() == START

    def test_threads_lose_no_step(self):
        clock = FakeClock(START)
        run_together(8, lambda _: [clock.advance(timedelta(seconds=1)) for _ in range(200)])
        assert clock.now() == START + timedelta(seconds=1600)


class TestShiftedClock:
    def test_without_a_file_it_is_the_machines(self, tmp_path: Path):
        before = SystemClock().now()
        assert before <= ShiftedClock(tmp_path / "none" / "shift.json").now() <= SystemClock().now()

    def test_another_process_sees_the_shift(self, tmp_path: Path):
        path = tmp_path / "var" / "shift.json"
        ShiftedClock(path).advance(timedelta(days=3))
        assert ShiftedClock(path).now() - SystemClock().now() > timedelta(days=2, hours=23)

    def test_steps_add_up_across_processes(self, tmp_path: Path):
        path = tmp_path / "shift.json"
        one, other = ShiftedClock(path), ShiftedClock(path)
        for clock in (one, other, one, other):
            clock.now()
            clock.advance(timedelta(hours=1))
        assert timedelta(hours=3, minutes=59) < ShiftedClock(path).now() - SystemClock().now() <= timedelta(hours=4)

    def test_reset_takes_it_back(self, tmp_path: Path):
        clock = ShiftedClock(tmp_path / "shift.json")
        clock.advance(timedelta(days=3))
        clock.reset()
        assert clock.now() - SystemClock().now() < timedelta(seconds=1)

    @pytest.mark.parametrize(
        "text",
        ["", "[]", "{", '{"shift_s": "soon"}', '{"other": 1}', '{"shift_s": NaN}', '{"shift_s": Infinity}', "\udcff"],
    )
    def test_an_unreadable_file_means_no_shift(self, tmp_path: Path, text: str):
        path = tmp_path / "shift.json"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        assert abs(ShiftedClock(path).now() - SystemClock().now()) < timedelta(seconds=5)


class TestChance:
    def test_an_id_has_26_characters_of_a_readable_alphabet(self, chance: Chance):
        made = chance.new_id()
        assert len(made) == 26
        assert set(made) <= set("0123456789abcdefghjkmnpqrstvwxyz")

    def test_ids_sort_by_time(self, clock: FakeClock, chance: Chance):
        made = []
        for _ in range(50):
            made.append(chance.new_id())
            clock.advance(timedelta(milliseconds=1))
        assert made == sorted(made)

    def test_ids_of_one_moment_differ_even_with_one_seed(self, clock: FakeClock):
        """Two processes with the same seed (there is one in tests only) must not collide."""
        one, other = Chance(clock, seed=1), Chance(clock, seed=1)
        made = [source.new_id() for source in (one, other) for _ in range(500)]
        assert len(set(made)) == 1000

    def test_jitter_repeats_with_a_seed_and_stays_below_one(self, clock: FakeClock):
        one, other = Chance(clock, seed=3), Chance(clock, seed=3)
        drawn = [one.jitter() for _ in range(200)]
        assert drawn == [other.jitter() for _ in range(200)]
        assert all(0 <= number < 1 for number in drawn)

    def test_tokens_are_safe_in_an_address(self, chance: Chance):
        tokens = {chance.token() for _ in range(100)}
        assert len(tokens) == 100
        assert all(len(token) >= 21 and token.replace("-", "").replace("_", "").isalnum() for token in tokens)
