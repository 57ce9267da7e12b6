"""Sends what the outbox holds: no transaction is open while it sends, and a short one stores what is known by then."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

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
_REFILLS_FOR_S = 5.0
_ALERTS_FOR_S = 20.0
"""So long a tick takes more; after that it ends with what it is sending. A worker that is to stop waits for that."""
_LOOK_S = 0.2
"""How often it looks for more while all that it sends is slow: one answer that does not come holds up nobody else."""

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
        is_safety = Priority.SAFETY in lane
        self._refill = 1 if is_safety else max(1, concurrency // 4)  # to claim one by one would cost as much as to send
        self._refills_for_s = _ALERTS_FOR_S if is_safety else _REFILLS_FOR_S
        self._lease_for = lease_for
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=self.name)

    def tick(self) -> TickReport:
        """What was due has been tried, and each outcome stored as soon as it was known. More is taken for a while.

        No more are claimed than are sent at once, so that a worker that dies leaves in doubt only what it was sending.
        """
        if not self._has_due():
            return TickReport()
        refills_until = time.monotonic() + self._refills_for_s
        known: _Known = SimpleQueue()
        tried: list[_Tried] = []
        failure: SQLAlchemyError | None = None
        under_way = done = 0
        while True:
            room = self._concurrency - under_way
            takes_more = not done or (room >= self._refill and time.monotonic() < refills_until)
            if failure or not takes_more or (done and not tried and not self._has_due()):
                room = 0
            until = self._clock.now() + self._lease_for
            try:
                claimed = self._turn(tried, room, until)
            except SQLAlchemyError as error:  # what is being sent at this moment must still be stored, if it can be
                failure, claimed = failure or error, []
            self._begin(claimed, until, known)
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

    def _has_due(self) -> bool:
        with self._database.read() as session:
            return store.has_due(session, self._lane, self._clock.now())

    def _begin(self, claimed: Sequence[Claimed], until: datetime, known: _Known) -> None:
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

    def _turn(self, tried: Sequence[_Tried], room: int, until: datetime) -> list[Claimed]:
        """The outcomes are stored and up to `room` more are claimed, in one transaction for all of them."""
        now = self._clock.now()
        settled = [
            (settle(delivery, outcome, now=now, policy=self._policy, jitter=self._chance.jitter()), outcome)
            for delivery, outcome in sorted(tried, key=_whose)  # locks are taken in one order
            if outcome is not None
        ]
        try:
            claimed = self._store(settled, self._listeners, room, until)
        except Exception:  # one that cannot be stored must not make us forget the others, and send them again
            if not settled:
                raise
            self._store_each(settled)
            return []
        for delivery, _ in settled:
            _log(delivery)
        return claimed

    def _store_each(self, settled: Sequence[Settled]) -> None:
        """Each in a transaction of its own. Raises the first error of the database, after all were tried."""
        failure: SQLAlchemyError | None = None
        for delivery, outcome in settled:
            try:
                self._store([(delivery, outcome)], self._listeners)
            except SQLAlchemyError as error:
                failure = failure or error
                continue
            except Exception:  # a listener's bug must not make us forget what was sent and send it again
                logger.exception("listener_broke", delivery=delivery.id, subject=delivery.subject)
                self._store([(delivery, outcome)], ())
            _log(delivery)
        if failure:
            raise failure

    def _store(
        self,
        settled: Sequence[Settled],
        listeners: Sequence[SettledListener],
        room: int = 0,
        until: datetime | None = None,
    ) -> list[Claimed]:
        if not settled and not room:
            return []
        now = self._clock.now()
        with self._database.write() as session:
            stored = store.store_settled(session, settled, owner=self.owner, now=now)
            for listener in listeners:
                _tell(listener, session, stored)
            if not room or until is None:
                return []
            return store.claim(session, owner=self.owner, priorities=self._lane, limit=room, now=now, lease_until=until)


def _tell(listener: SettledListener, session: Session, stored: Sequence[Settled]) -> None:
    hear_many = getattr(listener, "hear_many", None)
    if hear_many:
        hear_many(session, stored)
        return
    for delivery, outcome in stored:
        listener(session, delivery, outcome)


def _take(known: _Known) -> list[_Tried]:
    """All that is known by now; waits a moment for the first, if there is none."""
    tried: list[_Tried] = []
    try:
        one = known.get(timeout=_LOOK_S)
        while True:
            if isinstance(one, BaseException):
                raise one
            tried.append(one)
            one = known.get_nowait()
    except Empty:
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
