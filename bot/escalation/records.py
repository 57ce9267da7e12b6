"""Tables of alerts, of their append-only log, and of duty shifts."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class AlertRecord(Base):
    """One worry about one student. The words stay in the inbound messages; the alert only points to them.

    At most one alert is open for each contact and subject: a hundred messages of one student are one alert with a
    counter, and two students are never merged.

    `policy` is the ladder as it was when the alert was triggered (policy.py), `step` its next rung, `walk` how often it
    has been walked, `told` for each staff number the walk and the step of the last notice. `acks` are staff number and
    role of who has taken it: all that are needed when the state is acknowledged, some when it is still triggered.
    `next_notice_at` is when the ladder does something next. `touched_at` is the last sign of life of the owner.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_open",
            "contact",
            "about",
            unique=True,
            sqlite_where=text("state <> 'resolved'"),
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("ix_alerts_due", "state", "next_notice_at"),
        {"sqlite_autoincrement": True},  # a number is never given twice: people say it aloud
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    contact: Mapped[str] = mapped_column(String(80))
    about: Mapped[str] = mapped_column(String(10))
    level: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12))
    signals: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    message_count: Mapped[int] = mapped_column(default=1)
    first_inbound_id: Mapped[str] = mapped_column(String(26))
    last_inbound_id: Mapped[str] = mapped_column(String(26))
    triggered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_notice_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rounds: Mapped[int] = mapped_column(default=0)
    acknowledged_by: Mapped[str] = mapped_column(String(40), default="")
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    closing_code: Mapped[str] = mapped_column(String(20), default="")
    college: Mapped[str] = mapped_column(String(80), default="")
    policy: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    step: Mapped[int] = mapped_column(default=0)
    walk: Mapped[int] = mapped_column(default=0)
    told: Mapped[dict[str, list[int]]] = mapped_column(JSON, default=dict)
    acks: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    touched_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    nudged: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[int | None] = mapped_column(default=None)


class AlertLogRecord(Base):
    """What happened to an alert: who was told by what, who took it, and why nothing happened.

    Never changed: triggers of both databases refuse UPDATE and DELETE.
    """

    __tablename__ = "alert_log"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    event: Mapped[str] = mapped_column(String(30))
    actor: Mapped[str] = mapped_column(String(80), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class FollowUpRecord(Base):
    """Somebody is to see the student again `hours` after the alert was closed.

    `next_at` is when they are told of it (again); None once it is done (`code` of the result), or given up.
    """

    __tablename__ = "alert_follow_ups"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"), index=True)
    hours: Mapped[int]
    staff_no: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    tellings: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    done_by: Mapped[str] = mapped_column(String(40), default="")
    code: Mapped[str] = mapped_column(String(20), default="")


class ShiftRecord(Base):
    """Somebody is on duty from `starts_at` to `ends_at` for a college, or for all where `college` is empty."""

    __tablename__ = "shifts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    staff_no: Mapped[str] = mapped_column(String(40), index=True)
    college: Mapped[str] = mapped_column(String(80), default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
