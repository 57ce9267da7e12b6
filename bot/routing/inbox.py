"""The door in: every callback is answered in time, and no message is lost on the way to the database."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.channel.messages import InboundMessage, OutboundMessage, TextContent
from bot.db import Database
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.routing.batcher import Batcher, TooLateError
from bot.routing.pipeline import Answered, Outcome, Pipeline, ReplayedRequestError
from bot.routing.spool import Spool
from bot.routing.stages import RouterBrokeError
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)


class NotStoredError(Exception):
    """The message is neither in the database nor on disk: the platform must be asked to try again."""


class Inbox:
    """Answers messages, many in one transaction where they come together."""

    def __init__(
        self,
        database: Database,
        pipeline: Pipeline,
        spool: Spool,
        outbox: Outbox,
        *,
        think: Callable[[str], object],
        answer_within_s: float,
    ) -> None:
        """`think` works out and remembers what words mean, before anybody has to wait for the database.

        One message is thought about at a time: the interpreter does no more, and more threads get in the batch's way.
        """
        self._database = database
        self._pipeline = pipeline
        self._spool = spool
        self._outbox = outbox
        self._think = think
        self._thinking = threading.Lock()
        self._answer_within_s = answer_within_s
        self._batcher: Batcher[InboundMessage, Answered] = Batcher(self._work, turn=database.turn)

    def answer(self, message: InboundMessage) -> str | None:
        """What the sender reads at once; None means nothing yet: silence, or an answer that the outbox will bring.

        The message is stored when this returns, in the database or on disk. Raises ReplayedRequestError for the
        same signed request twice, and NotStoredError if neither place could take it.
        """
        with self._thinking, suppress(Exception):  # an error is met again, where it is dealt with
            self._think(message.text)
        try:
            answered = self._batcher.submit(message, timeout_s=self._answer_within_s)
        except ReplayedRequestError:
            raise
        except TooLateError:
            logger.warning("answer_too_late", source=message.source.value)
        except Exception:
            logger.exception("message_not_stored", source=message.source.value)
        else:
            return answered.reply or None
        try:
            self._spool.put(message)
        except OSError as error:
            logger.critical("message_not_spooled", errno=error.errno)
            raise NotStoredError from error
        return None

    def answer_spooled(self, message: InboundMessage) -> None:
        """A message that had to wait on disk is dealt with, and its answer is on its way by the outbox."""
        outcome = self._one(replace(message, signature_key=""))
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome.reply:
            with self._database.write() as session:
                self._outbox.enqueue(
                    session,
                    OutboundMessage(message.source, message.sender, TextContent(outcome.reply)),
                    priority=Priority.REPLY,
                    subject=f"reply:{outcome.inbound_id}",
                    dedup_key=f"reply:{outcome.inbound_id}:1",
                    holdable=True,
                )

    def close(self) -> None:
        """Messages under way are finished."""
        self._batcher.close()

    def _work(self, messages: Sequence[InboundMessage]) -> Sequence[Answered | BaseException]:
        """All in one transaction; if that fails, each in its own, so that one cannot spoil the others."""
        try:
            with self._database.write() as session:
                return self._pipeline.answer_all(session, messages)
        except Exception as error:  # noqa: BLE001 - whatever it was, each message gets its own chance below
            logger.info("batch_split", size=len(messages), error=type(error).__name__)
        return [self._one(message) for message in messages]

    def _one(self, message: InboundMessage) -> Answered | BaseException:
        routers_broke = False
        error: BaseException | None = None
        for _ in range(3):
            try:
                with self._database.write() as session:
                    return self._outcome(self._pipeline.answer_all(session, [message], routers_broke=routers_broke))
            except RouterBrokeError:
                routers_broke = True
            except SQLAlchemyError as database_error:  # a lost race or a deadlock: the next try sees what won
                error = database_error
            except Exception as bug:  # the caller spools the message; the log above says where it broke
                logger.exception("pipeline_broke")
                return bug
        return error or NotStoredError()

    @staticmethod
    def _outcome(outcomes: Sequence[Outcome]) -> Answered | BaseException:
        return outcomes[0]


class SpoolTicker:
    """Works off what had to wait on disk."""

    name = "spool"

    def __init__(self, spool: Spool, inbox: Inbox) -> None:
        self._spool = spool
        self._inbox = inbox

    def tick(self) -> TickReport:
        """Each waiting message has been dealt with, or stays for the next tick."""
        done = 0
        for path, message in self._spool.messages():
            try:
                self._inbox.answer_spooled(message)
            except SQLAlchemyError:
                logger.exception("database_still_silent")
                break
            except Exception:  # this file stays for the next tick; it must not keep the others waiting
                logger.exception("spooled_message_waits")
                continue
            path.unlink(missing_ok=True)
            done += 1
        if done:
            logger.warning("spool_worked_off", count=done)
        return TickReport(done=done)
