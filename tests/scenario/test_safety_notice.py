"""A safety notice over real HTTP: answered, followed up with the silent, updated, ended; an exercise; a wrong one."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from support.school import enrol, pupil
from support.world import ZONE, World

from bot.broadcast.models import BadNoticeError
from bot.broadcast.reading import read_segment
from bot.broadcast.safety_words import SafetyDraft
from bot.cases.records import CaseRecord
from bot.escalation.records import AlertRecord
from bot.maintenance import switch_on
from bot.students.profiles import Profiles

TEXT = "体育馆二层起火，请不要靠近，三号楼同学到操场集合。"


def school(world: World, *names: str) -> None:
    """Bound students who follow and have lately asked something."""
    people = [pupil(n, contact=world.student(name).chat.openid) for n, name in enumerate(names, start=1)]
    world.advance(minutes=2)
    for name in names:
        world.student(name).writes("档案怎么转")
        world.student(name).expects("接收单位")
    enrol(world.application.database, Profiles(world.application.cipher), people, world.clock.now())


def issue(world: World, text: str = TEXT, **more: Any) -> int:
    draft = SafetyDraft(text=text, segment=read_segment(""), author="T9", response="Avoid", **more)
    with world.application.database.write() as session:
        number = world.application.safety_notices.issue(session, draft).id
    deliver(world)
    return number


def deliver(world: World) -> None:
    world.tick()
    world.simulator.settle()
    world.advance(seconds=30)


def standing(world: World, event: int) -> tuple[int, int, int, int]:
    with world.application.database.read() as session:
        found = world.application.safety_notices.standing(session, event)
    assert found.total == found.safe + found.help + found.silent + found.not_reached
    return found.safe, found.help, found.silent, found.not_reached


def test_from_the_alarm_to_the_all_clear(world: World) -> None:
    """At night, to three: one is safe, one needs help, one is silent and is asked again; then it is over."""
    night = world.clock.now().astimezone(ZONE).replace(hour=23, minute=10)
    world.clock.advance(night - world.clock.now())
    school(world, "李同学", "王同学", "赵同学")
    safe, needy, silent = (world.student(name) for name in ("李同学", "王同学", "赵同学"))
    event = issue(world)
    for student in (safe, needy, silent):
        student.expects("【平安通知】体育馆二层起火", "请你：不要前往", "我已安全", "需要帮助")

    safe.writes("我已安全")
    safe.expects("谢谢你报平安")
    needy.writes("需要帮助，我在三号楼四层下不来")
    needy.expects("已经告诉老师", "110、119、120")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(text="需要帮助。我在三号楼四层下不来")
    world.phone("群").expects(text="有同学回复“需要帮助”")
    assert standing(world, event) == (1, 1, 1, 0)

    with world.application.database.write() as session:
        world.application.safety_notices.resend(session, event, author="T9")
    deliver(world)
    silent.expects("【平安通知】体育馆二层起火")
    silent.writes("安全")
    silent.expects("谢谢你报平安")
    assert standing(world, event) == (2, 1, 0, 0)
    with pytest.raises(BadNoticeError, match="没有人"), world.application.database.write() as session:
        world.application.safety_notices.resend(session, event, author="T9")

    with world.application.database.write() as session:
        world.application.safety_notices.update(session, event, "火已扑灭，正在检查。", author="T9")
    deliver(world)
    with world.application.database.write() as session:
        world.application.safety_notices.all_clear(session, event, "火已扑灭，可以回宿舍了。", author="T9")
    deliver(world)
    for student in (safe, needy, silent):
        student.expects("【最新】火已扑灭，正在检查。", "我已安全")
        student.expects("【解除】火已扑灭，可以回宿舍了。")
    safe.writes("我已安全")
    assert "谢谢你报平安" not in safe.expects()
    with pytest.raises(BadNoticeError, match="已经解除"), world.application.database.write() as session:
        world.application.safety_notices.update(session, event, "再说一句", author="T9")
    world.no_other_messages()


def test_words_of_danger_are_an_alert_and_not_an_answer(world: World) -> None:
    """The distress screen comes first, whatever notice is open."""
    school(world, "李同学")
    student = world.student("李同学")
    issue(world)
    student.expects("【平安通知】")
    student.writes("需要帮助，我不想活了，今晚就从楼上跳下去")
    student.expects("120")
    with world.application.database.read() as session:
        assert session.scalar(select(AlertRecord.level)) == "red"
        assert session.scalar(select(func.count()).select_from(CaseRecord)) == 0


def test_a_second_cry_for_help_reaches_people_though_a_case_is_open(world: World) -> None:
    school(world, "李同学")
    student = world.student("李同学")
    student.writes("人工 退宿押金的事")
    student.expects("已经转给老师")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(text="诉求 C1")
    issue(world)
    student.expects("【平安通知】")
    student.writes("需要帮助")
    student.expects("C1", "你在哪里")
    world.tick()
    world.phone("群").expects(text="回复 C1")
    world.no_other_messages()


def test_an_exercise_says_so_in_every_line(world: World) -> None:
    school(world, "李同学")
    student = world.student("李同学")
    event = issue(world, "请练习从最近的出口撤离。", is_exercise=True)
    student.expects("【演练·平安通知】", "这是演练，不是真的")
    student.writes("我已安全")
    student.expects("这次是演练")
    with world.application.database.write() as session:
        world.application.safety_notices.all_clear(session, event, "演练结束，谢谢大家。", author="T9")
    deliver(world)
    student.expects("【演练·解除】演练结束", "这是演练")
    world.no_other_messages()


def test_a_wrong_notice_is_stopped_and_corrected(world: World) -> None:
    """What had not left never arrives; who may have read it gets the correction."""
    school(world, "李同学")
    student = world.student("李同学")
    draft = SafetyDraft(text="发错了的通知", segment=read_segment(""), author="T9")
    with world.application.database.write() as session:
        event = world.application.safety_notices.issue(session, draft).id
    runner = next(loop.ticker for loop in world.application.loops if loop.ticker.name == "campaigns")
    runner.tick()
    with world.application.database.write() as session:
        world.application.safety_notices.cancel(session, event, "刚才的通知发错了，没有危险。", author="T9")
    deliver(world)
    student.expects("【更正】刚才的通知发错了")
    student.writes("我已安全")
    assert "报平安" not in student.expects()
    world.no_other_messages()


def test_without_a_notice_the_words_mean_what_they_always_did(world: World) -> None:
    student = world.student("李同学")
    student.writes("我已安全")
    assert "报平安" not in student.expects()


def test_the_sum_stays_true_while_people_come_and_go(world: World) -> None:
    """Who unfollowed is not reached, and is said so."""
    school(world, "李同学", "王同学")
    world.student("王同学").unfollows()
    event = issue(world)
    world.student("李同学").expects("【平安通知】")
    assert standing(world, event) == (0, 0, 1, 1)
    world.advance(hours=1, step=timedelta(minutes=10))


def test_in_maintenance_the_answers_are_counted_all_the_same(world: World) -> None:
    school(world, "李同学", "王同学")
    safe, needy = world.student("李同学"), world.student("王同学")
    with world.application.database.write() as session:
        switch_on(session, now=world.clock.now())
    event = issue(world)
    for student in (safe, needy):
        student.expects("【平安通知】")
    safe.writes("我已安全")
    safe.expects("谢谢你报平安")
    needy.writes("需要帮助，我在三号楼四层下不来")
    assert "维护" not in needy.expects()
    assert standing(world, event)[:2] == (1, 1)
