"""Walks of two workers and a reaper over one delivery in a real database, some of them slow, some of them killed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event

from bot.channel.channel import Receipt
from bot.channel.errors import OutcomeUnknownError, PermanentSendError, SendError, TemporarySendError
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Base, Database
from bot.outbox import store
from bot.outbox.outbox import Outbox
from bot.outbox.records import AttemptRecord, DeliveryRecord
from bot.outbox.state import Delivery, DeliveryState, Priority, RetryPolicy, settle

START = datetime(2027, 6, 8, 4, tzinfo=UTC)
LIFE = timedelta(seconds=60)
POLICY = RetryPolicy(attempts=3)
WORKERS = ("a", "b")
OUTCOMES: dict[str, Receipt | SendError] = {
    "taken": Receipt("m"),
    "busy": TemporarySendError(code="-1"),
    "unknown": OutcomeUnknownError(code="read_timeout"),
    "gone": PermanentSendError(code="43004"),
}
ACTIONS = st.sampled_from(
    [(action, worker) for worker in WORKERS for action in ("claim", "claim", "taken", *OUTCOMES)]
    + [("lose", ""), ("lose", ""), ("reap", ""), ("pause", ""), ("cancel", "")]
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One SQLite file for all walks; each begins by emptying it."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('walks') / 'w.db'}")

    @event.listens_for(made.engine, "connect")
    def _hurry(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # thousands of commits, and no test pulls the plug

    Base.metadata.create_all(made.engine)
    yield made
    made.dispose()


@dataclass
class World:
    """The delivery, what each worker has in its hands, and what the platform has really seen."""

    database: Database
    clock: FakeClock
    in_hand: dict[str, tuple[Delivery, datetime]] = field(default_factory=dict)
    taken: int = 0
    maybe: int = 0
    permanent: bool = False
    may_be_cancelled: bool = False

    def act(self, action: str, worker: str) -> None:
        now = self.clock.now()
        if action == "pause":
            self.clock.advance(timedelta(seconds=5))
        elif action == "claim":
            self._claim(worker, now)
        elif action in {"lose", "reap"}:
            if action == "lose":
                self.clock.advance(LIFE + timedelta(seconds=1))
            with self.database.write() as session:
                store.reclaim_lost(session, now=self.clock.now(), policy=POLICY)
        elif action == "cancel":
            self._cancel()
        elif worker in self.in_hand:
            self._settle(worker, OUTCOMES[action], now)

    def record(self) -> DeliveryRecord:
        with self.database.read() as session:
            return session.query(DeliveryRecord).one()

    def _claim(self, worker: str, now: datetime) -> None:
        with self.database.write() as session:
            got = store.claim(session, owner=worker, priorities=set(Priority), limit=5, now=now, lease_until=now + LIFE)
        for claimed in got:
            others = [until for name, (_, until) in self.in_hand.items() if name != worker]
            assert all(until < now for until in others), "two workers hold one delivery"
            self.in_hand[worker] = (claimed.delivery, now + LIFE)

    def _settle(self, worker: str, outcome: Receipt | SendError, now: datetime) -> None:
        delivery, _ = self.in_hand.pop(worker)
        owned = self.record().lease_owner == worker
        self.taken += isinstance(outcome, Receipt)
        self.maybe += isinstance(outcome, OutcomeUnknownError)
        self.permanent |= owned and isinstance(outcome, PermanentSendError)
        settled = settle(delivery, outcome, now=now, policy=POLICY, jitter=0.5)
        with self.database.write() as session:
            stored = bool(store.store_settled(session, [(settled, outcome)], owner=worker, now=now))
        assert stored == (owned or isinstance(outcome, Receipt))

    def _cancel(self) -> None:
        with self.database.write() as session:
            outbox = Outbox(self.clock, Chance(self.clock), Cipher([b"k" * 32]))
            self.may_be_cancelled |= bool(outbox.cancel(session, "alert:1"))


@settings(max_examples=250)
@given(st.sampled_from([Priority.SAFETY, Priority.REPLY]), st.lists(ACTIONS, max_size=16))
def test_nothing_is_lost_and_every_possible_double_is_listed(
    database: Database, priority: Priority, actions: list[tuple[str, str]]
):
    """Doubles come only where the platform's answer is unknown, or a worker was silent for longer than its lease."""
    clock = FakeClock(START)
    with database.write() as session:
        session.execute(delete(AttemptRecord))
        session.execute(delete(DeliveryRecord))
        Outbox(clock, Chance(clock), Cipher([b"k" * 32])).enqueue(
            session, OutboundMessage(Source.WECOM, "wangl", TextContent("x")), priority=priority, subject="alert:1"
        )
    world = World(database, clock)
    for action, worker in actions:
        before = world.record()
        world.act(action, worker)
        after = world.record()
        assert after.doubtful or not before.doubtful, "doubt was forgotten"
        assert before.state != "sent" or after.state == "sent", "a sent delivery came back"
        assert (after.state == "sent") == (world.taken > 0), "the platform has it and we do not say so, or the reverse"
        assert world.taken + world.maybe < 2 or after.doubtful, "a double that nobody can see"
        if after.state == "failed":
            assert world.permanent or (priority is not Priority.SAFETY and after.attempts >= POLICY.attempts)
        assert after.state != "cancelled" or world.may_be_cancelled
        assert (after.settled_at is None) == (after.state in {"pending", "sending", "held"})
        assert (after.lease_until is not None) == (after.state == DeliveryState.SENDING.value)
