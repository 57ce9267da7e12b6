"""The outbox for many at once: one statement, what waits can be taken back, and a channel that rests is left alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import FakeClock
from bot.db import Database
from bot.outbox import store
from bot.outbox.outbox import Letter, Outbox
from bot.outbox.records import ChannelRestRecord, DeliveryRecord
from bot.outbox.state import Priority


def letter(number: int, *, held: bool = False, channel: Source = Source.WECHAT) -> Letter:
    message = OutboundMessage(channel, f"o{number}", TextContent(f"第{number}条"))
    return Letter(message, Priority.ORDINARY, subject="campaign:1", dedup_key=f"k{number}", held=held)


def states(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        query = select(DeliveryRecord.recipient, DeliveryRecord.state).order_by(DeliveryRecord.id)
        return [(row[0], row[1]) for row in session.execute(query)]


def test_many_are_enqueued_as_one_would_be(database: Database, outbox: Outbox) -> None:
    """In their order, each with its own words and key; none at all does nothing."""
    with database.write() as session:
        assert outbox.enqueue_all(session, []) == []
        ids = outbox.enqueue_all(session, [letter(1), letter(2, held=True), letter(3)])
    assert ids == sorted(ids)
    assert states(database) == [("o1", "pending"), ("o2", "held"), ("o3", "pending")]
    with database.write() as session:
        record = session.get_one(DeliveryRecord, ids[1])
        assert outbox.text_of(record.id, record.content) == "第2条"
        assert record.holdable


def test_a_key_that_is_there_spoils_the_whole_transaction(database: Database, outbox: Outbox) -> None:
    with database.write() as session:
        outbox.enqueue_all(session, [letter(1)])
    with pytest.raises(IntegrityError), database.write() as session:
        outbox.enqueue_all(session, [letter(2), letter(1)])
    assert states(database) == [("o1", "pending")]


def test_what_waits_can_be_withdrawn_by_channel_and_what_is_held_stays(database: Database, outbox: Outbox) -> None:
    with database.write() as session:
        outbox.enqueue_all(session, [letter(1), letter(2, held=True), letter(3, channel=Source.TEMPLATE), letter(4)])
        assert outbox.withdraw(session, "campaign:1", Source.TEMPLATE) == 1
        assert outbox.withdraw(session, "campaign:2") == 0
        assert outbox.withdraw(session, "campaign:1") == 2
    assert states(database) == [("o1", "cancelled"), ("o2", "held"), ("o3", "cancelled"), ("o4", "cancelled")]


@pytest.mark.parametrize("minutes", [10, None])
def test_a_resting_channel_is_left_alone_but_for_alerts(
    database: Database, outbox: Outbox, clock: FakeClock, minutes: int | None
) -> None:
    """Until its time, or until somebody wakes it; what goes by other channels is not held up."""
    now = clock.now()
    with database.write() as session:
        until = now + timedelta(minutes=minutes) if minutes else None
        session.add(ChannelRestRecord(channel="wechat", since=now, until=until, code="45009"))
        outbox.enqueue_all(session, [letter(1), letter(2, channel=Source.TEMPLATE)])
        outbox.enqueue(
            session, OutboundMessage(Source.WECHAT, "o3", TextContent("急")), priority=Priority.SAFETY, dedup_key="k3"
        )

    def claimed() -> set[str]:
        with database.write() as session:
            found = store.claim(
                session, owner="w", priorities=list(Priority), limit=9, now=clock.now(), lease_until=clock.now()
            )
            return {one.delivery.recipient for one in found}

    assert claimed() == {"o2", "o3"}
    with database.read() as session:
        assert not store.has_due(session, [Priority.ORDINARY], clock.now())
    clock.advance(timedelta(minutes=11))
    assert claimed() == ({"o1"} if minutes else set())
