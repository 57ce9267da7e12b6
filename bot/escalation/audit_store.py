"""Reads what the audit looks at. Only reads: it must work while others hang."""

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.beats import find_rhythm
from bot.escalation.audit import Beat, Pulse, Watched
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import DeliveryState, Priority

_UNREACHED_WITHIN = timedelta(minutes=15)


def take_pulse(session: Session, now: datetime) -> Pulse:
    """All that matters, as of one moment."""
    unreached = _unreached(session, now)
    alerts = select(AlertRecord).where(AlertRecord.state != "resolved", AlertRecord.level.in_(("red", "orange")))
    return Pulse(
        alerts=[
            Watched(one.id, one.next_notice_at, one.state == "acknowledged", one.id in unreached)
            for one in session.scalars(alerts.order_by(AlertRecord.id))
        ],
        oldest_due_at=_oldest_due(session, now),
        beats={name: Beat(at, timedelta(seconds=within_s)) for name, at, within_s in find_rhythm(session)},
    )


def _oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest notice of an alert could have been sent, or its worker has been lost."""
    is_safety = DeliveryRecord.priority == int(Priority.SAFETY)
    pending = select(func.min(DeliveryRecord.not_before)).where(
        is_safety,
        DeliveryRecord.state == DeliveryState.PENDING.value,
        DeliveryRecord.not_before <= now,
        or_(DeliveryRecord.expires_at.is_(None), DeliveryRecord.expires_at > now),
    )
    lost = select(func.min(DeliveryRecord.lease_until)).where(
        is_safety, DeliveryRecord.state == DeliveryState.SENDING.value, DeliveryRecord.lease_until <= now
    )
    return min((at for query in (pending, lost) if (at := session.scalar(query)) is not None), default=None)


def _unreached(session: Session, now: datetime) -> set[int]:
    """Alerts that nobody has, of which lately somebody could not be told and nobody was."""
    lately = AlertLogRecord.at > now - _UNREACHED_WITHIN
    failed = select(AlertLogRecord.alert_id).where(lately, AlertLogRecord.event == "nobody_reachable")
    sent = select(AlertLogRecord.alert_id).where(lately, AlertLogRecord.event == "sent")
    query = select(AlertRecord.id).where(
        AlertRecord.state == "triggered", AlertRecord.id.in_(failed), AlertRecord.id.not_in(sent)
    )
    return set(session.scalars(query))
