"""An exercise goes the real way, says everywhere that it is one, touches no student, and is measured."""

from datetime import datetime, timedelta

import requests
from sqlalchemy import select
from support.world import ZONE, World

from bot.escalation.drills import Summary, Took, summarise
from bot.escalation.records import AlertRecord
from bot.students.records import ContactRecord

SPORTS = "体育教育学院"
MINUTE = timedelta(minutes=1)


def run(world: World, college: str = SPORTS) -> int:
    with world.application.database.write() as session:
        return world.application.drills.start(session, college)


def report(world: World) -> list[Summary]:
    since = world.clock.now() - timedelta(days=1)
    with world.application.database.read() as session:
        return summarise(world.application.drills.report(session, since=since))


def test_a_drill_rings_is_taken_and_measured(world: World) -> None:
    assert run(world) == 1
    world.tick()
    wang = world.phone("王老师").expects(card="【演练】")
    assert "没有学生有危险" in wang.card.text
    world.phone("刘老师").expects(card="【演练】")
    world.clock.advance(timedelta(seconds=80))
    wang.presses("我来处理")
    world.advance(hours=2, step=10 * MINUTE)
    took = timedelta(seconds=80)
    assert report(world) == [Summary(SPORTS, 1, 1, took, took, took)]
    with world.application.database.read() as session:
        alert = session.get_one(AlertRecord, 1)
        assert (alert.state, alert.closing_code, alert.about) == ("resolved", "drill", "drill")
        assert session.scalars(select(ContactRecord).where(ContactRecord.source == "wechat")).all() == []
    world.no_other_messages()


def test_a_drill_that_nobody_takes_says_so_every_time_and_ends_by_itself(world: World) -> None:
    run(world)
    world.advance(minutes=31)
    for name in ("王老师", "刘老师"):
        cards = world.phone(name).unread()
        assert len(cards) >= 2
        assert all("【演练】" in card.title and "没有学生有危险" in card.text for card in cards)
        world.phone(name).read += len(cards)
    world.advance(hours=1, step=10 * MINUTE)
    world.no_other_messages()
    assert report(world) == [Summary(SPORTS, 1, 0, None, None, None)]


def test_a_drill_is_no_red_alert_in_the_figures(world: World) -> None:
    run(world)
    world.tick()
    world.clock.advance(timedelta(seconds=30))
    text = requests.get(f"{world.bot_url}/metrics", timeout=5).text
    assert "lixiao_oldest_unacknowledged_red_seconds 0.0" in text


def test_a_drill_has_its_college_and_nothing_else_has(world: World) -> None:
    run(world)
    with world.application.database.read() as session:
        contact = session.get_one(AlertRecord, 1).contact
        drills = world.application.drills
        assert drills.college_of(session, contact) == SPORTS
        assert [drills.college_of(session, other) for other in ("openid-li", "drill:9:x", "drill:")] == ["", "", ""]


def test_each_college_is_measured_apart() -> None:
    at = datetime(2027, 6, 8, tzinfo=ZONE)
    drills = [Took("甲", at, 1 * MINUTE), Took("乙", at, None), Took("甲", at, 5 * MINUTE), Took("甲", at, 2 * MINUTE)]
    assert summarise(drills) == [
        Summary("乙", 1, 0, None, None, None),
        Summary("甲", 3, 3, 1 * MINUTE, 2 * MINUTE, 5 * MINUTE),
    ]
