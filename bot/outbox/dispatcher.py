"""Sends what the outbox holds: claim (short transaction), send (no transaction open), settle (short transaction)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta

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
from bot.outbox.store import Claimed
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

SettledListener = Callable[[Session, Delivery, Outcome], None]
"""Called within the settling transaction, after every attempt, with the delivery as it is from now on."""

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
        self._lease_for = lease_for
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=self.name)

    def tick(self) -> TickReport:
        """One handful of due deliveries has been tried, and each outcome stored as soon as it was known.

        No more are claimed than are sent at once, so that a worker that dies leaves in doubt only what it was sending.
        """
        now = self._clock.now()
        with self._database.read() as session:
            idle = not store.has_due(session, self._lane, now)
        if idle:
            return TickReport()
        until = now + self._lease_for
        with self._database.write() as session:
            claimed = store.claim(
                session, owner=self.owner, priorities=self._lane, limit=self._concurrency, now=now, lease_until=until
            )
        in_order: dict[str, list[Claimed]] = {}
        for item in claimed:  # several to one person are alerts: they go in order, and one that fails stops no other
            in_order.setdefault(f"{item.delivery.channel}:{item.delivery.recipient}", []).append(item)
        for future in as_completed([self._pool.submit(self._send_all, items, until) for items in in_order.values()]):
            future.result()
        return TickReport(done=len(claimed), more=bool(claimed))  # what waited for these is due now

    def close(self) -> None:
        """Sends under way are finished and settled by the tick that began them; no new ones start."""
        self._pool.shutdown(wait=True)

    def _send_all(self, items: Sequence[Claimed], until: datetime) -> None:
        for item in items:
            if self._clock.now() >= until:  # those before took too long: another worker may have this one by now
                return
            self._settle(item.delivery, self._send(item))

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

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        now = self._clock.now()
        settled = settle(delivery, outcome, now=now, policy=self._policy, jitter=self._chance.jitter())
        try:
            self._store(settled, outcome, now, self._listeners)
        except SQLAlchemyError:
            raise
        except Exception:  # a listener's bug must not make us forget what was sent and send it again
            logger.exception("listener_broke", delivery=settled.id, subject=settled.subject)
            self._store(settled, outcome, now, ())
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

    def _store(self, settled: Delivery, outcome: Outcome, now: datetime, listeners: Sequence[SettledListener]) -> None:
        with self._database.write() as session:
            if store.store_settled(session, settled, outcome, owner=self.owner, now=now):
                for listener in listeners:
                    listener(session, settled, outcome)
