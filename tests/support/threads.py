"""Runs a function in several threads that start at the same moment. No assertions here."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_TIMEOUT_S = 30


def run_together(count: int, work: Callable[[int], T]) -> list[T]:
    """`work(number)` of every number below `count`, each in a thread of its own; raises what one of them raised."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> T:
        barrier.wait(_TIMEOUT_S)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return [future.result(_TIMEOUT_S) for future in [pool.submit(begin, number) for number in range(count)]]
