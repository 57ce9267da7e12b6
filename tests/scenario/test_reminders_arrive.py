"""Reminders: at their hour, not in quiet hours, to those who may be written to, held for the others."""

from collections.abc import Callable
from datetime import datetime, timedelta

from support.world import ZONE, World

from bot.reminders.series import Weekly


def next_weekly(world: World) -> tuple[str, str, datetime]:
    """Key, topic and time of the weekly series that is due next."""
    service = world.application.reminders
    due = [
        (service.schedule.following(one, world.clock.now()), one.key, one.topic)
        for one in service.series
        if isinstance(one.rules[0], Weekly)
    ]
    at, key, topic = min(due)
    return key, topic, at


def test_a_reminder_goes_at_its_hour_to_who_wrote_lately_and_is_held_for_who_did_not(world: World) -> None:
    silent, talking = world.student("李同学"), world.student("王同学")
    key, _, at = next_weekly(world)
    world.clock.advance(at - world.clock.now() - timedelta(minutes=30))
    talking.writes("档案怎么转")
    talking.expects("接收单位")
    world.tick()
    world.advance(minutes=29)
    assert talking.unread() == []
    world.advance(minutes=2)
    reminder = talking.expects()
    series = next(one for one in world.application.reminders.series if one.key == key)
    assert reminder in series.texts
    assert silent.unread() == []

    world.advance(hours=1, step=timedelta(minutes=10))
    silent.writes("户口要迁走吗")
    silent.expects("户口", "您有 1 条未读提醒", reminder[:10])
    silent.writes("档案怎么转")
    assert "未读提醒" not in silent.expects("接收单位")
    world.no_other_messages()


def test_who_unsubscribed_gets_none_and_subscribing_brings_them_back(world: World) -> None:
    key, topic, at = next_weekly(world)
    student = world.student("李同学")
    world.clock.advance(at - world.clock.now() - timedelta(minutes=5))
    student.writes(f"退订 {topic}")
    student.expects("不再给你发", topic)
    world.advance(minutes=10)
    assert student.unread() == []
    student.writes("退订 天气")
    student.expects("没有“天气”")
    student.writes(f"订阅 {topic}")
    student.expects("已恢复")
    world.application.reminders.run_now(key)
    world.tick()
    student.expects()
    world.no_other_messages()


def test_a_reminder_run_at_night_waits_for_the_end_of_quiet_hours(world: World) -> None:
    world.clock.advance(datetime(2027, 6, 8, 23, 30, tzinfo=ZONE) - world.clock.now())
    student = world.student("李同学")
    student.writes("档案怎么转")
    student.expects("接收单位")
    key = world.application.reminders.series[0].key
    world.application.reminders.run_now(key)
    world.advance(step=timedelta(minutes=30), hours=8)
    assert student.unread() == []
    world.advance(step=timedelta(minutes=10), minutes=40)
    student.expects()


def test_somebody_in_pain_gets_no_reminder(world: World) -> None:
    student = world.student("李同学")
    student.writes("东西都送人了，今晚天台见")
    student.expects("120")
    world.application.reminders.run_now(world.application.reminders.series[0].key)
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1")
    world.no_other_messages()


def test_a_planned_time_is_sent_once_however_often_the_clock_is_asked(build_world: Callable[..., World]) -> None:
    world = build_world()
    _, _, at = next_weekly(world)
    student = world.student("李同学")
    world.clock.advance(at - world.clock.now() - timedelta(minutes=1))
    student.writes("档案怎么转")
    student.expects("接收单位")
    for _ in range(20):
        world.advance(seconds=30)
    student.expects()
    world.no_other_messages()
