"""Deletes what is kept no longer: words after the promised time, people who have left, codes, seen signatures."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from bot.broadcast.records import RecipientRecord, SafetyAnswerRecord, SendResultRecord
from bot.cases.records import CaseMessageRecord, CaseRecord
from bot.clock import Clock
from bot.conversation.records import ConversationRecord, InboundRecord, SeenSignatureRecord
from bot.db import Database
from bot.escalation.records import AlertRecord
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import DeliveryState
from bot.students.records import BindingCodeRecord, BindingTriesRecord, ContactRecord, StudentRecord
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_SIGNATURES_FOR = timedelta(hours=1)
_TRIES_FOR = timedelta(days=3)  # longer than any lock lasts or any wrong try is remembered
_CODES_FOR = timedelta(days=30)  # so long a used or expired one is told from a wrong one
_RESULTS_FOR = timedelta(days=30)
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
            (ConversationRecord.contact, _silent_for_long(oldest)),
            (BindingTriesRecord.contact, BindingTriesRecord.last_at < now - _TRIES_FOR),
            (BindingCodeRecord.handle, BindingCodeRecord.expires_at < now - _CODES_FOR),
            (RecipientRecord.id, RecipientRecord.settled_at < oldest),
            (SafetyAnswerRecord.contact, SafetyAnswerRecord.at < oldest),
            (SendResultRecord.platform_id, SendResultRecord.at < now - _RESULTS_FOR),
            (ContactRecord.contact, _left_long_ago(oldest)),  # after what belongs to them
        )
        done = 0
        for key, condition in aged:
            with self._database.read() as session:
                old = session.scalars(select(key).where(condition).limit(_AT_ONCE)).all()
            if old:
                with self._database.write() as session:
                    if key is ContactRecord.contact:
                        _let_go(session, and_(key.in_(old), condition))
                    session.execute(delete(key.class_).where(key.in_(old), condition))
                done += len(old)
        if done:
            logger.info("old_rows_deleted", count=done)
        return TickReport(done=done, more=done >= _AT_ONCE)


def _silent_for_long(oldest: datetime) -> ColumnElement[bool]:
    """What a conversation remembers, a safety plan's progress among it, is worth nothing when its words are gone."""
    return and_(ConversationRecord.updated_at < oldest, ConversationRecord.taken_over_by == "")


def _left_long_ago(oldest: datetime) -> ColumnElement[bool]:
    """Follows us no more, and nobody works on anything of theirs."""
    alert = select(AlertRecord.id).where(AlertRecord.contact == ContactRecord.contact, AlertRecord.state != "resolved")
    case = select(CaseRecord.id).where(CaseRecord.contact == ContactRecord.contact, CaseRecord.state == "open")
    return and_(
        ContactRecord.following.is_(False), ContactRecord.last_seen_at < oldest, ~alert.exists(), ~case.exists()
    )


def _let_go(session: Session, condition: ColumnElement[bool]) -> None:
    """Those contacts are bound to nobody, and what their conversations remember is gone. They stay locked."""
    contacts = session.scalars(select(ContactRecord.contact).where(condition).with_for_update()).all()
    binding = update(StudentRecord).where(StudentRecord.contact.in_(contacts))
    session.execute(binding.values(contact=None, bound_at=None))
    session.execute(delete(ConversationRecord).where(ConversationRecord.contact.in_(contacts)))


def _never_fetched(oldest: datetime) -> ColumnElement[bool]:
    """Held for somebody who has not written again."""
    return and_(DeliveryRecord.state == DeliveryState.HELD.value, DeliveryRecord.expires_at < oldest)
