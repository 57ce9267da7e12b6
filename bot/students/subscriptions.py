"""How often each student has allowed one more subscription notice. Nothing here commits.

Source: WeChat's subscription notices. One tap on “允许” is good for one later message of that template, whenever it
comes; without one left the platform answers 43101.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import insert_into, table_of
from bot.students.records import SubscriptionRecord

_TABLE = table_of(SubscriptionRecord)
_LEFT = _TABLE.c.granted - _TABLE.c.spent


def grant_subscription(session: Session, contact: str, template: str, now: datetime) -> None:
    """The student has tapped “允许” once more."""
    _store(session, contact, template, now, {"granted": _TABLE.c.granted + 1, "refused_at": None}, granted=1)


def refuse_subscription(session: Session, contact: str, template: str, now: datetime) -> None:
    """The student has switched this template off: what was allowed before is worth nothing any more."""
    _store(session, contact, template, now, {"spent": _TABLE.c.granted, "refused_at": now}, granted=0, refused_at=now)


def spend_subscription(session: Session, contact: str, template: str, now: datetime) -> bool:
    """One of the allowed messages is used up. False if there was none left."""
    statement = update(_TABLE).where(_is(contact, template), _LEFT > 0)
    changed = session.connection().execute(statement.values(spent=_TABLE.c.spent + 1, updated_at=now))
    return changed.rowcount == 1


def exhaust_subscription(session: Session, contact: str, template: str, now: datetime) -> None:
    """The platform said 43101: whatever we have counted, none is left."""
    statement = update(_TABLE).where(_is(contact, template))
    session.connection().execute(statement.values(spent=_TABLE.c.granted, updated_at=now))


def remaining_subscriptions(session: Session, contact: str, template: str) -> int:
    """How many messages of the template the student still allows."""
    return remaining_for(session, [contact], template).get(contact, 0)


def remaining_for(session: Session, contacts: Iterable[str], template: str) -> dict[str, int]:
    """The same for many; who allows none is left out."""
    query = select(_TABLE.c.contact, _LEFT).where(
        _TABLE.c.contact.in_(sorted(set(contacts))), _TABLE.c.template == template, _LEFT > 0
    )
    return {str(contact): int(left) for contact, left in session.connection().execute(query)}


def count_remaining(session: Session, contact: str) -> int:
    """How many messages of any template the student still allows."""
    query = select(_LEFT).where(_TABLE.c.contact == contact, _LEFT > 0)
    return sum(int(left) for left in session.connection().execute(query).scalars())


def _is(contact: str, template: str) -> ColumnElement[bool]:
    matches: ColumnElement[bool] = (_TABLE.c.contact == contact) & (_TABLE.c.template == template)
    return matches


def _store(session: Session, contact: str, template: str, now: datetime, changes: dict[str, Any], **first: Any) -> None:
    row = {"contact": contact, "template": template, "spent": 0, "refused_at": None, "updated_at": now, **first}
    statement = insert_into(session.get_bind().dialect.name, _TABLE).values(row)
    changes["updated_at"] = now
    session.connection().execute(statement.on_conflict_do_update(index_elements=["contact", "template"], set_=changes))


class SubscriptionLedger:
    """The same, as those who plan a broadcast ask for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def remaining(self, session: Session, contacts: Sequence[str], template_id: str) -> Mapping[str, int]:
        """How many messages each of `contacts` still allows; who allows none is left out."""
        return remaining_for(session, contacts, template_id)

    def spend(self, session: Session, contact: str, template_id: str) -> None:
        """One of them is used."""
        spend_subscription(session, contact, template_id, self._clock.now())

    def none_left(self, session: Session, contact: str, template_id: str) -> None:
        """The platform said that there is none."""
        exhaust_subscription(session, contact, template_id, self._clock.now())
