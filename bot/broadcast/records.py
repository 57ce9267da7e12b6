"""Tables of campaigns, their recipients, their story, and the results that the platform reports afterwards."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime, sealed_for


class CampaignTextRecord(Base):
    """The words of a campaign, sealed for its key."""

    __tablename__ = "campaign_texts"

    key: Mapped[str] = mapped_column(String(26), primary_key=True)
    text: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("campaign_texts:{key}"))


class CampaignRecord(Base):
    """One notice to many. Its words are in campaign_texts under `key`; `segment` is in the words of reading.py.

    With `audience_of` the people are those of that earlier campaign, with `only_silent` those of them who have not
    answered it. `request_key` is unique: the same notice to the same range on the same day is there once, unless
    somebody asked for it again. `audience` is the number of its rows, frozen at the start. `watch_from` is since when
    failures count.
    """

    __tablename__ = "campaigns"
    __table_args__ = (Index("ix_campaigns_state", "state", "scheduled_at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(60), default="")
    title: Mapped[str] = mapped_column(String(60), default="")
    segment: Mapped[str] = mapped_column(Text)
    urgent: Mapped[bool] = mapped_column(default=False)
    template: Mapped[str] = mapped_column(String(40), default="")
    may_mass: Mapped[bool] = mapped_column(default=True)
    author: Mapped[str] = mapped_column(String(60))
    approved_by: Mapped[str] = mapped_column(String(60), default="")
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    request_key: Mapped[str] = mapped_column(String(100), unique=True)
    audience: Mapped[int] = mapped_column(default=0)
    audience_of: Mapped[int | None] = mapped_column(default=None)
    only_silent: Mapped[bool] = mapped_column(default=False)
    misfire_s: Mapped[int] = mapped_column(default=1800)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    scheduled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    watch_from: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class RecipientRecord(Base):
    """One person of a campaign's audience and what became of the message to them: the ledger.

    `person` is s:student number or c:openid, once a campaign. waiting → (gathered →) queued → sent → delivered, or
    held, failed, unreachable, expired, cancelled; `reason` says why. `tried` are the ways that did not work.
    """

    __tablename__ = "campaign_recipients"
    __table_args__ = (
        UniqueConstraint("campaign_id", "person"),
        Index("ix_campaign_recipients_state", "campaign_id", "state"),
        Index("ix_campaign_recipients_delivery", "delivery_id"),
        Index("ix_campaign_recipients_contact", "contact", "planned_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    person: Mapped[str] = mapped_column(String(90))
    contact: Mapped[str] = mapped_column(String(80), default="")
    wecom_userid: Mapped[str] = mapped_column(String(80), default="")
    state: Mapped[str] = mapped_column(String(12))
    way: Mapped[str] = mapped_column(String(10), default="")
    reason: Mapped[str] = mapped_column(String(60), default="")
    tried: Mapped[str] = mapped_column(String(60), default="")
    rounds: Mapped[int] = mapped_column(default=0)
    doubtful: Mapped[bool] = mapped_column(default=False)
    delivery_id: Mapped[str | None] = mapped_column(String(26), default=None)
    planned_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class CampaignLogRecord(Base):
    """One line of a campaign's story: who did what, when. Never changed afterwards."""

    __tablename__ = "campaign_log"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    event: Mapped[str] = mapped_column(String(30))
    actor: Mapped[str] = mapped_column(String(60), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class SendResultRecord(Base):
    """What the platform reported of a template message or a mass send. It may come before we have stored the send.

    `applied` is whether the delivery that it speaks of says so.
    """

    __tablename__ = "send_results"
    __table_args__ = (Index("ix_send_results_applied", "applied", "at"),)

    platform_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    status: Mapped[str] = mapped_column(String(80))
    total: Mapped[int] = mapped_column(default=0)
    sent: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied: Mapped[bool] = mapped_column(default=False)


class SafetyNoticeRecord(Base):
    """What a campaign of kind safety says in CAP's words (Common Alerting Protocol 1.2), and whether it is over.

    `chain` is the id of the first campaign of the same event: updates, resends and the all-clear have it too.
    """

    __tablename__ = "safety_notices"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    chain: Mapped[int] = mapped_column(index=True)
    message_type: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(10))
    urgency: Mapped[str] = mapped_column(String(12))
    severity: Mapped[str] = mapped_column(String(12))
    response: Mapped[str] = mapped_column(String(12))
    open: Mapped[bool] = mapped_column(default=True)


class SafetyAnswerRecord(Base):
    """What a student last answered to a safety notice: safe or help."""

    __tablename__ = "safety_answers"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact: Mapped[str] = mapped_column(String(80), primary_key=True)
    answer: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
