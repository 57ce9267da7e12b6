"""Group commit: callers ride together, each hears only of its own item, nobody waits for ever."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest
from support.threads import run_together

from bot.routing.batcher import Batcher, TooLateError

Work = Callable[[Sequence[int]], Sequence[int | BaseException]]


class Gate:
    """Work that waits until it is let go, so that a test knows what has begun and what has not."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> Sequence[int | BaseException]:
        self.batches.append(list(items))
        self.begun.set()
        assert self.go.wait(10)
        return [item * 10 for item in items]


class Arrivals(queue.SimpleQueue):  # type: ignore[type-arg]  # whatever the batcher puts in
    """The batcher's queue, which tells a test how many have come."""

    def __init__(self) -> None:
        self._come = threading.Semaphore(0)

    def put(self, item: object) -> None:
        super().put(item)
        self._come.release()

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self._come.acquire(timeout=10)


@pytest.fixture
def batcher() -> Iterator[Callable[[Work], Batcher[int, int]]]:
    """Makes batchers that are closed when the test ends."""
    made: list[Batcher[int, int]] = []

    def make(work: Work) -> Batcher[int, int]:
        made.append(Batcher(work))
        return made[-1]

    yield make
    for one in made:
        one.close()


def times_ten(items: Sequence[int]) -> Sequence[int | BaseException]:
    return [item * 10 for item in items]


def test_each_caller_gets_its_own_outcome(batcher: Callable[[Work], Batcher[int, int]]):
    """Two hundred callers at once: none gets another's answer, none is left out."""
    one = batcher(times_ten)
    outcomes = run_together(40, lambda number: [one.submit(number * 5 + i, timeout_s=10) for i in range(5)])
    assert [outcome for five in outcomes for outcome in five] == [number * 10 for number in range(200)]


def test_those_who_come_while_one_works_ride_together(batcher: Callable[[Work], Batcher[int, int]]):
    gate = Gate()
    one = batcher(gate)
    arrivals = one._queue = Arrivals()
    first = threading.Thread(target=one.submit, args=(0,), kwargs={"timeout_s": 10})
    first.start()
    assert gate.begun.wait(5)
    queued = [threading.Thread(target=one.submit, args=(n,), kwargs={"timeout_s": 10}) for n in range(1, 101)]
    for thread in queued:
        thread.start()
    arrivals.wait_for(101)
    gate.go.set()
    for thread in [first, *queued]:
        thread.join(10)
    assert gate.batches[0] == [0]
    assert [len(batch) for batch in gate.batches] == [1, 64, 36]
    assert sorted(item for batch in gate.batches for item in batch) == list(range(101))


def test_one_failing_item_fails_for_its_caller_only(batcher: Callable[[Work], Batcher[int, int]]):
    def work(items: Sequence[int]) -> Sequence[int | BaseException]:
        return [KeyError(item) if item % 2 else item for item in items]

    one = batcher(work)

    def call(number: int) -> int | str:
        try:
            return one.submit(number, timeout_s=10)
        except KeyError as error:
            return f"KeyError {error.args[0]}"

    assert run_together(20, call) == [f"KeyError {n}" if n % 2 else n for n in range(20)]


def test_work_that_raises_is_told_to_every_caller_and_the_next_is_served(batcher: Callable[[Work], Batcher[int, int]]):
    def work(items: Sequence[int]) -> Sequence[int | BaseException]:
        if 13 in items:
            message = "the database is gone"
            raise OSError(message)
        return items

    one = batcher(work)
    with pytest.raises(OSError, match="the database is gone"):
        one.submit(13, timeout_s=10)
    assert one.submit(14, timeout_s=10) == 14


@pytest.mark.parametrize("surplus", [-1, 1])
def test_work_that_miscounts_is_a_bug_that_callers_hear_of(batcher: Callable[[Work], Batcher[int, int]], surplus: int):
    """The thread must live on: without it every later message would be late."""

    def work(items: Sequence[int]) -> Sequence[int | BaseException]:
        return [*items, 0][: len(items) + surplus] if 13 in items else items

    one = batcher(work)
    with pytest.raises(ValueError, match="outcomes for 1 items"):
        one.submit(13, timeout_s=5)
    assert one.submit(14, timeout_s=5) == 14


def test_an_empty_outcome_is_an_outcome(batcher: Callable[[Work], Batcher[int, int]]):
    assert batcher(lambda items: [0 for _ in items]).submit(5, timeout_s=5) == 0


class TestTooLate:
    def test_the_caller_hears_it_in_time_and_begun_work_still_finishes(
        self, batcher: Callable[[Work], Batcher[int, int]]
    ):
        gate = Gate()
        one = batcher(gate)
        with pytest.raises(TooLateError):
            one.submit(1, timeout_s=0.02)
        assert gate.batches == [[1]]
        gate.go.set()
        assert one.submit(2, timeout_s=10) == 20

    def test_what_had_not_begun_is_left_out(self, batcher: Callable[[Work], Batcher[int, int]]):
        """Its caller has put it in a safe place; doing it here as well would be doing it twice."""
        gate = Gate()
        one = batcher(gate)
        first = threading.Thread(target=one.submit, args=(1,), kwargs={"timeout_s": 10})
        first.start()
        assert gate.begun.wait(5)
        with pytest.raises(TooLateError):
            one.submit(2, timeout_s=0.02)
        gate.go.set()
        first.join(10)
        assert one.submit(3, timeout_s=10) == 30
        assert gate.batches == [[1], [3]]


class TestTurn:
    def test_who_comes_while_the_turn_is_waited_for_rides_along(self):
        """The longer the others write, the more messages share the next commit."""
        turn = threading.Semaphore(0)
        batches: list[list[int]] = []

        @contextmanager
        def wait() -> Iterator[None]:
            assert turn.acquire(timeout=10)
            yield

        def work(items: Sequence[int]) -> Sequence[int]:
            batches.append(sorted(items))
            return list(items)

        one = Batcher[int, int](work, turn=wait)
        arrivals = one._queue = Arrivals()
        callers = [threading.Thread(target=one.submit, args=(n,), kwargs={"timeout_s": 10}) for n in range(4)]
        for caller in callers:
            caller.start()
        arrivals.wait_for(4)
        turn.release()
        for caller in callers:
            caller.join(10)
        assert batches == [[0, 1, 2, 3]]
        turn.release()
        one.close()

    def test_a_turn_that_never_comes_is_told_to_all_who_wait(self):
        def never() -> AbstractContextManager[None]:
            raise OSError("the lock is somebody else's")

        one = Batcher[int, int](times_ten, turn=never)
        with pytest.raises(OSError, match="somebody else's"):
            one.submit(1, timeout_s=5)
        with pytest.raises(OSError, match="somebody else's"):
            one.submit(2, timeout_s=5)
        one.close()


class TestClose:
    def test_what_was_brought_before_is_finished(self):
        gate = Gate()
        one = Batcher[int, int](gate)
        arrivals = one._queue = Arrivals()
        got: list[int] = []
        callers = [threading.Thread(target=lambda n=n: got.append(one.submit(n, timeout_s=10))) for n in range(5)]
        callers[0].start()
        assert gate.begun.wait(5)
        for caller in callers[1:]:
            caller.start()
        arrivals.wait_for(5)
        closing = threading.Thread(target=one.close)
        closing.start()
        gate.go.set()
        for thread in [*callers, closing]:
            thread.join(10)
        assert sorted(got) == [0, 10, 20, 30, 40]
        assert one._thread is not None
        assert not one._thread.is_alive()

    def test_closing_what_never_began_does_nothing(self):
        Batcher[int, int](times_ten).close()

    def test_who_comes_after_is_too_late_at_once(self):
        """A worker that is stopping must not make its last callers wait out their time."""
        one = Batcher[int, int](times_ten)
        one.submit(1, timeout_s=5)
        one.close()
        before = time.monotonic()
        with pytest.raises(TooLateError):
            one.submit(2, timeout_s=10)
        assert time.monotonic() - before < 5


def test_a_caller_whose_time_is_over_leaves_nobody_waiting_behind(batcher: Callable[[Work], Batcher[int, int]]):
    """Each caller wakes the next one of its batch: one that has gone is passed over."""
    gate = Gate()
    batching = batcher(gate)
    arrivals = Arrivals()
    batching._queue = arrivals
    heard: list[int | str] = []

    def call(item: int, timeout_s: float) -> None:
        try:
            heard.append(batching.submit(item, timeout_s=timeout_s))
        except TooLateError:
            heard.append(f"{item} too late")

    callers = [threading.Thread(target=call, args=(0, 20))]
    callers[0].start()
    assert gate.begun.wait(10)
    gate.begun.clear()
    for item, timeout_s in ((1, 20.0), (2, 1.5), (3, 20.0), (4, 1.5), (5, 20.0)):
        callers.append(threading.Thread(target=call, args=(item, timeout_s)))
        callers[-1].start()
        arrivals.wait_for(1)
    arrivals.wait_for(1)  # the very first
    gate.go.set()
    gate.go = threading.Event()  # the second batch waits until two of its callers have gone
    assert gate.begun.wait(10)
    for caller in (callers[2], callers[4]):
        caller.join(10)
    gate.go.set()
    for caller in callers:
        caller.join(10)
        assert not caller.is_alive()
    assert sorted(heard, key=str) == [0, 10, "2 too late", 30, "4 too late", 50]
    assert gate.batches == [[0], [1, 2, 3, 4, 5]]
