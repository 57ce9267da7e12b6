"""SQL of reminders: runs, dues, the ledger, and who has an open alert. Nothing here commits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from bot.db import insert_into, table_of
from bot.escalation.records import AlertRecord
from bot.reminders.deciding import Way
from bot.reminders.records import ReminderDueRecord, ReminderGivenRecord, ReminderRunRecord

_DUES = table_of(ReminderDueRecord)
_GIVEN = (Way.SEND.value, Way.HOLD.value)


def find_run(session: Session, series: str, planned_at: datetime) -> str | None:
    """The id of the run of this planned time."""
    return session.scalar(
        select(ReminderRunRecord.id).where(
            ReminderRunRecord.series == series, ReminderRunRecord.planned_at == planned_at
        )
    )


def find_running(session: Session, only: Sequence[str] | None, *, lock: bool = False) -> ReminderRunRecord | None:
    """The oldest run that is not over, of the series `only` if given."""
    query = select(ReminderRunRecord).where(ReminderRunRecord.state == "running")
    if only is not None:
        query = query.where(ReminderRunRecord.series.in_(only))
    query = query.order_by(ReminderRunRecord.id).limit(1)
    return session.scalars(query.with_for_update() if lock else query).first()


def add_due(session: Session, values: Mapping[str, Any]) -> bool:
    """The due is stored; False if this student, series and step has had one."""
    statement = insert_into(session.get_bind().dialect.name, _DUES).values(values).on_conflict_do_nothing()
    return session.execute(statement.returning(_DUES.c.id)).scalar() is not None


def find_dues(
    session: Session, now: datetime, only: Sequence[str] | None, *, limit: int, lock: bool = False
) -> Sequence[ReminderDueRecord]:
    """Waiting dues whose time has come, the oldest first, of the series `only` if given."""
    query = select(ReminderDueRecord).where(ReminderDueRecord.state == "waiting", ReminderDueRecord.due_at <= now)
    if only is not None:
        query = query.where(ReminderDueRecord.series.in_(only))
    query = query.order_by(ReminderDueRecord.due_at, ReminderDueRecord.id).limit(limit)
    return session.scalars(query.with_for_update(skip_locked=True) if lock else query).all()


def with_open_alert(session: Session, contacts: Sequence[str]) -> set[str]:
    """Who is spared reminders, because somebody is worried about them."""
    query = select(AlertRecord.contact).where(
        AlertRecord.contact.in_(list(contacts)),
        AlertRecord.state != "resolved",
        AlertRecord.level.in_(("red", "orange")),
    )
    return set(session.scalars(query))


def given_since(session: Session, contacts: Sequence[str], since: datetime) -> Counter[str]:
    """How many reminders each of `contacts` was sent, or has waiting, after `since`."""
    query = (
        select(ReminderGivenRecord.contact, func.count())
        .where(
            ReminderGivenRecord.contact.in_(list(contacts)),
            ReminderGivenRecord.at > since,
            ReminderGivenRecord.outcome.in_(_GIVEN),
        )
        .group_by(ReminderGivenRecord.contact)
    )
    return Counter({str(contact): int(count) for contact, count in session.execute(query)})


def texts_given(session: Session, series: str, contacts: Sequence[str]) -> dict[str, Counter[str]]:
    """How often each of `contacts` was given each text of the series, by fingerprint."""
    columns = ReminderGivenRecord
    query = (
        select(columns.contact, columns.text, func.count())
        .where(columns.contact.in_(list(contacts)), columns.series == series, columns.outcome.in_(_GIVEN))
        .group_by(columns.contact, columns.text)
    )
    found: dict[str, Counter[str]] = {}
    for contact, text, count in session.execute(query):
        found.setdefault(str(contact), Counter())[str(text)] = int(count)
    return found


def known_in(session: Session, source_id: str, contacts: Sequence[str]) -> set[str]:
    """Those of `contacts` whom this run or due has served already."""
    query = select(ReminderGivenRecord.contact).where(
        ReminderGivenRecord.source_id == source_id, ReminderGivenRecord.contact.in_(list(contacts))
    )
    return set(session.scalars(query))


def add_given(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """The ledger has these rows."""
    if rows:
        session.execute(insert(table_of(ReminderGivenRecord)), list(rows))


def reasons(session: Session, source_id: str) -> Counter[tuple[str, str]]:
    """How many students had which outcome for which reason in this run."""
    columns = ReminderGivenRecord
    query = (
        select(columns.outcome, columns.reason, func.count())
        .where(columns.source_id == source_id)
        .group_by(columns.outcome, columns.reason)
    )
    return Counter({(str(outcome), str(reason)): int(count) for outcome, reason, count in session.execute(query)})
