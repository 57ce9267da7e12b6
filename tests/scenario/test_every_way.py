"""WeCom is down, the robot is down, the mail server is down: the next way rings, over real HTTP and real SMTP."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from support.relays import Gateway, Mailbox, http_gateway, mail_server
from support.world import World

from bot.escalation.records import AlertLogRecord
from bot.outbox.records import DeliveryRecord
from bot.staff.models import Role, Staff

GOODBYE = "东西都送人了，今晚天台见"
WANG = Staff("T1", "王老师", Role.COUNSELOR, wecom_userid="wang", email="wang@example.edu", phone="13800001234")
LIU = Staff("T2", "刘老师", Role.COUNSELOR, wecom_userid="liu")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with http_gateway() as made:
        yield made


@pytest.fixture
def world(build_world: Callable[..., World], mailbox: Mailbox, gateway: Gateway) -> World:
    """A school with every way."""
    made = build_world(
        email={"host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": "lixiao@example.edu"},
        sms={"url": f"{gateway.url}/send", "body": '{"to":"{phone}","text":"{text}"}'},
    )
    with made.application.database.write() as session:
        made.application.directory.replace_all(session, [WANG, LIU])
    return made


def worry(world: World) -> None:
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")


def minutes_pass(world: World, minutes: float = 2) -> None:
    world.advance(step=timedelta(seconds=10), minutes=minutes)


def log_of(world: World, event: str) -> list[tuple[str, str]]:
    with world.application.database.read() as session:
        query = select(AlertLogRecord).where(AlertLogRecord.event == event).order_by(AlertLogRecord.id)
        return [(record.actor, str(record.detail.get("reason", ""))) for record in session.scalars(query)]


def no_card(world: World) -> None:
    world.simulator.faults.add("wecom", "message/send", http_status=502, times=None)


def no_robot(world: World) -> None:
    world.simulator.faults.add("wecom", "webhook/send", http_status=502, times=None)


def test_as_long_as_cards_arrive_no_other_way_is_used(world: World, mailbox: Mailbox, gateway: Gateway) -> None:
    worry(world)
    minutes_pass(world)
    world.phone("王老师").expects(card="红色 A1")
    world.phone("刘老师").expects(card="红色 A1")
    assert (mailbox.mails, gateway.calls, world.phone("群").unread()) == ([], [], [])


def test_no_card_arrives_so_the_group_reads_it(world: World, mailbox: Mailbox) -> None:
    no_card(world)
    worry(world)
    minutes_pass(world)
    world.phone("群").expects(text="红色 A1")
    assert mailbox.mails == []


def test_neither_card_nor_robot_so_there_is_mail_once(world: World, mailbox: Mailbox, gateway: Gateway) -> None:
    no_card(world)
    no_robot(world)
    worry(world)
    minutes_pass(world)
    assert mailbox.recipients == ["wang@example.edu"]
    (mail,) = mailbox.mails
    assert GOODBYE in mail.get_content()
    assert "我来处理：http" in mail.get_content()
    assert gateway.calls == []
    assert [reason for actor, reason in log_of(world, "notified") if actor == "T1"][1:] in (
        ["robot_failed"],
        ["wecom_failed"],
    )
    assert log_of(world, "nobody_reachable"), "Liu has no other way, and that is an alarm"


def test_even_the_mail_fails_so_the_phone_rings_without_the_students_words(
    world: World, mailbox: Mailbox, gateway: Gateway
) -> None:
    no_card(world)
    no_robot(world)
    mailbox.answers["RCPT"] = "550 no such mailbox"
    worry(world)
    minutes_pass(world)
    (call,) = gateway.calls
    assert call.json["to"] == "13800001234"
    assert "A1" in call.json["text"]
    assert GOODBYE[:4] not in call.body.decode()


def test_when_the_last_way_fails_it_is_an_alarm(world: World, mailbox: Mailbox, gateway: Gateway) -> None:
    no_card(world)
    no_robot(world)
    mailbox.answers["RCPT"] = "550 no such mailbox"
    gateway.says(401, {})
    worry(world)
    minutes_pass(world)
    assert ("", "sms_failed") in log_of(world, "nobody_reachable")


def test_a_member_whom_wecom_does_not_reach_and_a_dead_group(world: World, mailbox: Mailbox) -> None:
    """The others have their cards; for this one the robot stands in, and when it cannot, the mail."""
    del world.simulator.members["wang"]
    no_robot(world)
    worry(world)
    minutes_pass(world)
    world.phone("刘老师").expects(card="红色 A1")
    assert mailbox.recipients == ["wang@example.edu"]


def test_what_was_taken_meanwhile_is_not_mailed(world: World, mailbox: Mailbox) -> None:
    no_robot(world)
    mailbox.answers["RCPT"] = "450 later"
    del world.simulator.members["wang"]
    worry(world)
    world.advance(step=timedelta(seconds=5), seconds=30)
    world.phone("刘老师").expects(card="红色 A1").presses("我来处理")
    mailbox.answers.clear()
    minutes_pass(world)
    assert mailbox.mails == []


def test_the_words_of_a_student_who_goes_on_take_the_same_ways(world: World, mailbox: Mailbox) -> None:
    worry(world)
    world.tick()
    world.phone("王老师").expects(card="红色 A1").presses("我来处理")
    world.tick()
    no_card(world)
    no_robot(world)
    world.student("李同学").writes("我在三号楼楼顶")
    minutes_pass(world)
    assert any("三号楼" in mail.get_content() for mail in mailbox.mails)


def test_no_address_stands_in_the_outbox(world: World, mailbox: Mailbox, gateway: Gateway) -> None:
    """Numbers of staff, never their phones or mail addresses."""
    no_card(world)
    no_robot(world)
    mailbox.answers["RCPT"] = "550 no such mailbox"
    worry(world)
    minutes_pass(world)
    assert gateway.calls
    with world.application.database.read() as session:
        recipients = set(session.scalars(select(DeliveryRecord.recipient)))
    assert not [one for one in recipients if "@" in one or "1380000" in one]
