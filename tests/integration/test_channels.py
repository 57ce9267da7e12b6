"""The three ways out against the emulated platforms over HTTP: what arrives, and what each failure becomes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from support.world import ROOT, LoopbackServer, settings_for, simulator_settings

from bot.channel.channel import Channel
from bot.channel.errors import (
    FeatureOffError,
    OutcomeUnknownError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    SendError,
    TemporarySendError,
    TokenRefusedError,
    WindowClosedError,
)
from bot.channel.messages import Button, CardContent, CardUpdateContent, Content, OutboundMessage, Source, TextContent
from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.gateway.http import Timeouts
from bot.gateway.tokens import DatabaseTokenStore
from bot.migrations import upgrade
from bot.relay.robot import RobotChannel
from bot.simulator.app import create_simulator_app
from bot.simulator.simulator import Simulator
from bot.wechat.client import GatewayClient as WeChatClient
from bot.wechat.client import WeChatChannel
from bot.wecom.client import GatewayClient as WeComClient
from bot.wecom.client import WeComChannel

TIMEOUTS = Timeouts(connect_s=1, read_s=0.4)
CARD = CardContent(
    "task-1", "红色警报", "李同学：不想活了", (Button("ack", "我来联系", primary=True), Button("false", "误报"))
)
HOSTS = {
    Source.WECHAT: ("wechat", "message/custom/send"),
    Source.WECOM: ("wecom", "message/send"),
    Source.ROBOT: ("wecom", "webhook/send"),
}
SOURCES = pytest.mark.parametrize("source", [Source.WECHAT, Source.WECOM, Source.ROBOT])


@dataclass
class Lines:
    """The ways out and the platforms at their other end."""

    simulator: Simulator
    clock: FakeClock
    tokens: DatabaseTokenStore
    url: str

    def channel(self, source: Source, *, secret: str = "", url: str = "", key: str = "group") -> Channel:
        """A channel with the right secret, or another one, to the emulator, or elsewhere."""
        settings = settings_for("sqlite:///unused.db", url or self.url)
        if source is Source.WECHAT:
            account = settings.wechat
            return WeChatChannel(
                WeChatClient(
                    app_id=account.app_id,
                    app_secret=secret or account.app_secret.get_secret_value(),
                    api_base_url=account.api_base_url,
                    tokens=self.tokens,
                    timeouts=TIMEOUTS,
                )
            )
        if source is Source.WECOM:
            account_ = settings.wecom
            return WeComChannel(
                WeComClient(
                    corp_id=account_.corp_id,
                    secret=secret or account_.secret.get_secret_value(),
                    api_base_url=account_.api_base_url,
                    tokens=self.tokens,
                    timeouts=TIMEOUTS,
                ),
                agent_id=account_.agent_id,
            )
        webhook = settings.wecom.robot_webhooks[0].get_secret_value().replace("key=group", f"key={key}")
        return RobotChannel([webhook], clock=self.clock, timeouts=TIMEOUTS)

    def recipient(self, source: Source) -> str:
        if source is Source.WECHAT:
            student = self.simulator.student("李同学", following=True)
            student.window = student.window.message_came(self.clock.now())
            return student.openid
        return self.simulator.staff_phone("wang", "王老师").userid if source is Source.WECOM else ""

    def arrived(self, source: Source) -> list[str]:
        if source is Source.WECHAT:
            return self.simulator.student("李同学").answers
        if source is Source.WECOM:
            return [one.text for one in self.simulator.staff_phone("wang").messages]
        return [one.text for one in self.simulator.groups["group"].messages]

    def send(self, source: Source, content: Content | str = "您好", **channel: str) -> None:
        content = TextContent(content) if isinstance(content, str) else content
        message = OutboundMessage(source, self.recipient(source), content)
        self.channel(source, **channel).send(message)

    def fails(self, source: Source, content: Content | str = "您好", **channel: str) -> SendError:
        """The error of a send that must fail; it tells no secret."""
        with pytest.raises(SendError) as raised:
            self.send(source, content, **channel)
        self.must_tell_no_secret(raised.value)
        return raised.value

    def must_tell_no_secret(self, error: BaseException | None) -> None:
        """Neither the error nor anything that hangs on it names a secret, a token or a robot's key."""
        secrets = [
            "app-secret-of-the-test",
            "corp-secret-of-the-test",
            "wrong-secret",
            "access_token",
            "key=",
            "secret=",
        ]
        for office in (self.simulator.wechat_tokens, self.simulator.wecom_tokens):
            secrets += office._tokens
        seen: list[BaseException] = []
        todo = [error]
        while todo:
            one = todo.pop()
            if one is None or one in seen:
                continue
            seen.append(one)
            todo += [one.__cause__, one.__context__]
            told = f"{one} {one!r} {one.args!r} {vars(one)!r} {getattr(one, '__notes__', '')}"
            assert not [secret for secret in secrets if secret in told], told


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('channels') / 'channels.db'}")
    upgrade(database, ROOT)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    running = LoopbackServer()
    yield running
    running.close()


@pytest.fixture
def lines(
    server: LoopbackServer, empty_database: Database, clock: FakeClock, chance: Chance, cipher: Cipher
) -> Iterator[Lines]:
    """Fresh platforms; no token is known."""
    with empty_database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM access_tokens")
    settings = settings_for("sqlite:///unused.db", server.url)
    simulator = Simulator(simulator_settings(settings, "http://127.0.0.1:9"), clock, Chance(clock, seed=3))
    server.app = create_simulator_app(simulator)
    yield Lines(simulator, clock, DatabaseTokenStore(empty_database, clock, chance, cipher), server.url)
    simulator.close()


@SOURCES
def test_a_text_arrives(lines: Lines, source: Source) -> None:
    """As it was written, quotes, backslashes, emoji and all."""
    text = "您好：“离校”\\u4f60 \U0001f393\n第二行 <b>&amp;"
    lines.send(source, text)
    assert lines.arrived(source) == [text]


@SOURCES
def test_half_a_character_does_no_harm(lines: Lines, source: Source) -> None:
    """A lone surrogate, which no platform can carry, does not keep the rest from arriving."""
    lines.send(source, "好\ud800的")
    assert len(lines.arrived(source)) == 1


@SOURCES
def test_a_long_text_arrives_in_parts(lines: Lines, source: Source) -> None:
    """Each part fits, in order, and nothing is lost."""
    text = "".join(f"第{number}条，请带好学生证。" for number in range(200))
    lines.send(source, text)
    parts = lines.arrived(source)
    assert len(parts) > 2
    assert "".join(parts) == text
    assert all(len(part.encode()) <= 2048 for part in parts)


@SOURCES
def test_a_blank_text_is_refused(lines: Lines, source: Source) -> None:
    """Nothing to send is not a message that was sent."""
    error = lines.fails(source, " \n")
    assert isinstance(error, PermanentSendError)
    assert error.code == "empty"
    assert not lines.arrived(source)


@pytest.mark.parametrize("source", [Source.WECHAT, Source.ROBOT])
def test_only_wecom_has_cards(lines: Lines, source: Source) -> None:
    """Elsewhere a card is refused before anything is called."""
    assert lines.fails(source, CARD).code == "text_only"
    assert not lines.simulator.calls


def test_a_card_and_its_update(lines: Lines) -> None:
    """Buttons arrive with their keys; after the press the line stands in their place; the code is good once."""
    lines.send(Source.WECOM, CARD)
    phone = lines.simulator.staff_phone("wang")
    (card,) = phone.cards
    assert (card.title, card.text, card.task_id) == (CARD.title, CARD.text, CARD.task_id)
    assert [(one["key"], one["text"], one["primary"]) for one in card.buttons] == [
        ("ack", "我来联系", True),
        ("false", "误报", False),
    ]
    code = lines.simulator.room.codes.new("task-1")
    update = CardUpdateContent(code, "王老师 12:00 接手")
    lines.send(Source.WECOM, update)
    assert phone.cards[0].replaced_by == "王老师 12:00 接手"
    assert lines.fails(Source.WECOM, update).code == "42014"


def test_a_long_card_is_cut_visibly(lines: Lines) -> None:
    """WeCom would cut without a word."""
    long = CardContent("task-2", "题" * 50, "文" * 500, (Button("k", "按" * 20),))
    lines.send(Source.WECOM, long)
    body = lines.simulator.journal.calls("wecom", "message/send")[-1].body["template_card"]
    assert body["main_title"]["title"] == "题" * 35 + "…"
    assert body["sub_title_text"] == "文" * 319 + "…"
    assert body["button_list"][0]["text"] == "按" * 9 + "…"


def test_the_same_card_twice(lines: Lines) -> None:
    """A try whose answer got lost does not arrive twice."""
    lines.simulator.faults.add("wecom", "message/send", drop=True, after=True)
    assert isinstance(lines.fails(Source.WECOM, CARD), OutcomeUnknownError)
    lines.send(Source.WECOM, CARD)
    assert len(lines.simulator.staff_phone("wang").cards) == 1


def test_an_unknown_member(lines: Lines) -> None:
    """Nobody of that name is 81013."""
    with pytest.raises(RecipientGoneError) as raised:
        lines.channel(Source.WECOM).send(OutboundMessage(Source.WECOM, "nobody", TextContent("x")))
    assert raised.value.code == "81013"


def test_an_invalid_user_in_a_good_answer(lines: Lines) -> None:
    """Errcode 0 with our one recipient in invaliduser, whatever its capitals, is not a message that was sent."""
    answers = [
        b'{"errcode":0,"access_token":"' + b"t" * 40 + b'","expires_in":7200}',
        b'{"errcode":0,"invaliduser":"WANG","msgid":"1"}',
    ]
    with speaking([http(answer) for answer in answers]) as url:
        error = lines.fails(Source.WECOM, url=url)
    assert isinstance(error, RecipientGoneError)
    assert (error.code, "wang" in str(error)) == ("invaliduser", True)


def test_a_student_who_does_not_follow(lines: Lines) -> None:
    """43004 and 40003 are a recipient who is gone."""
    lines.simulator.student("李同学")
    channel = lines.channel(Source.WECHAT)
    for openid, code in ((lines.simulator.student("李同学").openid, "43004"), ("nobody", "40003")):
        with pytest.raises(RecipientGoneError) as raised:
            channel.send(OutboundMessage(Source.WECHAT, openid, TextContent("x")))
        assert raised.value.code == code


def test_a_closed_window(lines: Lines) -> None:
    """After 48 hours 45015, after five messages 45047."""
    openid = lines.recipient(Source.WECHAT)
    channel = lines.channel(Source.WECHAT)
    lines.clock.advance(timedelta(minutes=2))
    for _ in range(5):
        channel.send(OutboundMessage(Source.WECHAT, openid, TextContent("x")))
    for step, code in ((timedelta(), "45047"), (timedelta(hours=48), "45015")):
        lines.clock.advance(step)
        with pytest.raises(WindowClosedError) as raised:
            channel.send(OutboundMessage(Source.WECHAT, openid, TextContent("x")))
        assert raised.value.code == code


@pytest.mark.parametrize(
    ("source", "expected", "code", "words"),
    [(Source.WECHAT, TokenRefusedError, "40125", "AppSecret"), (Source.WECOM, TokenRefusedError, "40001", "secret")],
)
def test_a_wrong_secret(lines: Lines, source: Source, expected: type[SendError], code: str, words: str) -> None:
    """A clear sentence after fewer than four calls, each time."""
    for _ in range(2):
        lines.simulator.journal.clear()
        error = lines.fails(source, secret="wrong-secret")
        assert type(error) is expected
        assert error.code == code
        assert words in str(error)
        assert len(lines.simulator.calls) < 4
    assert not lines.arrived(source)
    with pytest.raises(expected):
        lines.channel(source, secret="wrong-secret").check()  # type: ignore[attr-defined]  # both have one


def test_a_wrong_robot_key(lines: Lines) -> None:
    """93000, with a sentence that says what to do."""
    error = lines.fails(Source.ROBOT, key="gone")
    assert isinstance(error, PermanentSendError)
    assert (error.code, "robot_webhooks" in str(error)) == ("93000", True)


@pytest.mark.parametrize("source", [Source.WECHAT, Source.WECOM])
@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_that_is_always_refused(lines: Lines, source: Source, code: int) -> None:
    """One renewal and one more try, then an error that says what to check. Never a loop."""
    host, path = HOSTS[source]
    lines.simulator.faults.add(host, path, errcode=code, times=None)
    error = lines.fails(source)
    assert type(error) is TokenRefusedError
    assert (error.code, "核对密钥" in str(error)) == (str(code), True)
    assert lines.simulator.journal.count(host, path) == 2
    assert len(lines.simulator.calls) == 4


@pytest.mark.parametrize("source", [Source.WECHAT, Source.WECOM])
def test_an_expired_token_is_renewed_once(lines: Lines, source: Source) -> None:
    """Tokens that end early cost one more fetch; the message arrives once."""
    host, path = HOSTS[source]
    fetch = "stable_token" if source is Source.WECHAT else "gettoken"
    lines.send(source, "一")
    lines.simulator.expire_tokens()
    lines.send(source, "二")
    lines.send(source, "三")
    assert lines.arrived(source) == ["一", "二", "三"]
    assert lines.simulator.journal.count(host, fetch) == 2
    assert lines.simulator.journal.count(host, path) == 4


@pytest.mark.parametrize("source", [Source.WECHAT, Source.WECOM])
def test_a_token_at_its_end_is_fetched_before_it_is_refused(lines: Lines, source: Source) -> None:
    """No call ever goes out with a token whose time is over."""
    for _ in range(3):
        lines.send(source)
        lines.clock.advance(timedelta(minutes=116))
    assert [call for call in lines.simulator.calls if call.errcode] == []


@SOURCES
@pytest.mark.parametrize(
    ("fault", "expected", "code"),
    [
        ({"errcode": -1}, TemporarySendError, "-1"),
        ({"errcode": 45009}, RateLimitedError, "45009"),
        ({"errcode": 50002}, FeatureOffError, "50002"),
        ({"errcode": 123456}, TemporarySendError, "123456"),
        ({"http_status": 500}, OutcomeUnknownError, "http_500"),
        ({"http_status": 502}, OutcomeUnknownError, "http_502"),
        ({"html": True}, OutcomeUnknownError, "not_json"),
        ({"drop": True}, OutcomeUnknownError, "connection_broke"),
        ({"delay_s": 0.8}, OutcomeUnknownError, "read_timeout"),
    ],
    ids=str,
)
def test_what_goes_wrong_on_the_way(
    lines: Lines, source: Source, fault: dict[str, Any], expected: type[SendError], code: str
) -> None:
    """Each failure has its class; where the message may have been taken, nothing was tried twice."""
    host, path = HOSTS[source]
    lines.simulator.faults.add(host, path, **fault)
    error = lines.fails(source)
    assert type(error) is expected
    assert error.code == code
    assert sum(call.path == path for call in lines.simulator.calls) <= 1
    lines.send(source, "后来")
    assert lines.arrived(source)[-1] == "后来"


@pytest.mark.parametrize("source", [Source.WECHAT, Source.WECOM])
@pytest.mark.parametrize(
    "fault", [{"http_status": 500}, {"html": True}, {"drop": True}, {"delay_s": 0.8}, {"errcode": -1}], ids=str
)
def test_a_token_that_cannot_be_fetched_leaves_nothing_in_doubt(
    lines: Lines, source: Source, fault: dict[str, Any]
) -> None:
    """The message has not left: try again, without fear of a double."""
    host, path = HOSTS[source]
    lines.simulator.faults.add(host, "stable_token" if source is Source.WECHAT else "gettoken", **fault)
    assert type(lines.fails(source)) is TemporarySendError
    assert lines.simulator.journal.count(host, path) == 0
    lines.send(source)
    assert lines.arrived(source) == ["您好"]


@SOURCES
def test_nobody_listens(lines: Lines, source: Source) -> None:
    """A refused connection took nothing with it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    error = lines.fails(source, url=url)
    assert type(error) is TemporarySendError
    assert error.code == "unreachable"


def http(body: bytes, headers: bytes = b"", status: bytes = b"200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s" % (status, size, headers, body)


@contextmanager
def speaking(answers: list[bytes]) -> Iterator[str]:
    """A server that reads one request on each connection and answers with the next bytes, whatever they are."""

    def run() -> None:
        for answer in answers:
            connection, _ = server.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                header, _, body = head.partition(b"\r\n\r\n")
                sizes = [
                    line.split(b":")[1] for line in header.lower().split(b"\r\n") if line.startswith(b"content-length:")
                ]
                while sizes and len(body) < int(sizes[0]):
                    body += connection.recv(65536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (b"", OutcomeUnknownError, "connection_broke"),
        (b"nonsense\r\n\r\n", OutcomeUnknownError, "connection_broke"),
        (http(b'{"errcode":0', length=500), OutcomeUnknownError, "answer_broke"),
        (http(b'{"errcode":0'), OutcomeUnknownError, "not_json"),
        (http(b"[1]"), OutcomeUnknownError, "not_json"),
        (http(b"null"), OutcomeUnknownError, "not_json"),
        (http(b"[" * 100_000), OutcomeUnknownError, "not_json"),
        (http(b"{}", b"Content-Encoding: gzip\r\n"), OutcomeUnknownError, "answer_broke"),
        (http(b"", b"Location: http://127.0.0.1:9/\r\n", b"302 Found"), OutcomeUnknownError, "not_json"),
        (http(b'{"errcode":"?"}'), TemporarySendError, "-1"),
        (http(b'{"errcode":null}'), TemporarySendError, "-1"),
    ],
)
def test_answers_that_are_none(lines: Lines, answer: bytes, expected: type[SendError], code: str) -> None:
    """Broken answers of every kind; none of them follows a redirect or raises anything else."""
    with speaking([answer]) as url:
        error = lines.fails(Source.ROBOT, url=url)
    assert type(error) is expected
    assert error.code == code


@pytest.mark.parametrize("source", [Source.WECHAT, Source.WECOM])
@pytest.mark.parametrize(
    "answer",
    [
        b"{}",
        b'{"access_token":""}',
        b'{"access_token":null}',
        b'{"access_token":"t","expires_in":"?"}',
        b'{"access_token":"t","expires_in":-1}',
    ],
)
def test_a_fetch_without_a_token(lines: Lines, source: Source, answer: bytes) -> None:
    """Success without a token is the platform's hiccup."""
    with speaking([http(answer)]) as url:
        error = lines.fails(source, url=url)
    assert type(error) is TemporarySendError
    assert error.code == "no_token"


def test_a_proxy_of_the_environment_is_not_asked(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages with names and tokens go to the platform only."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    lines.send(Source.WECHAT)
    assert lines.arrived(Source.WECHAT) == ["您好"]


def robot_sends(lines: Lines, channel: Channel, text: str) -> RateLimitedError | None:
    try:
        channel.send(OutboundMessage(Source.ROBOT, "", TextContent(text)))
    except RateLimitedError as error:
        return error
    return None


def test_the_robots_pace(lines: Lines) -> None:
    """Fifteen ordinary messages a minute, five more for red alerts, and the wait is exact."""
    channel = lines.channel(Source.ROBOT)
    for number in range(15):
        assert robot_sends(lines, channel, f"日报 {number}") is None
        lines.clock.advance(timedelta(seconds=1))
    refused = robot_sends(lines, channel, "日报")
    assert refused is not None
    assert (refused.code, refused.retry_after) == ("robot_pace", timedelta(seconds=45))
    for number in range(5):
        assert robot_sends(lines, channel, f"红色警报 {number}") is None
    urgent = robot_sends(lines, channel, "红色警报")
    assert urgent is not None
    assert urgent.retry_after == timedelta(seconds=45)
    assert len(lines.arrived(Source.ROBOT)) == 20
    assert [call for call in lines.simulator.calls if call.errcode] == []
    lines.clock.advance(timedelta(seconds=45))
    assert robot_sends(lines, channel, "红色警报") is None
    assert robot_sends(lines, channel, "日报") is not None


def test_one_group_of_two_is_enough(lines: Lines) -> None:
    """A robot that was removed from one group does not silence the other."""
    base = f"{lines.url}/simulator/qyapi.weixin.qq.com/cgi-bin/webhook/send?key="
    channel = RobotChannel([f"{base}gone", f"{base}group"], clock=lines.clock, timeouts=TIMEOUTS)
    channel.send(OutboundMessage(Source.ROBOT, "", TextContent("您好")))
    assert lines.arrived(Source.ROBOT) == ["您好"]
    with pytest.raises(PermanentSendError) as raised:
        RobotChannel([], clock=lines.clock, timeouts=TIMEOUTS).send(
            OutboundMessage(Source.ROBOT, "", TextContent("您好"))
        )
    assert raised.value.code == "no_robot"


CALLS: dict[str, Callable[[WeChatClient], Any]] = {
    "menu/create": lambda client: client.menu.create({"button": [{"type": "click", "name": "问答", "key": "faq"}]}),
    "user/info": lambda client: client.user.get("nobody"),
    "qrcode/create": lambda client: client.qrcode.create(
        {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "a"}}}
    ),
}


@pytest.mark.parametrize("path", CALLS)
def test_every_call_of_the_library_goes_our_way(lines: Lines, path: str) -> None:
    """Wechatpy's other methods have the same token, time-outs and errors."""
    channel = lines.channel(Source.WECHAT)
    assert isinstance(channel, WeChatChannel)
    lines.simulator.faults.add("wechat", path, html=True)
    with pytest.raises(OutcomeUnknownError) as raised:
        CALLS[path](channel._client)
    lines.must_tell_no_secret(raised.value)
    if path == "user/info":
        with pytest.raises(RecipientGoneError):
            CALLS[path](channel._client)
    else:
        CALLS[path](channel._client)
    assert lines.simulator.token_fetches == 1
