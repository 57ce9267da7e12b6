"""api.weixin.qq.com as the simulator plays it, called by wechatpy's own client over real HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from support.platforms import WECHAT, Platforms, platforms
from wechatpy.exceptions import APILimitedException, WeChatClientException

from bot.clock import FakeClock

HOST = "api.weixin.qq.com"
STRANGER = "o" + "x" * 27


@pytest.fixture
def world(clock: FakeClock) -> Iterator[Platforms]:
    with platforms(clock) as made:
        yield made


@pytest.fixture
def client(world: Platforms) -> Any:
    return world.wechat_client(auto_retry=False)


def code(call: Any) -> int:
    """The error code that wechatpy raises for the call."""
    with pytest.raises(WeChatClientException) as raised:
        call()
    return int(raised.value.errcode)


def test_a_message_reaches_the_phone(world: Platforms, client: Any) -> None:
    student = world.simulator.student("李同学", following=True)
    client.message.send_text(student.openid, "你好 ]]> 😀")
    assert student.answers == ["你好 ]]> 😀"]
    assert [call.path for call in world.simulator.calls] == ["token", "message/custom/send"]
    assert world.simulator.calls[-1].errcode == 0
    assert world.simulator.calls[-1].body["touser"] == student.openid
    assert world.simulator.token_fetches == 1


def test_the_window_decides(world: Platforms, client: Any, clock: FakeClock) -> None:
    """Three after the follow, five after a message, nothing a minute or 48 hours later."""
    student = world.simulator.student("李同学")
    student.follow()
    for number in range(3):
        client.message.send_text(student.openid, str(number))
    assert code(lambda: client.message.send_text(student.openid, "4")) == 45047
    clock.advance(timedelta(seconds=61))
    assert code(lambda: client.message.send_text(student.openid, "4")) == 45015
    student.writes("在吗")
    for number in range(5):
        client.message.send_text(student.openid, str(number))
    assert code(lambda: client.message.send_text(student.openid, "6")) == 45047
    clock.advance(timedelta(hours=48))
    assert code(lambda: client.message.send_text(student.openid, "6")) in (45015, 42001)
    student.unfollow()
    assert code(lambda: world.wechat_client(auto_retry=False).message.send_text(student.openid, "7")) == 43004


def test_bad_messages_have_the_platforms_codes(world: Platforms, client: Any) -> None:
    student = world.simulator.student("李同学", following=True)
    assert code(lambda: client.message.send_text(STRANGER, "x")) == 40003
    assert code(lambda: client.message.send_text(student.openid, "")) == 44004
    assert code(lambda: client.message.send_text(student.openid, "字" * 683)) == 45002
    client.message.send_text(student.openid, "字" * 682)
    assert code(lambda: client.post("message/custom/send", data={"touser": student.openid, "msgtype": "x"})) == 40008


def test_a_tap_on_a_menu_message_comes_back_as_text(world: Platforms, client: Any) -> None:
    student = world.simulator.student("李同学", following=True)
    lines = [{"id": "101", "content": "有用"}, {"id": "102", "content": "没用"}]
    menu = {"head_content": "有用吗？", "list": lines, "tail_content": "谢谢"}
    client.post("message/custom/send", data={"touser": student.openid, "msgtype": "msgmenu", "msgmenu": menu})
    assert student.answers == ["有用吗？\n有用\n没用\n谢谢"]
    student.taps("102")
    assert world.bot.heard[-1][1].content == "没用"
    assert world.bot.heard[-1][1]._data["bizmsgmenuid"] == "102"


def test_an_unverified_account_has_no_menu_messages(clock: FakeClock) -> None:
    with platforms(clock, wechat={"verified": False}) as world:
        student = world.simulator.student("李同学", following=True)
        data = {"touser": student.openid, "msgtype": "msgmenu", "msgmenu": {"list": [{"id": "1", "content": "好"}]}}
        assert code(lambda: world.wechat_client().post("message/custom/send", data=data)) == 40200


def test_tokens_as_the_platform_gives_and_takes_them(world: Platforms, clock: FakeClock) -> None:
    openid = world.simulator.student("李同学", following=True).openid
    right = {"grant_type": "client_credential", "appid": WECHAT.app_id, "secret": WECHAT.app_secret}
    assert world.post(HOST, "stable_token", right | {"appid": "wx00"})["errcode"] == 40013
    assert world.post(HOST, "stable_token", right | {"secret": "no"})["errcode"] == 40125
    assert world.post(HOST, "stable_token", right | {"grant_type": "x"})["errcode"] == 40002
    assert world.post(HOST, "stable_token", right | {"appid": ""})["errcode"] == 41002
    assert world.post(HOST, "stable_token", right | {"secret": ""})["errcode"] == 41004
    assert world.get(HOST, "stable_token")["errcode"] == 43002
    stable = world.post(HOST, "stable_token", right)
    assert stable == world.post(HOST, "stable_token", right)
    assert stable["expires_in"] == 7200
    assert 100 < len(stable["access_token"]) <= 512
    old = world.get(HOST, "token", **right)["access_token"]
    new = world.get(HOST, "token", **right)["access_token"]
    answers = [
        world.get(HOST, "user/info", access_token=one, openid=openid) for one in (old, new, stable["access_token"])
    ]
    assert [answer.get("errcode") for answer in answers] == [40001, None, None]
    assert " rid: " in answers[0]["errmsg"]
    assert world.get(HOST, "user/info", openid=openid)["errcode"] == 41001
    assert world.get(HOST, "user/info", access_token="x", openid=openid)["errcode"] == 40014
    clock.advance(timedelta(seconds=7200))
    assert world.get(HOST, "user/info", access_token=new, openid=openid)["errcode"] == 42001
    fresh = world.post(HOST, "stable_token", right)["access_token"]
    world.simulator.expire_tokens()
    assert world.get(HOST, "user/info", access_token=fresh, openid=openid)["errcode"] == 40001


def test_wechatpy_renews_a_refused_token_by_itself(world: Platforms) -> None:
    student = world.simulator.student("李同学", following=True)
    client = world.wechat_client()
    client.message.send_text(student.openid, "1")
    world.simulator.expire_tokens()
    client.message.send_text(student.openid, "2")
    assert student.answers == ["1", "2"]
    assert world.simulator.token_fetches == 2


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", 44002),
        (b"{", 47001),
        (b"[]", 47001),
        (b'"text"', 47001),
        (b'{"touser":"\\u4f60"}', 40033),
        (b"\xff", 47001),
    ],
)
def test_a_bad_body_is_named(world: Platforms, raw: bytes, expected: int) -> None:
    token = world.simulator.wechat_tokens.renew()[0]
    assert world.post(HOST, "message/custom/send", raw, token=token)["errcode"] == expected


def test_what_the_platform_has_not_is_an_invalid_url(world: Platforms) -> None:
    assert world.post(HOST, "message/custom/shout", {})["errcode"] == 40066
    assert world.get(HOST, "message/custom/send")["errcode"] == 43002


def test_a_template_message_arrives_and_its_result_is_reported(world: Platforms, client: Any) -> None:
    student, blocking = (
        world.simulator.student("李同学", following=True),
        world.simulator.student("王同学", following=True),
    )
    blocking.blocks = True
    data = {"first": {"value": "档案已寄出"}, "no": {"value": "EMS 1"}}
    sent = client.message.send_template(student.openid, "T1", data)
    client.message.send_template(blocking.openid, "T1", data)
    assert world.simulator.settle()
    assert student.answers == ["档案已寄出\nEMS 1"]
    assert blocking.answers == []
    reports = {message.source: message for _, message in world.bot.heard}
    assert reports[student.openid].event == "templatesendjobfinish"
    assert reports[student.openid]._data["MsgID"] == str(sent["msgid"])
    assert reports[student.openid].status == "success"
    assert reports[blocking.openid].status == "failed:user block"
    assert code(lambda: client.message.send_template(world.simulator.student("赵同学").openid, "T1", data)) == 43004


def test_only_the_accounts_templates_exist(clock: FakeClock) -> None:
    with platforms(clock, wechat={"templates": frozenset({"T1"})}) as world:
        student = world.simulator.student("李同学", following=True)
        assert code(lambda: world.wechat_client().message.send_template(student.openid, "T2", {})) == 40037


def test_one_tap_is_one_subscription_notice(world: Platforms, client: Any) -> None:
    student = world.simulator.student("李同学", following=True)
    data = {"touser": student.openid, "template_id": "S1", "data": {"thing1": {"value": "明天退宿"}}}
    assert code(lambda: client.post("message/subscribe/bizsend", data=data)) == 43101
    student.subscribes("S1")
    client.post("message/subscribe/bizsend", data=data)
    assert student.answers == ["明天退宿"]
    assert code(lambda: client.post("message/subscribe/bizsend", data=data)) == 43101


def test_mass_messages_no_doubles_four_a_month_and_a_report(world: Platforms, client: Any, clock: FakeClock) -> None:
    first, second = (world.simulator.student(name, following=True) for name in ("李同学", "王同学"))
    stranger = world.simulator.student("赵同学")

    def send(name: str, openids: list[str]) -> Any:
        text = {"touser": openids, "msgtype": "text", "text": {"content": name}, "clientmsgid": name}
        return world.wechat_client(auto_retry=False).post("message/mass/send", data=text)

    job = send("a", [first.openid, second.openid, stranger.openid])
    with pytest.raises(WeChatClientException) as raised:
        send("a", [first.openid, second.openid])
    assert raised.value.errcode == 45065
    assert raised.value.response.json()["msg_id"] == job["msg_id"]
    assert code(lambda: send("b", [first.openid])) == 40130
    assert code(lambda: send("b", [STRANGER, STRANGER[:-1] + "y"])) == 40003
    for name in ("b", "c", "d"):
        send(name, [first.openid, second.openid])
    assert code(lambda: send("e", [first.openid, second.openid])) == 45028
    clock.advance(timedelta(days=30))
    send("f", [first.openid, second.openid])
    assert first.answers == second.answers == ["a", "b", "c", "d", "f"]
    assert world.simulator.settle()
    reports = [message for _, message in world.bot.heard if message.event == "masssendjobfinish"]
    counts = {int(report._data["MsgID"]): report._data for report in reports}[job["msg_id"]]
    assert (counts["TotalCount"], counts["SentCount"], counts["ErrorCount"]) == ("3", "2", "1")


def test_a_mass_message_to_all_from_a_subscription_account_once_a_day(clock: FakeClock) -> None:
    with platforms(clock, wechat={"account_type": "subscription"}) as world:
        student, client = world.simulator.student("李同学", following=True), world.wechat_client(auto_retry=False)
        body = {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": "注意"}}
        job = client.post("message/mass/sendall", data=body)
        assert client.post("message/mass/get", data={"msg_id": job["msg_id"]})["msg_status"] == "SEND_SUCCESS"
        assert code(lambda: client.post("message/mass/get", data={"msg_id": 1})) == 40035
        assert code(lambda: client.post("message/mass/sendall", data=body)) == 45028
        assert code(lambda: client.post("message/mass/sendall", data=body | {"filter": {"tag_id": 2}})) == 40035
        clock.advance(timedelta(days=1))
        world.wechat_client().post("message/mass/sendall", data=body)
        assert student.answers == ["注意", "注意"]


def test_the_menu_is_what_followers_see(world: Platforms, client: Any) -> None:
    assert client.menu.get() is None
    menu = {"button": [{"type": "click", "name": "问一问", "key": "ask"}]}
    client.menu.create(menu)
    assert client.menu.get() == {"menu": menu}
    assert client.menu.get_menu_info()["selfmenu_info"] == menu
    assert world.control("state", method="GET").json()["menu"] == menu
    assert code(lambda: client.menu.create({"button": []})) == 40016
    client.menu.delete()
    assert world.simulator.menu == {}


def test_followers_and_profiles(world: Platforms, client: Any) -> None:
    student = world.simulator.student("李同学")
    assert client.user.get_followers()["total"] == 0
    student.scans("bind-1")
    assert client.user.get_followers()["data"]["openid"] == [student.openid]
    assert client.user.get(student.openid)["qr_scene_str"] == "bind-1"
    assert client.user.get(world.simulator.student("王同学").openid)["subscribe"] == 0
    assert code(lambda: client.user.get(STRANGER)) == 40003
    assert [one["openid"] for one in client.user.get_batch([student.openid])] == [student.openid]


def test_scene_codes(world: Platforms, client: Any) -> None:
    def create(scene: dict[str, Any], name: str = "QR_STR_SCENE") -> Any:
        return client.qrcode.create({"expire_seconds": 9e6, "action_name": name, "action_info": {"scene": scene}})

    made = create({"scene_str": "bind-1"})
    assert made["expire_seconds"] == 2_592_000
    assert made["ticket"]
    assert "expire_seconds" not in create({"scene_id": 5}, "QR_LIMIT_SCENE")
    for scene in ({"scene_str": ""}, {"scene_str": "x" * 65}, {"scene_id": 5}):
        assert code(lambda scene=scene: create(scene)) == 40053


def test_a_spent_day_rests_until_it_is_cleared_or_over(world: Platforms, client: Any) -> None:
    world.simulator.quotas.limit("menu/get", day=1)
    world.simulator.quotas.limit("user/get", minute=1)
    assert client.menu.get() is None
    assert code(client.menu.get) == 45009
    client.user.get_followers()
    with pytest.raises((APILimitedException, WeChatClientException)) as raised:
        client.user.get_followers()
    assert raised.value.errcode == 45011
    assert client.post("openapi/quota/get", data={"cgi_path": "/cgi-bin/menu/get"})["quota"]["remain"] == 0
    for _ in range(10):
        client.misc.clear_quota() if hasattr(client.misc, "clear_quota") else client.post(
            "clear_quota", data={"appid": WECHAT.app_id}
        )
    assert client.menu.get() is None
    assert code(lambda: client.post("clear_quota", data={"appid": WECHAT.app_id})) == 48006


def test_the_small_interfaces_answer(world: Platforms, client: Any) -> None:
    assert client.misc.get_wechat_ips() == ["127.0.0.1"]
    assert client.post("callback/check", data={"action": "all", "check_operator": "DEFAULT"})["errcode"] == 0


@pytest.mark.parametrize("after", [False, True])
def test_faults_with_and_without_their_effect(world: Platforms, after: bool) -> None:
    student = world.simulator.student("李同学", following=True)
    student.writes("在吗")
    token = world.simulator.wechat_tokens.renew()[0]
    url = f"{world.url}/simulator/{HOST}/cgi-bin/message/custom/send?access_token={token}"
    faults = world.simulator.faults

    def send(text: str) -> requests.Response:
        body = f'{{"touser": "{student.openid}", "msgtype": "text", "text": {{"content": "{text}"}}}}'
        return requests.post(url, data=body.encode(), timeout=10)

    faults.add("wechat", "message/custom/send", errcode=45011, after=after)
    assert send("code").json()["errcode"] == 45011
    faults.add("wechat", "message", http_status=502, after=after)
    assert send("status").status_code == 502
    faults.add("wechat", "", html=True, after=after)
    assert send("html").text.startswith("<html>")
    faults.add("wechat", drop=True, after=after)
    with pytest.raises(requests.ConnectionError):
        send("drop")
    faults.add("wechat", delay_s=0.3)
    with pytest.raises(requests.Timeout):
        requests.post(url, data=b"{}", timeout=0.1)
    assert send("well").json()["errcode"] == 0
    heard = student.answers[1:]
    assert heard == (["code", "status", "html", "drop", "well"] if after else ["well"])
    answers = [call.answer for call in world.simulator.journal.calls("wechat", "message/custom/send")]
    assert answers[1:4] == ["<502>", "<html>", "<dropped>"]
