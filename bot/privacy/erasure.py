"""Deletes what a contact has written and been sent, but for what people still work on. Nothing here commits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from bot.cases.records import CaseMessageRecord
from bot.conversation.records import InboundRecord
from bot.escalation.notices import SUMMARIES
from bot.escalation.records import AlertRecord
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.privacy.inventory import find_alerts, find_cases, find_open

RETRIED_FOR = timedelta(minutes=5)
"""The platform tries a message again for less than this; until then its row must answer the retry."""

_OF_ALERTS = ("alert", "alert-call", "alert-more")  # but for alert-list, which speaks of several students


@dataclass(frozen=True, slots=True)
class About:
    """The deliveries to staff that speak of one contact's closed alerts and cases.

    With `is_awaited` there is also a summary after an outage on its way: it speaks of other students' open alerts too,
    and nobody may miss it.
    """

    deliveries: Collection[str] = ()
    is_awaited: bool = False


def erase_words(
    session: Session, outbox: Outbox, contact: str, *, upto: datetime, now: datetime, also: About | None = None
) -> bool:
    """Nothing that `contact` wrote or was sent until `upto` can be read any more; False while something has to stay.

    To stay have: what raised an open alert, the words of an open case, a delivery that is being sent at this moment,
    and messages that the platform may still try again. `also` is what `find_about` has found.
    """
    also = also or About()
    still_open = find_open(session, contact)
    _erase_inbound(session, contact, min(upto, now - RETRIED_FOR))
    _erase_cases(session, contact, upto)
    column = DeliveryRecord.subject
    theirs = or_(
        DeliveryRecord.recipient == contact,
        column.in_(_closed(session, contact)),
        DeliveryRecord.id.in_(also.deliveries),
    )
    whole = outbox.forget(session, and_(DeliveryRecord.created_at <= upto, theirs))
    return whole and not still_open and not also.is_awaited and upto < now - RETRIED_FOR


def find_about(session: Session, contact: str) -> About:
    """Reads the whole table, so no turn has the time for it."""
    beginnings = [f"{subject}:" for subject in _closed(session, contact)]
    if not beginnings:
        return About()
    columns = DeliveryRecord
    further = or_(*(columns.subject.startswith(beginning, autoescape=True) for beginning in beginnings))
    is_awaited = and_(columns.subject.like(SUMMARIES), columns.settled_at.is_(None))
    found = session.execute(select(columns.id, is_awaited).where(further)).all()
    return About([one for one, awaited in found if not awaited], any(awaited for _, awaited in found))


def _erase_inbound(session: Session, contact: str, upto: datetime) -> None:
    pointed = select(AlertRecord.first_inbound_id, AlertRecord.last_inbound_id).where(
        AlertRecord.contact == contact, AlertRecord.state != "resolved"
    )
    kept = {one for pair in session.execute(pointed) for one in pair}
    gone = and_(InboundRecord.contact == contact, InboundRecord.received_at <= upto)
    if kept:  # a counselor who is on the way needs every heavy word, and no other
        gone = and_(gone, InboundRecord.level == "none", InboundRecord.id.not_in(kept))
    session.execute(delete(InboundRecord).where(gone))


def _erase_cases(session: Session, contact: str, upto: datetime) -> None:
    closed = find_cases(session, contact, is_open=False)
    session.execute(
        delete(CaseMessageRecord).where(CaseMessageRecord.case_id.in_(closed), CaseMessageRecord.at <= upto)
    )


def _closed(session: Session, contact: str) -> list[str]:
    """How the subjects begin of what was sent to staff about the contact's closed alerts and cases."""
    alerts = find_alerts(session, contact, is_open=False)
    cases = find_cases(session, contact, is_open=False)
    return [f"{kind}:{number}" for number in alerts for kind in _OF_ALERTS] + [f"case:{number}" for number in cases]
