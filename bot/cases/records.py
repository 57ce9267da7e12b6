"""Tables of cases and their messages. The words are sealed for the message's id."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime, sealed_for


class CaseRecord(Base):
    """One student's request for a person. At most one is open for each contact."""

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "uq_cases_open",
            "contact",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    contact: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply_by: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class CaseMessageRecord(Base):
    """One message of a case, by the student or by staff."""

    __tablename__ = "case_messages"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    author: Mapped[str] = mapped_column(String(80))
    words: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("{id}"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
