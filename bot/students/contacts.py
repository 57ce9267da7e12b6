"""Contacts as values, and their SQL. Nothing here commits."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal, select, true, update
from sqlalchemy.orm import Session

from bot.bulk import Write, write_rows
from bot.db import UtcDateTime, insert_into, table_of
from bot.questions import Question, among, each
from bot.students.records import ContactRecord, OptOutRecord
from bot.students.window import Window

EVERY_TOPIC = "全部"
"""Who opts out of this wants no reminder of any topic, of one that comes to be later neither."""
_CONTACTS = table_of(ContactRecord)
_ONE = update(_CONTACTS).where(_CONTACTS.c.contact == bindparam("whose"))
_COUNTING = _ONE.values(window_used=_CONTACTS.c.window_used + 1)
_CLOSING = _ONE.values(window_allowance=0)
_LEAVING = _ONE.values(following=False)


@dataclass(slots=True)
class Contact:
    """One person's standing with us, as loaded for a turn."""

    contact: str
    source: str
    first_seen_at: datetime
    last_seen_at: datetime
    following: bool = True
    window: Window = field(default_factory=Window)


def contacts_among(contacts: Iterable[str], *, lock: bool = True) -> Question[dict[str, Contact]]:
    """The known ones of `contacts`; with `lock` nobody else has them until the transaction ends."""
    return Question(
        _loading if lock else _looking,
        {"contacts": sorted(set(contacts))},
        lambda rows: {row.contact: _contact(row) for row in rows},
    )


def meeting(source: str, contacts: Iterable[str], now: datetime) -> Question[None]:
    """Strangers among `contacts` are in the table from then on; `contacts_among`, asked with it, does not see them."""
    return Question(_meeting(source), {f"met_{source}": sorted(set(contacts)), f"met_{source}_at": now}, lambda _: None)


@cache
def _meeting(source: str) -> Callable[[str], Any]:
    @cache
    def statement(database: str) -> Any:
        columns, now = _CONTACTS.c, bindparam(f"met_{source}_at", type_=UtcDateTime())
        values = {
            columns.source: literal(source),
            columns.following: true(),
            columns.first_seen_at: now,
            columns.last_seen_at: now,
            columns.window_allowance: literal(0),
            columns.window_used: literal(0),
        }
        strangers = each(f"met_{source}", database).add_columns(*values.values()).where(true())
        inserting = insert_into(database, _CONTACTS).from_select([columns.contact, *values], strangers)
        return inserting.on_conflict_do_nothing(index_elements=["contact"]).returning(columns.contact)

    return statement


def load_contacts(session: Session, contacts: Iterable[str], *, lock: bool = True) -> dict[str, Contact]:
    """The known ones of `contacts`, in one query; with `lock` nobody else has them until the transaction ends."""
    return contacts_among(contacts, lock=lock).ask(session)


@cache
def _looking(database: str) -> Select[Any]:
    known = among(_CONTACTS.c.contact, "contacts", database)
    return select(_CONTACTS).where(known).order_by(_CONTACTS.c.contact)


@cache
def _loading(database: str) -> Select[Any]:
    return _looking(database).with_for_update()


def contacts_write(contacts: Iterable[Contact]) -> Write:
    """Inserts or replaces contacts."""
    values = [
        {
            "contact": contact.contact,
            "source": contact.source,
            "following": contact.following,
            "first_seen_at": contact.first_seen_at,
            "last_seen_at": contact.last_seen_at,
            "window_closes_at": contact.window.closes_at,
            "window_allowance": contact.window.allowance,
            "window_used": contact.window.used,
        }
        for contact in sorted(contacts, key=lambda contact: contact.contact)
    ]
    return Write(_CONTACTS, values, key="contact", keep=("first_seen_at",))


def save_contacts(session: Session, contacts: Sequence[Contact]) -> None:
    """Inserts or replaces the contacts, in one statement for all."""
    write_rows(session, contacts_write(contacts))


def count_sent(session: Session, contacts: Sequence[str]) -> None:
    """One of the window's messages is used, for each time that a contact is named."""
    if contacts:
        session.connection().execute(_COUNTING, [{"whose": contact} for contact in sorted(contacts)])


def close_window(session: Session, contact: str) -> None:
    """The platform said that nothing more may be sent until the student writes."""
    session.connection().execute(_CLOSING, {"whose": contact})


def mark_unfollowed(session: Session, contact: str) -> None:
    """The platform said that this person does not follow us any more."""
    session.connection().execute(_LEAVING, {"whose": contact})


def opt_out(session: Session, contact: str, topics: Iterable[str], now: datetime) -> None:
    """The student gets no reminders of `topics` from now on."""
    for topic in topics:
        session.merge(OptOutRecord(contact=contact, topic=topic, since=now))


def opt_in(session: Session, contact: str, topics: Iterable[str]) -> None:
    """The student gets reminders of `topics` again."""
    for topic in topics:
        record = session.get(OptOutRecord, (contact, topic))
        if record is not None:
            session.delete(record)


def find_opt_outs(session: Session, contact: str) -> list[str]:
    """The topics that the student does not want."""
    return list(session.scalars(select(OptOutRecord.topic).where(OptOutRecord.contact == contact)))


def audience(session: Session, topic: str, *, after: str, limit: int) -> Sequence[Contact]:
    """The next `limit` students by contact who follow the account and have not opted out of `topic`."""
    query = select(_CONTACTS).where(_wants(topic), _CONTACTS.c.contact > after)
    return [_contact(row) for row in session.execute(query.order_by(_CONTACTS.c.contact).limit(limit))]


def count_audience(session: Session, topic: str) -> int:
    """How many follow the account and have not opted out of `topic`; all followers for an empty topic."""
    return session.scalar(select(func.count()).select_from(_CONTACTS).where(_wants(topic))) or 0


def find_contacts(session: Session, topic: str, contacts: Iterable[str]) -> Sequence[Contact]:
    """Those of `contacts` who follow the account and have not opted out of `topic`."""
    query = select(_CONTACTS).where(_wants(topic), _CONTACTS.c.contact.in_(sorted(set(contacts))))
    return [_contact(row) for row in session.execute(query.order_by(_CONTACTS.c.contact))]


def _wants(topic: str) -> ColumnElement[bool]:
    unwanted = (topic, EVERY_TOPIC) if topic else ()
    opted_out = select(OptOutRecord.contact).where(OptOutRecord.topic.in_(unwanted))
    return and_(_CONTACTS.c.following, _CONTACTS.c.source == "wechat", _CONTACTS.c.contact.not_in(opted_out))


def _contact(row: Any) -> Contact:
    return Contact(
        contact=row.contact,
        source=row.source,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        following=row.following,
        window=Window(closes_at=row.window_closes_at, allowance=row.window_allowance, used=row.window_used),
    )
