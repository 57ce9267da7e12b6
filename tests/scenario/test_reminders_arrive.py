"""Reminders: at their hour, not in quiet hours, to those who may be written to, held for the others."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from support.world import ZONE, World

from bot.cli import register_commands
from bot.reminders.series import Weekly
from bot.students.contacts import find_contacts
from bot.students.subscriptions import remaining_subscriptions


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


TEMPLATE = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc"


def test_what_comes_what_was_unsubscribed_and_how_to_change_it(build_world: Callable[..., World]) -> None:
    world = build_world(reminders={"subscribe_url": "https://school.example/subscribe"})
    student = world.student("李同学")
    student.clicks("subscribe")
    student.expects("会发给你的：反诈、求职、安全", "https://school.example/subscribe", "退订 反诈")
    student.writes("退订 诈骗、找工作")
    student.expects("不再给你发反诈、求职提醒", "还会发的：安全")
    student.chat.subscribes(TEMPLATE)
    student.chat.subscribes(TEMPLATE)
    student.writes("订阅提醒")
    student.expects("你退订了的：反诈、求职", "还有 2 条没用")
    student.writes("退订")
    student.expects("别的提醒也都停了", "紧急通知还会发")
    student.writes("我的订阅")
    student.expects("现在什么提醒都不会发给你", "订阅 全部")
    with world.application.database.read() as session:
        assert find_contacts(session, "明年的新话题", [student.chat.openid]) == []
    student.writes("订阅 心理健康")
    student.expects("已恢复心理提醒", "现在会发的：心理。")
    with world.application.database.read() as session:
        assert len(find_contacts(session, "心理", [student.chat.openid])) == 1
        assert find_contacts(session, "反诈", [student.chat.openid]) == []
    student.writes("订阅 全部")
    student.expects("已恢复反诈、求职")
    with world.application.database.read() as session:
        assert remaining_subscriptions(session, student.chat.openid, TEMPLATE) == 2
    world.no_other_messages()


def test_a_tap_is_counted_once_however_often_the_platform_tells_of_it(world: World) -> None:
    """A “no” in the pop-up takes nothing back; switching the notice off does. No answer is due to any of them."""
    student = world.student("李同学")
    student.chat.subscribes(TEMPLATE)
    tapped = {"TemplateId": TEMPLATE, "SubscribeStatusString": "reject", "PopupScene": "0"}
    student.chat.report("subscribe_msg_popup_event", {"SubscribeMsgPopupEvent": {"List": tapped}})

    def left() -> int:
        with world.application.database.read() as session:
            return remaining_subscriptions(session, student.chat.openid, TEMPLATE)

    assert left() == 1
    student.chat.report("subscribe_msg_change_event", {"SubscribeMsgChangeEvent": {"List": tapped}})
    assert left() == 0
    world.no_other_messages()


def test_what_waits_for_a_student_is_gone_with_the_topic(world: World) -> None:
    student = world.student("李同学")
    world.clock.advance(timedelta(minutes=2))  # the follow's window is closed
    for key in ("telecom_fraud", "job_traps"):
        world.application.reminders.run_now(key)
        world.tick()
        world.clock.advance(timedelta(days=1))
    student.writes("退订 反诈")
    student.expects("不再给你发反诈")
    student.writes("档案怎么转")
    assert "【反诈】" not in student.expects("您有 1 条未读提醒", "【求职】")
    world.no_other_messages()


@pytest.mark.parametrize("words", ["退订", "退订 反诈", "TD", "订阅提醒"])
def test_the_very_first_message_may_be_about_subscriptions(world: World, words: str) -> None:
    student = world.student("李同学", following=False)
    student.chat.start_following()
    student.writes(words)
    student.expects("提醒")
    student.writes("我的订阅")
    student.expects("订阅 全部")


def test_words_that_only_begin_like_a_command_are_questions(world: World) -> None:
    student = world.student("李同学")
    student.writes("T恤去哪里领")
    assert "退订" not in student.expects()


def test_moving_out_brings_the_reminder_about_renting(world: World) -> None:
    """An import that shows the bed given up; three hours later the student, who wrote today, reads of it."""
    student = world.student("李同学")
    student.writes("档案怎么转")
    student.expects("接收单位")
    with world.application.database.write() as session:
        world.application.step_reminders.profile_changed(session, student.chat.openid, {"dorm": "8-101"}, {"dorm": ""})
    world.advance(hours=2, minutes=59, step=timedelta(minutes=30))
    unread = student.unread()
    world.advance(minutes=2)
    assert student.unread()[len(unread) :] == [
        next(one for one in world.application.season.series if one.key == "rent_traps").texts[0]
    ]


def test_the_command_line_says_who_would_get_what(world: World) -> None:
    app = Flask("reminders")
    app.extensions["lixiao"] = world.application
    register_commands(app)

    def run(*words: str) -> str:
        result = app.test_cli_runner().invoke(args=["reminders", *words])
        assert result.exit_code == 0, result.output
        return result.output

    for name in ("李同学", "王同学"):
        world.student(name)
    world.student("李同学").writes("退订 反诈")
    world.student("李同学").expects("不再给你发")
    world.student("王同学").writes("档案怎么转")
    world.student("王同学").expects("接收单位")
    listed = run("list", "--days", "30")
    assert "2027-06-14 周一\n  12:20　fake_orders      刷单返利（反诈）　1 人，退订 1 人" in listed
    assert "退宿之后 3 小时" in listed
    assert "缺日期 leaving_day" in listed
    assert "马上发" in run("run", "fake_orders", "--dry-run")
    calendar = run("preview", "--month", "7", "--year", "2027")
    assert "2027 年 7 月" in calendar
    assert "12:20 电信诈骗" in calendar
    assert "没有问题" in run("lint")
    assert "已开始" in run("run", "fake_orders")
    world.tick()
    world.student("王同学").expects("【反诈】")
    unknown = app.test_cli_runner().invoke(args=["reminders", "run", "fake"])
    assert unknown.exit_code == 1
    assert "没有系列 fake。有：telecom_fraud" in unknown.output
    world.no_other_messages()


def test_what_is_for_working_days_knows_the_schools_holidays(build_world: Callable[..., World]) -> None:
    """The first Wednesday of June is a holiday here: what sends students to an office goes out on Thursday."""
    start = datetime(2027, 6, 1, tzinfo=ZONE)
    reminders = build_world(rota={"holidays": (date(2027, 6, 2),)}).application.reminders
    planned = {one.series.key: one.at for one in reminders.planned(start, start + timedelta(days=4))}
    assert planned["job_traps"] == datetime(2027, 6, 3, 12, 40, tzinfo=ZONE)
