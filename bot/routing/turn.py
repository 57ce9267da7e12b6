"""One message on its way through the stages, and the reply that comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from bot.channel.messages import InboundMessage, Kind
from bot.conversation.conversation import Conversation
from bot.students.contacts import Contact

ASK_PREFIX = "ask:"
"""A menu key that begins so is a question: what follows is read as if the student had typed it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said to the sender. An empty text is silence. `by` names the stage or handler, for the record.

    `plain` replies carry nothing else with them: no reminders, no menus. So does every reply to somebody in pain.
    """

    text: str
    by: str
    topic: str = ""
    plain: bool = False

    def with_text(self, text: str) -> "Reply":
        """The same reply with other words."""
        return replace(self, text=text)


SILENCE = Reply(text="", by="silence", plain=True)


@dataclass(slots=True)
class Turn:
    """One message, what is known of its sender, and the transaction in which everything about it happens."""

    message: InboundMessage
    inbound_id: str
    session: Session
    now: datetime
    contact: Contact
    conversation: Conversation
    held: int = 0
    level: str = "none"
    routers_broke: bool = False

    @property
    def words(self) -> str:
        """What the sender said: the text, a voice message's recognition, or a menu question."""
        if self.message.kind is Kind.EVENT and self.message.event == "click":
            key = self.message.event_key
            return key[len(ASK_PREFIX) :] if key.startswith(ASK_PREFIX) else ""
        return self.message.text


Next = Callable[[Turn], Reply]


class Stage(Protocol):
    """One step of the pipeline. It answers itself, or asks those behind it by calling `proceed`."""

    def __call__(self, turn: Turn, proceed: Next, /) -> Reply:
        """The reply to the turn."""
        ...
