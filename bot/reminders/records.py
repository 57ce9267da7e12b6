"""Table of reminder runs: one row for each series and planned time, so that none goes out twice."""

from datetime import datetime

from sqlalchemy import String, UniqueConstraint
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
