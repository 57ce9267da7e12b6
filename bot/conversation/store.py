"""SQL of conversations and inbound messages: one statement for a whole batch. Nothing here commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, bindparam, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from bot.conversation.conversation import Conversation
from bot.conversation.records import ConversationRecord, InboundRecord, SeenSignatureRecord
from bot.crypto import Cipher
from bot.db import insert_into, table_of
from bot.students.contacts import upsert

_INBOUND = table_of(InboundRecord)
_CONVERSATIONS = table_of(ConversationRecord)
_SIGNATURES = table_of(SeenSignatureRecord)
# Built once: at a thousand messages a second, building statements costs more than running them.
_KEYS: BindParameter[str] = bindparam("keys", expanding=True)
_FIND_REPLIES = select(_INBOUND.c.id, _INBOUND.c.dedup_key, _INBOUND.c.reply).where(_INBOUND.c.dedup_key.in_(_KEYS))
_SAVE_INBOUND = insert(_INBOUND)
_LOAD = (
    select(_CONVERSATIONS)
    .where(_CONVERSATIONS.c.contact.in_(bindparam("contacts", expanding=True)))
    .order_by(_CONVERSATIONS.c.contact)
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The reply that was decided for a message when it was first seen; empty means silence."""

    inbound_id: str
    reply: str


def find_replies(session: Session, dedup_keys: Iterable[str], cipher: Cipher) -> dict[str, StoredReply]:
    """The stored replies of those messages that were seen before, by dedup key."""
    return {
        row.dedup_key: StoredReply(row.id, cipher.open(row.reply, row=row.id))
        for row in session.connection().execute(_FIND_REPLIES, {"keys": list(dedup_keys)})
    }


def save_inbound(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts messages. Raises IntegrityError if another process has stored one of them meanwhile."""
    if rows:
        session.connection().execute(_SAVE_INBOUND, rows)


def accept(session: Session, signature_keys: Iterable[str], now: datetime) -> set[str]:
    """Remembers signed requests; returns those that nobody had accepted before.

    Another process that accepts the same one at this moment is waited for: only one of both gets it.
    """
    rows = [{"signature_key": key, "seen_at": now} for key in sorted(set(signature_keys))]
    if not rows:
        return set()
    return set(session.connection().execute(_accepting(session.get_bind().dialect.name), rows).scalars())


@cache
def _accepting(database: str) -> ReturningInsert[Any]:
    statement = insert_into(database, _SIGNATURES).on_conflict_do_nothing(index_elements=["signature_key"])
    accepting: ReturningInsert[Any] = statement.returning(_SIGNATURES.c.signature_key)
    return accepting


def load_conversations(session: Session, contacts: Iterable[str]) -> dict[str, Conversation]:
    """The known conversations of `contacts`, locked until the transaction ends."""
    return {
        row.contact: Conversation(
            contact=row.contact,
            slots=dict(row.slots),
            taken_over_by=row.taken_over_by,
            minute_started_at=row.minute_started_at,
            minute_count=row.minute_count,
            updated_at=row.updated_at,
        )
        for row in session.connection().execute(_LOAD, {"contacts": sorted(set(contacts))})
    }


def save_conversations(session: Session, conversations: Sequence[Conversation]) -> None:
    """Inserts or replaces conversations, in one statement for all."""
    values = [
        {
            "contact": conversation.contact,
            "slots": conversation.slots,
            "taken_over_by": conversation.taken_over_by,
            "minute_started_at": conversation.minute_started_at,
            "minute_count": conversation.minute_count,
            "updated_at": conversation.updated_at,
        }
        for conversation in sorted(conversations, key=lambda conversation: conversation.contact)
    ]
    if values:
        session.connection().execute(upsert(session, _CONVERSATIONS, key="contact"), values)


def recent_words(session: Session, contact: str, cipher: Cipher, *, limit: int = 5) -> list[str]:
    """The contact's last texts, oldest first; for the distress assessment's look back."""
    columns = _INBOUND.c
    query = (
        select(columns.id, columns.words)
        .where(columns.contact == contact, columns.kind.in_(("text", "voice")))
        .order_by(columns.received_at.desc())
        .limit(limit)
    )
    rows = session.connection().execute(query).all()
    return [cipher.open(row.words, row=row.id) for row in reversed(rows)]
