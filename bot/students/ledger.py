"""Keeps the local budget true: what was sent, and what the platform said about it."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.channel.channel import Receipt
from bot.channel.errors import OutcomeUnknownError, RecipientGoneError, WindowClosedError
from bot.channel.messages import Source
from bot.outbox.state import Delivery, Outcome
from bot.outbox.store import Settled
from bot.students.contacts import close_window, count_sent, mark_unfollowed


class WindowLedger:
    """Listens to the outbox: every message to a student uses one of the window's, and refusals are remembered."""

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt."""
        self.hear_many(session, [(delivery, outcome)])

    def hear_many(self, session: Session, settled: Sequence[Settled], /) -> None:
        """The same for several, in fewer statements."""
        used = []
        for delivery, outcome in settled:
            if delivery.channel != Source.WECHAT:
                continue
            if isinstance(outcome, Receipt | OutcomeUnknownError):
                used.append(delivery.recipient)
            elif isinstance(outcome, WindowClosedError):
                close_window(session, delivery.recipient)
            elif isinstance(outcome, RecipientGoneError):
                mark_unfollowed(session, delivery.recipient)
        count_sent(session, used)
