"""The simulator's callbacks over real HTTP to a bot that opens them with wechatpy."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Response
from support.platforms import WECHAT, Platforms, platforms

from bot.clock import FakeClock
from bot.simulator.errors import ImpossibleActionError
from bot.simulator.students import FAULT_LINE


@pytest.fixture
def world(clock: FakeClock) -> Iterator[Platforms]:
    with platforms(clock, callback_timeout_s=0.5) as made:
        yield made


def xml(content: str, **changes: str) -> str:
    fields = {"ToUserName": "", "FromUserName": WECHAT.original_id, "CreateTime": "1", "MsgType": "text"} | changes
    return "<xml>" + "".join(f"<{key}>{value}</{key}>" for key, value in fields.items()) + f"{content}</xml>"


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_each_mode_is_signed_sealed_and_answered(clock: FakeClock, mode: str) -> None:
    with platforms(clock, mode=mode) as world:
        student = world.simulator.student("李同学", following=True)
        done = student.writes("档案怎么转 & <b>")
        assert (done.status, done.tries, done.reply) == ("answered", 1, "你说：档案怎么转 & <b>")
        query, message = world.bot.heard[0]
        assert query.keys() - {"encrypt_type", "msg_signature"} == {"signature", "timestamp", "nonce", "openid"}
        assert (query.get("encrypt_type") == "aes") is (mode != "plain")
        assert query["openid"] == message.source == student.openid
        assert message.target == WECHAT.original_id
        assert message.create_time.timestamp() == int(clock.now().timestamp())
        assert [bubble.by for bubble in student.bubbles] == ["student", "account"]
        assert student.bubbles[0].status == "answered"


def test_a_reply_whose_cdata_is_split_is_seen_as_broken(world: Platforms) -> None:
    """The library's own rendering does not mend ]]> in a reply; the student sees the fault line, as on the platform."""
    student = world.simulator.student("李同学", following=True)
    assert student.writes("]]><x>").reply == FAULT_LINE
    assert world.bot.heard[0][1].content == "]]><x>"


def test_every_kind_of_message_and_event_is_what_wechatpy_expects(world: Platforms) -> None:
    student = world.simulator.student("李同学")
    assert student.follow().reply == "你说：event"
    student.says("怎么转档案")
    student.sends_image()
    student.clicks("ask")
    student.scans("bind-7")
    student.views("http://127.0.0.1/x")
    student.subscribes("template-1")
    student.unfollow()
    student.scans("bind-8")
    kinds = [(message.type, getattr(message, "event", "")) for _, message in world.bot.heard]
    assert kinds == [
        ("event", "subscribe"),
        ("voice", ""),
        ("image", ""),
        ("event", "click"),
        ("event", "scan"),
        ("event", "view"),
        ("unknown", ""),  # wechatpy does not know subscribe_msg_popup_event
        ("event", "unsubscribe"),
        ("event", "subscribe_scan"),
    ]
    messages = [message for _, message in world.bot.heard]
    assert messages[1].recognition == "怎么转档案"
    assert messages[3].key == "ask"
    assert messages[4].scene_id == "bind-7"
    assert messages[8].scene_id == "bind-8"
    assert messages[1].id
    assert not messages[3].id, "events have no MsgId"


def test_the_tries_of_one_message_share_its_id_and_nothing_else(world: Platforms) -> None:
    """Two tries without an answer, then one with: new nonce and signature each, one MsgId, status retried."""
    student = world.simulator.student("李同学", following=True)
    world.bot.raw = [lambda: Response(status=500), lambda: Response(status=302)]
    done = student.writes("在吗")
    assert (done.status, done.tries) == ("answered", 3)
    assert student.bubbles[0].status == "retried"
    assert len({message.id for _, message in world.bot.heard}) == 1
    for name in ("nonce", "signature", "msg_signature"):
        assert len({query[name] for query, _ in world.bot.heard}) == 3, name
    student.writes("在吗")
    assert world.bot.heard[0][1].id != world.bot.heard[-1][1].id
    assert [attempt.status for attempt in world.simulator.tries] == [500, 302, 200, 200]


def test_a_slow_bot_is_dropped_and_tried_three_times(world: Platforms) -> None:
    gate = threading.Event()
    world.bot.answer = lambda _: str(gate.wait(10))
    student = world.simulator.student("李同学", following=True)
    try:
        done = student.writes("在吗")
    finally:
        gate.set()
    assert (done.status, done.tries, done.reply) == ("failed", 3, FAULT_LINE)
    assert [(bubble.by, bubble.status) for bubble in student.bubbles] == [("student", "failed"), ("system", "sent")]
    assert all(attempt.status is None and attempt.elapsed_s >= 0.4 for attempt in world.simulator.tries)


@pytest.mark.parametrize("body", ["", "success"])
def test_an_empty_answer_and_success_show_nothing_and_end_the_tries(world: Platforms, body: str) -> None:
    student = world.simulator.student("李同学", following=True)
    world.bot.raw = [lambda: Response(body)]
    assert student.writes("在吗").status == "empty"
    assert [bubble.by for bubble in student.bubbles] == ["student"]
    assert len(world.bot.heard) == 1


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        ("safe", '{"errcode": 0}'),
        ("safe", "<xml><Content>没封"),
        ("safe", xml("<Content>plain text in safe mode</Content>")),
        ("safe", xml("<Encrypt>AAAA</Encrypt><MsgSignature>00</MsgSignature><TimeStamp>1</TimeStamp><Nonce>1</Nonce>")),
        ("safe", xml("<Encrypt>AAAA</Encrypt>")),
        ("plain", xml("<Content>to somebody else</Content>")),
        ("plain", xml("<Content>no time</Content>", ToUserName="OPENID", CreateTime="now")),
        ("plain", xml("<Content></Content>", ToUserName="OPENID")),
        ("plain", xml(f"<Content>{'字' * 683}</Content>", ToUserName="OPENID")),
        ("plain", xml("", ToUserName="OPENID", MsgType="shout")),
        ("plain", xml("<Content>x</Content>", ToUserName="OPENID", FromUserName="gh_other")),
    ],
)
def test_a_broken_answer_is_the_fault_line_at_once(clock: FakeClock, mode: str, body: str) -> None:
    with platforms(clock, mode=mode) as world:
        student = world.simulator.student("李同学", following=True)
        world.bot.raw = [lambda: Response(body.replace("OPENID", student.openid))]
        done = student.writes("在吗")
        assert (done.status, done.tries, done.reply) == ("failed", 1, FAULT_LINE)
        assert done.detail
        assert student.bubbles[-1].by == "system"


def test_compatible_mode_takes_a_plain_answer_too(clock: FakeClock) -> None:
    with platforms(clock, mode="compatible") as world:
        student = world.simulator.student("李同学", following=True)
        world.bot.raw = [lambda: Response(xml("<Content>好</Content>", ToUserName=student.openid))]
        assert student.writes("在吗").reply == "好"


def test_nobody_listens(clock: FakeClock) -> None:
    with platforms(clock) as world:
        world.simulator.wechat.url = "http://127.0.0.1:9/wechat"
        done = world.simulator.student("李同学").follow()
        assert (done.status, done.tries) == ("failed", 3)


def test_a_lost_answer_is_asked_for_again_and_several_bots_take_turns(world: Platforms) -> None:
    student = world.simulator.student("李同学", following=True)
    world.simulator.faults.add("callback", "wechat", drop=True, times=2)
    seen: list[tuple[str, int]] = []
    world.simulator.before_each_try(lambda platform, number: seen.append((platform, number)))
    assert student.writes("在吗").tries == 3
    assert seen == [("wechat", 1), ("wechat", 2), ("wechat", 3)]
    world.simulator.wechat.url = f"http://127.0.0.1:9/wechat {world.simulator.wechat.url}"
    assert student.writes("在吗").tries == 2


def test_the_same_tap_twice_while_the_clock_stands_is_two_events(world: Platforms, clock: FakeClock) -> None:
    student = world.simulator.student("李同学", following=True)
    student.clicks("ask")
    student.clicks("ask")
    student.clicks("other")
    times = [int(message.create_time.timestamp()) for _, message in world.bot.heard]
    assert times == [times[0], times[0] + 1, times[0]]


def test_a_phone_does_only_what_a_phone_can(world: Platforms) -> None:
    stranger = world.simulator.student("王同学")
    for action in (lambda: stranger.writes("在吗"), lambda: stranger.clicks("ask"), stranger.unfollow):
        with pytest.raises(ImpossibleActionError, match="还没有关注"):
            action()
    stranger.follow()
    with pytest.raises(ImpossibleActionError, match="已经关注"):
        stranger.follow()
    with pytest.raises(ImpossibleActionError, match="没有这个选项"):
        stranger.taps("101")


def test_the_platforms_check_of_both_addresses(world: Platforms) -> None:
    assert world.simulator.verify_wechat_callback().ok
    assert world.simulator.verify_wecom_callback().ok
    world.simulator.wecom.url = f"{world.url}/simulator/"
    refused = world.simulator.verify_wecom_callback()
    assert not refused
    assert refused.detail == "the answer is not exactly the echostr"
    world.simulator.wechat.url = f"{world.url}/nowhere"
    assert world.simulator.verify_wechat_callback().detail == "HTTP 404"
    world.simulator.wechat.url = "http://127.0.0.1:9/"
    assert world.simulator.verify_wechat_callback().detail == "ConnectionError"


def test_staff_write_and_press_and_see_the_answer(world: Platforms) -> None:
    phone = world.simulator.staff_phone("wang", "王老师")
    assert phone.writes("收到 A12").status == "empty"
    inside = world.bot.staff_heard[0]
    for part in (
        "<FromUserName><![CDATA[wang]]>",
        "<AgentID>1000002</AgentID>",
        "<Content><![CDATA[收到 A12]]>",
        "<MsgId>",
    ):
        assert part in inside
    world.bot.raw = [lambda: Response(status=500)] * 3
    assert phone.writes("再来").status == "failed"
    assert [message.by for message in phone.messages] == ["staff", "staff"]


def test_many_students_at_once_each_get_their_own_answer(world: Platforms) -> None:
    world.simulator.postman.timeout_s = 10
    students = [world.simulator.add_student(f"同学{number}") for number in range(8)]
    replies: dict[str, Any] = {}

    def talk(number: int) -> None:
        students[number].start_following()
        replies[students[number].name] = [students[number].writes(f"{number}-{turn}").reply for turn in range(5)]

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == {f"同学{n}": [f"你说：{n}-{turn}" for turn in range(5)] for n in range(8)}


def test_time_moves_what_is_signed(world: Platforms, clock: FakeClock) -> None:
    student = world.simulator.student("李同学", following=True)
    world.simulator.advance(timedelta(days=3))
    student.writes("在吗")
    assert int(world.bot.heard[0][0]["timestamp"]) == int(clock.now().timestamp())
    with pytest.raises(ImpossibleActionError, match="复位"):
        world.simulator.reset_clock()
