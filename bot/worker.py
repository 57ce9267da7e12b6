"""The worker process: one thread a loop, one leader among all workers for what the clock starts."""

import math
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from bot.beats import beat, beat_loops, forget_loops
from bot.clock import Clock
from bot.db import Database
from bot.leases import Lease
from bot.switching import switch_often
from bot.ticker import Ticker

logger = structlog.get_logger(__name__)

_LEADER_LOOK_S = 5
_JOIN_S = 20
_TICK_S = 90  # the longest that a tick may take: a minute's lease of slow sends, and the platform's time-outs after it


@dataclass(frozen=True, slots=True)
class Loop:
    """A ticker and how long to rest, in seconds, when nothing more is due. Leader loops run in one worker only."""

    ticker: Ticker
    rest_s: float
    leader_only: bool = False

    @property
    def within_s(self) -> int:
        """After how many seconds without a round the loop is stuck."""
        return _TICK_S + math.ceil(2 * self.rest_s)


class Worker:
    """Runs loops until it is told to stop; what has begun is finished first."""

    def __init__(self, database: Database, clock: Clock, lease: Lease, loops: Sequence[Loop]) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._loops = tuple(loops)
        self._stop = threading.Event()
        self._leads_until = 0.0  # by the monotonic clock: a leader whose database hangs knows that its time is over
        self._within = {loop.ticker.name: loop.within_s for loop in self._loops}
        self._rounds: dict[str, datetime] = {}

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT ask for a stop. Call from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        """No new work begins; `run` returns when the running ticks are over."""
        self._stop.set()

    def run(self) -> None:
        """Works until `stop`. Leadership is given back at the end, so that another worker takes over at once."""
        switch_often()
        scheduler = BackgroundScheduler(timezone="UTC")
        for loop in self._loops:
            if loop.leader_only:
                scheduler.add_job(
                    self._tick_as_leader,
                    "interval",
                    args=[loop.ticker],
                    seconds=loop.rest_s,
                    id=loop.ticker.name,
                    coalesce=True,  # after a pause one tick catches up; each ticker looks at the clock itself
                    misfire_grace_time=None,
                    max_instances=1,
                )
        threads = [
            threading.Thread(target=self._spin, args=[loop], name=loop.ticker.name, daemon=True)
            for loop in self._loops
            if not loop.leader_only
        ]
        threads.append(threading.Thread(target=self._lead, name="leader", daemon=True))
        self._first_beat()
        scheduler.start()
        for thread in threads:
            thread.start()
        logger.info("worker_started", loops=[loop.ticker.name for loop in self._loops])
        self._stop.wait()
        scheduler.shutdown(wait=True)
        for thread in threads:
            thread.join(_JOIN_S)
        if self.leads:
            self._lease.release()
        logger.info("worker_stopped")

    def _spin(self, loop: Loop) -> None:
        while not self._stop.is_set():
            if not self._tick(loop.ticker):
                self._stop.wait(loop.rest_s)

    def _tick(self, ticker: Ticker) -> bool:
        """One tick; True if more is due at once. A failure is logged and the loop lives on."""
        try:
            return ticker.tick().more
        except Exception:  # the loop's border: the next tick tries again what this one left
            logger.exception("tick_failed", ticker=ticker.name)
            return False
        finally:
            self._rounds[ticker.name] = self._clock.now()

    def _tick_as_leader(self, ticker: Ticker) -> None:
        while self.leads and not self._stop.is_set() and self._tick(ticker):
            pass

    @property
    def leads(self) -> bool:
        """Whether this worker holds the lease. It stops leading by itself when it could not renew it in time."""
        return time.monotonic() < self._leads_until

    def _beat(self) -> None:
        """What went round since the last time is on record; a loop that hangs is not, and so is missed."""
        rounds, self._rounds = self._rounds, {}
        rounds = dict(rounds)  # a loop may be writing into it still
        with self._database.write() as session:
            beat(session, "worker", self._clock.now())
            beat_loops(session, {name: (at, self._within[name]) for name, at in rounds.items()})
            forget_loops(session, but=self._within)

    def _first_beat(self) -> None:
        """Before anybody can miss what has not begun: the worker and its own loops are alive now."""
        self._rounds = {loop.ticker.name: self._clock.now() for loop in self._loops if not loop.leader_only}
        try:
            self._beat()
        except SQLAlchemyError:
            logger.exception("beat_not_stored")

    def _lead(self) -> None:
        while not self._stop.is_set():
            asked_at = time.monotonic()  # before the lease is written: never later than the others count from
            try:
                held = self._lease.hold()
                self._beat()
            except Exception:  # no database: the lease runs out, and another worker or a later look has it
                logger.exception("lease_not_held")
            else:
                if held and not self.leads:
                    logger.info("leader_elected")
                self._leads_until = asked_at + self._lease.life.total_seconds() if held else 0.0
            self._stop.wait(_LEADER_LOOK_S)
