"""Distress → card → acknowledged, and every way in which that can go wrong."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from support.world import World

from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.outbox.records import DeliveryRecord

GOODBYE = "东西都送人了，今晚天台见"


def log_of(world: World, alert_id: int) -> list[str]:
    with world.application.database.read() as session:
        query = select(AlertLogRecord.event).where(AlertLogRecord.alert_id == alert_id).order_by(AlertLogRecord.id)
        return list(session.scalars(query))


def test_a_goodbye_gets_a_kind_reply_and_the_card_is_taken_with_one_tap(world: World) -> None:
    student = world.student("李同学")
    student.writes(GOODBYE)
    reply = student.expects("谢谢你告诉我", "老师", "120")
    assert "！" not in reply
    assert "未读提醒" not in reply

    world.tick()
    wang = world.phone("王老师").expects(card="红色 A1")
    assert GOODBYE in wang.card.text
    world.phone("刘老师").expects(card="红色 A1")
    wang.presses("我来处理")
    world.tick()
    assert wang.card.replaced_by == "王老师 正在处理"
    assert "！" not in student.expects("有老师看到你写的话了")
    world.advance(hours=3, step=timedelta(minutes=10))
    assert "acknowledged" in log_of(world, 1)
    world.no_other_messages()


def test_nobody_taking_it_means_that_it_is_told_again_until_somebody_does(world: World) -> None:
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    for _ in range(3):
        world.tick()
        for name in ("王老师", "刘老师"):
            world.phone(name).expects(card="红色 A1")
        world.advance(minutes=5)
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1")
    done = world.phone("刘老师").writes("收到 A1")
    assert "记在您名下" in done.reply
    world.phone("刘老师").expects(text="记在您名下")
    world.tick()
    world.student("李同学").expects("有老师看到")
    world.advance(hours=1, step=timedelta(minutes=5))
    world.no_other_messages()


def test_the_words_take_finish_and_dismiss_an_alert(world: World) -> None:
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1")
    wang, liu = world.phone("王老师"), world.phone("刘老师")
    assert "没有找到 A9" in wang.writes("收到 A9").reply
    assert "记在您名下" in wang.writes("收到a1").reply
    assert "王老师" in liu.writes("收到 A1").reply
    assert "已结束" in wang.writes("已处理 A1").reply
    assert "已经结束" in liu.writes("误报 A1").reply
    assert "收到 A12" in liu.writes("你好").reply
    world.tick()
    world.student("李同学").expects("有老师看到")
    for phone, answers in ((wang, 3), (liu, 3)):
        for _ in range(answers):
            phone.expects(text="")
    with world.application.database.read() as session:
        alert = session.get_one(AlertRecord, 1)
        assert (alert.state, alert.closing_code, alert.acknowledged_by) == ("resolved", "handled", "T1")
    world.no_other_messages()


def test_wecom_down_means_that_the_group_robot_tells_it(world: World) -> None:
    world.simulator.faults.add("wecom", "message/send", http_status=502, times=None)
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.advance(step=timedelta(seconds=5), seconds=30)
    world.phone("群").expects(text="红色 A1")
    world.simulator.faults.clear()
    world.advance(step=timedelta(seconds=5), seconds=60)
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1").presses("误报")
    with world.application.database.read() as session:
        doubtful = session.scalars(select(DeliveryRecord).where(DeliveryRecord.doubtful)).all()
        assert {one.state for one in doubtful} == {"sent"}
    for phone in world.phones.values():
        phone.read += len(phone.unread())
    assert [call.errcode for call in world.simulator.journal.calls("wecom", "message/send") if call.errcode] == []


def test_a_member_whom_wecom_does_not_know_is_replaced_by_the_robot(world: World) -> None:
    del world.simulator.members["wang"]
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.tick()
    world.phone("刘老师").expects(card="红色 A1")
    world.phone("群").expects(text="卡片没有送达")
    assert "send_failed" in log_of(world, 1)


def test_a_hundred_messages_of_one_student_are_one_alert_and_two_students_are_two(world: World) -> None:
    for _ in range(20):
        world.student("李同学").writes(GOODBYE)
        world.student("李同学").expects("120")
    world.student("王同学").writes(GOODBYE)
    world.student("王同学").expects("120")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1").expects(card="红色 A2")
    with world.application.database.read() as session:
        assert session.get_one(AlertRecord, 1).message_count == 20
    world.no_other_messages()


def test_worry_about_a_friend_is_an_alert_of_its_own_kind(world: World) -> None:
    student = world.student("李同学")
    student.writes("我室友说她不想活了，怎么办")
    student.expects("老师")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="担心别人")
    world.no_other_messages()


def test_the_student_can_leave_a_number_and_the_counselor_reads_it(world: World) -> None:
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("打给我")
    student.writes("打给我 13800001111")
    student.expects("13800001111")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1").expects(text="13800001111")
    world.no_other_messages()


def test_hyperbole_calls_nobody(world: World) -> None:
    student = world.student("李同学")
    for words in ("笑死我了", "累死了档案怎么转", "热死了", "我没有想死，别误会"):
        student.writes(words)
        student.expects()
    world.no_other_messages()


def test_nobody_on_the_list_and_no_robot_is_logged_as_an_alarm(build_world: Callable[..., World]) -> None:
    world = build_world(wecom={"robot_webhooks": ()})
    with world.application.database.write() as session:
        world.application.directory.replace_all(session, [])
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    assert "nobody_reachable" in log_of(world, 1)
    with world.application.database.read() as session:
        assert session.get_one(AlertRecord, 1).next_notice_at is not None


def test_a_revoked_wecom_secret_costs_one_retry_and_then_the_robot(world: World) -> None:
    world.simulator.faults.add("wecom", "gettoken", errcode=40001, times=None)
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.tick()
    world.advance(step=timedelta(seconds=5), seconds=30)
    world.phone("群").expects(text="红色 A1")
    assert world.simulator.journal.count("wecom", "gettoken") < 40
