"""Tables of the rota beside its shifts: rotations, overrides, and swaps that are asked for."""

from datetime import date, datetime

from sqlalchemy import JSON, Date, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class RotationRecord(Base):
    """People who take turns. Hours are "18:00" in the school's zone; `order` holds staff numbers."""

    __tablename__ = "rotations"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    college: Mapped[str] = mapped_column(String(80), default="")
    order: Mapped[list[str]] = mapped_column("turns", JSON)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date, default=None)
    turn_days: Mapped[int] = mapped_column(default=7)
    starts: Mapped[str] = mapped_column(String(5))
    ends: Mapped[str] = mapped_column(String(5))
    days: Mapped[str] = mapped_column(String(10))


class OverrideRecord(Base):
    """An exception to the rota; the newest row for the same span and person is the one that counts."""

    __tablename__ = "rota_overrides"
    __table_args__ = (
        UniqueConstraint("starts_at", "ends_at", "college", "instead_of", "staff_no"),
        {"sqlite_autoincrement": True},  # the number is the order in which they apply
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    college: Mapped[str] = mapped_column(String(80), default="")
    instead_of: Mapped[str] = mapped_column(String(40), default="")
    staff_no: Mapped[str] = mapped_column(String(40), default="")


class SwapRecord(Base):
    """A swap of two shifts: nothing changes until both have agreed. States: asked, agreed, refused."""

    __tablename__ = "rota_swaps"
    __table_args__ = ({"sqlite_autoincrement": True},)  # a number is never given twice: people say it aloud

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    first_no: Mapped[str] = mapped_column(String(40))
    first_starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_agreed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    second_no: Mapped[str] = mapped_column(String(40))
    second_starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    second_ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    second_agreed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    state: Mapped[str] = mapped_column(String(10), default="asked")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
