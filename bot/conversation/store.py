"""SQL of conversations and inbound messages: one statement for a whole batch. Nothing here commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from bot.bulk import Write, write_rows
from bot.conversation.conversation import Conversation
from bot.conversation.records import ConversationRecord, InboundRecord, SeenSignatureRecord
from bot.crypto import Cipher
from bot.db import UtcDateTime, insert_into, table_of
from bot.questions import Question, among, each

_INBOUND = table_of(InboundRecord)
_CONVERSATIONS = table_of(ConversationRecord)
_SIGNATURES = table_of(SeenSignatureRecord)


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The reply that was decided for a message when it was first seen; empty means silence."""

    inbound_id: str
    reply: str


def replies_to(dedup_keys: Iterable[str], cipher: Cipher) -> Question[dict[str, StoredReply]]:
    """The stored replies of those messages that were seen before, by dedup key."""
    return Question(
        _finding_replies,
        {"dedup_keys": list(dedup_keys)},
        lambda rows: {row.dedup_key: StoredReply(row.id, cipher.open(row.reply, row=row.id)) for row in rows},
    )


@cache
def _finding_replies(database: str) -> Select[Any]:
    columns = _INBOUND.c
    return select(columns.id, columns.dedup_key, columns.reply).where(among(columns.dedup_key, "dedup_keys", database))


def inbound_write(rows: Sequence[dict[str, Any]]) -> Write:
    """Inserts messages; an IntegrityError means that another process has stored one of them meanwhile."""
    return Write(_INBOUND, rows)


def save_inbound(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts messages. Raises IntegrityError if another process has stored one of them meanwhile."""
    write_rows(session, inbound_write(rows))


def accepted_among(signature_keys: Iterable[str], now: datetime) -> Question[set[str]]:
    """Remembers signed requests; the answer is those that nobody had accepted before.

    Another process that accepts the same one at this moment is waited for: only one of both gets it.
    """
    return Question(
        _accepting,
        {"signature_keys": sorted(set(signature_keys)), "seen_at": now},
        lambda rows: {row.signature_key for row in rows},
    )


@cache
def _accepting(database: str) -> ReturningInsert[Any]:
    columns = _SIGNATURES.c
    keys = each("signature_keys", database).add_columns(bindparam("seen_at", type_=UtcDateTime())).where(true())
    statement = insert_into(database, _SIGNATURES).from_select([columns.signature_key, columns.seen_at], keys)
    accepting: ReturningInsert[Any] = statement.on_conflict_do_nothing(index_elements=["signature_key"]).returning(
        columns.signature_key
    )
    return accepting


def conversations_of(contacts: Iterable[str]) -> Question[dict[str, Conversation]]:
    """The known conversations of `contacts`, locked until the transaction ends."""
    return Question(
        _loading,
        {"talkers": sorted(set(contacts))},
        lambda rows: {row.contact: _conversation(row) for row in rows},
    )


@cache
def _loading(database: str) -> Select[Any]:
    known = among(_CONVERSATIONS.c.contact, "talkers", database)
    return select(_CONVERSATIONS).where(known).order_by(_CONVERSATIONS.c.contact).with_for_update()


def _conversation(row: Any) -> Conversation:
    return Conversation(
        contact=row.contact,
        slots=dict(row.slots),
        taken_over_by=row.taken_over_by,
        minute_started_at=row.minute_started_at,
        minute_count=row.minute_count,
        updated_at=row.updated_at,
    )


def conversations_write(conversations: Iterable[Conversation]) -> Write:
    """Inserts or replaces conversations."""
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
    return Write(_CONVERSATIONS, values, key="contact")


def save_conversations(session: Session, conversations: Sequence[Conversation]) -> None:
    """Inserts or replaces conversations, in one statement for all."""
    write_rows(session, conversations_write(conversations))


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
