"""The Channel contract, and MemoryChannel, a real and shipped implementation that keeps what it is given."""

from dataclasses import dataclass, field
from typing import Protocol

from bot.channel.errors import SendError
from bot.channel.messages import OutboundMessage


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the platform said of an accepted message: its own id for it, "" where it gives none."""

    platform_id: str = ""


class Channel(Protocol):
    """A way to reach people."""

    def send(self, message: OutboundMessage, /) -> Receipt:
        """The platform has accepted the message when this returns. Raises SendError; nothing else leaves here."""
        ...


@dataclass
class MemoryChannel:
    """Keeps messages instead of sending them. `failures` are raised first, one a send."""

    sent: list[OutboundMessage] = field(default_factory=list)
    failures: list[SendError] = field(default_factory=list)

    def send(self, message: OutboundMessage, /) -> Receipt:
        """Stores the message, or raises the next planned failure."""
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)
        return Receipt(platform_id=str(len(self.sent)))
