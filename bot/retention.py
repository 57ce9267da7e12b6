"""Deletes what is kept no longer: words after the promised time, people who have left, codes, seen signatures."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.broadcast.records import RecipientRecord, SafetyAnswerRecord, SendResultRecord
from bot.cases.records import CaseMessageRecord, CaseRecord
from bot.clock import Clock
from bot.conversation.records import ConversationRecord, InboundRecord, SeenSignatureRecord
from bot.db import Database, UtcDateTime
from bot.escalation.records import AlertRecord
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import DeliveryState
from bot.reminders.records import ReminderDueRecord, ReminderGivenRecord
from bot.students.records import BindingCodeRecord, BindingTriesRecord, ContactRecord, StudentRecord
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_OTHERS_FOR = {
    "signatures": timedelta(hours=1),
    "tries": timedelta(days=3),  # longer than any lock lasts or any wrong try is remembered
    "codes": timedelta(days=30),  # so long a used or expired one is told from a wrong one
    "results": timedelta(days=30),
}
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
        times = {"words": now - self._words_for}
        times |= {name: now - kept_for for name, kept_for in _OTHERS_FOR.items()}
        aged, look = _aged(), _look()
        with self._database.read() as session:
            found = session.execute(look, times).one()
            old = [
                session.scalars(select(key).where(condition).limit(_AT_ONCE), times).all() if any_ else []
                for (key, condition), any_ in zip(aged, found, strict=True)
            ]
        for (key, condition), keys in zip(aged, old, strict=True):
            if keys:
                with self._database.write() as session:
                    if key is ContactRecord.contact:
                        _let_go(session, and_(key.in_(keys), condition), times)
                    session.execute(delete(key.class_).where(key.in_(keys), condition), times)
        done = sum(map(len, old))
        if done:
            logger.info("old_rows_deleted", count=done)
        return TickReport(done=done, more=done >= _AT_ONCE)


def _before(name: str) -> BindParameter[datetime]:
    """The time that is given by that name when a statement is executed."""
    return bindparam(name, type_=UtcDateTime())


@cache
def _aged() -> tuple[tuple[InstrumentedAttribute[Any], ColumnElement[bool]], ...]:
    """What is kept for a time only: the key of each kind, and when it is too old."""
    words = _before("words")
    return (
        (SeenSignatureRecord.signature_key, SeenSignatureRecord.seen_at < _before("signatures")),
        (InboundRecord.id, InboundRecord.received_at < words),
        (DeliveryRecord.id, or_(DeliveryRecord.settled_at < words, _never_fetched(words))),
        (CaseMessageRecord.id, CaseMessageRecord.at < words),
        (ConversationRecord.contact, _silent_for_long(words)),
        (BindingTriesRecord.contact, BindingTriesRecord.last_at < _before("tries")),
        (BindingCodeRecord.handle, BindingCodeRecord.expires_at < _before("codes")),
        (ReminderGivenRecord.id, ReminderGivenRecord.at < words),
        (ReminderDueRecord.id, ReminderDueRecord.until_at < words),
        (RecipientRecord.id, RecipientRecord.settled_at < words),
        (SafetyAnswerRecord.contact, SafetyAnswerRecord.at < words),
        (SendResultRecord.platform_id, SendResultRecord.at < _before("results")),
        (ContactRecord.contact, _left_long_ago(words)),  # after what belongs to them
    )


@cache
def _look() -> Select[*tuple[Any, ...]]:
    """Of which kinds there is anything too old, in one look."""
    return select(*(select(key).where(condition).exists() for key, condition in _aged()))


def _silent_for_long(oldest: BindParameter[datetime]) -> ColumnElement[bool]:
    """What a conversation remembers, a safety plan's progress among it, is worth nothing when its words are gone."""
    return and_(ConversationRecord.updated_at < oldest, ConversationRecord.taken_over_by == "")


def _left_long_ago(oldest: BindParameter[datetime]) -> ColumnElement[bool]:
    """Follows us no more, and nobody works on anything of theirs."""
    alert = select(AlertRecord.id).where(AlertRecord.contact == ContactRecord.contact, AlertRecord.state != "resolved")
    case = select(CaseRecord.id).where(CaseRecord.contact == ContactRecord.contact, CaseRecord.state == "open")
    return and_(
        ContactRecord.following.is_(False), ContactRecord.last_seen_at < oldest, ~alert.exists(), ~case.exists()
    )


def _let_go(session: Session, condition: ColumnElement[bool], times: dict[str, datetime]) -> None:
    """Those contacts are bound to nobody, and what their conversations remember is gone. They stay locked."""
    contacts = session.scalars(select(ContactRecord.contact).where(condition).with_for_update(), times).all()
    binding = update(StudentRecord).where(StudentRecord.contact.in_(contacts))
    session.execute(binding.values(contact=None, bound_at=None))
    session.execute(delete(ConversationRecord).where(ConversationRecord.contact.in_(contacts)))


def _never_fetched(oldest: BindParameter[datetime]) -> ColumnElement[bool]:
    """Held for somebody who has not written again."""
    return and_(DeliveryRecord.state == DeliveryState.HELD.value, DeliveryRecord.expires_at < oldest)


class AlertRetentionTicker:
    """A closed alert forgets in time whose it was. Its log and its figures stay: they name no student."""

    name = "alert_retention"

    def __init__(self, database: Database, clock: Clock, *, kept_for: timedelta, words_for: timedelta) -> None:
        """`kept_for` counts from the closing; zero keeps for ever.

        The alert's log names the message that raised it, and the message its sender: so nothing is forgotten before
        the words, kept `words_for`, are gone.
        """
        self._database = database
        self._clock = clock
        self._kept_for = max(kept_for, words_for) if kept_for else None

    def tick(self) -> TickReport:
        """Up to 500 alerts that were closed so long ago have no contact and no message any more.

        Open ones never, nor what was merged into one: whose it is is still needed there.
        """
        if self._kept_for is None:
            return TickReport()
        still_open = select(AlertRecord.id).where(AlertRecord.state != "resolved")
        old = (
            select(AlertRecord.id)
            .where(
                AlertRecord.state == "resolved",
                AlertRecord.resolved_at < self._clock.now() - self._kept_for,
                AlertRecord.contact != "",
                AlertRecord.merged_into.is_(None) | AlertRecord.merged_into.not_in(still_open),
            )
            .limit(_AT_ONCE)
        )
        with self._database.read() as session:
            alerts = session.scalars(old).all()
        if alerts:
            forgotten = {"contact": "", "first_inbound_id": "", "last_inbound_id": ""}
            with self._database.write() as session:
                still_closed = AlertRecord.id.in_(alerts), AlertRecord.state == "resolved"
                session.execute(update(AlertRecord).where(*still_closed).values(forgotten))
            logger.info("old_alerts_anonymised", count=len(alerts))
        return TickReport(done=len(alerts), more=len(alerts) == _AT_ONCE)
