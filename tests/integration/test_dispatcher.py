"""Sending, over the shipped MemoryChannel: what fails waits, what is broken fails visibly, nothing stops the lane."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from support.threads import run_together

from bot.beats import beat, find_beats
from bot.channel.channel import Channel, MemoryChannel, Receipt
from bot.channel.errors import (
    OutcomeUnknownError,
    PermanentSendError,
    RateLimitedError,
    SendError,
    TemporarySendError,
    WindowClosedError,
)
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.outbox.dispatcher import ORDINARY_LANE, SAFETY_LANE, Dispatcher
from bot.outbox.outbox import DeliveryId, Outbox
from bot.outbox.reaper import Reaper
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Delivery, Outcome, Priority, RetryPolicy

POLICY = RetryPolicy(first=timedelta(seconds=2), longest=timedelta(minutes=10), attempts=4)
Put = Callable[..., DeliveryId]
Make = Callable[..., Dispatcher]


@pytest.fixture
def channel() -> MemoryChannel:
    return MemoryChannel()


@pytest.fixture
def make(
    database: Database, clock: FakeClock, chance: Chance, cipher: Cipher, channel: MemoryChannel
) -> Iterator[Make]:
    """Makes dispatchers and closes them when the test ends."""
    made: list[Dispatcher] = []

    def _make(**changes: Any) -> Dispatcher:
        parts: dict[str, Any] = {
            "channels": {Source.WECHAT: channel, Source.WECOM: channel},
            "policy": POLICY,
            "lane": frozenset(Priority),
            "concurrency": 4,
        }
        made.append(Dispatcher(database, clock=clock, chance=chance, cipher=cipher, **(parts | changes)))
        return made[-1]

    yield _make
    for one in made:
        one.close()


@pytest.fixture
def put(database: Database, outbox: Outbox) -> Put:
    """Enqueues a text in a transaction of its own."""

    def _put(
        words: str = "好",
        *,
        to: str = "o1",
        channel: Source = Source.WECHAT,
        priority: Priority = Priority.REPLY,
        **rest: Any,
    ) -> DeliveryId:
        with database.write() as session:
            stored = outbox.enqueue(
                session, OutboundMessage(channel, to, TextContent(words)), priority=priority, **rest
            )
        assert stored is not None
        return stored

    return _put


def state_of(database: Database, delivery: str) -> tuple[str, str, int]:
    with database.read() as session:
        record = session.get_one(DeliveryRecord, delivery)
        return record.state, record.code, record.attempts


def words_of(channel: MemoryChannel) -> list[str]:
    return [message.content.text for message in channel.sent if isinstance(message.content, TextContent)]


def test_what_is_due_is_sent_once(make: Make, put: Put, channel: MemoryChannel, database: Database):
    delivery = put("一")
    dispatcher = make()
    assert dispatcher.tick().done == 1
    assert channel.sent == [OutboundMessage(Source.WECHAT, "o1", TextContent("一"))]
    assert state_of(database, delivery) == ("sent", "", 1)
    assert dispatcher.tick().done == 0
    assert len(channel.sent) == 1


def test_nothing_due_is_nothing_done(make: Make):
    assert make().tick().done == 0


class Watching:
    """Sees, at each send, how many deliveries are in this worker's hands."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.seen: list[int] = []

    def send(self, _message: OutboundMessage, /) -> Receipt:
        in_hand = select(func.count()).select_from(DeliveryRecord).where(DeliveryRecord.state == "sending")
        with self.database.read() as session:
            self.seen.append(session.scalar(in_hand) or 0)
        return Receipt("m")


def test_no_more_than_a_handful_at_once(make: Make, put: Put, database: Database):
    """So many a worker that dies leaves in doubt at most; as soon as one is sent, the next is taken."""
    for number in range(13):
        put(to=f"o{number}")
    channel = Watching(database)
    dispatcher = make(channels={Source.WECHAT: channel})
    assert dispatcher.tick().done == 13
    assert len(channel.seen) == 13
    assert max(channel.seen) <= 4
    assert dispatcher.tick().done == 0


def test_more_may_be_due_as_soon_as_something_was_done(make: Make, put: Put):
    """What waited for the one before it must not wait for the loop's rest as well."""
    put()
    dispatcher = make()
    assert dispatcher.tick().more
    assert not dispatcher.tick().more


class TestErrors:
    def test_a_temporary_error_backs_off_and_then_it_gets_through(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database, clock: FakeClock
    ):
        """Nothing is tried before its wait is over; each wait is longer than the one before."""
        delivery = put()
        channel.failures = [
            TemporarySendError(code="-1"),
            RateLimitedError(code="45009", retry_after=timedelta(minutes=3)),
        ]
        dispatcher = make()
        dispatcher.tick()
        assert state_of(database, delivery) == ("pending", "-1", 1)
        assert dispatcher.tick().done == 0
        clock.advance(timedelta(seconds=2))
        dispatcher.tick()
        assert state_of(database, delivery) == ("pending", "45009", 2)
        clock.advance(timedelta(minutes=2, seconds=59))
        assert dispatcher.tick().done == 0
        clock.advance(timedelta(seconds=1))
        dispatcher.tick()
        assert state_of(database, delivery) == ("sent", "", 3)

    def test_after_the_last_try_it_has_failed_for_good(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database, clock: FakeClock
    ):
        delivery = put()
        channel.failures = [TemporarySendError(code="-1") for _ in range(50)]
        dispatcher = make()
        for _ in range(10):
            dispatcher.tick()
            clock.advance(timedelta(minutes=10))
        assert state_of(database, delivery) == ("failed", "-1", 4)

    def test_an_alert_is_never_given_up(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database, clock: FakeClock
    ):
        delivery = put(priority=Priority.SAFETY)
        channel.failures = [TemporarySendError(code="-1", retry_after=timedelta(days=1)) for _ in range(30)]
        dispatcher = make()
        for _ in range(31):
            dispatcher.tick()
            clock.advance(timedelta(seconds=30))
        assert state_of(database, delivery) == ("sent", "", 31)

    def test_a_permanent_error_is_final(self, make: Make, put: Put, channel: MemoryChannel, database: Database):
        delivery = put()
        channel.failures = [PermanentSendError(code="43004")]
        make().tick()
        assert state_of(database, delivery) == ("failed", "43004", 1)

    def test_a_closed_window_holds(self, make: Make, put: Put, channel: MemoryChannel, database: Database):
        delivery = put(holdable=True)
        channel.failures = [WindowClosedError(code="45015")]
        make().tick()
        assert state_of(database, delivery) == ("held", "45015", 1)

    def test_an_unknown_outcome_is_tried_again_and_listed(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database, clock: FakeClock
    ):
        delivery = put()
        channel.failures = [OutcomeUnknownError(code="read_timeout")]
        dispatcher = make()
        dispatcher.tick()
        clock.advance(timedelta(seconds=2))
        dispatcher.tick()
        assert state_of(database, delivery)[0] == "sent"
        with database.read() as session:
            assert session.get_one(DeliveryRecord, delivery).doubtful

    @pytest.mark.parametrize("bug", [ZeroDivisionError("我不想活了"), KeyError("errcode"), TypeError()])
    def test_a_channels_bug_fails_visibly_and_the_next_one_goes(
        self, make: Make, put: Put, database: Database, bug: Exception
    ):
        class Broken:
            def send(self, message: OutboundMessage, /) -> Receipt:
                if message.recipient == "o1":
                    raise bug
                return Receipt("m")

        bad, good = put(to="o1"), put(to="o2")
        make(channels={Source.WECHAT: Broken()}).tick()
        assert state_of(database, bad) == ("failed", "channel_bug", 1)
        assert state_of(database, good) == ("sent", "", 1)

    def test_a_channel_that_is_not_configured(self, make: Make, put: Put, database: Database):
        delivery = put(channel=Source.ROBOT)
        make().tick()
        assert state_of(database, delivery) == ("failed", "no_such_channel", 1)

    def test_a_content_that_no_key_opens(self, make: Make, put: Put, database: Database):
        delivery, good = put(to="o1"), put(to="o2")
        with database.write() as session:
            session.execute(update(DeliveryRecord).where(DeliveryRecord.id == delivery).values(content=b"x" * 60))
        make().tick()
        assert state_of(database, delivery) == ("failed", "unreadable", 1)
        assert state_of(database, good)[0] == "sent"


class TestOrder:
    def test_one_person_reads_in_the_order_of_writing(
        self, make: Make, put: Put, channel: MemoryChannel, clock: FakeClock
    ):
        for number in range(12):
            put(str(number))
            clock.advance(timedelta(milliseconds=1))
        dispatcher = make()
        while dispatcher.tick().more:
            pass
        assert words_of(channel) == [str(number) for number in range(12)]

    def test_in_that_order_too_when_one_has_to_be_tried_again(
        self, make: Make, put: Put, channel: MemoryChannel, clock: FakeClock
    ):
        """And somebody else's goes meanwhile."""
        for words in ("一", "二", "三"):
            put(words)
        put("别人的", to="o2")
        channel.failures = [TemporarySendError(code="-1")]
        dispatcher = make(concurrency=1)
        for _ in range(10):
            while dispatcher.tick().more:
                pass
            clock.advance(timedelta(seconds=1))
        assert words_of(channel) == ["别人的", "一", "二", "三"]

    def test_an_alert_that_is_tried_again_delays_no_other(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database
    ):
        first, second = (put(words, priority=Priority.SAFETY) for words in ("一", "二"))
        channel.failures = [TemporarySendError(code="-1")]
        make().tick()
        assert (state_of(database, first)[0], state_of(database, second)[0]) == ("pending", "sent")

    def test_a_long_text_is_not_begun_again_when_a_later_part_fails(
        self, make: Make, put: Put, channel: MemoryChannel, clock: FakeClock
    ):
        text = "".join(f"第{number}条，请带好学生证。" for number in range(200))
        put(text)
        dispatcher = make()
        dispatcher.tick()
        channel.failures = [TemporarySendError(code="-1"), OutcomeUnknownError(code="read_timeout")]
        for _ in range(10):
            while dispatcher.tick().more:
                pass
            clock.advance(timedelta(seconds=5))
        assert len(channel.sent) > 2
        assert "".join(words_of(channel)) == text

    def test_alerts_first(self, make: Make, put: Put, channel: MemoryChannel):
        for _ in range(5):
            put("晚", priority=Priority.ORDINARY)
        put("急", priority=Priority.SAFETY)
        make(concurrency=1).tick()
        assert words_of(channel)[0] == "急"

    def test_the_lanes_leave_each_other_alone(self, make: Make, put: Put, channel: MemoryChannel):
        put("急", priority=Priority.SAFETY)
        put("晚", priority=Priority.NOTICE)
        make(lane=ORDINARY_LANE).tick()
        assert words_of(channel) == ["晚"]
        make(lane=SAFETY_LANE).tick()
        assert words_of(channel) == ["晚", "急"]


class TestListeners:
    def test_they_write_in_the_transaction_that_settles(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database, clock: FakeClock
    ):
        """They see the delivery as it is from now on, and what came of the try."""
        seen: list[tuple[Delivery, Outcome]] = []

        def listener(session: Session, delivery: Delivery, outcome: Outcome) -> None:
            seen.append((delivery, outcome))
            state = session.scalar(select(DeliveryRecord.state).where(DeliveryRecord.id == delivery.id))
            assert state == delivery.state
            beat(session, delivery.state, clock.now())

        failure = TemporarySendError(code="-1")
        channel.failures = [failure]
        delivery = put()
        dispatcher = make(listeners=[listener])
        dispatcher.tick()
        clock.advance(timedelta(seconds=2))
        dispatcher.tick()
        assert [(one.id, one.state, one.attempts, outcome) for one, outcome in seen] == [
            (delivery, "pending", 1, failure),
            (delivery, "sent", 2, Receipt("1")),
        ]
        with database.read() as session:
            assert set(find_beats(session)) == {"pending", "sent"}

    def test_a_broken_one_makes_nobody_read_twice(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database, clock: FakeClock
    ):
        """What was sent stays sent; what the listener had begun is taken back; the lane goes on."""

        def broken(session: Session, delivery: Delivery, _outcome: Outcome) -> None:
            beat(session, "half", clock.now())
            session.flush()
            if delivery.recipient == "o1":
                raise ZeroDivisionError

        first, second = put(to="o1"), put(to="o2")
        dispatcher = make(listeners=[broken], concurrency=1)
        dispatcher.tick()
        with database.read() as session:
            assert find_beats(session) == {}
        dispatcher.tick()
        clock.advance(timedelta(minutes=5))
        Reaper(database, clock=clock, policy=POLICY).tick()
        dispatcher.tick()
        assert state_of(database, first) == ("sent", "", 1)
        assert state_of(database, second) == ("sent", "", 1)
        assert len(channel.sent) == 2


class Slow:
    """Takes so long for each message, on the test's clock."""

    def __init__(self, clock: FakeClock, takes: timedelta) -> None:
        self._clock = clock
        self._takes = takes
        self.sent: list[str] = []

    def send(self, message: OutboundMessage, /) -> Receipt:
        self._clock.advance(self._takes)
        assert isinstance(message.content, TextContent)
        self.sent.append(message.content.text)
        return Receipt("m")


class Hanging:
    """A platform that does not answer one person until it is let go."""

    def __init__(self) -> None:
        self.is_asked, self.goes_on = Event(), Event()
        self.got: SimpleQueue[str] = SimpleQueue()

    def send(self, message: OutboundMessage, /) -> Receipt:
        if message.recipient == "slow":
            self.is_asked.set()
            assert self.goes_on.wait(20)
        self.got.put(message.recipient)
        return Receipt("m")


class TestTogether:
    """Several are sent at once and stored together."""

    @pytest.mark.parametrize("lane", [SAFETY_LANE, ORDINARY_LANE])
    def test_one_answer_that_does_not_come_holds_up_nobody_else(self, make: Make, put: Put, lane: frozenset[Priority]):
        """Not even those whose turn comes while it is waited for."""
        platform, priority = Hanging(), min(lane)
        dispatcher = make(channels={Source.WECHAT: platform}, lane=lane)
        put(to="slow", priority=priority)
        thread = Thread(target=dispatcher.tick)
        thread.start()
        assert platform.is_asked.wait(20)
        put(to="o2", priority=priority)
        assert platform.got.get(timeout=20) == "o2"
        platform.goes_on.set()
        thread.join()
        assert platform.got.get(timeout=1) == "slow"

    def test_one_that_cannot_be_stored_makes_the_others_not_forgotten(self, make: Make, put: Put, database: Database):
        """They are sent, and not sent again; the one whose storing the database refused is left in doubt."""
        deliveries = [put(to=f"o{number}") for number in range(4)]

        def broken(_session: Session, delivery: Delivery, _outcome: Outcome) -> None:
            if delivery.id == deliveries[1]:
                raise OperationalError("UPDATE", {}, Exception("deadlock"))

        with pytest.raises(OperationalError):
            make(listeners=[broken]).tick()
        with database.read() as session:
            states = [session.get_one(DeliveryRecord, one).state for one in deliveries]
        assert states == ["sent", "sending", "sent", "sent"]


class TestLeases:
    def test_a_dead_workers_delivery_is_sent_by_another_and_listed(
        self, make: Make, put: Put, channel: MemoryChannel, database: Database, clock: FakeClock
    ):
        class Killed(BaseException):
            """The process ends here."""

        class Dying:
            def send(self, _message: OutboundMessage, /) -> Receipt:
                raise Killed

        delivery = put()
        with pytest.raises(Killed):
            make(channels={Source.WECHAT: Dying()}).tick()
        reaper, other = Reaper(database, clock=clock, policy=POLICY), make()
        assert reaper.tick().done == 0
        assert other.tick().done == 0
        clock.advance(timedelta(seconds=61))
        assert reaper.tick().done == 1
        assert other.tick().done == 1
        assert len(channel.sent) == 1
        with database.read() as session:
            assert session.get_one(DeliveryRecord, delivery).doubtful

    def test_what_was_not_begun_before_the_lease_ended_is_left_to_others(
        self, make: Make, put: Put, database: Database, clock: FakeClock
    ):
        """Several alerts to one person go one after another; if the first ones hang, the last would be sent twice."""
        for number in range(4):
            put(str(number), priority=Priority.SAFETY)
            clock.advance(timedelta(milliseconds=1))
        slow = Slow(clock, timedelta(seconds=25))
        one, other = (make(channels={Source.WECHAT: slow}) for _ in range(2))
        one.tick()
        assert slow.sent == ["0", "1", "2"]
        Reaper(database, clock=clock, policy=POLICY).tick()
        other.tick()
        one.tick()
        assert slow.sent == ["0", "1", "2", "3"]

    def test_what_its_workers_always_die_of_fails_in_the_end_and_the_listeners_hear_of_each_loss(
        self, put: Put, database: Database, clock: FakeClock
    ):
        """So that it takes the next way. One whose listener breaks is taken back all the same, and so are others."""
        heard: list[tuple[str, str, str]] = []

        def listener(_session: Session, delivery: Delivery, outcome: Outcome) -> None:
            assert isinstance(outcome, OutcomeUnknownError)
            if delivery.id == broken:
                raise ZeroDivisionError
            heard.append((delivery.id, delivery.state.value, delivery.code))

        poison, broken = put(), put(to="o2")
        reaper = Reaper(database, clock=clock, policy=POLICY, listeners=[listener])
        for attempts in range(1, POLICY.attempts + 1):
            with database.write() as session:
                session.execute(
                    update(DeliveryRecord).values(
                        state="sending", attempts=attempts, lease_owner="dead", lease_until=clock.now()
                    )
                )
            clock.advance(timedelta(seconds=1))
            assert reaper.tick().done == 2
        assert heard == [(poison, state, "worker_lost") for state in ("pending", "pending", "pending", "failed")]
        for delivery in (poison, broken):
            assert state_of(database, delivery) == ("failed", "worker_lost", POLICY.attempts)

    def test_the_reaper_says_when_there_may_be_more(self, database: Database, put: Put, clock: FakeClock):
        for number in range(101):
            put(to=f"o{number}")
        with database.write() as session:
            session.execute(update(DeliveryRecord).values(state="sending", lease_owner="dead", lease_until=clock.now()))
        clock.advance(timedelta(seconds=1))
        reaper = Reaper(database, clock=clock, policy=POLICY)
        assert reaper.tick().more
        while reaper.tick().more:
            pass
        with database.read() as session:
            assert set(session.scalars(select(DeliveryRecord.state))) == {"pending"}


def test_several_workers_together_send_each_once(make: Make, put: Put, channel: MemoryChannel):
    for number in range(40):
        put(str(number), to=f"o{number}")
    workers: Sequence[Dispatcher] = [make() for _ in range(3)]

    def work(number: int) -> None:
        while workers[number].tick().done:
            pass

    run_together(3, work)
    assert sorted(words_of(channel)) == sorted(str(number) for number in range(40))


def test_the_shipped_channel_is_a_channel():
    """It raises what was planned, in order, and then keeps what it is given."""
    channel: Channel = MemoryChannel(failures=[SendError(code="x")])
    message = OutboundMessage(Source.WECHAT, "o1", TextContent("好"))
    with pytest.raises(SendError):
        channel.send(message)
    assert channel.send(message) == Receipt("1")
    assert channel.send(message) == Receipt("2")
