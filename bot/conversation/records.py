"""Tables of inbound messages, of the signatures seen, and of what each conversation remembers."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime, sealed_for


class InboundRecord(Base):
    """One message as received, with the reply that was decided for it. Words and reply are sealed for this id.

    The platform tries a message up to three times. `dedup_key` is unique, so that effects happen once and every
    further try gets the same stored reply, on whichever process it arrives.
    """

    __tablename__ = "inbound_messages"
    __table_args__ = (Index("ix_inbound_contact", "contact", "received_at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    dedup_key: Mapped[str] = mapped_column(String(100), unique=True)
    source: Mapped[str] = mapped_column(String(10))
    contact: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(10))
    event: Mapped[str] = mapped_column(String(60))
    words: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("{id}"))
    reply: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("{id}"))
    answered_by: Mapped[str] = mapped_column(String(40))
    topic: Mapped[str] = mapped_column(String(60))
    level: Mapped[str] = mapped_column(String(10))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SeenSignatureRecord(Base):
    """A signed request that was accepted once. The same one again is a replay; a platform's retry is signed anew."""

    __tablename__ = "seen_signatures"

    signature_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ConversationRecord(Base):
    """What a conversation remembers between messages: its slots, its pace, and who has taken it over."""

    __tablename__ = "conversations"

    contact: Mapped[str] = mapped_column(String(80), primary_key=True)
    slots: Mapped[dict[str, Any]] = mapped_column(JSON)
    taken_over_by: Mapped[str] = mapped_column(String(40), default="")
    minute_started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    minute_count: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
