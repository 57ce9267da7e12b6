"""What the callback addresses answer to anything at all: over real HTTP, signed and unsigned, plain and sealed."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest
from support.letters import Answered, Sender, exchange, post, xml_of
from support.world import AES, ROOT, WECOM_AES, ZONE, LoopbackServer, settings_for

from bot.bootstrap import Application
from bot.callback.xml import read_fields
from bot.clock import FakeClock, SystemClock
from bot.migrations import upgrade
from bot.web import create_web

Body = Callable[[Sender], bytes]


@dataclass(frozen=True)
class Bot:
    """One running bot and the two platforms that know its secrets."""

    url: str
    wechat: Sender
    wecom: Sender
    safe_url: str = ""

    def way(self, name: str) -> tuple[str, Sender]:
        return f"{self.url}/{name}", self.wechat if name == "wechat" else self.wecom


def senders(clock: FakeClock | SystemClock) -> tuple[Sender, Sender]:
    return (
        Sender("wechat-token", AES, "wx0123456789abcdef", clock.now),
        Sender("wecom-token", WECOM_AES, "ww0123456789abcdef", clock.now),
    )


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """The real application on SQLite, in compatible mode, and a second one in safe mode."""
    clock = FakeClock(datetime(2027, 6, 8, 12, 0, tzinfo=ZONE))
    servers, applications = [], []
    for mode in ("compatible", "safe"):
        folder = tmp_path_factory.mktemp(mode)
        settings = settings_for(f"sqlite:///{folder / 'hostile.db'}", "http://127.0.0.1:9").with_values(
            wechat={"mode": mode}
        )
        application = Application(settings=settings, clock=clock, root=ROOT, folder=folder, seed=7)
        if applications:
            application.__dict__["knowledge"] = applications[0].knowledge
        upgrade(application.database, ROOT)
        server = LoopbackServer()
        server.app = create_web(application)
        servers.append(server)
        applications.append(application)
    yield Bot(servers[0].url, *senders(clock), safe_url=servers[1].url)
    for server in servers:
        server.close()
    for application in applications:
        application.inbox.close()
        application.database.dispose()


def fixed(body: bytes) -> Body:
    return lambda _: body


def text_with(**changes: str | None) -> Body:
    return lambda sender: xml_of(sender.message(**changes))


def around(before: bytes, after: bytes = b"") -> Body:
    """A good message with something in front and at its end."""
    return lambda sender: before + xml_of(sender.message()).removesuffix(b"</xml>") + after + b"</xml>"


def noise(size: int) -> bytes:
    return b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(size // 32 + 1))[:size]


LAUGHS = b"<!DOCTYPE xml [<!ENTITY a0 'ha'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (number, b"&a%d;" % (number - 1) * 10) for number in range(1, 12)
)
MALFORMED: dict[str, Body] = {
    "nothing": fixed(b""),
    "blank": fixed(b" \n"),
    "json": fixed(b'{"MsgType": "text"}'),
    "another root": fixed(b"<html><body/></html>"),
    "two roots": lambda sender: xml_of(sender.message()) * 2,
    "internal entity": around(b"<!DOCTYPE xml [<!ENTITY a 'b'>]>", b"<X>&a;</X>"),
    "external entity": around(b"<!DOCTYPE xml [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>", b"<X>&a;</X>"),
    "parameter entity": around(b"<!DOCTYPE xml [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/x'> %a;]>"),
    "unknown entity": around(b"", b"<X>&nbsp;</X>"),
    "external dtd": around(b"<!DOCTYPE xml SYSTEM 'http://127.0.0.1:9/x.dtd'>"),
    "empty dtd": around(b"<!DOCTYPE xml>"),
    "billion laughs": around(LAUGHS + b"]>", b"<X>&a11;</X>"),
    "depth bomb": around(b"", b"<a>" * 2000 + b"</a>" * 2000),
    "too many fields": around(b"", b"".join(b"<f%d/>" % number for number in range(400))),
    "truncated": lambda sender: xml_of(sender.message())[:-20],
    "open cdata": fixed(b"<xml><Content><![CDATA[x</Content></xml>"),
    "utf-16": lambda sender: xml_of(sender.message()).decode().encode("utf-16"),
    "utf-16 without mark": lambda sender: xml_of(sender.message()).decode().encode("utf-16-be"),
    "gbk declared": lambda sender: (
        b"<?xml version='1.0' encoding='gbk'?>" + xml_of(sender.message()).decode().encode("gbk")
    ),
    "gbk declared, utf-8 sent": around(b"<?xml version='1.0' encoding='gb2312'?>"),
    "gbk undeclared": lambda sender: xml_of(sender.message()).decode().encode("gbk"),
    "surrogate": around(b"", b"<X>\xed\xa0\x80</X>"),
    "overlong": around(b"", b"<X>\xc0\xbc</X>"),
    "nul": around(b"", b"<X>\x00</X>"),
    "nul as reference": around(b"", b"<X>&#0;</X>"),
    "control character": around(b"", b"<X>\x08</X>"),
    "random bytes": fixed(noise(3000)),
    "random bytes inside": fixed(b"<xml><Content>" + noise(300) + b"</Content></xml>"),
    "no sender": text_with(FromUserName=None),
    "empty sender": text_with(FromUserName=""),
    "endless sender": text_with(FromUserName="o" * 5000),
    "sender with line break": text_with(FromUserName="a\nb"),
    "no type": text_with(MsgType=None),
    "no time": text_with(CreateTime=None),
    "negative time": text_with(CreateTime="-1"),
    "huge time": text_with(CreateTime="9" * 19),
    "endless time": text_with(CreateTime="9" * 6000),
    "huge time behind zeros": text_with(CreateTime="0" * 20 + "9" * 30),
    "broken time": text_with(CreateTime="1.5e9"),
    "full-width time": text_with(CreateTime="１８１２４２７２００"),
}
FINE: dict[str, Body] = {
    "text": text_with(),
    "unknown type": text_with(MsgType="hologram"),
    "unknown event": text_with(MsgType="event", Event="tomorrows_event", EventKey="x" * 3000),
    "event without name": text_with(MsgType="event"),
    "endless event name": text_with(MsgType="event", Event="e" * 5000),
    "no content": text_with(Content=None),
    "no number": text_with(MsgId=None),
    "endless number": text_with(MsgId="1" * 5000),
    "no account": text_with(ToUserName=None),
    "time zero": text_with(CreateTime="0"),
    "last moment": text_with(CreateTime="253402300799"),
    "template injection": text_with(
        Content="{{ 7*7 }} ${jndi:ldap://x} %s%n <script>alert(1)</script> '; DROP TABLE students"
    ),
    "long text": text_with(Content="长" * 5000),
    "emoji": text_with(Content="\U0001f468\u200d\U0001f469\u200d\U0001f467\u202e\ufeff"),
    "byte order mark": around(b"\xef\xbb\xbf"),
    "utf-8 declared": around(b"<?xml version='1.0' encoding='UTF-8'?>"),
    "comments": around(b"<!-- x -->", b"<!-- y --><?pi z?>"),
    "field twice": around(b"", b"<MsgType>event</MsgType>"),
}


def assert_nothing_shown(answer: Answered) -> None:
    """Neither a trace nor a page, and never a failure of ours."""
    assert answer.status < 500
    for word in (b"Traceback", b"Error", b"wechat-token", b"wecom-token", b'File "', b"werkzeug"):
        assert word not in answer.body


@pytest.mark.parametrize("name", [*MALFORMED, *FINE])
@pytest.mark.parametrize("platform", ["wechat", "wecom"])
def test_unsigned_requests(bot: Bot, platform: str, name: str) -> None:
    """Without a signature nothing gets in: 403 or, where the sealed part cannot be found, 400; both empty."""
    url, sender = bot.way(platform)
    body = (MALFORMED | FINE)[name](sender)
    query, sealed = sender.sealed_request(body)
    forged = {**query, "msg_signature": "0" * 40, "signature": "0" * 40}
    for given, sent, expected in (
        ({}, body, {400} if platform == "wecom" else {403}),
        ({**forged, "encrypt_type": ""}, body, {400} if platform == "wecom" else {403}),
        ({"encrypt_type": "aes"}, body, {400}),
        ({}, sealed, {403}),
        (forged, sealed, {403}),
        ({**query, "nonce": "1"}, sealed, {403}),
    ):
        answer = post(url, given, sent)
        assert_nothing_shown(answer)
        assert answer.status in expected, (given, answer)
        assert answer.body == b""


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("way", ["plain", "sealed wechat", "sealed wecom", "outside wechat", "outside wecom"])
def test_signed_but_malformed_requests(bot: Bot, way: str, name: str) -> None:
    """With a right signature it is 400 and nothing else, whether the nonsense is sealed or around the sealed part."""
    url, sender = bot.way(way.rsplit(maxsplit=1)[-1] if way != "plain" else "wechat")
    body = MALFORMED[name](sender)
    if way == "plain":
        query = sender.plain_query()
    elif way.startswith("sealed"):
        query, body = sender.sealed_request(body)
    else:
        query = sender.sealed_query("")
    answer = post(url, query, body)
    assert_nothing_shown(answer)
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize("name", FINE)
@pytest.mark.parametrize("way", ["plain", "sealed wechat", "sealed wecom"])
def test_signed_and_odd_requests(bot: Bot, way: str, name: str) -> None:
    """What the platforms may send one day is taken, and what is answered is well-formed."""
    url, sender = bot.way(way.rsplit(maxsplit=1)[-1] if way != "plain" else "wechat")
    body = FINE[name](sender)
    query, sent = (sender.plain_query(), body) if way == "plain" else sender.sealed_request(body)
    answer = post(url, query, sent)
    assert_nothing_shown(answer)
    assert answer.status == 200
    if answer.body not in (b"", b"success"):
        fields = read_fields(answer.body)
        if way != "plain":
            assert fields["MsgSignature"] == sender.sign(fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
            fields = read_fields(sender.open(fields["Encrypt"]))
        assert fields["ToUserName"] == read_fields(body)["FromUserName"]
        assert 0 < len(fields["Content"].encode()) <= 2048


@pytest.mark.parametrize("platform", ["wechat", "wecom"])
@pytest.mark.parametrize("size", [64 * 1024 + 1, 10_000_000])
def test_oversized_bodies(bot: Bot, platform: str, size: int) -> None:
    """Over 64 KB is 413, signed or not."""
    url, sender = bot.way(platform)
    big = xml_of(sender.message()).ljust(size)
    for query in ({}, sender.plain_query(), sender.sealed_query("x")):
        answer = post(url, query, big)
        assert_nothing_shown(answer)
        assert answer.status == 413


@pytest.mark.parametrize("late", [-301, 301, -86400])
def test_stale_requests(bot: Bot, late: int) -> None:
    """Signed five minutes ago is too long ago."""
    for platform in ("wechat", "wecom"):
        url, sender = bot.way(platform)
        query, sealed = sender.sealed_request(xml_of(sender.message()), late)
        assert post(url, query, sealed) == Answered(403, b"", post(url, query, sealed).headers)
    url, sender = bot.way("wechat")
    assert post(url, sender.plain_query(late), xml_of(sender.message())).status == 403


@pytest.mark.parametrize("platform", ["wechat", "wecom"])
def test_nearly_stale_requests(bot: Bot, platform: str) -> None:
    """Within five minutes is in time, either way."""
    url, sender = bot.way(platform)
    for late in (-299, 299):
        assert post(url, *sender.sealed_request(xml_of(sender.message()), late)).status == 200


@pytest.mark.parametrize("way", ["plain", "sealed wechat", "sealed wecom"])
def test_replayed_requests(bot: Bot, way: str) -> None:
    """The identical request again is 403; the platform's retry, signed anew, gets the same answer."""
    url, sender = bot.way(way.rsplit(maxsplit=1)[-1] if way != "plain" else "wechat")
    body = xml_of(sender.message(Content="毕业证丢了怎么办"))

    def request() -> tuple[dict[str, str], bytes]:
        return (sender.plain_query(), body) if way == "plain" else sender.sealed_request(body)

    first = request()
    answer = post(url, *first)
    assert answer.status == 200
    for _ in range(2):
        again = post(url, *first)
        assert (again.status, again.body) == (403, b"")
    retry = post(url, *request())
    assert retry.status == 200
    if way == "plain":
        assert retry.body == answer.body


def test_a_plain_request_in_safe_mode(bot: Bot) -> None:
    """Whoever knows only the token cannot speak where messages are sealed."""
    sender = bot.wechat
    answer = post(f"{bot.safe_url}/wechat", sender.plain_query(), xml_of(sender.message()))
    assert (answer.status, answer.body) == (403, b"")
    assert post(f"{bot.safe_url}/wechat", *sender.sealed_request(xml_of(sender.message()))).status == 200


def test_another_accounts_secrets(bot: Bot) -> None:
    """WeCom's sender cannot speak for WeChat, and a right signature does not help a wrong key."""
    assert post(f"{bot.url}/wechat", *bot.wecom.sealed_request(xml_of(bot.wecom.message()))).status == 403
    stranger = Sender(bot.wechat.token, WECOM_AES, bot.wechat.receiver_id, bot.wechat.now)
    assert post(f"{bot.url}/wechat", *stranger.sealed_request(xml_of(stranger.message()))).status == 400
    neighbour = Sender(bot.wechat.token, AES, "wx_neighbour", bot.wechat.now)
    assert post(f"{bot.url}/wechat", *neighbour.sealed_request(xml_of(neighbour.message()))).status == 400


def get(url: str, query: dict[str, str]) -> Answered:
    return exchange(url, query, [], b"", method="GET")


def test_the_check_of_the_wechat_address(bot: Bot) -> None:
    """A signed check gets its own word back, as plain text; an unsigned one 403."""
    query = {**bot.wechat.plain_query(), "echostr": "<b>5927</b>"}
    answer = get(f"{bot.url}/wechat", query)
    assert (answer.status, answer.body) == (200, b"<b>5927</b>")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for bad in ({}, {**query, "signature": "0"}, {**query, "timestamp": "x"}, {**query, "signature": "é"}):
        refused = get(f"{bot.url}/wechat", bad)
        assert (refused.status, refused.body) == (403, b"")


def test_the_check_of_the_wecom_address(bot: Bot) -> None:
    """The sealed word comes back opened; nothing else gets more than 403 or 400."""
    sealed = bot.wecom.seal(b"1616140317555161061")
    query = {**bot.wecom.sealed_query(sealed), "echostr": sealed}
    assert get(f"{bot.url}/wecom", query).body == b"1616140317555161061"
    for bad in ({}, {**query, "msg_signature": "0"}, {**query, "echostr": "x"}, {**query, "nonce": "1"}):
        refused = get(f"{bot.url}/wecom", bad)
        assert (refused.status, refused.body) == (403, b"")
    for word in ("", "x", "好", sealed[:-4]):
        assert get(f"{bot.url}/wecom", {**bot.wecom.sealed_query(word), "echostr": word}).status == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "X" * 50])
def test_other_methods(bot: Bot, method: str) -> None:
    """Only GET and POST mean anything."""
    answer = exchange(f"{bot.url}/wechat", {}, [("Content-Length", "0")], b"", method=method)
    assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    "query", ["signature=%ff%fe&timestamp=%00&nonce=%f0", "timestamp[]=1", "a=" + "9" * 20000, "%", "&&&=="]
)
@pytest.mark.parametrize("platform", ["wechat", "wecom"])
def test_odd_queries(bot: Bot, platform: str, query: str) -> None:
    """Whatever stands behind the question mark."""
    answer = exchange(f"{bot.url}/{platform}?{query}", {}, [("Content-Length", "6")], b"<xml/>")
    assert_nothing_shown(answer)
    assert 400 <= answer.status < 500


LIES: dict[str, tuple[list[tuple[str, str]], Callable[[bytes], bytes], set[int]]] = {
    "good chunks": (
        [("Transfer-Encoding", "chunked")],
        lambda body: b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        {200},
    ),
    "no chunk size": ([("Transfer-Encoding", "chunked")], lambda body: b"zz\r\n" + body + b"\r\n0\r\n\r\n", {0, 400}),
    "negative chunk size": (
        [("Transfer-Encoding", "chunked")],
        lambda body: b"-5\r\n" + body + b"\r\n0\r\n\r\n",
        {0, 400},
    ),
    "chunk cut off": ([("Transfer-Encoding", "chunked")], lambda body: b"%x\r\n%s" % (len(body) + 500, body), {0, 400}),
    "chunk longer than said": (
        [("Transfer-Encoding", "chunked")],
        lambda body: b"5\r\n%s\r\n0\r\n\r\n" % body,
        {0, 400},
    ),
    "no last chunk": ([("Transfer-Encoding", "chunked")], lambda body: b"5\r\n%s\r\n" % body[:5], {0, 400}),
    "big chunks": (
        [("Transfer-Encoding", "chunked")],
        lambda body: b"8000\r\n%s\r\n" % body.ljust(0x8000) * 4 + b"0\r\n\r\n",
        {0, 413},
    ),
    "huge chunk size": ([("Transfer-Encoding", "chunked")], lambda body: b"f" * 40 + b"\r\n" + body, {0, 400, 413}),
    "length too long": ([("Content-Length", "5000")], lambda body: body, {0, 400}),
    "length too short": ([("Content-Length", "30")], lambda body: body, {0, 400}),
    "length zero": ([("Content-Length", "0")], lambda body: body, {0, 400}),
    "length negative": ([("Content-Length", "-5")], lambda body: body, {0, 400}),
    "length no number": ([("Content-Length", "ten")], lambda body: body, {0, 400}),
    "length endless": ([("Content-Length", "9" * 5000)], lambda body: body, {0, 400, 413}),
    "no length": ([("X-Nothing", "1")], lambda body: body, {0, 400, 411}),
    "length and chunks": (
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        lambda body: b"0\r\n\r\n",
        {0, 400},
    ),
    "unknown coding": ([("Transfer-Encoding", "gzip, x")], lambda body: body, {0, 400, 411, 501}),
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("signed", [True, False])
def test_bodies_that_lie(bot: Bot, name: str, signed: bool) -> None:
    """A body that is not what its headers say is 400, or the connection ends; the next request is served."""
    _assert_lie(bot, name, signed=signed)


def _assert_lie(bot: Bot, name: str, *, signed: bool) -> None:
    headers, frame, expected = LIES[name]
    sender = bot.wechat
    body = xml_of(sender.message())
    answer = exchange(f"{bot.url}/wechat", sender.plain_query() if signed else {}, headers, frame(body))
    assert answer.status in (expected if signed else (expected - {200}) | {403}), (name, answer)
    assert b"Traceback" not in answer.body
    sealed = exchange(f"{bot.url}/wecom", {}, headers, frame(body))
    assert sealed.status in (expected - {200}) | {400}, (name, sealed)
    assert post(f"{bot.url}/wechat", *sender.sealed_request(xml_of(sender.message()))).status == 200


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """The same application under gunicorn, as it runs in production, with one worker."""
    folder = tmp_path_factory.mktemp("gunicorn")
    environment = os.environ | {
        "LIXIAO_TEST_FOLDER": str(folder),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    command = [sys.executable, "-m", "gunicorn", "support.gunicorn_target:create_app()", "--workers=1", "--threads=4"]
    options = ["--worker-class=gthread", "--graceful-timeout=2", "--log-level=warning", "--no-control-socket"]
    with socket.create_server(("127.0.0.1", 0)) as listening, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *options, f"--bind=fd://{listening.fileno()}"],
            env=environment,
            cwd=folder,
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=log,
        )
        try:
            yield Bot(f"http://127.0.0.1:{listening.getsockname()[1]}", *senders(SystemClock()))
        finally:
            process.terminate()
            process.wait(20)
    assert b"Traceback" not in (folder / "log").read_bytes(), (folder / "log").read_text()


@pytest.mark.parametrize("signed", [True, False])
def test_bodies_that_lie_to_gunicorn(gunicorn: Bot, signed: bool) -> None:
    """The server of production holds to the same."""
    for name in LIES:
        _assert_lie(gunicorn, name, signed=signed)
