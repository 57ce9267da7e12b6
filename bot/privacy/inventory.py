"""Counts what is stored about one contact. Nothing here changes anything."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.cases.records import CaseRecord
from bot.conversation.records import InboundRecord
from bot.escalation.records import AlertRecord
from bot.outbox.records import DeliveryRecord
from bot.privacy.models import Open, Stock
from bot.reminders.records import ReminderGivenRecord
from bot.students.contacts import Contact, find_opt_outs
from bot.students.models import Student
from bot.students.records import ErasureRecord
from bot.students.subscriptions import count_remaining


def take_stock(session: Session, contact: Contact, student: Student | None, *, plan_steps: int) -> Stock:
    """What there is of `contact`, bound to `student`, who has answered `plan_steps` steps of a safety plan."""
    name = contact.contact
    messages, oldest = session.execute(
        select(func.count(), func.min(InboundRecord.received_at)).where(InboundRecord.contact == name)
    ).one()
    deliveries = select(func.count()).select_from(DeliveryRecord).where(DeliveryRecord.recipient == name)
    given = select(func.count()).select_from(ReminderGivenRecord).where(ReminderGivenRecord.contact == name)
    return Stock(
        since=contact.first_seen_at,
        student=student,
        messages=messages,
        oldest=oldest,
        deliveries=session.scalar(deliveries) or 0,
        plan_steps=plan_steps,
        opt_outs=tuple(find_opt_outs(session, name)),
        reminders=session.scalar(given) or 0,
        allowed=count_remaining(session, name),
        open=find_open(session, name),
        closed_alerts=len(find_alerts(session, name, is_open=False)),
        closed_cases=len(find_cases(session, name, is_open=False)),
        erasing=session.get(ErasureRecord, name) is not None,
    )


def find_open(session: Session, contact: str) -> Open:
    """What people are still working on for the contact."""
    return Open(find_alerts(session, contact, is_open=True), find_cases(session, contact, is_open=True))


def find_alerts(session: Session, contact: str, *, is_open: bool) -> tuple[int, ...]:
    """The numbers of the contact's alerts that are open, or of those that are not."""
    state = AlertRecord.state != "resolved" if is_open else AlertRecord.state == "resolved"
    return tuple(session.scalars(select(AlertRecord.id).where(AlertRecord.contact == contact, state)))


def find_cases(session: Session, contact: str, *, is_open: bool) -> tuple[int, ...]:
    """The numbers of the contact's cases that are open, or of those that are not."""
    state = CaseRecord.state == "open" if is_open else CaseRecord.state != "open"
    return tuple(session.scalars(select(CaseRecord.id).where(CaseRecord.contact == contact, state)))
