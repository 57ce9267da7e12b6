"""The outbox as its callers see it: enqueue, hold, cancel and release, all within the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NewType

from sqlalchemy import ColumnElement, Insert, Select, and_, bindparam, func, literal, or_, select, true, update
from sqlalchemy.orm import Session

from bot.bulk import insert_rows
from bot.channel.messages import Content, OutboundMessage, Source, TextContent, content_from_json, content_to_json
from bot.channel.text import split_text
from bot.clock import Chance, Clock
from bot.crypto import Cipher
from bot.db import UtcDateTime, insert_into, table_of
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Delivery, DeliveryState, Priority
from bot.questions import Question, among

DeliveryId = NewType("DeliveryId", str)
_DELIVERIES = table_of(DeliveryRecord)
_OPEN = (DeliveryState.PENDING, DeliveryState.HELD)
_UNDER_WAY = (DeliveryState.PENDING, DeliveryState.SENDING)
_NEVER_SENT = (DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of many that are enqueued together."""

    message: OutboundMessage
    priority: Priority
    subject: str
    dedup_key: str
    expires_at: datetime | None = None
    held: bool = False


class Outbox:
    """Stores the intent to send. The dispatcher sends; nothing else does."""

    def __init__(self, clock: Clock, chance: Chance, cipher: Cipher) -> None:
        self._clock = clock
        self._chance = chance
        self._cipher = cipher

    def enqueue(
        self,
        session: Session,
        message: OutboundMessage,
        *,
        priority: Priority,
        subject: str = "",
        dedup_key: str | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        holdable: bool = False,
        held: bool = False,
    ) -> DeliveryId | None:
        """The delivery exists when the caller's transaction commits. None if one with `dedup_key` exists already.

        `held` keeps it until the recipient next writes; `holdable` does so when the platform's window is closed.
        A text over the platforms' limit is a delivery for each part, of which the first is returned: when a later
        part fails, what has arrived is not sent again.
        """
        values = self._values(
            message,
            priority,
            subject=subject,
            not_before=not_before,
            expires_at=expires_at,
            holdable=holdable,
            held=held,
        )
        first, *rest = _parts(message.content)
        stored = self._insert(session, values, first, dedup_key)
        if stored is not None:
            for part in rest:  # the first one's key speaks for all of them: they commit together
                self._insert(session, values, part, None)
        return stored

    def enqueue_all(self, session: Session, letters: Sequence[Letter]) -> list[DeliveryId]:
        """Each letter has a delivery when the caller's transaction commits; their ids, in order. One statement for all.

        The caller knows that no key is there yet: one that is makes the transaction fail. A letter is one message; a
        text over the platforms' limit is refused when it is sent.
        """
        rows = []
        for letter in letters:
            values = self._values(
                letter.message,
                letter.priority,
                subject=letter.subject,
                not_before=None,
                expires_at=letter.expires_at,
                holdable=letter.held,
                held=letter.held,
            )
            rows.append(self._row(values, letter.message.content, letter.dedup_key))
        insert_rows(session, _DELIVERIES, rows)
        return [DeliveryId(row["id"]) for row in rows]

    def _values(
        self,
        message: OutboundMessage,
        priority: Priority,
        *,
        subject: str,
        not_before: datetime | None,
        expires_at: datetime | None,
        holdable: bool,
        held: bool,
    ) -> dict[str, Any]:
        """A delivery's columns, but for its id, its content and its key."""
        now = self._clock.now()
        return {
            "channel": message.channel.value,
            "recipient": message.recipient,
            "subject": subject,
            "priority": int(priority),
            "state": (DeliveryState.HELD if held else DeliveryState.PENDING).value,
            "not_before": not_before or now,
            "expires_at": expires_at,
            "holdable": holdable or held,
            "attempts": 0,
            "doubtful": False,
            "lease_owner": "",
            "code": "",
            "platform_id": "",
            "created_at": now,
        }

    def _insert(
        self, session: Session, values: dict[str, Any], content: Content, dedup_key: str | None
    ) -> DeliveryId | None:
        row = self._row(values, content, dedup_key)
        stored = session.connection().execute(_inserting(session.get_bind().dialect.name), row).scalar()
        return DeliveryId(stored) if stored is not None else None

    def _row(self, values: dict[str, Any], content: Content, dedup_key: str | None) -> dict[str, Any]:
        delivery_id = self._chance.new_id()
        sealed = self._cipher.seal(content_to_json(content), row=f"deliveries:{delivery_id}")
        return {**values, "id": delivery_id, "content": sealed, "dedup_key": dedup_key}

    def is_known(self, session: Session, dedup_key: str) -> bool:
        """True if there is a delivery with this key.

        Ask before `enqueue` where the key may well be there and the caller holds the lock of an alert: PostgreSQL's
        insert waits for whoever settles the delivery with the key, and he may wait for that very lock.
        """
        return session.scalar(select(_DELIVERIES.c.id).where(_DELIVERIES.c.dedup_key == dedup_key)) is not None

    def pass_on(
        self, session: Session, delivery: Delivery, to: Source, *, heading: str, dedup_key: str
    ) -> DeliveryId | None:
        """What `delivery` says, below `heading`, is on its way by `to` as well, once for each `dedup_key`."""
        content = session.scalar(select(_DELIVERIES.c.content).where(_DELIVERIES.c.id == delivery.id))
        if content is None or self.is_known(session, dedup_key):
            return None
        return self.enqueue(
            session,
            OutboundMessage(to, "", TextContent(f"{heading}{self.text_of(delivery.id, content)}")),
            priority=delivery.priority,
            subject=delivery.subject,
            dedup_key=dedup_key,
        )

    def cancel(self, session: Session, subject: str) -> int:
        """Deliveries of `subject` that have not begun will not be sent; returns how many."""
        return self._cancel(session, DeliveryRecord.subject == subject)

    def withdraw(self, session: Session, subject: str, channel: Source | None = None) -> int:
        """Deliveries of `subject`, by one channel or by any, that wait for their turn will not be sent.

        Those that are held for their recipient stay. Returns how many were withdrawn.
        """
        waiting = and_(DeliveryRecord.subject == subject, DeliveryRecord.state == DeliveryState.PENDING.value)
        by = DeliveryRecord.channel == channel.value if channel else true()
        return self._cancel(session, and_(waiting, by))

    def cancel_outdated(self, session: Session, subject: str, channel: Source, recipient: str) -> int:
        """Those of `subject` to one recipient that are older than the newest and have not begun will not be sent.

        The newest is the newest of those that were sent or still may be; returns how many were cancelled.
        """
        columns = DeliveryRecord
        same = and_(columns.subject == subject, columns.channel == channel.value, columns.recipient == recipient)
        newest = session.scalar(select(func.max(columns.id)).where(same, columns.state.not_in(_NEVER_SENT)))
        return self._cancel(session, and_(same, columns.id < newest)) if newest else 0

    def cancel_to(self, session: Session, subjects: Sequence[str], channel: Source, recipient: str) -> int:
        """Those of `subjects` to one recipient that have not begun will not be sent; returns how many."""
        columns = DeliveryRecord
        to_them = and_(columns.channel == channel.value, columns.recipient == recipient)
        return self._cancel(session, and_(to_them, columns.subject.in_(list(subjects)))) if subjects else 0

    def waiting_since(self, session: Session, channel: Source, recipient: str, *, before: datetime) -> list[str]:
        """The subjects of what is on its way to one recipient since `before`, and has not got there."""
        columns = _DELIVERIES.c
        query = (
            select(columns.subject)
            .where(
                columns.recipient == recipient,
                columns.state.in_(_UNDER_WAY),
                columns.channel == channel.value,
                columns.created_at <= before,
            )
            .distinct()
        )
        return list(session.scalars(query))

    def newest(
        self, session: Session, channel: Source, recipient: str, *, subjects: str
    ) -> tuple[str, datetime, datetime | None] | None:
        """Id, creation and settling of the newest to one recipient with a subject LIKE `subjects` that is not lost."""
        columns = _DELIVERIES.c
        query = select(columns.id, columns.created_at, columns.settled_at).where(
            columns.recipient == recipient,
            columns.channel == channel.value,
            columns.subject.like(subjects),
            columns.state.not_in(_NEVER_SENT),
        )
        row = session.execute(query.order_by(columns.id.desc()).limit(1)).first()
        return (row.id, row.created_at, row.settled_at) if row else None

    def _cancel(self, session: Session, condition: ColumnElement[bool]) -> int:
        session.flush()  # the dispatcher's listeners cancel what their transaction has just made pending
        statement = (
            update(DeliveryRecord)
            .where(condition, DeliveryRecord.state.in_(_OPEN))
            .values(state=DeliveryState.CANCELLED.value, settled_at=self._clock.now())
        )
        return session.connection().execute(statement).rowcount

    def forget(self, session: Session, condition: ColumnElement[bool]) -> bool:
        """Deliveries to whom `condition` applies say nothing any more, and none of them will be sent.

        Their rows stay until they are old, so that nothing is sent twice. False if one is being sent at this moment:
        that one is as it was.
        """
        self._cancel(session, condition)
        columns = _DELIVERIES.c
        blank = content_to_json(TextContent(""))
        says = func.length(columns.content) > len(self._cipher.seal(blank, row=""))
        rows = session.execute(select(columns.id, columns.state).where(condition, says).order_by(columns.id)).all()
        under_way = {row.id for row in rows if row.state == DeliveryState.SENDING.value}
        values = [
            {"one": row.id, "blank": self._cipher.seal(blank, row=f"deliveries:{row.id}")}
            for row in rows
            if row.id not in under_way
        ]
        if values:
            statement = update(_DELIVERIES).where(columns.id == bindparam("one")).values(content=bindparam("blank"))
            session.connection().execute(statement, values)
        return not under_way

    def held_for(self, recipients: Sequence[str]) -> Question[dict[str, int]]:
        """How many messages are held for each of `recipients` that has any, without those that have expired."""
        return Question(
            _counting_held,
            {"recipients": list(recipients), "now": self._clock.now()},
            lambda rows: {row.recipient: row.held for row in rows},
        )

    def waiting_counts(self, session: Session, channel: Source, recipients: Sequence[str]) -> dict[str, int]:
        """How many messages are on their way by `channel` to each of `recipients` that has any: they use its budget."""
        columns = _DELIVERIES.c
        return self._counts(session, recipients, and_(columns.state.in_(_UNDER_WAY), columns.channel == channel.value))

    def _counts(self, session: Session, recipients: Sequence[str], condition: ColumnElement[bool]) -> dict[str, int]:
        recipient = _DELIVERIES.c.recipient
        query = select(recipient, func.count()).where(recipient.in_(list(recipients)), condition).group_by(recipient)
        return {str(name): int(count) for name, count in session.connection().execute(query)}

    def held_messages(self, session: Session, recipient: str, *, limit: int) -> list[tuple[DeliveryId, str]]:
        """The oldest held texts for `recipient` that have not expired; expired ones are closed on the way."""
        now = self._clock.now()
        session.execute(
            update(DeliveryRecord)
            .where(
                DeliveryRecord.recipient == recipient,
                DeliveryRecord.state == DeliveryState.HELD.value,
                DeliveryRecord.expires_at <= now,
            )
            .values(state=DeliveryState.EXPIRED.value, settled_at=now)
        )
        columns = _DELIVERIES.c
        query = (
            select(columns.id, columns.content)
            .where(columns.recipient == recipient, columns.state == DeliveryState.HELD.value)
            .order_by(columns.priority, columns.id)
            .limit(limit)
        )
        return [(DeliveryId(row.id), self.text_of(row.id, row.content)) for row in session.connection().execute(query)]

    def text_of(self, delivery_id: str, content: bytes) -> str:
        """The readable text of a stored content: a card gives its title and text."""
        opened = content_from_json(self._cipher.open(content, row=f"deliveries:{delivery_id}"))
        parts = (getattr(opened, name, "") for name in ("title", "text", "line"))
        return "\n".join(part for part in parts if part)

    def mark_delivered(self, session: Session, delivery_id: DeliveryId) -> None:
        """The held message was given with a reply."""
        session.execute(
            update(DeliveryRecord)
            .where(DeliveryRecord.id == delivery_id)
            .values(state=DeliveryState.DELIVERED.value, settled_at=self._clock.now())
        )

    def release(self, session: Session, delivery_id: DeliveryId) -> None:
        """The held message is sent as soon as possible: its recipient has written."""
        session.execute(
            update(DeliveryRecord)
            .where(DeliveryRecord.id == delivery_id, DeliveryRecord.state == DeliveryState.HELD.value)
            .values(state=DeliveryState.PENDING.value, not_before=self._clock.now())
        )


def _parts(content: Content) -> list[Content]:
    """The content in as many as the platforms need. What fits, or is blank, stays as it is."""
    texts = split_text(content.text) if isinstance(content, TextContent) else []
    return [TextContent(text) for text in texts] if len(texts) > 1 else [content]


@cache
def _counting_held(database: str) -> Select[Any]:
    columns = _DELIVERIES.c
    return (
        select(columns.recipient, func.count().label("held"))
        .where(
            among(columns.recipient, "recipients", database),
            columns.state == literal(DeliveryState.HELD.value, literal_execute=True),
            or_(columns.expires_at.is_(None), columns.expires_at > bindparam("now", type_=UtcDateTime)),
        )
        .group_by(columns.recipient)
    )


@cache
def _inserting(database: str) -> Insert:
    """Built once: for a reminder to two hundred students, building it took longer than running it."""
    statement = insert_into(database, _DELIVERIES).on_conflict_do_nothing(index_elements=["dedup_key"])
    inserting: Insert = statement.returning(_DELIVERIES.c.id)
    return inserting
