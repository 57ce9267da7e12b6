"""Maintenance mode, switched by its command: a notice instead of answers, and nobody in need goes unheard."""

from datetime import timedelta

import requests
from click.testing import Result
from sqlalchemy import select
from support.world import World

from bot.beats import beat
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.conversation.records import ConversationRecord, InboundRecord
from bot.escalation.records import AlertRecord
from bot.outbox.state import Priority
from bot.web import create_web

GOODBYE = "东西都送人了，今晚天台见"


def flask(world: World, *words: str) -> Result:
    """`flask maintenance …`, as an operator types it."""
    return create_web(world.application).test_cli_runner().invoke(args=["maintenance", *words])


def switch(world: World, *words: str) -> str:
    """The command has gone well and the few seconds have passed."""
    done = flask(world, *words)
    assert done.exit_code == 0, done.output
    world.advance(seconds=3, step=timedelta(seconds=3))
    return done.output


def test_students_read_a_kind_notice_and_their_questions_are_stored(world: World) -> None:
    student = world.student("李同学")
    student.writes("档案怎么转")
    student.expects("接收单位")
    assert "几秒钟内" in switch(world, "on", "--until", "18:00")
    for ask in (lambda: student.writes("户口怎么迁"), lambda: student.says("团组织关系怎么转"), student.sends_image):
        ask()
        notice = student.expects("正在维护", "今天 18:00 以后", "已经记下", "人工", "值班老师")
        assert "！" not in notice
    with world.application.database.read() as session:
        kept = session.scalars(select(InboundRecord).where(InboundRecord.answered_by == "maintenance")).all()
        words = {world.application.cipher.open(one.words, row=one.id) for one in kept}
    assert {"户口怎么迁", "团组织关系怎么转"} <= words
    assert "3 条提问没有回答（1 人）" in switch(world, "off")
    student.writes("档案怎么转")
    student.expects("接收单位")
    world.no_other_messages()


def test_distress_is_heard_told_and_listened_to(world: World) -> None:
    switch(world, "on")
    student = world.student("李同学")
    student.writes(GOODBYE)
    assert "维护" not in student.expects("谢谢你告诉我", "120")
    student.writes("在宿舍，就我一个")
    assert "维护" not in student.expects("我在听")
    student.writes("打给我 13800001111")
    student.expects("13800001111")
    student.writes("档案怎么转")
    student.expects("正在维护")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1").expects(text="在宿舍，就我一个").expects(text="13800001111")
    world.no_other_messages()


def test_heavy_words_are_met_with_warmth_and_stand_on_the_list(world: World) -> None:
    switch(world, "on")
    student = world.student("李同学")
    student.writes("最近好绝望")
    assert "维护" not in student.expects("我是程序")
    with world.application.database.read() as session:
        assert session.scalars(select(AlertRecord.level)).all() == ["yellow"]


def test_what_helps_goes_on_a_person_the_lines_and_company(world: World) -> None:
    switch(world, "on")
    student = world.student("李同学")
    student.writes("人工 我的学位证丢了")
    student.expects("C1")
    student.writes("心理热线")
    student.expects("120")
    student.writes("陪我冷静一下")
    student.expects("慢慢呼气")
    student.clicks("human")
    student.expects("C1")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(text="学位证")
    world.no_other_messages()


def test_staff_work_on_as_ever(world: World) -> None:
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("120")
    switch(world, "on")
    wang = world.phone("王老师").expects(card="红色 A1")
    world.phone("刘老师").expects(card="红色 A1")
    assert "记在您名下" in wang.writes("收到 A1").reply
    assert "已结束" in wang.writes("已处理 A1").reply


def test_what_was_held_stays_held_until_it_is_over(world: World) -> None:
    student = world.student("李同学")
    reminder = OutboundMessage(Source.WECHAT, student.chat.openid, TextContent("别把银行卡借给人"))
    with world.application.database.write() as session:
        world.application.outbox.enqueue(session, reminder, priority=Priority.ORDINARY, held=True)
    switch(world, "on")
    student.writes("档案怎么转")
    assert "未读提醒" not in student.expects("正在维护")
    switch(world, "off")
    student.writes("档案怎么转")
    student.expects("接收单位", "未读提醒", "银行卡")


def test_a_person_who_has_the_chat_keeps_it(world: World) -> None:
    student = world.student("李同学")
    student.writes("人工")
    student.expects("C1")
    with world.application.database.write() as session:
        session.scalars(select(ConversationRecord)).one().taken_over_by = "T1"
    switch(world, "on")
    before = len(student.unread())
    student.writes("老师，我带身份证就行吗")
    assert len(student.unread()) == before


def test_the_operators_words_and_a_time_that_has_passed(world: World) -> None:
    switch(world, "on", "--message", "数据库在搬家。", "--until", "12:02")
    student = world.student("李同学")
    student.writes("档案怎么转")
    assert "正在维护" not in student.expects("数据库在搬家。请今天 12:02 以后", "值班老师")
    world.advance(minutes=3, step=timedelta(minutes=3))
    student.writes("档案怎么转")
    assert "12:02" not in student.expects("数据库在搬家。")
    assert "已经过了" in flask(world, "status").output
    switch(world, "on", "--until", "2027-06-09 08:00")
    student.writes("档案怎么转")
    student.expects("6月9日 08:00 以后")


def test_the_watchdog_is_told_and_the_server_stays_in_service(world: World) -> None:
    with world.application.database.write() as session:
        beat(session, "worker", world.clock.now())
    switch(world, "on")
    ready = requests.get(f"{world.bot_url}/readyz", timeout=5)
    assert (ready.status_code, ready.json()["status"]) == (200, "maintenance")
    assert ready.json()["maintenance"]["since"].startswith("2027-06-08T04:00")
    assert "lixiao_maintenance 1.0" in requests.get(f"{world.bot_url}/metrics", timeout=5).text
    switch(world, "off")
    assert requests.get(f"{world.bot_url}/readyz", timeout=5).json() == {"status": "ready", "faults": []}
    assert "lixiao_maintenance 0.0" in requests.get(f"{world.bot_url}/metrics", timeout=5).text


def test_what_is_typed_wrong_is_explained_and_changes_nothing(world: World) -> None:
    for words, part in (
        (("--until", "明天"), "18:00 或 2027-06-18 18:00"),
        (("--until", "25:00"), "18:00 或"),
        (("--until", "2020-01-01 08:00"), "之后"),
        (("--message", "  "), "是空的"),
        (("--message", "长" * 301), "301 字"),
    ):
        done = flask(world, "on", *words)
        assert (done.exit_code, part in done.output) == (1, True), done.output
    assert "没有开" in switch(world, "status")
    assert "本来就没有开" in switch(world, "off")
