"""Tables of contacts and their preferences."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class ContactRecord(Base):
    """One openid or userid that has written to us or follows us.

    The window counts what the platform still allows: `window_allowance` messages from `window_opened_at` on, of
    which `window_used` are gone.
    """

    __tablename__ = "contacts"

    contact: Mapped[str] = mapped_column(String(80), primary_key=True)
    source: Mapped[str] = mapped_column(String(10))
    following: Mapped[bool] = mapped_column(default=True)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    window_closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    window_allowance: Mapped[int] = mapped_column(default=0)
    window_used: Mapped[int] = mapped_column(default=0)


class OptOutRecord(Base):
    """A topic of reminders that a student does not want. Absence means that they want it."""

    __tablename__ = "opt_outs"

    contact: Mapped[str] = mapped_column(
        String(80), ForeignKey("contacts.contact", ondelete="CASCADE"), primary_key=True
    )
    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
