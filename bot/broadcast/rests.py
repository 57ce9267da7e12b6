"""Lets an interface of the account rest, or be off, when the platform says so; and wakes it again."""

from datetime import datetime, timedelta
from functools import cache

import structlog
from sqlalchemy import Insert, delete, or_, select
from sqlalchemy.orm import Session

from bot.broadcast import messages
from bot.broadcast.budget import next_day, next_minute
from bot.broadcast.operators import Operators
from bot.channel.errors import FeatureOffError, RateLimitedError
from bot.channel.messages import Source
from bot.clock import Clock
from bot.db import insert_into, table_of
from bot.outbox.records import ChannelRestRecord
from bot.outbox.state import Delivery, Outcome

logger = structlog.get_logger(__name__)

OURS = frozenset({Source.WECHAT, Source.TEMPLATE, Source.SUBSCRIPTION, Source.MASS})
_DAY_IS_OVER = frozenset({"45009", "45028"})
_LOOK_AGAIN = timedelta(hours=1)


class RestKeeper:
    """Listens to the outbox. Nothing is tried in vain: what waits for a resting channel stays where it is.

    45009 and 45028: until the platform's next day. 45011 and its like: until the next minute. 48001 and its like: off
    until an operator wakes it, who is told; customer-service messages, which carry replies, are tried again hourly.
    """

    def __init__(self, clock: Clock, operators: Operators) -> None:
        self._clock = clock
        self._operators = operators

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt."""
        if delivery.channel not in OURS or not isinstance(outcome, RateLimitedError | FeatureOffError):
            return
        now = self._clock.now()
        until = _until(delivery.channel, outcome, now)
        first = {"channel": delivery.channel, "since": now, "until": until, "code": outcome.code}
        session.flush()
        stored = session.connection().execute(_first(session.get_bind().dialect.name), first)
        known = session.get_one(ChannelRestRecord, delivery.channel, with_for_update=True, populate_existing=True)
        if not stored.rowcount and known.until is None:
            return
        if not stored.rowcount and (until is None or (known.until is not None and until > known.until)):
            fresh = known.until is not None and known.until <= now
            known.since, known.until, known.code = (now if fresh else known.since), until, outcome.code
        logger.warning("channel_rests", channel=delivery.channel, code=outcome.code, until=until and until.isoformat())
        if isinstance(outcome, FeatureOffError):
            key = f"off:{delivery.channel}:{outcome.code}:{now:%Y-%m-%d}"
            self._operators.tell(session, messages.channel_off(delivery.channel, outcome.code), key=key)


@cache
def _first(database: str) -> Insert:
    """Two failures at once both want to be the first."""
    table = table_of(ChannelRestRecord)
    return insert_into(database, table).on_conflict_do_nothing(index_elements=["channel"])


def list_rests(session: Session, now: datetime) -> list[ChannelRestRecord]:
    """The channels that are off or rest, by name."""
    query = select(ChannelRestRecord).where(or_(ChannelRestRecord.until.is_(None), ChannelRestRecord.until > now))
    return list(session.scalars(query.order_by(ChannelRestRecord.channel)))


def wake(session: Session, channel: str) -> bool:
    """The channel is used again. False if it was not off."""
    statement = delete(ChannelRestRecord).where(ChannelRestRecord.channel == channel)
    return bool(session.connection().execute(statement).rowcount)


def _until(channel: str, outcome: RateLimitedError | FeatureOffError, now: datetime) -> datetime | None:
    if outcome.code in _DAY_IS_OVER:
        return next_day(now)
    if isinstance(outcome, RateLimitedError):
        return next_minute(now)
    return now + _LOOK_AGAIN if channel == Source.WECHAT else None
