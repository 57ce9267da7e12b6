"""Maintenance mode: a switch in the database that every process reads. What students are told is routing's."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.db import Base, UtcDateTime

_ONLY_ROW = 1


class MaintenanceRecord(Base):
    """The switch. There is a row while it is on, and never more than one."""

    __tablename__ = "maintenance"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    message: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True, slots=True)
class Maintenance:
    """It is on since `since`, and promised to be over at `until`; `message` is what the operator tells students."""

    since: datetime
    until: datetime | None = None
    message: str = ""


def find_maintenance(session: Session) -> Maintenance | None:
    """The maintenance that is on, or None."""
    record = session.get(MaintenanceRecord, _ONLY_ROW)
    return Maintenance(record.since, record.until, record.message) if record else None


def switch_on(session: Session, *, now: datetime, until: datetime | None = None, message: str = "") -> None:
    """It is on, with these words; since now, or since when it was on already."""
    record = session.get(MaintenanceRecord, _ONLY_ROW, with_for_update=True)
    if record is None:
        session.add(MaintenanceRecord(id=_ONLY_ROW, since=now, until=until, message=message))
    else:
        record.until, record.message = until, message


def switch_off(session: Session) -> Maintenance | None:
    """It is off. The maintenance that was on, or None."""
    record = session.get(MaintenanceRecord, _ONLY_ROW, with_for_update=True)
    if record is None:
        return None
    session.delete(record)
    return Maintenance(record.since, record.until, record.message)
