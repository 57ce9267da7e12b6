"""SQL of the dispatcher: claim, reclaim, settle. Each is one short transaction of its caller's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from bot.channel.channel import Receipt
from bot.channel.errors import OutcomeUnknownError
from bot.db import table_of
from bot.outbox.records import AttemptRecord, ChannelRestRecord, DeliveryRecord
from bot.outbox.state import WORKER_LOST, Delivery, DeliveryState, Outcome, Priority, RetryPolicy, is_expired, reclaim

_DELIVERIES = table_of(DeliveryRecord)
_CLAIMING = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=DeliveryState.SENDING.value,
        attempts=_DELIVERIES.c.attempts + 1,
        lease_owner=bindparam("owner"),
        lease_until=bindparam("lease"),
    )
)
_SETTLING = update(_DELIVERIES).where(_DELIVERIES.c.id == bindparam("one"))
Settled = tuple[Delivery, Outcome]
"""A delivery as it is from now on, and what came of the try."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker may send until its lease ends, with its sealed content."""

    delivery: Delivery
    content: bytes


def claim(
    session: Session, *, owner: str, priorities: Collection[Priority], limit: int, now: datetime, lease_until: datetime
) -> list[Claimed]:
    """Up to `limit` due deliveries, worst first, marked as sending. Those too late to make sense are expired.

    Promised: what one recipient gets by one channel with one priority is sent in the order in which it was enqueued.
    The next is claimed only when the one before it is settled, so neither a retry nor a second worker overtakes; a
    text in parts keeps its order. The wait ends with the other's last try at the latest.
    Not promised: an order between priorities or channels, of what was scheduled, held or retried by hand, and of
    SAFETY: an alert waits for nothing, not even for an alert to the same person that is tried again.
    """
    connection = session.connection()
    rows: list[Row[Any]] = []
    for priority in sorted(priorities):
        if len(rows) < limit:
            rows += connection.execute(_next_due(priority), {"now": now, "most": limit - len(rows)})
    late = [row.id for row in rows if is_expired(_delivery(row), now)]
    if late:
        expired = update(_DELIVERIES).where(_DELIVERIES.c.id.in_(late))
        connection.execute(expired.values(state=DeliveryState.EXPIRED.value, settled_at=now))
    timely = [row for row in rows if row.id not in late]
    if timely:
        connection.execute(_CLAIMING, {"ids": [row.id for row in timely], "owner": owner, "lease": lease_until})
    return [
        Claimed(replace(_delivery(row), state=DeliveryState.SENDING, attempts=row.attempts + 1), row.content)
        for row in timely
    ]


def has_due(session: Session, priorities: Collection[Priority], now: datetime) -> bool:
    """True if anything is to be sent now: a look that takes no write lock, for the many ticks that find nothing."""
    return session.scalar(_one_due(frozenset(priorities)), {"now": now}) is not None


@cache  # built at every tick it would cost more than the database's answer
def _next_due(priority: Priority) -> Select[*tuple[Any, ...]]:
    """One priority at a time: then the index has them in order, and PostgreSQL reads no more of them than it gives."""
    columns = _DELIVERIES.c
    return (
        select(_DELIVERIES)
        .where(_is_due(frozenset({priority})))
        .order_by(columns.not_before, columns.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


@cache
def _one_due(priorities: frozenset[Priority]) -> Select[str]:
    return select(DeliveryRecord.id).where(_is_due(priorities)).limit(1)


def has_lost(session: Session, now: datetime) -> bool:
    """True if a delivery's lease has run out."""
    query = select(DeliveryRecord.id).where(
        DeliveryRecord.state == DeliveryState.SENDING.value, DeliveryRecord.lease_until < now
    )
    return session.scalar(query.limit(1)) is not None


def reclaim_lost(session: Session, *, now: datetime, policy: RetryPolicy, limit: int = 100) -> list[Delivery]:
    """Deliveries whose worker's lease ran out, as they are from now on: pending again, or failed."""
    columns = _DELIVERIES.c
    query = (
        select(_DELIVERIES)
        .where(columns.state == DeliveryState.SENDING.value, columns.lease_until < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    connection = session.connection()
    lost = connection.execute(query).all()
    if not lost:
        return []
    reclaimed = [reclaim(_delivery(row), now=now, policy=policy) for row in lost]
    values = [_columns(one, was_doubtful=row.doubtful) for one, row in zip(reclaimed, lost, strict=True)]
    connection.execute(_SETTLING, values)
    attempts = [{"delivery_id": row.id, "at": now, "outcome": "unknown", "code": WORKER_LOST} for row in lost]
    connection.execute(insert(table_of(AttemptRecord)), attempts)
    return reclaimed


def store_settled(session: Session, settled: Sequence[Settled], *, owner: str, now: datetime) -> list[Settled]:
    """The outcomes are stored and the leases given back. Those are returned that another worker has not taken over.

    A message that the platform has taken counts as sent even then; that another worker may have sent it as well
    stays on record.
    """
    if not settled:
        return []
    attempts = [
        {"delivery_id": delivery.id, "at": now, "outcome": _word(outcome), "code": delivery.code}
        for delivery, outcome in settled
    ]
    connection = session.connection()
    connection.execute(insert(table_of(AttemptRecord)), attempts)
    columns = _DELIVERIES.c
    mine = select(columns.id, columns.lease_owner, columns.doubtful).where(
        columns.id.in_([delivery.id for delivery, _ in settled])
    )
    rows = {row.id: row for row in connection.execute(mine.order_by(columns.id).with_for_update())}
    stored = [
        (delivery, outcome)
        for delivery, outcome in settled
        if delivery.id in rows and (rows[delivery.id].lease_owner == owner or _word(outcome) == "sent")
    ]
    if stored:
        values = [_columns(delivery, was_doubtful=rows[delivery.id].doubtful) for delivery, _ in stored]
        connection.execute(_SETTLING, values)
    return stored


def _word(outcome: Outcome) -> str:
    if isinstance(outcome, Receipt):
        return "sent"
    return "unknown" if isinstance(outcome, OutcomeUnknownError) else "failed"


def list_open(session: Session, states: Sequence[DeliveryState], *, limit: int) -> list[Delivery]:
    """Deliveries in one of `states`, newest first, for people who look after them."""
    query = (
        select(DeliveryRecord)
        .where(DeliveryRecord.state.in_([state.value for state in states]))
        .order_by(DeliveryRecord.id.desc())
        .limit(limit)
    )
    return [_delivery(record) for record in session.scalars(query)]


def list_doubtful(session: Session, *, limit: int) -> list[Delivery]:
    """Deliveries that may have arrived twice, because the platform's answer to an attempt is unknown."""
    query = select(DeliveryRecord).where(DeliveryRecord.doubtful).order_by(DeliveryRecord.id.desc()).limit(limit)
    return [_delivery(record) for record in session.scalars(query)]


def retry_failed(session: Session, delivery_id: str, *, now: datetime) -> bool:
    """A delivery that had failed for good is due again, with a fresh count of tries. False if it had not failed."""
    statement = (
        update(DeliveryRecord)
        .where(DeliveryRecord.id == delivery_id, DeliveryRecord.state == DeliveryState.FAILED.value)
        .values(state=DeliveryState.PENDING.value, attempts=0, not_before=now, settled_at=None)
    )
    return bool(session.connection().execute(statement).rowcount)


def _is_due(priorities: frozenset[Priority]) -> ColumnElement[bool]:
    """To be sent at the time that is given as `now`.

    But for SAFETY, no older one to the same recipient is being sent or to be sent first.

    One that is only planned for later holds nothing up until then, and one that has expired never does. What goes by a
    channel that rests waits for it; an alert does not.
    """
    now = bindparam("now", type_=DeliveryRecord.not_before.type)
    rests = (
        select(ChannelRestRecord.channel)
        .where(
            ChannelRestRecord.channel == DeliveryRecord.channel,
            or_(ChannelRestRecord.until.is_(None), ChannelRestRecord.until > now),
        )
        .exists()
    )
    older = aliased(DeliveryRecord)
    is_first = ~(
        select(older.id)
        .where(
            older.recipient == DeliveryRecord.recipient,
            older.state.in_((DeliveryState.PENDING.value, DeliveryState.SENDING.value)),
            older.channel == DeliveryRecord.channel,
            older.priority == DeliveryRecord.priority,
            older.id < DeliveryRecord.id,
            or_(older.attempts > 0, older.not_before <= now),
            or_(older.expires_at.is_(None), older.expires_at > now),
        )
        .exists()
    )
    return and_(
        DeliveryRecord.state == DeliveryState.PENDING.value,
        DeliveryRecord.priority.in_([int(priority) for priority in priorities]),
        DeliveryRecord.not_before <= now,
        or_(DeliveryRecord.priority == int(Priority.SAFETY), and_(is_first, ~rests)),
    )


def _delivery(record: DeliveryRecord | Row[Any]) -> Delivery:
    return Delivery(
        id=record.id,
        channel=record.channel,
        recipient=record.recipient,
        subject=record.subject,
        priority=Priority(record.priority),
        state=DeliveryState(record.state),
        not_before=record.not_before,
        expires_at=record.expires_at,
        holdable=record.holdable,
        attempts=record.attempts,
        doubtful=record.doubtful,
        code=record.code,
        platform_id=record.platform_id,
        settled_at=record.settled_at,
    )


def _columns(delivery: Delivery, *, was_doubtful: bool) -> dict[str, Any]:
    return {
        "one": delivery.id,
        "state": delivery.state.value,
        "not_before": delivery.not_before,
        "doubtful": was_doubtful or delivery.doubtful,  # the reaper may have doubted it since it was claimed
        "code": delivery.code,
        "platform_id": delivery.platform_id,
        "settled_at": delivery.settled_at,
        "lease_owner": "",
        "lease_until": None,
    }
