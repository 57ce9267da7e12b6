"""Sends what the outbox holds: no transaction is open while it sends, and a short one stores what is known by then."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from queue import SimpleQueue

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.channel.channel import Channel
from bot.channel.errors import PermanentSendError, SendError
from bot.channel.messages import OutboundMessage, Source, content_from_json
from bot.clock import Chance, Clock
from bot.crypto import Cipher, UnreadableError
from bot.db import Database
from bot.outbox import store
from bot.outbox.state import Delivery, Outcome, Priority, RetryPolicy, settle
from bot.outbox.store import Claimed, Settled
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

SettledListener = Callable[[Session, Delivery, Outcome], None]
"""Called within the settling transaction, after every attempt, with the delivery as it is from now on.

One that needs fewer statements for several attempts together has a `hear_many(session, settled)`, which does the same
for all of them.
"""


_Tried = tuple[Delivery, Outcome | None]
"""What came of a try; None if its lease ended before its turn came."""
_Known = SimpleQueue[_Tried | BaseException]
"""Tries as they end; an error that is no SendError ends the process."""
_REFILLS_FOR_S = 1.0
"""So long a tick takes more as soon as something is sent; then others of the worker's duties have their turn."""

SAFETY_LANE = frozenset({Priority.SAFETY})
ORDINARY_LANE = frozenset(Priority) - SAFETY_LANE


class Dispatcher:
    """One lane of the outbox. A lane of its own for alerts means that no other traffic can be in their way.

    In what order one recipient gets messages, and in what not, is said at store.claim.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        chance: Chance,
        cipher: Cipher,
        channels: Mapping[Source, Channel],
        policy: RetryPolicy,
        lane: Collection[Priority],
        listeners: Sequence[SettledListener] = (),
        concurrency: int = 8,
        lease_for: timedelta = timedelta(seconds=60),
    ) -> None:
        self.name = "safety_dispatcher" if Priority.SAFETY in lane else "dispatcher"
        self.owner = chance.new_id()
        self._database = database
        self._clock = clock
        self._chance = chance
        self._cipher = cipher
        self._channels = channels
        self._policy = policy
        self._lane = lane
        self._listeners = listeners
        self._concurrency = concurrency
        self._refill = max(1, concurrency // 4)  # to claim one by one would cost as much as to send
        self._lease_for = lease_for
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=self.name)

    def tick(self) -> TickReport:
        """What was due has been tried for about a second, or once, and each outcome stored as soon as it was known.

        No more are claimed than are sent at once, so that a worker that dies leaves in doubt only what it was sending.
        """
        with self._database.read() as session:
            if not store.has_due(session, self._lane, self._clock.now()):
                return TickReport()
        refills_until = time.monotonic() + _REFILLS_FOR_S
        known: _Known = SimpleQueue()
        tried: list[_Tried] = []
        failure: SQLAlchemyError | None = None
        under_way = done = 0
        while True:
            room = self._concurrency - under_way
            takes_more = not done or (room >= self._refill and time.monotonic() < refills_until)
            try:
                claimed = self._turn(tried, room if takes_more and not failure else 0)
            except SQLAlchemyError as error:  # what is being sent at this moment must still be stored, if it can be
                failure, claimed = failure or error, []
            self._begin(claimed, known)
            under_way += len(claimed)
            done += len(claimed)
            if not under_way:
                break
            tried = _take(known)
            under_way -= len(tried)
        if failure:
            raise failure
        return TickReport(done=done, more=done > 0)  # what waited for these is due now

    def close(self) -> None:
        """Sends under way are finished and settled by the tick that began them; no new ones start."""
        self._pool.shutdown(wait=True)

    def _begin(self, claimed: Sequence[Claimed], known: _Known) -> None:
        until = self._clock.now() + self._lease_for
        in_order: dict[str, list[Claimed]] = {}
        for item in claimed:  # several to one person are alerts: they go in order, and one that fails stops no other
            in_order.setdefault(f"{item.delivery.channel}:{item.delivery.recipient}", []).append(item)
        for items in in_order.values():
            self._pool.submit(self._send_all, items, until, known)

    def _send_all(self, items: Sequence[Claimed], until: datetime, known: _Known) -> None:
        for item in items:
            is_late = self._clock.now() >= until  # those before took too long: another worker may have this one by now
            try:
                known.put((item.delivery, None if is_late else self._send(item)))
            except BaseException as error:  # the process ends here, and the tick must not wait for an answer
                known.put(error)
                raise

    def _send(self, item: Claimed) -> Outcome:
        delivery = item.delivery
        channel = self._channels.get(Source(delivery.channel))
        if channel is None:
            return PermanentSendError(code="no_such_channel")
        try:
            content = content_from_json(self._cipher.open(item.content, row=f"deliveries:{delivery.id}"))
            return channel.send(OutboundMessage(Source(delivery.channel), delivery.recipient, content))
        except SendError as error:
            return error
        except UnreadableError:
            return PermanentSendError(code="unreadable")
        except Exception:  # a channel's bug must not stop the lane: the delivery fails visibly and the next one goes
            logger.exception("channel_broke_its_contract", delivery=delivery.id, channel=delivery.channel)
            return PermanentSendError(code="channel_bug")

    def _turn(self, tried: Sequence[_Tried], room: int) -> list[Claimed]:
        """The outcomes are stored and up to `room` more are claimed, in one transaction for all of them."""
        now = self._clock.now()
        settled = [
            (settle(delivery, outcome, now=now, policy=self._policy, jitter=self._chance.jitter()), outcome)
            for delivery, outcome in sorted(tried, key=_whose)  # locks are taken in one order
            if outcome is not None
        ]
        try:
            claimed = self._store(settled, room, self._listeners)
        except Exception:  # one that cannot be stored must not make us forget the others, and send them again
            if not settled:
                raise
            for one in settled:
                self._store_alone(*one)
            return []
        for delivery, _ in settled:
            _log(delivery)
        return claimed

    def _store_alone(self, settled: Delivery, outcome: Outcome) -> None:
        try:
            self._store([(settled, outcome)], 0, self._listeners)
        except SQLAlchemyError:
            raise
        except Exception:  # a listener's bug must not make us forget what was sent and send it again
            logger.exception("listener_broke", delivery=settled.id, subject=settled.subject)
            self._store([(settled, outcome)], 0, ())
        _log(settled)

    def _store(self, settled: Sequence[Settled], room: int, listeners: Sequence[SettledListener]) -> list[Claimed]:
        if not settled and not room:
            return []
        now = self._clock.now()
        with self._database.write() as session:
            stored = store.store_settled(session, settled, owner=self.owner, now=now)
            for listener in listeners:
                hear_many = getattr(listener, "hear_many", None)
                if hear_many:
                    hear_many(session, stored)
                    continue
                for delivery, outcome in stored:
                    listener(session, delivery, outcome)
            until = now + self._lease_for
            return (
                store.claim(session, owner=self.owner, priorities=self._lane, limit=room, now=now, lease_until=until)
                if room
                else []
            )


def _take(known: _Known) -> list[_Tried]:
    """All that is known by now; waits for the first."""
    tried: list[_Tried] = []
    while not tried or not known.empty():
        one = known.get()
        if isinstance(one, BaseException):
            raise one
        tried.append(one)
    return tried


def _whose(tried: _Tried) -> tuple[str, str]:
    return tried[0].recipient, tried[0].id


def _log(settled: Delivery) -> None:
    log = logger.info if settled.state == "sent" else logger.warning
    log(
        "delivery_settled",
        delivery=settled.id,
        subject=settled.subject,
        channel=settled.channel,
        state=settled.state.value,
        attempts=settled.attempts,
        code=settled.code,
    )
