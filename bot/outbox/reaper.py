"""Takes deliveries back from workers that died."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.channel.errors import OutcomeUnknownError
from bot.clock import Clock
from bot.db import Database
from bot.outbox import store
from bot.outbox.dispatcher import SettledListener
from bot.outbox.state import WORKER_LOST, RetryPolicy
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_AT_ONCE = 100


class Reaper:
    """Gives deliveries of workers that died back to those that live.

    For the listeners that is an attempt whose outcome is unknown: a message that kills its workers takes the next way
    like one that fails, and one that nobody needs any more is not tried again.
    """

    name = "reaper"

    def __init__(
        self, database: Database, *, clock: Clock, policy: RetryPolicy, listeners: Sequence[SettledListener] = ()
    ) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self._listeners = listeners

    def tick(self) -> TickReport:
        """Up to 100 deliveries whose lease has run out are pending again, or have failed after their last try."""
        now = self._clock.now()
        with self._database.read() as session:
            if not store.has_lost(session, now):
                return TickReport()
        count = 0
        while count < _AT_ONCE and self._reclaim_one(now):
            count += 1
        logger.warning("deliveries_reclaimed", count=count)
        return TickReport(done=count, more=count > 0)

    def _reclaim_one(self, now: datetime) -> bool:
        """In a transaction of its own, so that one whose listener breaks takes nothing from the others."""
        try:
            return self._store(now, self._listeners)
        except SQLAlchemyError:
            raise
        except Exception:  # a listener's bug must not leave the delivery with the dead
            logger.exception("listener_broke")
            return self._store(now, ())

    def _store(self, now: datetime, listeners: Sequence[SettledListener]) -> bool:
        with self._database.write() as session:
            reclaimed = store.reclaim_lost(session, now=now, policy=self._policy, limit=1)
            for delivery in reclaimed:
                for listener in listeners:
                    listener(session, delivery, OutcomeUnknownError(code=WORKER_LOST))
        return bool(reclaimed)
