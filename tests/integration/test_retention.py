"""The promise of the greeting, on both databases: words are kept so long and then gone, wherever they were."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from bot.cases.records import CaseMessageRecord, CaseRecord
from bot.channel.channel import Receipt
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, FakeClock
from bot.conversation.records import InboundRecord, SeenSignatureRecord
from bot.conversation.store import accepted_among, save_inbound
from bot.crypto import Cipher
from bot.db import Base, Database
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.outbox import store
from bot.outbox.outbox import Outbox
from bot.outbox.records import AttemptRecord, DeliveryRecord
from bot.outbox.state import Priority, RetryPolicy, settle
from bot.retention import AlertRetentionTicker, RetentionTicker

KEPT = timedelta(days=180)
HOUR = timedelta(hours=1)


@pytest.fixture
def ticker(database: Database, clock: FakeClock) -> RetentionTicker:
    return RetentionTicker(database, clock, words_for=KEPT)


@pytest.fixture
def count(database: Database) -> Callable[[type[Base]], int]:
    """How many rows a table has."""

    def _count(kind: type[Base]) -> int:
        with database.read() as session:
            return session.scalar(select(func.count()).select_from(kind)) or 0

    return _count


Count = Callable[[type[Base]], int]


@pytest.fixture
def hear(database: Database, chance: Chance, cipher: Cipher) -> Callable[..., None]:
    """Stores messages that came in at a moment."""

    def _hear(at: datetime, number: int = 1) -> None:
        ids = [chance.new_id() for _ in range(number)]
        with database.write() as session:
            save_inbound(
                session,
                [
                    {
                        "id": one,
                        "dedup_key": one,
                        "source": "wechat",
                        "contact": "o1",
                        "kind": "text",
                        "event": "",
                        "words": cipher.seal("档案怎么转", row=one),
                        "reply": cipher.seal("好", row=one),
                        "answered_by": "faq",
                        "topic": "",
                        "level": "none",
                        "received_at": at,
                    }
                    for one in ids
                ],
            )

    return _hear


def test_words_go_when_their_time_is_over_and_not_before(
    ticker: RetentionTicker, hear: Callable[..., None], count: Count, clock: FakeClock
):
    hear(clock.now())
    clock.advance(KEPT)
    assert ticker.tick().done == 0
    assert count(InboundRecord) == 1
    clock.advance(timedelta(seconds=1))
    assert ticker.tick().done == 1
    assert count(InboundRecord) == 0


def test_newer_ones_stay(ticker: RetentionTicker, hear: Callable[..., None], count: Count, clock: FakeClock):
    hear(clock.now() - KEPT - HOUR, 3)
    hear(clock.now() - KEPT + HOUR, 2)
    ticker.tick()
    assert count(InboundRecord) == 2


def test_a_great_many_go_in_several_ticks(
    ticker: RetentionTicker, hear: Callable[..., None], count: Count, clock: FakeClock
):
    """No transaction so long that a callback waits for it."""
    hear(clock.now() - KEPT - HOUR, 1100)
    reports = [ticker.tick() for _ in range(3)]
    assert [report.more for report in reports] == [True, True, False]
    assert count(InboundRecord) == 0


def test_signatures_go_after_an_hour(ticker: RetentionTicker, database: Database, count: Count, clock: FakeClock):
    """Longer than any timestamp that the callback still accepts."""
    with database.write() as session:
        accepted_among(["old"], clock.now() - HOUR - timedelta(seconds=1)).ask(session)
        accepted_among(["new"], clock.now() - HOUR + timedelta(seconds=1)).ask(session)
    ticker.tick()
    with database.read() as session:
        assert session.scalars(select(SeenSignatureRecord.signature_key)).all() == ["new"]


def test_deliveries_go_with_their_attempts_when_they_were_settled_so_long_ago(
    ticker: RetentionTicker, database: Database, outbox: Outbox, count: Count, clock: FakeClock
):
    """What is still open stays, however old it is."""
    with database.write() as session:
        for number in range(2):
            outbox.enqueue(
                session, OutboundMessage(Source.WECOM, f"u{number}", TextContent("好")), priority=Priority.SAFETY
            )
    with database.write() as session:
        now = clock.now()
        (item,) = store.claim(session, owner="w", priorities=Priority, limit=1, now=now, lease_until=now + HOUR)
        sent = settle(item.delivery, Receipt("m"), now=now, policy=RetryPolicy(), jitter=0)
        store.store_settled(session, [(sent, Receipt("m"))], owner="w", now=now)
    clock.advance(KEPT + HOUR)
    ticker.tick()
    assert (count(DeliveryRecord), count(AttemptRecord)) == (1, 0)
    with database.read() as session:
        assert session.scalars(select(DeliveryRecord.state)).all() == ["pending"]


def test_a_held_message_that_was_never_fetched_goes_too(
    ticker: RetentionTicker, database: Database, outbox: Outbox, count: Count, clock: FakeClock
):
    """A student who never writes again would keep it for ever."""
    with database.write() as session:
        for expires in (clock.now() + HOUR, None):
            outbox.enqueue(
                session,
                OutboundMessage(Source.WECHAT, "o1", TextContent("好")),
                priority=Priority.ORDINARY,
                held=True,
                expires_at=expires,
            )
    clock.advance(KEPT)
    ticker.tick()
    assert count(DeliveryRecord) == 2
    clock.advance(2 * HOUR)
    ticker.tick()
    assert count(DeliveryRecord) == 1


def test_the_words_of_a_case_go_too_and_the_case_stays(
    ticker: RetentionTicker, database: Database, cipher: Cipher, count: Count, clock: FakeClock, chance: Chance
):
    with database.write() as session:
        case = CaseRecord(contact="o1", state="open", opened_at=clock.now(), reply_by=clock.now())
        session.add(case)
        session.flush()
        for at in (clock.now() - KEPT - HOUR, clock.now()):
            one = chance.new_id()
            session.add(CaseMessageRecord(id=one, case_id=case.id, author="o1", words=cipher.seal("x", row=one), at=at))
    ticker.tick()
    assert (count(CaseMessageRecord), count(CaseRecord)) == (1, 1)


def test_alerts_stay_without_words(ticker: RetentionTicker, database: Database, count: Count, clock: FakeClock):
    """Their story is the school's duty to keep; the words in it are not."""
    with database.write() as session:
        session.add(
            AlertRecord(
                contact="o1",
                about="self",
                level="red",
                state="resolved",
                signals=[],
                first_inbound_id="gone",
                last_inbound_id="gone",
                triggered_at=clock.now(),
                last_message_at=clock.now(),
                next_notice_at=None,
            )
        )
    clock.advance(KEPT * 2)
    ticker.tick()
    assert count(AlertRecord) == 1


def test_nothing_old_is_nothing_done(ticker: RetentionTicker):
    assert ticker.tick().done == 0


YEARS = timedelta(days=1095)
CONTACT, MESSAGE = "oStudent1", "01hz0000000000000000000001"


@pytest.fixture
def alert(database: Database, clock: FakeClock) -> Callable[..., int]:
    """An alert that was closed at a moment, or is open."""

    def _alert(resolved_at: datetime | None, contact: str = CONTACT) -> int:
        with database.write() as session:
            record = AlertRecord(
                contact=contact,
                about="self",
                level="red",
                state="resolved" if resolved_at else "acknowledged",
                signals=[{"rule": "farewell", "level": "red"}],
                first_inbound_id=MESSAGE,
                last_inbound_id=MESSAGE,
                triggered_at=clock.now(),
                last_message_at=clock.now(),
                next_notice_at=None,
                resolved_at=resolved_at,
            )
            session.add(record)
            session.flush()
            return record.id

    return _alert


def owners(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        rows = session.execute(select(AlertRecord.contact, AlertRecord.last_inbound_id).order_by(AlertRecord.id))
        return [(contact, message) for contact, message in rows]


def test_a_closed_alert_forgets_in_time_whose_it_was_and_counts_on(
    alert: Callable[..., int], database: Database, count: Count, clock: FakeClock
):
    """To the second; what happened to it stays for the figures."""
    ticker = AlertRetentionTicker(database, clock, kept_for=YEARS, words_for=KEPT)
    number = alert(clock.now())
    with database.write() as session:
        session.add(AlertLogRecord(alert_id=number, at=clock.now(), event="resolved", detail={"code": "handled"}))
    clock.advance(YEARS)
    assert ticker.tick().done == 0
    clock.advance(timedelta(seconds=1))
    assert ticker.tick().done == 1
    assert owners(database) == [("", "")]
    assert ticker.tick().done == 0
    with database.read() as session:
        kept = session.get_one(AlertRecord, number)
        assert (kept.level, kept.state, kept.signals) == ("red", "resolved", [{"rule": "farewell", "level": "red"}])
    assert count(AlertLogRecord) == 1


def test_an_open_alert_never_forgets(alert: Callable[..., int], database: Database, clock: FakeClock):
    alert(None)
    clock.advance(YEARS * 10)
    AlertRetentionTicker(database, clock, kept_for=YEARS, words_for=KEPT).tick()
    assert owners(database) == [(CONTACT, MESSAGE)]


def test_what_was_merged_into_an_open_alert_is_needed_as_long(
    alert: Callable[..., int], database: Database, clock: FakeClock
):
    merged, into = alert(clock.now()), alert(None, "oStudent2")
    with database.write() as session:
        session.get_one(AlertRecord, merged).merged_into = into
    clock.advance(YEARS * 2)
    ticker = AlertRetentionTicker(database, clock, kept_for=YEARS, words_for=KEPT)
    assert ticker.tick().done == 0
    with database.write() as session:
        record = session.get_one(AlertRecord, into)
        record.state, record.resolved_at = "resolved", clock.now()
    assert ticker.tick().done == 1


@pytest.mark.parametrize(("kept_for", "left"), [(timedelta(), CONTACT), (timedelta(days=1), "")])
def test_zero_keeps_for_ever_and_nothing_is_forgotten_before_the_words_are_gone(
    alert: Callable[..., int], database: Database, clock: FakeClock, kept_for: timedelta, left: str
):
    ticker = AlertRetentionTicker(database, clock, kept_for=kept_for, words_for=KEPT)
    alert(clock.now())
    clock.advance(KEPT - HOUR)
    ticker.tick()
    assert owners(database)[0][0] == CONTACT
    clock.advance(2 * HOUR)
    ticker.tick()
    assert owners(database)[0][0] == left


def test_a_great_many_alerts_are_forgotten_in_several_ticks(
    alert: Callable[..., int], database: Database, clock: FakeClock
):
    """Several of one student among them: only open alerts are one for each."""
    ticker = AlertRetentionTicker(database, clock, kept_for=YEARS, words_for=KEPT)
    with database.write() as session:
        first = session.get_one(AlertRecord, alert(clock.now()))
        values = {column.key: getattr(first, column.key) for column in AlertRecord.__table__.columns}
        session.execute(insert(AlertRecord), [values | {"id": first.id + extra} for extra in range(1, 510)])
    clock.advance(YEARS + HOUR)
    assert [(report.done, report.more) for report in (ticker.tick(), ticker.tick())] == [(500, True), (10, False)]
