"""SQL of campaigns and their ledger. Nothing here commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    and_,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from bot.broadcast.records import CampaignRecord, RecipientRecord, SendResultRecord
from bot.broadcast.state import CampaignState, Tally
from bot.channel.messages import Source
from bot.db import table_of
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import DeliveryState

_RECIPIENTS = table_of(RecipientRecord)
_RECIPIENT = _RECIPIENTS.c
_DELIVERY = table_of(DeliveryRecord).c
RECIPIENT_FAULTS = frozenset(
    {"40003", "43004", "43019", "48002", "43101", "45015", "45047", "invaliduser", "unlicenseduser", "60111", "81013"}
)
"""Codes that say something about one student, and nothing about the notice or the account."""
_OVER = (DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.FAILED)


def find_campaign(session: Session, campaign_id: int, *, lock: bool = False) -> CampaignRecord | None:
    """The campaign, locked until the transaction ends if asked for."""
    return session.get(CampaignRecord, campaign_id, with_for_update=lock or None, populate_existing=lock)


def find_same(session: Session, fingerprint: str, since: datetime) -> CampaignRecord | None:
    """The newest campaign that said the same to the same people since then and was not cancelled."""
    query = (
        select(CampaignRecord)
        .where(
            CampaignRecord.fingerprint == fingerprint,
            CampaignRecord.created_at >= since,
            CampaignRecord.state != CampaignState.CANCELLED.value,
        )
        .order_by(CampaignRecord.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def count_same(session: Session, fingerprint: str) -> int:
    """How many campaigns have said the same to the same people, ever."""
    query = select(func.count()).select_from(CampaignRecord).where(CampaignRecord.fingerprint == fingerprint)
    return session.scalar(query) or 0


def list_campaigns(session: Session, *, limit: int) -> list[CampaignRecord]:
    """The newest first."""
    return list(session.scalars(select(CampaignRecord).order_by(CampaignRecord.id.desc()).limit(limit)))


def active_ids(session: Session, now: datetime) -> list[int]:
    """Campaigns that are due or running: urgent ones first, then in the order of their making."""
    due = and_(CampaignRecord.state == CampaignState.SCHEDULED.value, CampaignRecord.scheduled_at <= now)
    query = (
        select(CampaignRecord.id)
        .where(or_(due, CampaignRecord.state == CampaignState.RUNNING.value))
        .order_by(CampaignRecord.urgent.desc(), CampaignRecord.id)
    )
    return list(session.scalars(query))


def take(session: Session, campaign_id: int, state: str, *, limit: int) -> list[RecipientRecord]:
    """The next rows in this state, locked; those that another worker has are left to it."""
    query = (
        select(RecipientRecord)
        .where(RecipientRecord.campaign_id == campaign_id, RecipientRecord.state == state)
        .order_by(RecipientRecord.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))


def counts(session: Session, campaign_id: int) -> dict[str, int]:
    """How many rows are in each state."""
    query = select(_RECIPIENT.state, func.count()).where(_RECIPIENT.campaign_id == campaign_id)
    return {str(state): int(count) for state, count in session.execute(query.group_by(_RECIPIENT.state))}


def breakdown(session: Session, campaign_id: int) -> list[tuple[str, str, str, int]]:
    """State, way, reason, and how many rows have them."""
    parts = (_RECIPIENT.state, _RECIPIENT.way, _RECIPIENT.reason)
    query = select(*parts, func.count()).where(_RECIPIENT.campaign_id == campaign_id).group_by(*parts).order_by(*parts)
    return [(row[0], row[1], row[2], int(row[3])) for row in session.execute(query)]


def doubtful(session: Session, campaign_id: int, *, limit: int) -> list[RecipientRecord]:
    """Rows whose message may have arrived twice."""
    query = select(RecipientRecord).where(RecipientRecord.campaign_id == campaign_id, RecipientRecord.doubtful)
    return list(session.scalars(query.order_by(RecipientRecord.id).limit(limit)))


def settled_since(session: Session, campaign_id: int, since: datetime) -> int:
    """How many rows have been settled since then."""
    query = select(func.count()).where(_RECIPIENT.campaign_id == campaign_id, _RECIPIENT.settled_at >= since)
    return session.scalar(query.select_from(_RECIPIENTS)) or 0


def awaits_results(session: Session, campaign_id: int, since: datetime) -> bool:
    """True if something that was sent after `since` has no result from the platform yet, and will have one."""
    query = select(_RECIPIENT.id).where(
        _RECIPIENT.campaign_id == campaign_id,
        _RECIPIENT.state == "sent",
        _RECIPIENT.way.in_((Source.TEMPLATE.value, Source.MASS.value)),
        _RECIPIENT.settled_at > since,
    )
    return session.scalar(query.limit(1)) is not None


def tally(session: Session, subject: str, since: datetime) -> Tally:
    """What came of the campaign's deliveries that ended since then."""
    query = (
        select(_DELIVERY.state, _DELIVERY.code, func.count())
        .where(
            _DELIVERY.subject == subject,
            _DELIVERY.settled_at >= since,
            _DELIVERY.state.in_([state.value for state in _OVER]),
        )
        .group_by(_DELIVERY.state, _DELIVERY.code)
    )
    settled = failed = 0
    for state, code, count in session.execute(query):
        settled += count
        failed += count if state == DeliveryState.FAILED.value and code not in RECIPIENT_FAULTS else 0
    return Tally(settled, failed)


def has_used(session: Session, subject: str, channel: Source) -> bool:
    """True if any of the campaign's deliveries was tried by this channel."""
    query = select(_DELIVERY.id).where(
        _DELIVERY.subject == subject, _DELIVERY.channel == channel.value, _DELIVERY.attempts > 0
    )
    return session.scalar(query.limit(1)) is not None


def mass_under_way(session: Session) -> int:
    """How many mass sends wait for their turn."""
    query = select(func.count()).where(_DELIVERY.channel == Source.MASS.value, _DELIVERY.state == "pending")
    return session.scalar(query.select_from(DeliveryRecord)) or 0


def give_back(session: Session, campaign_id: int, subject: str) -> int:
    """Rows whose delivery was withdrawn wait again; what may have been sent already stays on record as doubtful."""
    session.flush()
    withdrawn = select(_DELIVERY.id).where(
        _DELIVERY.subject == subject, _DELIVERY.state == DeliveryState.CANCELLED.value
    )
    queued = and_(
        _RECIPIENT.campaign_id == campaign_id, _RECIPIENT.state == "queued", _RECIPIENT.delivery_id.in_(withdrawn)
    )
    connection = session.connection()
    maybe_sent = select(_DELIVERY.id).where(_DELIVERY.subject == subject, _DELIVERY.doubtful)
    connection.execute(
        update(_RECIPIENTS).where(queued, _RECIPIENT.delivery_id.in_(maybe_sent)).values(doubtful=true())
    )
    return connection.execute(
        update(_RECIPIENTS).where(queued).values(state="waiting", way="", delivery_id=None)
    ).rowcount


def close_rows(session: Session, campaign_id: int, states: Sequence[str], *, to: str, now: datetime) -> int:
    """Rows in `states` are in `to` from now on."""
    rows = and_(_RECIPIENT.campaign_id == campaign_id, _RECIPIENT.state.in_(states))
    return session.connection().execute(update(_RECIPIENTS).where(rows).values(state=to, settled_at=now)).rowcount


def unapplied(session: Session, since: datetime, *, limit: int) -> list[str]:
    """The platform ids of results since then whose send is stored, and does not say so."""
    query = (
        select(SendResultRecord.platform_id)
        .join(DeliveryRecord, _DELIVERY.platform_id == SendResultRecord.platform_id)
        .where(SendResultRecord.applied.is_(False), SendResultRecord.at >= since)
        .where(_DELIVERY.state == DeliveryState.SENT.value)
    )
    return list(session.scalars(query.limit(limit)))


def lagging(session: Session, *, limit: int) -> list[tuple[int, Mapping[str, Any]]]:
    """Rows that do not say yet what became of their delivery: row id, and the delivery's state, code and doubt."""
    query = (
        select(_RECIPIENT.id, _DELIVERY.state, _DELIVERY.code, _DELIVERY.doubtful)
        .join(DeliveryRecord, _DELIVERY.id == _RECIPIENT.delivery_id)
        .where(
            _RECIPIENT.state.in_(("queued", "held")),
            _DELIVERY.state.in_(("sent", "delivered", "failed", "expired", "cancelled")),
        )
        .limit(limit)
    )
    return [(row[0], {"state": row[1], "code": row[2], "doubtful": row[3]}) for row in session.execute(query)]
