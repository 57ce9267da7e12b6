"""Group commit: callers that arrive together share one transaction, and each waits no longer than it can.

SQLite with synchronous=FULL does some 1,200 commits a second on a small server, and PostgreSQL some 600, however
many callers there are; the messages that wait for one commit ride together on the next.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

import structlog

from bot.switching import switch_often

logger = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")
_MOST_AT_ONCE = 64


class TooLateError(Exception):
    """The work did not finish in the time that the caller has."""


class _Ticket(Generic[T, R]):
    """One caller's item, and where its outcome goes."""

    __slots__ = ("abandoned", "done", "following", "item", "outcome", "told")

    def __init__(self, item: T) -> None:
        self.item = item
        self.outcome: R | BaseException | None = None
        self.done = threading.Lock()  # held until the outcome is there; one waits: an Event takes several times as long
        self.done.acquire()
        self.abandoned = False
        self.following: _Ticket[T, R] | None = None
        self.told = False


class Batcher(Generic[T, R]):
    """One thread that works off what the others bring. Started by the first caller, so that it survives no fork."""

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R | BaseException]],
        *,
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """`work` gives one outcome for each item, in order; an exception among them is raised for that caller.

        It is done within `turn()`: whoever arrives while that is waited for rides along.
        """
        self._work = work
        self._turn = turn
        self._queue: queue.SimpleQueue[_Ticket[T, R] | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._telling = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, item: T, *, timeout_s: float) -> R:
        """The item's outcome. Raises TooLateError after `timeout_s`; work that has begun then still finishes.

        An item that has not begun by then is left out, for its caller has put it in a safe place. After close() it is
        too late at once.
        """
        ticket: _Ticket[T, R] = _Ticket(item)
        with self._door:
            if self._closed:
                raise TooLateError
            if self._thread is None:
                switch_often()
                self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)
                self._thread.start()
            self._queue.put(ticket)
        if not ticket.done.acquire(timeout=max(timeout_s, 0)) and not self._is_told(ticket):
            raise TooLateError
        if ticket.following is not None:
            ticket.following.done.release()
        if isinstance(ticket.outcome, BaseException):
            raise ticket.outcome
        return ticket.outcome  # type: ignore[return-value]  # done is set only after the outcome

    def close(self, *, timeout_s: float = 5) -> None:
        """What was brought before is finished; the thread ends."""
        with self._door:
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            try:
                with self._turn():
                    tickets, closing = self._waiting(first)
                    self._finish([ticket for ticket in tickets if not ticket.abandoned])
            except Exception as error:  # the turn never came
                logger.exception("turn_never_came")
                tickets, closing = self._waiting(first)
                self._tell(tickets, [error] * len(tickets))
            if closing:
                return

    def _waiting(self, first: _Ticket[T, R]) -> tuple[list[_Ticket[T, R]], bool]:
        """Who has come by now, and whether the batcher was closed after them."""
        tickets = [first]
        while len(tickets) < _MOST_AT_ONCE:
            try:
                ticket = self._queue.get_nowait()
            except queue.Empty:
                break
            if ticket is None:
                return tickets, True
            tickets.append(ticket)
        return tickets, False

    def _finish(self, tickets: list[_Ticket[T, R]]) -> None:
        if not tickets:
            return
        outcomes: Sequence[R | BaseException]
        try:
            outcomes = self._work([ticket.item for ticket in tickets])
            if len(outcomes) != len(tickets):
                message = f"{len(outcomes)} outcomes for {len(tickets)} items"
                raise ValueError(message)  # noqa: TRY301 - a bug in `work` is told to its callers like any other
        except Exception as error:  # the thread must live on; every caller of this batch hears of it
            logger.exception("batch_failed", size=len(tickets))
            outcomes = [error] * len(tickets)
        self._tell(tickets, outcomes)

    def _tell(self, tickets: Sequence[_Ticket[T, R]], outcomes: Sequence[R | BaseException]) -> None:
        """Each caller wakes the one behind it: all at once would only wait for the interpreter, and keep it busy."""
        with self._telling:
            first = following = None
            for ticket, outcome in zip(reversed(tickets), reversed(outcomes), strict=True):
                if not ticket.abandoned:
                    ticket.outcome, ticket.following, ticket.told = outcome, following, True
                    first = following = ticket
        if first is not None:
            first.done.release()

    def _is_told(self, ticket: _Ticket[T, R]) -> bool:
        """Whether a caller whose time is over has its outcome after all; if not, it is left out of what comes."""
        with self._telling:
            ticket.abandoned = not ticket.told
            return ticket.told
