"""A worker leads as long as it knows that the lease is its own, and not a moment longer."""

import threading
import time
from datetime import timedelta

from bot.clock import FakeClock
from bot.db import Database
from bot.leases import Lease
from bot.ticker import TickReport
from bot.worker import Loop, Worker

LIFE = timedelta(seconds=1)


class HangingLease(Lease):
    """A lease whose database hangs after it was given."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        super().__init__(database, clock, name="scheduler", holder="me", life=LIFE)
        self.asked = 0
        self.hangs = threading.Event()

    def hold(self) -> bool:
        self.asked += 1
        if self.asked > 1:
            self.hangs.wait(20)
        return True

    def release(self) -> None:
        """Nothing: this lease has no row."""


class Counting:
    name = "counting"

    def __init__(self) -> None:
        self.ticks: list[float] = []

    def tick(self) -> TickReport:
        self.ticks.append(time.monotonic())
        return TickReport(done=0)


def test_a_leader_whose_database_hangs_stops_leading_when_its_lease_runs_out(
    database: Database, clock: FakeClock
) -> None:
    lease, ticker = HangingLease(database, clock), Counting()
    worker = Worker(database, clock, lease, [Loop(ticker, rest_s=0.05, leader_only=True)])
    running = threading.Thread(target=worker.run)
    running.start()
    _until(lambda: worker.leads and ticker.ticks)
    _until(lambda: not worker.leads)
    ticked = len(ticker.ticks)
    time.sleep(0.3)
    assert len(ticker.ticks) <= ticked + 1  # one may have begun before
    lease.hangs.set()
    worker.stop()
    running.join(30)
    assert not running.is_alive()


def _until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
