"""Sending over real HTTP to a platform that misbehaves: what each failure means, and that no secret leaves with it."""

import gzip
import io
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.loopback_platform import Answer, Platform, Raw, running

from bot.channel.channel import Receipt
from bot.channel.errors import (
    OutcomeUnknownError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    SendError,
    TemporarySendError,
    TokenRefusedError,
    WindowClosedError,
)
from bot.channel.messages import (
    Button,
    CardContent,
    CardUpdateContent,
    Content,
    OutboundMessage,
    Source,
    TextContent,
)
from bot.clock import FakeClock
from bot.gateway.http import Timeouts
from bot.gateway.tokens import FreshToken
from bot.relay.robot import RobotChannel
from bot.wechat.client import GatewayClient as WeChatClient
from bot.wechat.client import WeChatChannel
from bot.wecom.client import GatewayClient as WeComClient
from bot.wecom.client import WeComChannel

SECRET, KEY = "S3CRET-of-the-app", "R0BOT-key-in-the-address"
FAST = Timeouts(0.5, 0.4)
LONG = "这是一句话。" * 300  # three parts


class MemoryTokens:
    """A token store for one thread; the real ones have tests of their own."""

    def __init__(self) -> None:
        self.token: str | None = None

    def get(self, _key: str, fetch) -> str:
        if self.token is None:
            fresh: FreshToken = fetch()
            self.token = fresh.token
        return self.token

    def invalidate(self, _key: str, token: str) -> None:
        if self.token == token:
            self.token = None


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running() as made:
        yield made


def _wechat(url: str) -> WeChatChannel:
    return WeChatChannel(
        WeChatClient(app_id="wx1", app_secret=SECRET, api_base_url=url, tokens=MemoryTokens(), timeouts=FAST)
    )


def _wecom(url: str, clock: FakeClock | None = None) -> WeComChannel:
    client = WeComClient(corp_id="ww1", secret=SECRET, api_base_url=url, tokens=MemoryTokens(), timeouts=FAST)
    return WeComChannel(client, agent_id=7, clock=clock)


def _robot(url: str, clock: FakeClock, *, groups: int = 1) -> RobotChannel:
    webhooks = [f"{url}/{number}/cgi-bin/webhook/send?key={KEY}" for number in range(groups)]
    return RobotChannel(webhooks, clock=clock, timeouts=FAST)


def _to(channel: Source, content: Content | str, recipient: str = "o1") -> OutboundMessage:
    return OutboundMessage(channel, recipient, TextContent(content) if isinstance(content, str) else content)


def _everything_of(error: BaseException | None) -> str:
    """All that a log, a debugger's summary or a report could show of an error and of those behind it."""
    said = io.StringIO()
    while error is not None:
        said.write(f"{error!s} {error!r} {error.args!r} {vars(error)!r}")
        said.write("".join(traceback.format_exception(error, chain=True)))
        error = error.__cause__ or error.__context__
    return said.getvalue()


HALF = Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
BAD_GZIP = Raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")
DEEP = (200, b"[" * 100_000)
FAILURES: list[tuple[str, Answer, type[SendError], str]] = [
    ("dropped", Raw(), OutcomeUnknownError, "connection_broke"),
    ("half an answer", HALF, OutcomeUnknownError, "answer_broke"),
    ("not HTTP", Raw(b"SMTP ready\r\n\r\n"), OutcomeUnknownError, "connection_broke"),
    ("broken gzip", BAD_GZIP, OutcomeUnknownError, "answer_broke"),
    ("silence", Raw(delay_s=1), OutcomeUnknownError, "read_timeout"),
    ("HTML", (200, b"<html>busy</html>"), OutcomeUnknownError, "not_json"),
    ("HTML 502", (502, b"<html>bad gateway</html>"), OutcomeUnknownError, "http_502"),
    ("empty", (200, b""), OutcomeUnknownError, "not_json"),
    ("a list", (200, b"[]"), OutcomeUnknownError, "not_json"),
    ("deep", DEEP, OutcomeUnknownError, "not_json"),
    ("endless", (200, b" " * 2_000_000), OutcomeUnknownError, "answer_too_long"),
    ("busy", {"errcode": -1, "errmsg": f"system error {SECRET}"}, TemporarySendError, "-1"),
    ("odd code", {"errcode": "?"}, TemporarySendError, "-1"),
]


@pytest.mark.parametrize(("name", "answer", "kind", "code"), FAILURES, ids=[row[0] for row in FAILURES])
@pytest.mark.parametrize("way", ["wechat", "wecom", "robot"])
def test_a_failed_call_says_whether_it_may_have_been_taken(
    platform: Platform, clock: FakeClock, way: str, name: str, answer: Answer, kind: type[SendError], code: str
):
    """Every failure leaves as a SendError, and nothing behind it names a token, a secret or a robot's key."""
    channels = {
        "wechat": _wechat(platform.url),
        "wecom": _wecom(platform.url),
        "robot": _robot(platform.url, clock),
    }
    platform.next = [answer]
    with pytest.raises(SendError) as caught:
        channels[way].send(_to(Source(way), "你好"))
    assert (type(caught.value), caught.value.code) == (kind, code)
    shown = _everything_of(caught.value)
    assert not [word for word in (SECRET, KEY, "TOKEN1", "access_token=") if word in shown]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://{}", "http://[bad"])
def test_what_never_left_cannot_have_been_taken(platform: Platform, clock: FakeClock, address: str):
    """A closed port, an unknown name, no TLS, an address that is none: the message is not doubtful, and no key is told."""
    url = address.format(platform.url.removeprefix("http://"))
    for channel in (_wechat(url), _robot(url, clock)):
        with pytest.raises(TemporarySendError) as caught:
            channel.send(_to(Source.WECHAT, "你好"))
        assert type(caught.value) is TemporarySendError
        assert not [word for word in (SECRET, KEY) if word in _everything_of(caught.value)]


@pytest.mark.parametrize("answer", [Raw(), HALF, Raw(delay_s=1), (502, b""), (200, b"<html>")])
@pytest.mark.parametrize("make", [_wechat, _wecom])
def test_a_failed_token_fetch_leaves_no_doubt_about_the_message(platform: Platform, answer: Answer, make):
    """The message was not sent, so that trying again doubles nothing."""
    platform.token_answer = answer
    with pytest.raises(TemporarySendError) as caught:
        make(platform.url).send(_to(Source.WECHAT, "你好"))
    assert type(caught.value) is TemporarySendError
    assert SECRET not in _everything_of(caught.value)
    assert platform.sent() == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": ""},
        {"access_token": None, "expires_in": 7200},
        {"access_token": "T", "expires_in": 0},
        {"access_token": "T", "expires_in": "soon"},
    ],
)
@pytest.mark.parametrize("make", [_wechat, _wecom])
def test_a_token_answer_without_a_token_is_tried_again(platform: Platform, answer: dict[str, object], make):
    platform.token_answer = answer
    with pytest.raises(TemporarySendError) as caught:
        make(platform.url).send(_to(Source.WECHAT, "你好"))
    assert caught.value.code == "no_token"


@pytest.mark.parametrize("code", [40001, 40014, 42001])
@pytest.mark.parametrize("make", [_wechat, _wecom])
def test_a_refused_token_is_renewed_once(platform: Platform, code: int, make):
    platform.next = [{"errcode": code}]
    assert isinstance(make(platform.url).send(_to(Source.WECHAT, "你好")), Receipt)
    assert platform.tokens == 2
    assert [call.query["access_token"] for call in platform.calls if "send" in call.path] == ["TOKEN1", "TOKEN2"]


@pytest.mark.parametrize("make", [_wechat, _wecom])
def test_a_token_that_is_always_refused_ends_after_one_more_try(platform: Platform, make):
    """Wechatpy would have tried for ever."""
    platform.answer = lambda _call: {"errcode": 40001}
    with pytest.raises(TokenRefusedError, match="核对密钥"):
        make(platform.url).send(_to(Source.WECHAT, "你好"))
    assert (platform.tokens, len(platform.sent())) == (2, 2)


@pytest.mark.parametrize(("code", "words"), [(40125, "AppSecret"), (40013, "AppID"), (40001, "密钥")])
def test_a_wrong_secret_is_a_clear_error_after_one_fetch(platform: Platform, code: int, words: str):
    platform.token_answer = {"errcode": code, "errmsg": "invalid"}
    with pytest.raises(SendError, match=words):
        _wechat(platform.url).send(_to(Source.WECHAT, "你好"))
    assert (platform.tokens, platform.sent()) == (1, [])


def test_wechat_asks_for_the_stable_token_without_forcing_it(platform: Platform):
    _wechat(platform.url).check()
    fetch = platform.calls[0]
    assert fetch.path == "/cgi-bin/stable_token"
    assert fetch.query == {}
    assert fetch.body == {"grant_type": "client_credential", "appid": "wx1", "secret": SECRET}


def test_wechatpys_methods_reach_our_address(platform: Platform):
    """Those with an address of their own too; those that would go around the gateway say so."""
    client = _wechat(platform.url)._client
    client.menu.create({"button": []})
    client.post("draft/add", data={"articles": []})
    client.get("https://api.weixin.qq.com/customservice/kfsession/getwaitcase")
    platform.next = [{"errcode": 0, "kf_list": ["a"]}]
    assert client.customservice.get_accounts() == ["a"]
    assert [call.path for call in platform.calls if "token" not in call.path] == [
        "/cgi-bin/menu/create",
        "/cgi-bin/draft/add",
        "/customservice/kfsession/getwaitcase",
        "/cgi-bin/customservice/getkflist",
    ]
    with pytest.raises(TypeError):
        client.media.upload("image", io.BytesIO(b""))
    with pytest.raises(TypeError):
        _ = client.access_token
    assert platform.tokens == 1


def test_a_base_address_may_have_a_path(platform: Platform):
    _wechat(f"{platform.url}/simulator/api.weixin.qq.com/").send(_to(Source.WECHAT, "你好"))
    assert platform.calls[1].path == "/simulator/api.weixin.qq.com/cgi-bin/message/custom/send"


def test_a_long_text_goes_in_order(platform: Platform):
    _wechat(platform.url).send(_to(Source.WECHAT, LONG))
    parts = [body["text"]["content"] for body in platform.sent()]
    assert "".join(parts) == LONG
    assert len(parts) == 3
    assert all(len(part.encode()) <= 2048 for part in parts)


@pytest.mark.parametrize("answer", [{"errcode": -1}, {"errcode": 45011}, Raw()])
def test_a_failure_after_the_first_part_is_a_possible_double(platform: Platform, clock: FakeClock, answer: Answer):
    """The first part has arrived; the next try sends it again, and the ledger must know."""
    for channel in (_wechat(platform.url), _robot(platform.url, clock)):
        platform.next = [{"errcode": 0}, answer]
        with pytest.raises(OutcomeUnknownError):
            channel.send(_to(Source.WECHAT, LONG))


def test_a_closed_window_stays_one_after_the_first_part(platform: Platform):
    platform.next = [{"errcode": 0}, {"errcode": 45047}]
    with pytest.raises(WindowClosedError):
        _wechat(platform.url).send(_to(Source.WECHAT, LONG))


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_not_said_to_be_sent(platform: Platform, clock: FakeClock, text: str):
    for channel in (_wechat(platform.url), _wecom(platform.url), _robot(platform.url, clock)):
        with pytest.raises(PermanentSendError) as caught:
            channel.send(_to(Source.WECHAT, text))
        assert caught.value.code == "empty"
    assert platform.calls == []


def test_half_a_surrogate_pair_is_sent_as_a_question_mark(platform: Platform, clock: FakeClock):
    for channel in (_wechat(platform.url), _wecom(platform.url), _robot(platform.url, clock)):
        channel.send(_to(Source.WECHAT, "坏\ud83d字"))
    assert [body["text"]["content"] for body in platform.sent()] == ["坏?字"] * 3


def test_a_wecom_card(platform: Platform):
    card = CardContent(
        "T1", "红色 A1 " + "很" * 60, "写道：“…”", (Button("ack:1", "我来处理", primary=True), Button("f", "误报"))
    )
    receipt = _wecom(platform.url).send(_to(Source.WECOM, card, "wang"))
    body = platform.sent()[0]
    assert receipt == Receipt("m1")
    assert (body["touser"], body["agentid"], body["msgtype"]) == ("wang", 7, "template_card")
    assert (body["enable_duplicate_check"], body["duplicate_check_interval"]) == (1, 1800)
    fields = body["template_card"]
    assert (fields["card_type"], fields["task_id"]) == ("button_interaction", "T1")
    assert fields["main_title"]["title"].endswith("…")
    assert [(button["key"], button["style"]) for button in fields["button_list"]] == [("ack:1", 1), ("f", 2)]


def test_a_wecom_card_is_updated_for_who_pressed(platform: Platform):
    channel = _wecom(platform.url)
    channel.send(_to(Source.WECOM, CardUpdateContent("RC", "王老师 正在处理"), "wang"))
    assert platform.calls[1].path == "/cgi-bin/message/update_template_card"
    assert platform.sent()[0] == {
        "userids": ["wang"],
        "agentid": 7,
        "response_code": "RC",
        "button": {"replace_name": "王老师 正在处理"},
    }


@pytest.mark.parametrize("field", ["invaliduser", "unlicenseduser"])
def test_a_member_whom_wecom_could_not_reach_is_gone_although_it_says_ok(platform: Platform, field: str):
    platform.answer = lambda _call: {"errcode": 0, field: "li|Wang", "msgid": "m"}
    with pytest.raises(RecipientGoneError):
        _wecom(platform.url).send(_to(Source.WECOM, "你好", "wang"))
    _wecom(platform.url).send(_to(Source.WECOM, "你好", "wan"))


def test_a_member_is_paced_before_wecom_drops(platform: Platform, clock: FakeClock):
    channel = _wecom(platform.url, clock)
    for number in range(25):
        channel.send(_to(Source.WECOM, f"第 {number} 条"))
    with pytest.raises(TemporarySendError) as caught:
        channel.send(_to(Source.WECOM, "第 26 条"))
    assert (caught.value.code, caught.value.retry_after) == ("member_pace", timedelta(minutes=1))
    channel.send(_to(Source.WECOM, CardContent("T", "红色", "…", (Button("a", "我来处理"),))))
    clock.advance(timedelta(minutes=1))
    channel.send(_to(Source.WECOM, "第 26 条"))
    assert len(platform.sent()) == 27


def test_one_groups_message_counts_though_another_misses_it(platform: Platform, clock: FakeClock):
    platform.answer = lambda call: {"errcode": 93000 if "/0/" in call.path else 0}
    assert _robot(platform.url, clock, groups=2).send(_to(Source.ROBOT, "红色 A1", "")) == Receipt()
    assert len(platform.sent()) == 2


def test_a_dead_robot_does_not_end_the_tries_for_a_busy_one(platform: Platform, clock: FakeClock):
    """An alert that fails for good at one group and for now at the other is tried again."""
    platform.answer = lambda call: {"errcode": 93000 if "/0/" in call.path else 45009}
    with pytest.raises(RateLimitedError) as caught:
        _robot(platform.url, clock, groups=2).send(_to(Source.ROBOT, "红色 A1", ""))
    assert caught.value.retry_after == timedelta(minutes=1)
    platform.answer = lambda _call: {"errcode": 93000}
    with pytest.raises(PermanentSendError, match="群机器人"):
        _robot(platform.url, clock, groups=2).send(_to(Source.ROBOT, "红色 A1", ""))


def test_a_robots_reserve_is_for_alerts(platform: Platform, clock: FakeClock):
    channel = _robot(platform.url, clock)
    for _ in range(15):
        channel.send(_to(Source.ROBOT, "普通", ""))
    with pytest.raises(RateLimitedError):
        channel.send(_to(Source.ROBOT, "普通", ""))
    for _ in range(5):
        channel.send(_to(Source.ROBOT, "红色 A1", ""))
    with pytest.raises(RateLimitedError):
        channel.send(_to(Source.ROBOT, "红色 A1", ""))
    assert len(platform.sent()) == 20


def test_answers_in_chunks_and_packed_are_read(platform: Platform):
    packed = gzip.compress(b'{"errcode": 0}')
    heads = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(
        packed
    )
    chunks = b'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"err\r\n9\r\ncode": 0}\r\n0\r\n\r\n'
    platform.next = [Raw(heads + packed), Raw(chunks)]
    channel = _wechat(platform.url)
    channel.send(_to(Source.WECHAT, "一"))
    channel.send(_to(Source.WECHAT, "二"))


def test_an_answer_that_trickles_does_not_hold_a_worker(platform: Platform):
    """A byte before each read time-out would otherwise hold the call for ever."""
    platform.next = [Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", drops=b" " * 99)]
    began = time.monotonic()
    with pytest.raises(OutcomeUnknownError) as caught:
        _wechat(platform.url).send(_to(Source.WECHAT, "你好"))
    assert caught.value.code == "read_timeout"
    assert time.monotonic() - began < 3
