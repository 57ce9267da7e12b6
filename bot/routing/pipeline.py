"""Runs a batch of messages through the stages, in one transaction with everything that follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.bulk import write_rows
from bot.channel.messages import InboundMessage, OutboundMessage, TextContent
from bot.channel.text import split_text
from bot.clock import Chance, Clock
from bot.conversation import store
from bot.conversation.conversation import Conversation
from bot.conversation.store import StoredReply
from bot.crypto import Cipher
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.questions import ask_together
from bot.routing.turn import Reply, Stage, Turn
from bot.students.contacts import Contact, contacts_among, contacts_write, meeting
from bot.students.window import opened_by

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """The message has been dealt with; `reply` is what its sender reads now, empty for silence."""

    inbound_id: str
    reply: str
    replayed: bool = False


class ReplayedRequestError(Exception):
    """The very same signed request came twice: not the platform's retry, which is signed anew."""


Outcome = Answered | ReplayedRequestError


class Pipeline:
    """The stages, and the reading and writing around them: a handful of statements for a whole batch."""

    def __init__(
        self, stages: Sequence[Stage], *, clock: Clock, chance: Chance, cipher: Cipher, outbox: Outbox
    ) -> None:
        self._stages = tuple(stages)
        self._clock = clock
        self._chance = chance
        self._cipher = cipher
        self._outbox = outbox

    def answer_all(
        self, session: Session, messages: Sequence[InboundMessage], *, routers_broke: bool = False
    ) -> list[Outcome]:
        """The outcome of each message, in order; all effects are in `session`'s transaction.

        A message that was seen before gets the reply that was stored for it and has no further effect. With
        `routers_broke` the routers are left out and the sender reads that a person will look at it.
        """
        now = self._clock.now()
        senders = sorted({message.sender for message in messages})
        accepted, known, held, contacts, conversations, *_ = ask_together(
            session,
            store.accepted_among([message.signature_key for message in messages if message.signature_key], now),
            store.replies_to([message.dedup_key for message in messages], self._cipher),
            self._outbox.held_for(senders),
            contacts_among(senders),
            store.conversations_of(senders),
            *(
                meeting(source, [message.sender for message in messages if message.source == source], now)
                for source in sorted({message.source.value for message in messages})
            ),
        )
        batch = _Batch(session, now, contacts, conversations, held)
        outcomes: list[Outcome] = []
        for message in messages:
            if message.signature_key and message.signature_key not in accepted:
                outcomes.append(ReplayedRequestError(message.dedup_key))
                continue
            accepted.discard(message.signature_key)
            stored = known.get(message.dedup_key)
            if stored is None:
                answered = self._answer(batch, message, routers_broke=routers_broke)
                known[message.dedup_key] = StoredReply(answered.inbound_id, answered.reply)
                outcomes.append(answered)
            else:
                outcomes.append(Answered(stored.inbound_id, stored.reply, replayed=True))
        batch.save()
        return outcomes

    def _answer(self, batch: "_Batch", message: InboundMessage, *, routers_broke: bool) -> Answered:
        turn = batch.turn(message, self._chance.new_id())
        turn.routers_broke = routers_broke
        reply = self._run(turn, 0)
        first, *rest = split_text(reply.text) or [""]
        for number, part in enumerate(rest, start=2):
            self._outbox.enqueue(
                batch.session,
                OutboundMessage(message.source, message.sender, TextContent(part)),
                priority=Priority.REPLY,
                subject=f"reply:{turn.inbound_id}",
                dedup_key=f"reply:{turn.inbound_id}:{number}",
                holdable=True,
            )
        batch.rows.append(self._row(turn, reply, first))
        logger.info(
            "message_answered",
            inbound=turn.inbound_id,
            source=message.source.value,
            kind=message.kind.value,
            by=reply.by,
            topic=reply.topic,
            level=turn.level,
        )
        return Answered(turn.inbound_id, first)

    def _run(self, turn: Turn, index: int) -> Reply:
        return self._stages[index](turn, lambda later: self._run(later, index + 1))

    def _row(self, turn: Turn, reply: Reply, first: str) -> dict[str, Any]:
        message = turn.message
        return {
            "id": turn.inbound_id,
            "dedup_key": message.dedup_key,
            "source": message.source.value,
            "contact": message.sender,
            "kind": message.kind.value,
            "event": message.event[:60],
            "words": self._cipher.seal(message.text, row=turn.inbound_id),
            "reply": self._cipher.seal(first, row=turn.inbound_id),
            "answered_by": reply.by,
            "topic": reply.topic[:60],
            "level": turn.level,
            "received_at": turn.now,
        }


class _Batch:
    """What a batch has read once, and what it writes at its end."""

    def __init__(
        self,
        session: Session,
        now: datetime,
        contacts: dict[str, Contact],
        conversations: dict[str, Conversation],
        held: dict[str, int],
    ) -> None:
        self.session = session
        self.now = now
        self.contacts = contacts
        self.conversations = conversations
        self.held = held
        self.rows: list[dict[str, Any]] = []

    def turn(self, message: InboundMessage, inbound_id: str) -> Turn:
        """The message with its sender's contact and conversation, which is made if it is new."""
        now = self.now
        contact = self.contacts.setdefault(
            message.sender, Contact(message.sender, message.source.value, first_seen_at=now, last_seen_at=now)
        )
        contact.last_seen_at = now
        contact.window = opened_by(message, contact.window)
        conversation = self.conversations.setdefault(
            message.sender, Conversation(contact=message.sender, minute_started_at=now, updated_at=now)
        )
        return Turn(
            message=message,
            inbound_id=inbound_id,
            session=self.session,
            now=now,
            contact=contact,
            conversation=conversation,
            held=self.held.pop(message.sender, 0),
        )

    def save(self) -> None:
        """Everything is written, in an order that is the same in every process."""
        touched = {row["contact"] for row in self.rows}
        write_rows(
            self.session,
            contacts_write(self.contacts[contact] for contact in touched),
            store.conversations_write(self.conversations[contact] for contact in touched),
            store.inbound_write(self.rows),
        )
