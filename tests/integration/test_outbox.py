"""The outbox on both databases: it commits with its caller, hands work out once, and forgets nothing."""

from collections.abc import Callable, Collection
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, select
from support.threads import run_together

from bot.channel.channel import Receipt
from bot.channel.errors import OutcomeUnknownError, PermanentSendError, TemporarySendError, WindowClosedError
from bot.channel.messages import (
    Button,
    CardContent,
    CardUpdateContent,
    Content,
    OutboundMessage,
    Source,
    TextContent,
    content_from_json,
)
from bot.channel.text import BYTE_LIMIT, split_text
from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.outbox import store
from bot.outbox.dispatcher import ORDINARY_LANE, SAFETY_LANE
from bot.outbox.outbox import DeliveryId, Outbox
from bot.outbox.records import AttemptRecord, DeliveryRecord
from bot.outbox.state import DeliveryState, Outcome, Priority, RetryPolicy, settle
from bot.outbox.store import Claimed

LEASE = timedelta(seconds=60)
Put = Callable[..., DeliveryId | None]
Claim = Callable[..., list[Claimed]]


def text(words: str = "好", to: str = "o1", channel: Source = Source.WECHAT) -> OutboundMessage:
    return OutboundMessage(channel, to, TextContent(words))


@pytest.fixture
def put(database: Database, outbox: Outbox) -> Put:
    """Enqueues in a transaction of its own; what is not said otherwise is each for somebody else, from o1 on."""
    numbers = count(1)

    def _put(
        message: OutboundMessage | None = None, *, priority: Priority = Priority.REPLY, **rest: object
    ) -> DeliveryId | None:
        with database.write() as session:
            message = message or text(to=f"o{next(numbers)}")
            return outbox.enqueue(session, message, priority=priority, **rest)  # type: ignore[arg-type]

    return _put


@pytest.fixture
def claim(database: Database, clock: FakeClock) -> Claim:
    """Claims as one of the workers does."""

    def _claim(owner: str = "w1", *, lane: Collection[Priority] = tuple(Priority), limit: int = 100) -> list[Claimed]:
        now = clock.now()
        with database.write() as session:
            return store.claim(session, owner=owner, priorities=lane, limit=limit, now=now, lease_until=now + LEASE)

    return _claim


@pytest.fixture
def settle_as(database: Database, clock: FakeClock) -> Callable[..., bool]:
    """Stores an outcome as the dispatcher does."""

    def _settle(item: Claimed, outcome: Outcome, owner: str = "w1") -> bool:
        now = clock.now()
        settled = settle(item.delivery, outcome, now=now, policy=RetryPolicy(), jitter=0)
        with database.write() as session:
            return bool(store.store_settled(session, [(settled, outcome)], owner=owner, now=now))

    return _settle


def record(database: Database, delivery_id: str | None) -> DeliveryRecord:
    with database.read() as session:
        return session.get_one(DeliveryRecord, delivery_id)


def ids(items: list[Claimed]) -> list[str]:
    return [item.delivery.id for item in items]


class TestEnqueue:
    def test_it_commits_with_its_caller(self, database: Database, outbox: Outbox, claim: Claim):
        with pytest.raises(ZeroDivisionError), database.write() as session:
            outbox.enqueue(session, text(), priority=Priority.SAFETY)
            outbox.enqueue(session, text(), priority=Priority.SAFETY, dedup_key="k")
            raise ZeroDivisionError
        assert claim() == []

    def test_the_same_key_is_stored_once(self, put: Put, claim: Claim, database: Database):
        """And the one that was there stays as it was."""
        first = put(text("一"), dedup_key="alert:1:1:1001")
        assert first
        assert put(text("二"), dedup_key="alert:1:1:1001", priority=Priority.SAFETY) is None
        assert ids(claim()) == [first]
        assert record(database, first).priority == Priority.REPLY

    def test_the_same_key_again_does_not_break_the_callers_transaction(
        self, database: Database, outbox: Outbox, claim: Claim
    ):
        with database.write() as session:
            outbox.enqueue(session, text(), priority=Priority.REPLY, dedup_key="k")
            assert outbox.enqueue(session, text(), priority=Priority.REPLY, dedup_key="k") is None
            outbox.enqueue(session, text(to="o2"), priority=Priority.REPLY, dedup_key="other")
        assert len(claim()) == 2

    def test_the_same_key_from_many_at_once_is_stored_once(self, put: Put, claim: Claim):
        got = run_together(6, lambda _: put(dedup_key="k"))
        assert len([one for one in got if one]) == 1
        assert len(claim()) == 1

    def test_a_key_stays_used_after_it_was_sent(self, put: Put, claim: Claim, settle_as: Callable[..., bool]):
        """A crashed caller that does its work again sends nothing again."""
        put(dedup_key="k")
        settle_as(claim()[0], Receipt("m"))
        assert put(dedup_key="k") is None
        assert claim() == []

    def test_without_a_key_each_is_its_own(self, put: Put, claim: Claim):
        put()
        put()
        assert len(claim()) == 2

    @pytest.mark.parametrize(
        "content",
        [
            TextContent("东西都送人了 🙏 \ud83d"),
            CardContent(
                "A1-1", "红色 A1", "要做：先打电话", (Button("ack:1", "我来处理", primary=True), Button("f", "误报"))
            ),
            CardUpdateContent("code", "王老师 正在处理"),
        ],
    )
    def test_what_goes_in_comes_out(self, put: Put, claim: Claim, cipher: Cipher, content: Content):
        put(OutboundMessage(Source.WECOM, "wangl", content))
        (item,) = claim()
        assert content_from_json(cipher.open(item.content, row=f"deliveries:{item.delivery.id}")) == content
        assert (item.delivery.channel, item.delivery.recipient) == ("wecom", "wangl")

    def test_the_table_shows_no_words(self, put: Put, database: Database):
        got = record(database, put(text("我不想活了")))
        assert "我不想活了".encode() not in got.content
        assert b"\\u6211" not in got.content

    def test_not_before_its_moment(self, put: Put, claim: Claim, clock: FakeClock):
        put(not_before=clock.now() + timedelta(hours=1))
        assert claim() == []
        clock.advance(timedelta(hours=1))
        assert len(claim()) == 1


class TestClaim:
    def test_worst_first_then_oldest(self, put: Put, claim: Claim, clock: FakeClock):
        made = {}
        for priority in (Priority.ORDINARY, Priority.REPLY, Priority.SAFETY, Priority.NOTICE, Priority.REPLY):
            made.setdefault(priority, []).append(put(priority=priority))
            clock.advance(timedelta(seconds=1))
        expected = [one for priority in Priority for one in made[priority]]
        got = [claim(limit=1)[0].delivery.id for _ in range(5)]
        assert got == expected

    def test_one_alert_overtakes_all_others(self, database: Database, outbox: Outbox, put: Put, claim: Claim):
        with database.write() as session:
            for number in range(600):
                outbox.enqueue(session, text(to=f"o{number}"), priority=Priority.ORDINARY)
        alert = put(priority=Priority.SAFETY)
        assert ids(claim(limit=1)) == [alert]

    def test_lanes_are_apart(self, put: Put, claim: Claim):
        alert, other = put(priority=Priority.SAFETY), put(priority=Priority.ORDINARY)
        assert ids(claim(lane=ORDINARY_LANE)) == [other]
        assert ids(claim(lane=SAFETY_LANE)) == [alert]
        assert set(Priority) == SAFETY_LANE | ORDINARY_LANE
        assert not SAFETY_LANE & ORDINARY_LANE

    def test_what_one_has_claimed_no_other_gets(self, put: Put, claim: Claim):
        for _ in range(5):
            put()
        assert len(claim("w1", limit=3)) == 3
        assert len(claim("w2")) == 2
        assert claim("w3") == []

    def test_many_workers_at_once_never_share(self, database: Database, outbox: Outbox, claim: Claim):
        with database.write() as session:
            for number in range(60):
                outbox.enqueue(session, text(to=f"o{number}"), priority=Priority.REPLY)

        def work(number: int) -> list[str]:
            got = []
            while batch := claim(f"w{number}", limit=4):
                got += ids(batch)
            return got

        shares = run_together(5, work)
        together = [one for share in shares for one in share]
        assert len(together) == len(set(together)) == 60

    def test_a_claim_counts_the_try(self, put: Put, claim: Claim, settle_as: Callable[..., bool], clock: FakeClock):
        put()
        for attempt in (1, 2, 3):
            (item,) = claim()
            assert item.delivery.attempts == attempt
            settle_as(item, TemporarySendError())
            clock.advance(timedelta(minutes=10))

    def test_too_late_is_expired_and_not_sent(self, put: Put, claim: Claim, database: Database, clock: FakeClock):
        late = put(expires_at=clock.now() + timedelta(minutes=1))
        good = put()
        clock.advance(timedelta(minutes=1))
        assert ids(claim()) == [good]
        got = record(database, late)
        assert (got.state, got.settled_at, got.attempts) == ("expired", clock.now(), 0)

    def test_a_look_finds_what_is_due_and_only_that(self, put: Put, database: Database, clock: FakeClock):
        put(priority=Priority.ORDINARY, not_before=clock.now() + timedelta(seconds=5))
        put(priority=Priority.SAFETY, held=True)

        def due(lane: Collection[Priority]) -> bool:
            with database.read() as session:
                return store.has_due(session, lane, clock.now())

        assert not due(Priority)
        clock.advance(timedelta(seconds=5))
        assert due(ORDINARY_LANE)
        assert not due(SAFETY_LANE)


class TestOrder:
    """One person reads what is of one priority in the order in which it was decided, whatever has to be tried again."""

    def test_the_next_waits_until_the_one_before_is_settled(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], database: Database, clock: FakeClock
    ):
        """Not for another worker either; others are served meanwhile, and a look sees nothing to do."""
        first, second, third = (put(text(words)) for words in "一二三")
        other = put(text(to="o2"))
        items = claim("w1")
        assert ids(items) == [first, other]
        assert claim("w2") == []
        settle_as(items[0], TemporarySendError(code="-1"))
        with database.read() as session:
            assert not store.has_due(session, Priority, clock.now())
        assert claim("w2") == []
        clock.advance(timedelta(seconds=2))
        (again,) = claim("w1")
        assert again.delivery.id == first
        settle_as(again, Receipt("m"))
        (next_one,) = claim("w1")
        assert next_one.delivery.id == second
        settle_as(next_one, PermanentSendError(code="43004"))
        assert ids(claim("w2")) == [third]

    def test_workers_at_once_never_overtake(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], database: Database
    ):
        """Each has its look at the same moment; between them they hold one of each person's."""
        for _ in range(5):
            for person in range(3):
                put(text(to=f"p{person}"))
        for _ in range(15):
            shares = run_together(4, lambda number: claim(f"w{number}", limit=4))
            in_hand = [item for share in shares for item in share]
            assert len({item.delivery.recipient for item in in_hand}) == len(in_hand)
            for item in in_hand:
                settle_as(item, Receipt("m"))
        with database.read() as session:
            assert set(session.scalars(select(DeliveryRecord.state))) == {"sent"}

    def test_an_alert_waits_for_nothing(self, put: Put, claim: Claim, settle_as: Callable[..., bool]):
        first, second = (put(text(to="wangl"), priority=Priority.SAFETY) for _ in range(2))
        items = claim()
        assert ids(items) == [first, second]
        settle_as(items[0], TemporarySendError(code="-1"))
        put(text(to="wangl"), priority=Priority.REPLY)
        later = put(text(to="wangl"), priority=Priority.SAFETY)
        assert ids(claim(lane=SAFETY_LANE)) == [later]

    def test_other_ways_and_priorities_do_not_wait(self, put: Put, claim: Claim):
        put(text())
        claim()
        others = [put(text(channel=Source.WECOM)), put(text(), priority=Priority.NOTICE)]
        assert ids(claim()) == others

    def test_one_that_is_planned_for_later_or_was_put_aside_holds_nothing_up(
        self, put: Put, claim: Claim, database: Database, outbox: Outbox, clock: FakeClock
    ):
        put(text(), not_before=clock.now() + timedelta(hours=9))
        put(text(), held=True)
        put(text(), subject="gone")
        with database.write() as session:
            outbox.cancel(session, "gone")
        late = put(text(), expires_at=clock.now() + timedelta(minutes=1))
        clock.advance(timedelta(minutes=1))
        good = put(text())
        assert ids(claim()) == [good]
        assert record(database, late).state == "expired"


class TestParts:
    """A text over the platforms' limit is several deliveries."""

    LONG = "".join(f"第{number}条，请带好学生证。" for number in range(200))

    def words(self, item: Claimed, cipher: Cipher) -> str:
        content = content_from_json(cipher.open(item.content, row=f"deliveries:{item.delivery.id}"))
        assert isinstance(content, TextContent)
        return content.text

    def test_they_go_in_order_and_none_is_sent_again_because_another_failed(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], cipher: Cipher, clock: FakeClock
    ):
        first = put(text(self.LONG), subject="case:1", holdable=True)
        outcomes = iter(
            [Receipt("1"), TemporarySendError(code="-1"), OutcomeUnknownError(code="x"), *[Receipt("2")] * 9]
        )
        tries, arrived = [], []
        while items := claim():
            (item,) = items
            outcome = next(outcomes)
            settle_as(item, outcome)
            tries.append(item.delivery.id)
            assert (item.delivery.subject, item.delivery.holdable) == ("case:1", True)
            if isinstance(outcome, Receipt):
                arrived.append(self.words(item, cipher))
            else:
                assert claim() == []
                clock.advance(timedelta(minutes=1))
        assert len(arrived) > 2
        assert "".join(arrived) == self.LONG
        assert all(len(part.encode()) <= BYTE_LIMIT for part in arrived)
        assert tries[0] == first
        assert len(tries) == len(arrived) + 2

    def test_what_cannot_be_sent_any_more_today_is_held_from_there_on(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], database: Database, outbox: Outbox
    ):
        """What arrived before the platform's window closed does not come again when the student writes."""
        put(text(self.LONG), holdable=True)
        settle_as(claim()[0], Receipt("1"))
        while items := claim():
            settle_as(items[0], WindowClosedError(code="45047"))
        with database.write() as session:
            held = [words for _, words in outbox.held_messages(session, "o1", limit=99)]
        assert len(held) > 1
        assert self.LONG.endswith("".join(held))

    def test_a_key_speaks_for_all_of_them(self, put: Put, database: Database):
        assert put(text(self.LONG), dedup_key="k")
        assert put(text(self.LONG), dedup_key="k") is None
        with database.read() as session:
            records = session.scalars(select(DeliveryRecord)).all()
        assert len(records) == len(split_text(self.LONG))

    @pytest.mark.parametrize("words", ["好", " 两边的空白留着 ", " ", "长" * (BYTE_LIMIT // 3)])
    def test_what_fits_stays_as_it_is(self, put: Put, claim: Claim, cipher: Cipher, words: str):
        put(text(words))
        (item,) = claim()
        assert self.words(item, cipher) == words


class TestSettle:
    def test_each_try_is_on_record(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], database: Database, clock: FakeClock
    ):
        delivery = put()
        for outcome in (TemporarySendError(code="-1"), OutcomeUnknownError(code="read_timeout"), Receipt("m-9")):
            assert settle_as(claim()[0], outcome)
            clock.advance(timedelta(minutes=1))
        with database.read() as session:
            tries = session.execute(
                select(AttemptRecord.outcome, AttemptRecord.code)
                .where(AttemptRecord.delivery_id == delivery)
                .order_by(AttemptRecord.id)
            ).all()
        assert [tuple(one) for one in tries] == [("failed", "-1"), ("unknown", "read_timeout"), ("sent", "")]
        got = record(database, delivery)
        assert (got.state, got.platform_id, got.doubtful, got.lease_owner) == ("sent", "m-9", True, "")

    def test_a_worker_that_was_taken_for_dead_cannot_undo_what_the_next_did(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], database: Database, clock: FakeClock
    ):
        delivery = put()
        (first,) = claim("w1")
        clock.advance(LEASE + timedelta(seconds=1))
        with database.write() as session:
            store.reclaim_lost(session, now=clock.now(), policy=RetryPolicy())
        (second,) = claim("w2")
        assert not settle_as(first, TemporarySendError(), "w1")
        assert record(database, delivery).state == "sending"
        assert settle_as(second, Receipt("m2"), "w2")
        assert record(database, delivery).state == "sent"

    def test_a_late_receipt_counts_and_the_doubt_stays(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], database: Database, clock: FakeClock
    ):
        """The platform has taken it; another worker may have sent it as well, and that must remain to be seen."""
        delivery = put()
        (first,) = claim("w1")
        clock.advance(LEASE + timedelta(seconds=1))
        with database.write() as session:
            store.reclaim_lost(session, now=clock.now(), policy=RetryPolicy())
        claim("w2")
        assert settle_as(first, Receipt("m1"), "w1")
        got = record(database, delivery)
        assert (got.state, got.doubtful) == ("sent", True)
        with database.read() as session:
            assert [one.id for one in store.list_doubtful(session, limit=10)] == [delivery]


class TestReclaim:
    def test_only_those_whose_lease_ran_out(self, put: Put, claim: Claim, database: Database, clock: FakeClock):
        lost = put()
        claim("w1")
        clock.advance(timedelta(seconds=30))
        alive = put()
        claim("w2")
        clock.advance(timedelta(seconds=31))
        with database.write() as session:
            assert store.has_lost(session, clock.now())
            assert [one.id for one in store.reclaim_lost(session, now=clock.now(), policy=RetryPolicy())] == [lost]
            assert not store.has_lost(session, clock.now())
        got = record(database, lost)
        assert (got.state, got.doubtful, got.code, got.lease_owner) == ("pending", True, "worker_lost", "")
        assert record(database, alive).state == "sending"

    def test_two_reapers_at_once_count_each_once(self, put: Put, claim: Claim, database: Database, clock: FakeClock):
        for _ in range(20):
            put()
        claim("w1")
        clock.advance(LEASE + timedelta(seconds=1))

        def reap(_: int) -> int:
            with database.write() as session:
                return len(store.reclaim_lost(session, now=clock.now(), policy=RetryPolicy()))

        assert sum(run_together(3, reap)) == 20
        with database.read() as session:
            assert len(session.scalars(select(AttemptRecord.id)).all()) == 20

    def test_what_its_workers_always_die_of_fails_after_the_last_try(
        self, put: Put, claim: Claim, database: Database, clock: FakeClock
    ):
        """Somebody sees it in the list; an alert is tried on."""
        poison, alert = put(), put(priority=Priority.SAFETY)
        for _ in range(4):
            claim()
            clock.advance(LEASE + timedelta(seconds=1))
            with database.write() as session:
                store.reclaim_lost(session, now=clock.now(), policy=RetryPolicy(attempts=3))
        got = record(database, poison)
        assert (got.state, got.code, got.attempts, got.doubtful) == ("failed", "worker_lost", 3, True)
        assert got.settled_at is not None
        with database.read() as session:
            assert [one.id for one in store.list_open(session, [DeliveryState.FAILED], limit=9)] == [poison]
        got = record(database, alert)
        assert (got.state, got.attempts) == ("pending", 4)


class TestHeld:
    def test_held_is_not_sent_until_it_is_released(self, put: Put, claim: Claim, database: Database, outbox: Outbox):
        delivery = put(held=True)
        assert claim() == []
        with database.write() as session:
            outbox.release(session, delivery)  # type: ignore[arg-type]
        assert ids(claim()) == [delivery]

    def test_the_oldest_and_most_urgent_come_first_with_their_words(
        self, put: Put, database: Database, outbox: Outbox, clock: FakeClock
    ):
        for words, priority in (
            ("三", Priority.ORDINARY),
            ("一", Priority.NOTICE),
            ("四", Priority.ORDINARY),
            ("二", Priority.NOTICE),
        ):
            put(text(words), priority=priority, held=True)
            clock.advance(timedelta(seconds=1))
        put(text("别人的", to="o2"), held=True)
        put(text("不等的"))
        with database.write() as session:
            assert [words for _, words in outbox.held_messages(session, "o1", limit=3)] == ["一", "二", "三"]
            assert outbox.held_for(["o1", "o2", "o3"]).ask(session) == {"o1": 4, "o2": 1}
            assert outbox.held_for([]).ask(session) == {}

    def test_given_with_an_answer_it_is_delivered(
        self, put: Put, claim: Claim, database: Database, outbox: Outbox, clock: FakeClock
    ):
        delivery = put(held=True)
        with database.write() as session:
            outbox.mark_delivered(session, delivery)  # type: ignore[arg-type]
        got = record(database, delivery)
        assert (got.state, got.settled_at) == ("delivered", clock.now())
        assert claim() == []

    def test_too_late_is_neither_counted_nor_given(
        self, put: Put, database: Database, outbox: Outbox, clock: FakeClock
    ):
        """A line that says 2 unread above one message would be a riddle."""
        late = put(text("旧的"), held=True, expires_at=clock.now() + timedelta(days=14))
        clock.advance(timedelta(days=14))
        put(text("新的"), held=True, expires_at=clock.now() + timedelta(days=14))
        with database.write() as session:
            assert outbox.held_for(["o1"]).ask(session) == {"o1": 1}
            assert [words for _, words in outbox.held_messages(session, "o1", limit=3)] == ["新的"]
        assert record(database, late).state == "expired"

    def test_release_moves_only_what_is_held(
        self, put: Put, claim: Claim, database: Database, outbox: Outbox, settle_as: Callable[..., bool]
    ):
        delivery = put()
        settle_as(claim()[0], Receipt("m"))
        with database.write() as session:
            outbox.release(session, delivery)  # type: ignore[arg-type]
        assert record(database, delivery).state == "sent"

    def test_what_is_waiting_to_be_sent_is_counted(
        self, put: Put, claim: Claim, database: Database, outbox: Outbox, clock: FakeClock
    ):
        """A budget must count what is on its way, at night too."""
        put(text())
        put(text(), not_before=clock.now() + timedelta(hours=9))
        put(text(), held=True)
        put(text(to="o2"))
        put(text(to="o3", channel=Source.WECOM))
        claim(limit=1)
        with database.read() as session:
            assert outbox.waiting_counts(session, Source.WECHAT, ["o1", "o2", "o3"]) == {"o1": 2, "o2": 1}


class TestCancel:
    def test_what_has_not_begun_is_not_sent(self, put: Put, claim: Claim, database: Database, outbox: Outbox):
        first = put(subject="alert:1")
        claim()
        waiting = [put(subject="alert:1"), put(subject="alert:1", held=True)]
        other = put(subject="alert:11")
        with database.write() as session:
            assert outbox.cancel(session, "alert:1") == 2
        assert record(database, first).state == "sending"
        assert {record(database, one).state for one in waiting} == {"cancelled"}
        assert ids(claim()) == [other]

    def test_of_several_to_one_person_the_newest_stays(
        self, put: Put, claim: Claim, database: Database, outbox: Outbox, clock: FakeClock
    ):
        """What is being sent right now goes on, and other people, ways and subjects are left alone."""
        begun = put(text(to="wangl", channel=Source.WECOM), subject="alert:1")
        claim()
        old = put(text(to="wangl", channel=Source.WECOM), subject="alert:1")
        others = [
            put(text(to="zhangl", channel=Source.WECOM), subject="alert:1"),
            put(text(to="wangl", channel=Source.ROBOT), subject="alert:1"),
            put(text(to="wangl", channel=Source.WECOM), subject="alert:11"),
        ]
        clock.advance(timedelta(minutes=5))
        newest = put(text(to="wangl", channel=Source.WECOM), subject="alert:1")
        with database.write() as session:
            assert outbox.cancel_outdated(session, "alert:1", Source.WECOM, "wangl") == 1
            assert outbox.cancel_outdated(session, "alert:9", Source.WECOM, "wangl") == 0
        got = record(database, old)
        assert (got.state, got.settled_at) == ("cancelled", clock.now())
        assert record(database, begun).state == "sending"
        assert {record(database, one).state for one in [newest, *others]} == {"pending"}

    def test_one_that_was_sent_outdates_too_and_one_that_failed_does_not(
        self, put: Put, claim: Claim, settle_as: Callable[..., bool], database: Database, outbox: Outbox
    ):
        for outcome, cancelled in ((PermanentSendError(code="60111"), 0), (Receipt("m"), 1)):
            old = put(text(to="wangl"), subject="alert:1", priority=Priority.SAFETY)
            put(text(to="wangl"), subject="alert:1", priority=Priority.SAFETY)
            older, newer = claim()
            settle_as(newer, outcome)
            settle_as(older, TemporarySendError(code="-1"))
            with database.write() as session:
                assert outbox.cancel_outdated(session, "alert:1", Source.WECHAT, "wangl") == cancelled
            with database.write() as session:
                assert record(database, old).state == ("cancelled" if cancelled else "pending")
                outbox.cancel(session, "alert:1")


class TestForPeople:
    def test_lists(
        self,
        put: Put,
        claim: Claim,
        database: Database,
        settle_as: Callable[..., bool],
        clock: FakeClock,
        chance: Chance,
    ):

        first = put()
        clock.advance(timedelta(seconds=1))
        second = put()
        for item in claim():
            settle_as(item, PermanentSendError(code="40003"))
        with database.read() as session:
            failed = store.list_open(session, [DeliveryState.FAILED], limit=10)
        assert [one.id for one in failed] == [second, first]
        assert {one.code for one in failed} == {"40003"}
        with database.write() as session:
            assert store.retry_failed(session, first or "", now=clock.now())
            assert not store.retry_failed(session, first or "", now=clock.now())
            assert not store.retry_failed(session, chance.new_id(), now=clock.now())
        (again,) = claim()
        assert (again.delivery.id, again.delivery.attempts) == (first, 1)


class TestManyWait:
    """A claim must not read all that waits: it holds the write lock, and alerts wait for that too."""

    def test_a_claim_finds_its_rows_and_their_order_in_indexes(
        self, database: Database, clock: FakeClock, put: Put, claim: Claim
    ):
        """PostgreSQL reads a table as small as this one as a whole, if it may."""
        put(priority=Priority.ORDINARY)
        seen: list[tuple[str, Any]] = []
        event.listen(
            database.engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, values, *_: seen.append((statement, values)),
        )
        assert len(claim(lane=ORDINARY_LANE, limit=8)) == 1
        claiming = [one for one in seen if one[0].startswith("SELECT") and "not_before" in one[0]]
        assert len(claiming) == len(ORDINARY_LANE)
        explain, sorts = ("EXPLAIN QUERY PLAN", "TEMP B-TREE") if database.is_sqlite else ("EXPLAIN", "Sort")
        with database.read() as session:
            ask = session.connection().exec_driver_sql
            for way in () if database.is_sqlite else ("seqscan", "bitmapscan"):
                ask(f"SET LOCAL enable_{way} = off")
            for statement, values in claiming:
                plan = "\n".join(str(row[-1]) for row in ask(f"{explain} {statement}", values))
                assert "ix_deliveries_due" in plan
                assert "ix_deliveries_recipient" in plan
                assert sorts not in plan
