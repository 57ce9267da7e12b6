"""What students see: greeting, answers, follow-ups, retries, a person, a handler that breaks."""

import threading
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, select
from support.world import AES, OLD_AES, World

from bot.cases.records import CaseRecord
from bot.conversation.records import InboundRecord
from bot.escalation.records import AlertRecord
from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from handlers.routers import ROUTERS


def count(world: World, record: type) -> int:
    with world.application.database.read() as session:
        return session.scalar(select(func.count()).select_from(record)) or 0


def test_the_greeting_says_that_it_is_a_machine_and_what_is_stored(world: World) -> None:
    student = world.student("李同学", following=False)
    student.follows()
    greeting = student.expects("离校小助手", "我是程序", "加密保存", "180 天", "人工")
    assert len(greeting) < 300
    world.no_other_messages()


def test_a_question_gets_a_sourced_answer_and_a_follow_up_stays_on_its_topic(world: World) -> None:
    student = world.student("李同学")
    student.writes("档案怎么转")
    student.expects("学校", "接收单位", "依据", "核对", "回复数字")
    student.writes("要带什么")
    student.expects("调档函")
    student.writes("1")
    student.expects("人才")
    world.no_other_messages()


def test_numbers_are_forgotten_after_half_an_hour(build_world: Callable[..., World]) -> None:
    world = build_world(reminders={"enabled": False})
    student = world.student("李同学")
    student.writes("档案怎么转")
    student.expects("接收单位")
    world.advance(step=timedelta(minutes=10), minutes=40)
    student.writes("1")
    student.expects("没有把握")
    world.no_other_messages()


def test_what_nobody_knows_is_said_so_with_the_way_to_a_person(world: World) -> None:
    student = world.student("李同学")
    student.writes("今天中午食堂有什么菜")
    student.expects("没有把握", "人工")
    world.no_other_messages()


def test_a_voice_message_is_a_question_like_any_other(world: World) -> None:
    student = world.student("李同学")
    student.says("档案怎么转")
    student.expects("接收单位")
    student.says("")
    student.expects("没能转成文字")
    student.sends_image()
    student.expects("看不懂")
    world.no_other_messages()


def test_a_menu_item_is_a_question_too(world: World) -> None:
    student = world.student("李同学")
    for button in world.simulator.menu["button"]:
        for item in button["sub_button"]:
            student.clicks(item["key"])
            if item["key"] == "human":
                student.expects("C1")
            else:
                assert "没有把握" not in student.expects(), item
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(text="诉求 C1")
    world.no_other_messages()


def test_a_retried_message_gets_the_same_finished_answer_and_happens_once(world: World) -> None:
    """The platform never hears the first answer; its retry gets what was stored, and nothing happens twice."""
    student = world.student("李同学")
    world.simulator.faults.add("callback", "wechat", drop=True, times=2)
    done = student.writes("人工 我的档案丢了")
    assert done.tries == 3
    student.expects("C1")
    assert count(world, CaseRecord) == 1
    assert count(world, InboundRecord) == 2  # the follow and the message
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(text="诉求 C1")
    world.no_other_messages()


def test_two_quick_questions_both_get_their_answer(world: World) -> None:
    student = world.student("李同学")
    questions = {"档案怎么转": "接收单位", "退宿要办什么": "宿管", "毕业证怎么领": "身份证", "户口要迁走吗": "户口"}
    replies: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda words=words: replies.update({words: student.writes(words).reply}))
        for words in questions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for words, part in questions.items():
        assert part in replies[words]
        student.expects()
    world.no_other_messages()


def test_plain_and_compatible_mode_work_when_set_and_plain_is_refused_in_safe_mode(
    build_world: Callable[..., World],
) -> None:
    for mode in ("plain", "compatible", "safe"):
        student = build_world(wechat={"mode": mode}, mode=mode).student(f"李同学{mode}")
        assert "接收单位" in student.writes("档案怎么转").reply
    refused = build_world(mode="plain").student("王同学", following=False).follows()
    assert refused.status == "failed"


def test_during_a_key_rotation_the_old_and_the_new_key_both_work(build_world: Callable[..., World]) -> None:
    rotating = {"encoding_aes_key": AES, "previous_aes_key": OLD_AES}
    for key in (AES, OLD_AES):
        student = build_world(wechat=rotating, aes_key=key).student(f"李同学{key[:3]}")
        assert "接收单位" in student.writes("档案怎么转").reply
    ended = build_world(wechat={"encoding_aes_key": AES}, aes_key=OLD_AES).student("王同学", following=False)
    assert ended.follows().status == "failed"


def test_a_person_is_promised_by_a_time_and_more_words_join_the_same_case(world: World) -> None:
    student = world.student("李同学")
    student.writes("人工")
    student.expects("C1", "6月9日（周三）17:00")
    student.writes("人工 我的档案丢了")
    student.expects("C1", "补充")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(text="6月9日 17:00")
    world.no_other_messages()


def test_the_teachers_reply_reaches_the_student_and_closes_the_case(world: World) -> None:
    student = world.student("李同学")
    student.writes("人工 我的档案丢了")
    student.expects("C1")
    world.tick()
    wang = world.phone("王老师").expects(text="回复 C1")
    world.phone("刘老师").expects(text="档案丢了")
    assert "已发给 C1" in wang.writes("回复 C1 别急，带身份证来就业办").reply
    wang.expects(text="已发给 C1")
    world.tick()
    student.expects("老师回复", "别急，带身份证来就业办")
    for words, answer in (("结束 C1", "已结束"), ("回复 C1 还有吗", "没有找到"), ("结束 C7", "没有找到")):
        assert answer in wang.writes(words).reply
        wang.expects(text=answer)
    student.writes("人工")
    student.expects("C2")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(text="诉求 C2")
    world.no_other_messages()


def test_a_flood_is_answered_once_and_stored_whole(build_world: Callable[..., World]) -> None:
    world = build_world(limits={"messages_per_minute": 3})
    student = world.student("李同学")
    for _ in range(3):
        student.writes("档案怎么转")
        student.expects("接收单位")
    student.writes("档案怎么转")
    student.expects("发得有点快")
    student.writes("档案怎么转")
    assert count(world, InboundRecord) == 6
    world.no_other_messages()


def test_distress_is_seen_even_in_a_flood_and_when_a_person_has_the_chat(build_world: Callable[..., World]) -> None:
    world = build_world(limits={"messages_per_minute": 1})
    student = world.student("李同学")
    for _ in range(3):
        student.writes("档案怎么转")
    student.writes("东西都送人了，今晚天台见")
    assert count(world, AlertRecord) == 1


def test_a_broken_handler_costs_an_apology_and_never_an_alert(build_world: Callable[..., World]) -> None:
    """The bug is met on every message; words of distress before it still reach the counselor."""

    def broken(turn: Turn, _services: Services) -> Reply | None:
        if "炸" in turn.words or turn.level == "yellow":
            message = "planted"
            raise ValueError(message)
        return None

    world = build_world(handlers=(broken, *ROUTERS))
    student = world.student("李同学")
    student.writes("炸一下")
    student.expects("没能答上来", "人工")
    student.writes("档案怎么转")
    student.expects("接收单位")
    student.writes("炸，我不想活了，东西都送人了今晚天台见")
    student.expects("120")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1")
    world.no_other_messages()


def test_an_answer_that_would_be_late_goes_by_the_outbox(build_world: Callable[..., World]) -> None:
    """The platform hears `success` in time, and the student gets the answer as a message of its own, once."""
    gate = threading.Event()

    def slow(turn: Turn, _services: Services) -> Reply | None:
        if turn.words == "慢慢来" and not gate.is_set():
            gate.wait(20)
        return Reply(text="慢慢来的答案", by="slow") if turn.words == "慢慢来" else None

    world = build_world(handlers=(slow, *ROUTERS), limits={"answer_within_s": 2})
    student = world.student("李同学")
    done = student.writes("慢慢来")
    assert (done.status, done.tries) == ("empty", 1)
    assert student.unread() == []
    gate.set()
    world.tick()
    student.expects("慢慢来的答案")
    world.advance(minutes=2)
    world.no_other_messages()


def test_unknown_events_are_answered_safely_and_unfollowing_is_remembered(world: World) -> None:
    student = world.student("李同学")
    assert student.unfollows().status == "empty"
    student.chat.following = True
    assert student.chat._event("SOME_NEW_EVENT", "x").status == "empty"  # no phone does this
    world.no_other_messages()
