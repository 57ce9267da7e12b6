"""The stages between the distress screen and the handlers: takeover, limits, held messages, routers."""

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.cases.service import Cases
from bot.channel.messages import Kind
from bot.outbox.outbox import Outbox
from bot.routing import messages
from bot.routing.turn import SILENCE, Next, Reply, Turn

logger = structlog.get_logger(__name__)

_HELD_AT_ONCE = 3
_REPLY_BYTES = 2048


class RouterBrokeError(Exception):
    """A handler raised. The transaction is rolled back and the message answered without the routers."""


class TakeoverStage:
    """While a person has the chat, the student's words go to the case and the machine stays silent."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def __call__(self, turn: Turn, proceed: Next, /) -> Reply:
        """Silence when the chat is taken over, otherwise what the later stages say."""
        if not turn.conversation.taken_over_by or turn.message.kind is Kind.EVENT:
            return proceed(turn)
        self._cases.open(turn.session, turn.contact.contact, turn.words)
        return Reply(text="", by="takeover", plain=True)


class LimitStage:
    """Answers a flood once and then stays silent; every message is stored and screened all the same."""

    def __init__(self, *, messages_per_minute: int) -> None:
        self._most = messages_per_minute

    def __call__(self, turn: Turn, proceed: Next, /) -> Reply:
        """A short word at the first message over the limit, silence after it."""
        if turn.message.kind is Kind.EVENT:
            return proceed(turn)
        count = turn.conversation.count_message(turn.now)
        if count <= self._most:
            return proceed(turn)
        if count == self._most + 1:
            return Reply(text=messages.TOO_FAST, by="limit", plain=True)
        return SILENCE


class HeldStage:
    """Gives what was held for the student together with the next answer: 您有 1 条未读提醒."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def __call__(self, turn: Turn, proceed: Next, /) -> Reply:
        """The answer, with held messages below it as far as one bubble has room; the others follow on their own."""
        reply = proceed(turn)
        if not turn.held or reply.plain or not reply.text:
            return reply
        held = self._outbox.held_messages(turn.session, turn.contact.contact, limit=_HELD_AT_ONCE)
        if not held:
            return reply
        text = f"{reply.text}\n\n{messages.unread(turn.held)}"
        for delivery_id, words in held:
            longer = f"{text}\n\n{words}"
            if len(longer.encode()) <= _REPLY_BYTES:
                text = longer
                self._outbox.mark_delivered(turn.session, delivery_id)
            else:
                self._outbox.release(turn.session, delivery_id)
        return reply.with_text(text)


class RouterStage:
    """Asks the handlers in their order; the first that answers wins. Nothing answered means the fallback's fault."""

    def __init__(self, handlers: Sequence[Callable[[Turn], Reply | None]]) -> None:
        self._handlers = tuple(handlers)

    def __call__(self, turn: Turn, _proceed: Next, /) -> Reply:
        """The first handler's answer. Raises RouterBrokeError if one raises; a database error goes through as it is."""
        if turn.routers_broke:
            case = messages.ROUTERS_BROKE if turn.words else ""
            return Reply(text=case, by="routers_broke", plain=True)
        for handler in self._handlers:
            try:
                reply = handler(turn)
            except SQLAlchemyError:
                raise
            except Exception as error:
                logger.exception("handler_broke", handler=getattr(handler, "__name__", "?"), inbound=turn.inbound_id)
                raise RouterBrokeError from error
            if reply is not None:
                return reply
        return SILENCE
