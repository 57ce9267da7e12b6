"""Tables of deliveries and of every attempt to send one."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime, sealed_for


class DeliveryRecord(Base):
    """One message to one recipient and what became of it. The content is sealed for this id.

    `dedup_key` is unique: asking twice for the same thing sends it once. `subject` says whose delivery it is
    (alert:12, reply:…, reminder:…). `doubtful` means that the platform's answer to an attempt is unknown, so the
    message may have arrived twice. A `holdable` delivery waits for the student's next message when the platform's
    window is closed, instead of failing.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "state", "priority", "not_before", "id"),
        Index("ix_deliveries_recipient", "recipient", "state", "channel", "priority", "id"),
        Index("ix_deliveries_subject", "subject"),
        Index("ix_deliveries_platform", "platform_id"),
        Index("ix_deliveries_channel", "channel", "settled_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    channel: Mapped[str] = mapped_column(String(10))
    recipient: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(80))
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    content: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("deliveries:{id}"))
    dedup_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    holdable: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    doubtful: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str] = mapped_column(String(40), default="")
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    code: Mapped[str] = mapped_column(String(60), default="")
    platform_id: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class AttemptRecord(Base):
    """One try to send a delivery, and what came of it. Never changed afterwards."""

    __tablename__ = "delivery_attempts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    delivery_id: Mapped[str] = mapped_column(String(26), ForeignKey("deliveries.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(60))


class ChannelRestRecord(Base):
    """A channel by which nothing but alerts is sent: until a moment, or, without one, until somebody wakes it."""

    __tablename__ = "channel_rests"

    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    code: Mapped[str] = mapped_column(String(60), default="")
