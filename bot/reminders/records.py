"""Tables of reminder runs, of what waits for one student, and of what became of each reminder for each student."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class ReminderRunRecord(Base):
    """One planned time of one series. `cursor` is the last contact served; a run goes on there after a crash."""

    __tablename__ = "reminder_runs"
    __table_args__ = (UniqueConstraint("series", "planned_at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    series: Mapped[str] = mapped_column(String(40))
    planned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), index=True)
    cursor: Mapped[str] = mapped_column(String(80), default="")
    queued: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class ReminderDueRecord(Base):
    """One reminder that one student gets because of a step: each step once a student and series."""

    __tablename__ = "reminder_dues"
    __table_args__ = (
        UniqueConstraint("contact", "series", "step"),
        Index("ix_reminder_dues_due", "state", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    contact: Mapped[str] = mapped_column(String(80), ForeignKey("contacts.contact", ondelete="CASCADE"))
    series: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10))


class ReminderGivenRecord(Base):
    """What became of one run or due for one student, and why. Read for caps and for texts not yet read.

    `source_id` is the run or the due; `text` the fingerprint of the words, empty if none were given.
    """

    __tablename__ = "reminder_ledger"
    __table_args__ = (
        UniqueConstraint("source_id", "contact"),
        Index("ix_reminder_ledger_contact", "contact", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    source_id: Mapped[str] = mapped_column(String(26))
    contact: Mapped[str] = mapped_column(String(80), ForeignKey("contacts.contact", ondelete="CASCADE"))
    series: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(16), default="")
    outcome: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(20), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
