"""What is in the database after a load, counted. SQL that only looks."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from bot.cases.records import CaseMessageRecord, CaseRecord
from bot.conversation.records import InboundRecord
from bot.escalation.records import AlertLogRecord, AlertRecord, ShiftRecord
from bot.outbox.records import DeliveryRecord
from bot.reminders.records import ReminderRunRecord
from bot.staff.records import StaffRecord
from bot.students.records import ContactRecord, OptOutRecord, StudentRecord


@dataclass(frozen=True, slots=True)
class Summary:
    """How many of each kind; the mappings are by state."""

    students: int = 0
    bound: int = 0
    staff: dict[str, int] = field(default_factory=dict)
    shifts: int = 0
    contacts: int = 0
    unfollowed: int = 0
    windows: dict[str, int] = field(default_factory=dict)
    opted_out: int = 0
    messages: int = 0
    alerts: dict[str, int] = field(default_factory=dict)
    alert_log: int = 0
    cases: dict[str, int] = field(default_factory=dict)
    reminder_runs: int = 0
    deliveries: dict[str, int] = field(default_factory=dict)
    reminders: dict[str, int] = field(default_factory=dict)


def summarise(session: Session, now: datetime) -> Summary:
    """The counts at `now`."""
    wechat = ContactRecord.source == "wechat"
    replied = CaseRecord.id.in_(select(CaseMessageRecord.case_id).where(CaseMessageRecord.author != CaseRecord.contact))
    is_reminder = DeliveryRecord.subject.startswith("reminder:")
    return Summary(
        students=_count(session, StudentRecord.student_no),
        bound=_count(session, StudentRecord.contact),
        staff=_by(session, StaffRecord.role, StaffRecord.active),
        shifts=_count(session, ShiftRecord.id),
        contacts=_count(session, ContactRecord.contact, wechat),
        unfollowed=_count(session, ContactRecord.contact, and_(wechat, ContactRecord.following.is_(False))),
        windows=_by(session, _window(now), and_(wechat, ContactRecord.following)),
        opted_out=session.scalar(select(func.count(func.distinct(OptOutRecord.contact)))) or 0,
        messages=_count(session, InboundRecord.id),
        alerts=_by(session, case((AlertRecord.closing_code != "", AlertRecord.closing_code), else_=AlertRecord.state)),
        alert_log=_count(session, AlertLogRecord.id),
        cases=_by(session, case((CaseRecord.state != "open", "closed"), (replied, "replied"), else_="open")),
        reminder_runs=_count(session, ReminderRunRecord.id),
        deliveries=_by(session, DeliveryRecord.state),
        reminders=_by(session, DeliveryRecord.state, is_reminder),
    )


def _window(now: datetime) -> Any:
    """open, used (nothing is left of its messages), closed (its time is over), or never."""
    record = ContactRecord
    return case(
        (record.window_closes_at.is_(None), "never"),
        (record.window_closes_at <= now, "closed"),
        (record.window_used >= record.window_allowance, "used"),
        else_="open",
    )


def _count(session: Session, column: Any, condition: Any = None) -> int:
    query = select(func.count(column))
    return session.scalar(query if condition is None else query.where(condition)) or 0


def _by(session: Session, column: Any, condition: Any = None) -> dict[str, int]:
    inner = select(column.label("word"))
    rows = (inner if condition is None else inner.where(condition)).subquery()
    query = select(rows.c.word, func.count()).group_by(rows.c.word).order_by(rows.c.word)
    return {str(word): int(number) for word, number in session.execute(query)}
