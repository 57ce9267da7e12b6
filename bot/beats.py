"""Signs of life: each worker writes when its loops last went round, so that the web process notices one that hangs."""

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.db import Base, UtcDateTime


class BeatRecord(Base):
    """When a loop of some worker last went round."""

    __tablename__ = "beats"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def beat(session: Session, name: str, now: datetime) -> None:
    """The loop `name` is alive at `now`."""
    session.merge(BeatRecord(name=name, at=now))


def find_beats(session: Session) -> dict[str, datetime]:
    """When each loop last went round."""
    return {record.name: record.at for record in session.scalars(select(BeatRecord))}
