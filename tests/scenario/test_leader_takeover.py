"""kill -9 of the leader among four real worker processes: another leads within thirty seconds, and never two at once."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import select
from support import forked
from support.leading import lead

from bot.db import Database
from bot.leases import LeaseRecord

WORKERS = 4
TAKEOVER_S = 30
_START_S = 60  # four interpreters on a busy machine
_LOOK_S = 0.1


@dataclass
class Crew:
    """Workers by the name under which they hold the lease, and what their leader left behind."""

    database: Database
    folder: Path
    processes: dict[str, ForkServerProcess] = field(default_factory=dict)

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    def start(self, count: int) -> None:
        """All of them begin together."""
        plan = {
            "database": self.database.url.render_as_string(hide_password=False),
            "folder": str(self.folder),
            "trace": str(self.trace),
        }
        started = [forked.start(lead, plan) for _ in range(count)]
        for number, (process, _) in enumerate(started):
            self.processes[f"starting {number}"] = process  # so that it is ended whatever happens
        for number, (_, holder) in enumerate(started):
            self.processes[holder()] = self.processes.pop(f"starting {number}")

    def lease(self) -> tuple[str, int]:
        """Who holds it, and how often it has changed hands; ("", 0) before the first."""
        with self.database.read() as session:
            record = session.scalars(select(LeaseRecord).where(LeaseRecord.name == "scheduler")).one_or_none()
            return (record.holder, record.epoch) if record else ("", 0)

    def led(self) -> list[int]:
        """Whose ticks there were as leader, in order, each process once for each time without another between."""
        lines = self.trace.read_text().splitlines() if self.trace.exists() else []
        ticks = sorted((int(moment), int(pid)) for pid, moment in (line.split() for line in lines))
        return [pid for pid, _ in groupby(pid for _, pid in ticks)]

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.join()


@pytest.fixture
def crew(database: Database, tmp_path: Path) -> Iterator[Crew]:
    made = Crew(database, tmp_path)
    yield made
    made.close()


def wait_until(condition: Callable[[], bool], within_s: float) -> float:
    """How long it took."""
    start = time.monotonic()
    while not condition():
        waited = time.monotonic() - start
        assert waited < within_s, f"not within {within_s} s"
        time.sleep(_LOOK_S)
    return time.monotonic() - start


@pytest.mark.timeout(240)
def test_a_leader_that_is_killed_is_followed_by_one_other(crew: Crew) -> None:
    """By the lease in the database, and by what only a leader does. The lease is the only link between workers."""
    crew.start(WORKERS)
    wait_until(lambda: len(crew.led()) > 0, _START_S)
    first, epoch = crew.lease()
    leader = crew.processes[first]
    assert crew.led() == [leader.pid]
    assert epoch == 1

    leader.kill()
    leader.join()
    wait_until(lambda: crew.lease()[0] != first and len(crew.led()) > 1, TAKEOVER_S)
    second, epoch = crew.lease()
    follower = crew.processes[second]
    assert crew.led() == [leader.pid, follower.pid]
    assert epoch == 2

    time.sleep(12)  # each of the others has looked twice, and none of them took it
    assert crew.led() == [leader.pid, follower.pid]
    assert crew.lease() == (second, 2)
    assert [process.exitcode for process in crew.processes.values() if process is not leader] == [None] * 3
