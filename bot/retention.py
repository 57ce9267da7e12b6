"""Deletes what is kept no longer: students' words after the promised time, seen signatures after an hour."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, delete, or_, select

from bot.cases.records import CaseMessageRecord
from bot.clock import Clock
from bot.conversation.records import InboundRecord, SeenSignatureRecord
from bot.db import Database
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import DeliveryState
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_SIGNATURES_FOR = timedelta(hours=1)
_AT_ONCE = 500


class RetentionTicker:
    """Keeps the promise of the greeting: words are stored for `words_for` and then deleted."""

    name = "retention"

    def __init__(self, database: Database, clock: Clock, *, words_for: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._words_for = words_for

    def tick(self) -> TickReport:
        """Up to 500 rows of each kind that are too old are gone."""
        now = self._clock.now()
        oldest = now - self._words_for
        aged = (
            (SeenSignatureRecord.signature_key, SeenSignatureRecord.seen_at < now - _SIGNATURES_FOR),
            (InboundRecord.id, InboundRecord.received_at < oldest),
            (DeliveryRecord.id, or_(DeliveryRecord.settled_at < oldest, _never_fetched(oldest))),
            (CaseMessageRecord.id, CaseMessageRecord.at < oldest),
        )
        done = 0
        for key, condition in aged:
            with self._database.read() as session:
                old = session.scalars(select(key).where(condition).limit(_AT_ONCE)).all()
            if old:
                with self._database.write() as session:
                    session.execute(delete(key.class_).where(key.in_(old)))
                done += len(old)
        if done:
            logger.info("old_rows_deleted", count=done)
        return TickReport(done=done, more=done >= _AT_ONCE)


def _never_fetched(oldest: datetime) -> ColumnElement[bool]:
    """Held for somebody who has not written again."""
    return and_(DeliveryRecord.state == DeliveryState.HELD.value, DeliveryRecord.expires_at < oldest)
