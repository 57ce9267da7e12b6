"""qyapi.weixin.qq.com as the simulator plays it, called by wechatpy's enterprise client over real HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Response
from support.platforms import WECOM, Platforms, platforms
from wechatpy.exceptions import WeChatClientException

from bot.clock import FakeClock
from bot.simulator.errors import ImpossibleActionError

HOST = "qyapi.weixin.qq.com"
BUTTONS = [{"key": "ack", "text": "我来处理", "style": 1}, {"key": "pass", "text": "转交", "style": 2}]


@pytest.fixture
def world(clock: FakeClock) -> Iterator[Platforms]:
    with platforms(clock) as made:
        yield made


@pytest.fixture
def client(world: Platforms) -> Any:
    return world.wecom_client(auto_retry=False)


def code(call: Any) -> int:
    with pytest.raises(WeChatClientException) as raised:
        call()
    return int(raised.value.errcode)


def card(task_id: str, /, **changes: Any) -> dict[str, Any]:
    fields = {
        "card_type": "button_interaction",
        "main_title": {"title": "红色 A1"},
        "sub_title_text": "21:47 写道",
        "task_id": task_id,
        "button_list": BUTTONS,
    }
    return {"msgtype": "template_card", "template_card": fields | changes}


def send(client: Any, userids: str, message: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.message.send(WECOM.agent_id, userids, msg=message | more)
    return answer


def text(content: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": content}}


def update(client: Any, response_code: str, line: str = "王老师已处理", userids: tuple[str, ...] = ("wang",)) -> Any:
    button = {"replace_name": line}
    body = {"userids": list(userids), "agentid": WECOM.agent_id, "response_code": response_code, "button": button}
    return client.post("message/update_template_card", data=body)


def test_tokens_are_the_same_while_they_live(world: Platforms, clock: FakeClock) -> None:
    right = {"corpid": WECOM.corp_id, "corpsecret": WECOM.secret}
    token = world.get(HOST, "gettoken", **right)
    assert token == world.get(HOST, "gettoken", **right)
    assert token["expires_in"] == 7200
    wrong = [right | {"corpid": "ww0"}, right | {"corpsecret": "x"}, right | {"corpid": ""}, right | {"corpsecret": ""}]
    assert [world.get(HOST, "gettoken", **one)["errcode"] for one in wrong] == [40013, 40001, 41002, 41004]
    assert world.post(HOST, "message/send", {})["errcode"] == 41001
    assert world.post(HOST, "message/send", {}, token="short")["errcode"] == 40014
    assert world.post(HOST, "message/send", {}, token="81_" + "x" * 128)["errcode"] == 40014
    clock.advance(timedelta(seconds=7200))
    assert world.post(HOST, "message/send", {}, token=token["access_token"])["errcode"] == 42001
    fresh = world.get(HOST, "gettoken", **right)["access_token"]
    world.simulator.expire_tokens()
    assert world.post(HOST, "message/send", {}, token=fresh)["errcode"] == 40014
    assert world.simulator.wecom_token_fetches == 7


def test_who_is_unknown_is_listed_and_nobody_known_is_refused(world: Platforms, client: Any) -> None:
    phone = world.simulator.staff_phone("wang", "王老师")
    answer = send(client, "Wang|nobody|wang", text("在吗"))
    assert answer["invaliduser"] == "nobody"
    assert answer["msgid"]
    assert {message.text for message in phone.messages} == {"在吗"}
    assert code(lambda: send(client, "nobody|noone", text("在吗"))) == 81013
    assert code(lambda: send(client, "", text("在吗"))) == 82001
    assert code(lambda: client.message.send(1, "wang", msg=text("x"))) == 40056
    assert code(lambda: send(client, "wang", {"msgtype": "shout"})) == 40008
    assert code(lambda: send(client, "wang", text(""))) == 44004
    assert client.user.get("wang")["name"] == "王老师"
    assert code(lambda: client.user.get("nobody")) == 60111


def test_in_development_an_unknown_member_is_made(clock: FakeClock) -> None:
    with platforms(clock, wecom={"strict_staff": False}) as world:
        send(world.wecom_client(), "new", text("你好"))
        assert [message.text for message in world.simulator.members["new"].messages] == ["你好"]


def test_a_long_text_is_cut_without_a_word(world: Platforms, client: Any) -> None:
    phone = world.simulator.staff_phone("wang")
    send(client, "wang", text("字" * 1000))
    assert phone.messages[0].text == "字" * 682


def test_a_card_is_pressed_acknowledged_and_updated_once(world: Platforms, client: Any) -> None:
    phone = world.simulator.staff_phone("wang", "王老师")
    send(client, "wang", card("A1"))
    message = phone.cards[0]
    assert (message.title, message.text, message.buttons[0]["primary"]) == ("红色 A1", "21:47 写道", True)
    assert phone.presses(message.id, "我来处理").status == "empty"
    event = world.bot.staff_heard[0]
    for part in ("template_card_event", "<TaskId><![CDATA[A1]]>", "[CDATA[ack]]", "button_interaction", "<CreateTime>"):
        assert part in event
    assert "MsgId" not in event
    response_code = event.split("<ResponseCode><![CDATA[")[1].split("]]")[0]
    assert update(client, response_code)["invaliduser"] == []
    assert (phone.cards[0].pressed, phone.cards[0].replaced_by) == ("ack", "王老师已处理")
    assert code(lambda: update(client, response_code)) == 42014
    with pytest.raises(ImpossibleActionError, match="处理过"):
        phone.presses(message.id, "pass")
    with pytest.raises(ImpossibleActionError, match="没有这张卡片"):
        phone.presses(message.id, "nothing")


def test_the_code_of_the_send_updates_everybodys_card_within_72_hours(
    world: Platforms, client: Any, clock: FakeClock
) -> None:
    phones = [world.simulator.staff_phone(userid) for userid in ("wang", "liu")]
    answer = send(client, "wang|liu", card("A1"))
    late = send(client, "wang", card("A2"))
    assert update(client, answer["response_code"], userids=("wang", "liu", "nobody"))["invaliduser"] == ["nobody"]
    assert [phone.cards[0].replaced_by for phone in phones] == ["王老师已处理"] * 2
    clock.advance(timedelta(hours=72))
    client = world.wecom_client()
    assert code(lambda: update(client, late["response_code"])) == 42014
    assert code(lambda: update(client, late["response_code"], userids=())) == 81013


def test_the_bots_own_answer_may_update_the_card(world: Platforms, client: Any) -> None:
    """A press that did not reach the bot can be repeated; what the bot answers to one is shown."""
    phone = world.simulator.staff_phone("wang")
    send(client, "wang", card("A1"))
    world.bot.raw = [lambda: Response(status=503)] * 3
    assert phone.presses(phone.cards[0].id, "ack").status == "failed"
    assert phone.cards[0].pressed is None
    seal, envelope = world.simulator.wecom._seal, world.simulator.wecom._envelope
    inner = "<xml><MsgType>update_button</MsgType><Button><ReplaceName>已处理</ReplaceName></Button></xml>"
    sealed, (timestamp, nonce) = seal.seal(inner), envelope.stamp()
    signature = seal.sign(timestamp, nonce, sealed)
    reply = f"<xml><Encrypt>{sealed}</Encrypt><MsgSignature>{signature}</MsgSignature><TimeStamp>{timestamp}</TimeStamp><Nonce>{nonce}</Nonce></xml>"
    world.bot.raw = [lambda: Response(reply)]
    assert phone.presses(phone.cards[0].id, "ack").status == "answered"
    assert phone.cards[0].replaced_by == "已处理"


@pytest.mark.parametrize(
    "changes",
    [
        {"card_type": "text_notice"},
        {"task_id": ""},
        {"task_id": "有汉字"},
        {"task_id": "x" * 129},
        {"button_list": []},
        {"button_list": BUTTONS * 4},
        {"button_list": [{"text": "好"}]},
        {"main_title": {}, "sub_title_text": ""},
    ],
)
def test_a_card_that_wecom_would_not_take_is_refused(world: Platforms, client: Any, changes: dict[str, Any]) -> None:
    world.simulator.staff_phone("wang")
    assert code(lambda: send(client, "wang", card("A1", **changes))) == 40058


def test_a_task_id_is_used_once_but_a_checked_double_is_swallowed(
    world: Platforms, client: Any, clock: FakeClock
) -> None:
    phone = world.simulator.staff_phone("wang")
    first = send(client, "wang", card("A1"), enable_duplicate_check=1)
    again = send(client, "wang", card("A1"), enable_duplicate_check=1)
    assert first["msgid"] == again["msgid"]
    assert code(lambda: send(client, "wang", card("A1", sub_title_text="anders"))) == 40093
    assert len(phone.cards) == 1
    for _ in range(2):
        send(client, "wang", text("同样的话"), enable_duplicate_check=1, duplicate_check_interval=600)
        send(client, "wang", text("不检查"))
    clock.advance(timedelta(seconds=600))
    send(client, "wang", text("同样的话"), enable_duplicate_check=1, duplicate_check_interval=600)
    assert [message.text for message in phone.messages[1:]] == ["同样的话", "不检查", "不检查", "同样的话"]


def test_more_than_thirty_a_minute_vanish_without_a_word(world: Platforms, client: Any, clock: FakeClock) -> None:
    phone = world.simulator.staff_phone("wang")
    for number in range(32):
        assert send(client, "wang", text(str(number)))["errcode"] == 0
    assert (len(phone.messages), phone.dropped) == (30, 2)
    clock.advance(timedelta(seconds=60))
    send(client, "wang", text("33"))
    assert phone.messages[-1].text == "33"


def test_a_robot_takes_twenty_a_minute(world: Platforms, clock: FakeClock) -> None:
    def say(body: Any, key: str = "robot") -> int:
        return int(world.post(HOST, f"webhook/send?key={key}", body)["errcode"])

    assert say(text("在吗"), key="unknown") == 93000
    assert say({"msgtype": "shout"}) == 40008
    assert say(text("")) == 44004
    assert say(text("字" * 683)) == 40058
    assert say({"msgtype": "markdown", "markdown": {"content": "字" * 683}}) == 0
    assert [say(text("在吗")) for _ in range(20)] == [0] * 19 + [45009]
    clock.advance(timedelta(seconds=60))
    assert say(text("又来")) == 0
    assert len(world.simulator.groups["robot"].messages) == 21


def test_a_body_that_is_no_json_is_warned_of(world: Platforms) -> None:
    token = world.simulator.wecom_tokens.same()[0]
    answer = world.post(HOST, "message/send", b"{", token=token)
    assert answer["errcode"] == 40056
    assert "Warning: wrong json format" in answer["errmsg"]
    assert world.get(HOST, "message/send", access_token=token)["errcode"] == 43002


def test_an_interface_that_is_limited_punishes(world: Platforms, client: Any) -> None:
    world.simulator.staff_phone("wang")
    world.simulator.wecom_quotas.limit("message/send", minute=1)
    send(client, "wang", text("1"))
    assert code(lambda: send(client, "wang", text("2"))) == 45009
