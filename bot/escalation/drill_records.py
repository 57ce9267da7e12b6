"""Table of drills. What became of one is in its alert's log."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class DrillRecord(Base):
    """One exercise for one college (empty: for whoever is on duty), with the alert that it raised."""

    __tablename__ = "drills"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    college: Mapped[str] = mapped_column(String(80), default="")
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"), default=None)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None, index=True)
