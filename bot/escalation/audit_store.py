"""Reads what the audit looks at. Only reads: it must work while others hang."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from bot.beats import find_rhythm
from bot.db import UtcDateTime
from bot.escalation.audit import Beat, Pulse, Watched
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import DeliveryState, Priority

_UNREACHED_WITHIN = timedelta(minutes=15)
_NOW = bindparam("now", type_=UtcDateTime())
_ALERTS = (
    select(AlertRecord.id, AlertRecord.next_notice_at, AlertRecord.state)
    .where(AlertRecord.state != "resolved", AlertRecord.level.in_(("red", "orange")))
    .order_by(AlertRecord.id)
)
_PENDING_SINCE = select(func.min(DeliveryRecord.not_before)).where(
    DeliveryRecord.priority == int(Priority.SAFETY),
    DeliveryRecord.state == DeliveryState.PENDING.value,
    DeliveryRecord.not_before <= _NOW,
    or_(DeliveryRecord.expires_at.is_(None), DeliveryRecord.expires_at > _NOW),
)
_LOST_SINCE = select(func.min(DeliveryRecord.lease_until)).where(
    DeliveryRecord.priority == int(Priority.SAFETY),
    DeliveryRecord.state == DeliveryState.SENDING.value,
    DeliveryRecord.lease_until <= _NOW,
)
_DUE_SINCE = select(_PENDING_SINCE.scalar_subquery(), _LOST_SINCE.scalar_subquery())


def take_pulse(session: Session, now: datetime) -> Pulse:
    """All that matters, as of one moment."""
    alerts = session.execute(_ALERTS).all()
    unreached = _unreached(session, now) if alerts else set()
    return Pulse(
        alerts=[Watched(id_, next_at, state == "acknowledged", id_ in unreached) for id_, next_at, state in alerts],
        oldest_due_at=_oldest_due(session, now),
        beats={name: Beat(at, timedelta(seconds=within_s)) for name, at, within_s in find_rhythm(session)},
    )


def _oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest notice of an alert could have been sent, or its worker has been lost."""
    return min((at for at in session.execute(_DUE_SINCE, {"now": now}).one() if at is not None), default=None)


def _unreached(session: Session, now: datetime) -> set[int]:
    """Alerts that nobody has, of which lately somebody could not be told and nobody was."""
    lately = AlertLogRecord.at > now - _UNREACHED_WITHIN
    failed = select(AlertLogRecord.alert_id).where(lately, AlertLogRecord.event == "nobody_reachable")
    sent = select(AlertLogRecord.alert_id).where(lately, AlertLogRecord.event == "sent")
    query = select(AlertRecord.id).where(
        AlertRecord.state == "triggered", AlertRecord.id.in_(failed), AlertRecord.id.not_in(sent)
    )
    return set(session.scalars(query))
