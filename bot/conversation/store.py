"""SQL of conversations and inbound messages: one statement for a whole batch. Nothing here commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, insert, select
from sqlalchemy.orm import Session

from bot.conversation.conversation import Conversation
from bot.conversation.records import ConversationRecord, InboundRecord, SeenSignatureRecord
from bot.crypto import Cipher
from bot.db import table_of
from bot.students.contacts import upsert

_INBOUND = table_of(InboundRecord)
_CONVERSATIONS = table_of(ConversationRecord)
_SIGNATURES = table_of(SeenSignatureRecord)
# Built once: at a thousand messages a second, building statements costs more than running them.
_KEYS: BindParameter[str] = bindparam("keys", expanding=True)
_FIND_REPLIES = select(_INBOUND.c.id, _INBOUND.c.dedup_key, _INBOUND.c.reply).where(_INBOUND.c.dedup_key.in_(_KEYS))
_FIND_SEEN = select(_SIGNATURES.c.signature_key).where(_SIGNATURES.c.signature_key.in_(_KEYS))
_SAVE_INBOUND, _SAVE_SEEN = insert(_INBOUND), insert(_SIGNATURES)
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


def find_seen(session: Session, signature_keys: Iterable[str]) -> set[str]:
    """Which of the signed requests were accepted before."""
    return set(session.connection().execute(_FIND_SEEN, {"keys": list(signature_keys)}).scalars())


def save_seen(session: Session, signature_keys: Iterable[str], now: datetime) -> None:
    """Remembers signed requests. Raises IntegrityError if another process has accepted one meanwhile."""
    rows = [{"signature_key": key, "seen_at": now} for key in signature_keys if key]
    if rows:
        session.connection().execute(_SAVE_SEEN, rows)


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
