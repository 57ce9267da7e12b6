"""What WeChat still lets us send to one student: a pure rule.

Source: WeChat's customer-service messages. After a message of the student 5 within 48 hours; after a menu click,
a follow or a scan 3 within one minute. Beyond the count 45047, beyond the time 45015.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channel.messages import InboundMessage, Kind

_AFTER_MESSAGE = (timedelta(hours=48), 5)
_AFTER_EVENT = (timedelta(minutes=1), 3)
_OPENING_EVENTS = frozenset({"subscribe", "click", "scan"})


@dataclass(frozen=True, slots=True)
class Window:
    """When the window closes and how many messages it allows in all and has used."""

    closes_at: datetime | None = None
    allowance: int = 0
    used: int = 0

    def left(self, now: datetime) -> int:
        """How many messages may still be sent at `now`."""
        if self.closes_at is None or now >= self.closes_at:
            return 0
        return max(0, self.allowance - self.used)


def opened_by(message: InboundMessage, window: Window) -> Window:
    """The window after `message` came in at its `sent_at`. An event never shortens a longer window.

    A message that comes in late, after a newer one, adds nothing: the platform counts from the newest. Who unfollows
    closes it, and finds it closed after coming back.
    """
    if message.kind is Kind.EVENT and message.event == "unsubscribe":
        return Window()
    if message.kind is Kind.OTHER or (message.kind is Kind.EVENT and message.event not in _OPENING_EVENTS):
        return window
    life, allowance = _AFTER_EVENT if message.kind is Kind.EVENT else _AFTER_MESSAGE
    if window.closes_at is not None:
        opened_for, _ = _AFTER_EVENT if window.allowance == _AFTER_EVENT[1] else _AFTER_MESSAGE
        late = message.sent_at < window.closes_at - opened_for
        longer = window.closes_at > message.sent_at + life and window.left(message.sent_at) > 0
        if late or longer:
            return window
    return Window(closes_at=message.sent_at + life, allowance=allowance)
