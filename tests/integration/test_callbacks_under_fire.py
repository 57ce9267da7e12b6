"""The two callback addresses under everything that can arrive, in process and through a real server."""

import base64
import hashlib
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from bot.callback.sealing import Seal
from bot.callback.webhook import Callback, create_callback_blueprint
from bot.callback.xml import read_fields
from bot.channel.messages import InboundMessage, Kind, Source
from bot.clock import FakeClock

TOKEN, ACCOUNT = "the-token", {Source.WECHAT: "wx1", Source.WECOM: "ww1"}
KEY, OLD_KEY, OTHER_KEY = (base64.b64encode(bytes([n]) * 32).decode().rstrip("=") for n in (1, 2, 3))
TEXT = "<xml><ToUserName>gh</ToUserName><FromUserName>o1</FromUserName><CreateTime>1800000000</CreateTime>\
<MsgType>text</MsgType><Content>{}</Content><MsgId>42</MsgId></xml>"


class TakenError(Exception):
    """The same signed request again."""


@dataclass
class Bot:
    """What the callbacks give to the product, and what it answers."""

    got: list[InboundMessage] = field(default_factory=list)
    reply: str | None = "好的"
    error: Exception | None = None

    def answer(self, message: InboundMessage) -> str | None:
        self.got.append(message)
        if self.error is not None:
            raise self.error
        return self.reply


@dataclass(frozen=True)
class Address:
    """A callback address and a platform that knows how to call it. Its sealing is written here once more, from the document."""

    app: Flask
    source: Source
    clock: FakeClock
    bot: Bot

    @property
    def path(self) -> str:
        return f"/{self.source.value}"

    def query(self, *extra: str, sealed: bool, token: str = TOKEN, age_s: float = 0, nonce: str = "n0") -> str:
        timestamp = str(int(self.clock.now().timestamp() - age_s))
        signature = _sha1(token, timestamp, nonce, *extra)
        name = "msg_signature" if sealed else "signature"
        return urlencode(
            {name: signature, "timestamp": timestamp, "nonce": nonce} | ({"encrypt_type": "aes"} if sealed else {})
        )

    def post(self, body: bytes | str, query: str, **more: object) -> TestResponse:
        return self.app.test_client().post(f"{self.path}?{query}", data=body, **more)

    def plain(self, body: bytes | str = TEXT.format("你好"), **how: object) -> TestResponse:
        return self.post(body, self.query(sealed=False, **how))

    def sealed(
        self, inner: bytes | str = TEXT.format("你好"), *, key: str = KEY, receiver: str = "", **how: object
    ) -> TestResponse:
        word = seal(inner, key, receiver or ACCOUNT[self.source])
        return self.post(
            f"<xml><ToUserName>gh</ToUserName><Encrypt>{word}</Encrypt></xml>", self.query(word, sealed=True, **how)
        )


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the platforms' rule


def _aes(key: str) -> Cipher:
    raw = base64.b64decode(key + "=")
    return Cipher(algorithms.AES(raw), modes.CBC(raw[:16]))


def seal(inner: bytes | str, key: str, receiver: str) -> str:
    text = inner.encode() if isinstance(inner, str) else inner
    plain = b"0123456789abcdef" + struct.pack("!I", len(text)) + text + receiver.encode()
    padding = 32 - len(plain) % 32
    encryptor = _aes(key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def unseal(word: str, key: str) -> tuple[str, str]:
    decryptor = _aes(key).decryptor()
    plain = decryptor.update(base64.b64decode(word)) + decryptor.finalize()
    content = plain[16 : -plain[-1]]
    (length,) = struct.unpack("!I", content[:4])
    return content[4 : 4 + length].decode(), content[4 + length :].decode()


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def make(clock: FakeClock, bot: Bot) -> Callable[..., Address]:
    def make(source: Source = Source.WECHAT, mode: str = "safe", keys: tuple[str, ...] = (KEY, OLD_KEY)) -> Address:
        app = Flask("test", static_folder=None)
        made = Seal(token=TOKEN, receiver_id=ACCOUNT[source], aes_keys=keys, skew=timedelta(seconds=300))
        callback = Callback(source, f"/{source.value}", made, mode, clock, bot.answer, refused=(TakenError,))
        app.register_blueprint(create_callback_blueprint(callback))
        return Address(app, source, clock, bot)

    return make


@pytest.fixture(params=[Source.WECHAT, Source.WECOM], ids=lambda source: source.value)
def address(request: pytest.FixtureRequest, make: Callable[..., Address]) -> Address:
    return make(request.param)


def test_a_plain_message_gets_a_plain_reply(make: Callable[..., Address], bot: Bot):
    bot.reply = "看 ]]> <b>"
    answer = make(mode="plain").plain()
    assert (answer.status_code, bot.got[0].text, bot.got[0].kind) == (200, "你好", Kind.TEXT)
    assert read_fields(answer.data) == {
        "ToUserName": "o1",
        "FromUserName": "gh",
        "CreateTime": str(int(make().clock.now().timestamp())),
        "MsgType": "text",
        "Content": "看 ]]> <b>",
    }


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_a_sealed_message_gets_a_reply_sealed_with_the_same_key(address: Address, bot: Bot, key: str):
    answer = address.sealed(key=key)
    assert (answer.status_code, bot.got[0].text) == (200, "你好")
    outer = read_fields(answer.data)
    inner, receiver = unseal(outer["Encrypt"], key)
    assert receiver == ACCOUNT[address.source]
    assert read_fields(inner.encode())["Content"] == "好的"
    assert outer["MsgSignature"] == _sha1(TOKEN, outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])


def test_a_nonce_is_echoed_without_harm(address: Address):
    outer = read_fields(address.sealed(nonce="]]></Nonce><x>\x00").data)
    assert outer["Nonce"] == "]]></Nonce><x>"
    assert outer["MsgSignature"] == _sha1(TOKEN, outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])


@pytest.mark.parametrize(
    ("mode", "keys", "sealed", "status"),
    [
        ("plain", (), False, 200),
        ("plain", (), True, 403),
        ("plain", (KEY,), True, 200),
        ("compatible", (KEY,), False, 200),
        ("compatible", (KEY,), True, 200),
        ("safe", (KEY,), False, 403),
        ("safe", (KEY,), True, 200),
        ("safe", (), True, 403),
        ("safe", (), False, 403),
        ("safe", ("", KEY), True, 200),
    ],
)
def test_modes(make: Callable[..., Address], mode: str, keys: tuple[str, ...], sealed: bool, status: int):
    """Plain is refused as soon as the account is set to safe mode."""
    at = make(mode=mode, keys=keys)
    assert (at.sealed() if sealed else at.plain()).status_code == status


def test_wecom_never_takes_a_plain_message(make: Callable[..., Address], bot: Bot):
    at = make(Source.WECOM, mode="plain")
    assert at.plain().status_code in (400, 403)
    assert bot.got == []


def test_compatible_mode_believes_the_sealed_part(make: Callable[..., Address], bot: Bot):
    at = make(mode="compatible")
    word = seal(TEXT.format("sealed"), KEY, "wx1")
    body = TEXT.format("clear").replace("</xml>", f"<Encrypt>{word}</Encrypt></xml>")
    assert at.post(body, at.query(word, sealed=True)).status_code == 200
    assert bot.got[0].text == "sealed"


@pytest.mark.parametrize(("age_s", "status"), [(0, 200), (299, 200), (-299, 200), (301, 403), (-301, 403)])
def test_an_old_request_is_refused(address: Address, age_s: float, status: int):
    assert address.sealed(age_s=age_s).status_code == status


def test_every_try_has_a_signature_of_its_own_and_one_key_for_the_double(address: Address, bot: Bot):
    address.sealed(nonce="a")
    address.sealed(nonce="b")
    assert len({message.signature_key for message in bot.got}) == 2
    assert len({message.dedup_key for message in bot.got}) == 1


@pytest.mark.parametrize(
    "query", ["", "timestamp=1&nonce=2", "signature=&msg_signature=", "msg_signature=签名&signature=签名"]
)
def test_no_signature_or_a_bad_one(address: Address, bot: Bot, query: str):
    word = seal(TEXT, KEY, ACCOUNT[address.source])
    answer = address.post(f"<xml><Encrypt>{word}</Encrypt></xml>", f"{query}&encrypt_type=aes")
    assert (answer.status_code, answer.data, bot.got) == (403, b"", [])


def test_a_signature_of_another_token(address: Address, bot: Bot):
    assert (address.sealed(token="another").status_code, bot.got) == (403, [])


def test_a_message_for_another_account_or_with_another_key(address: Address, bot: Bot):
    assert address.sealed(receiver="wx-other").status_code == 400
    assert address.sealed(key=OTHER_KEY).status_code == 400
    assert bot.got == []


@pytest.mark.parametrize(
    ("error", "status"), [(TakenError(), 403), (RuntimeError("what the student wrote"), 503), (KeyError("x"), 503)]
)
def test_a_product_that_fails_shows_nothing(address: Address, bot: Bot, error: Exception, status: int):
    """503 makes the platform try again."""
    bot.error = error
    answer = address.sealed()
    assert (answer.status_code, answer.data) == (status, b"")


def test_no_reply_is_said_as_the_platform_wants_it(make: Callable[..., Address], bot: Bot):
    bot.reply = None
    assert make(Source.WECHAT).sealed().data == b"success"
    assert make(Source.WECOM).sealed().data == b""


def test_wechat_checks_the_address(make: Callable[..., Address]):
    at = make()
    client = at.app.test_client()
    good = client.get(f"/wechat?{at.query(sealed=False)}&echostr=%3Cb%3E42")
    assert (good.status_code, good.data, good.mimetype) == (200, b"<b>42", "text/plain")
    assert client.get("/wechat?signature=no&timestamp=1&nonce=2&echostr=42").status_code == 403
    assert client.get(f"/wechat?{at.query(sealed=False, age_s=999)}&echostr=42").status_code == 403


def test_wecom_checks_the_address_with_a_sealed_word(make: Callable[..., Address]):
    """The answer has no quotes, no mark and no line end."""
    at = make(Source.WECOM)
    client = at.app.test_client()
    for key in (KEY, OLD_KEY):
        word = seal("1616140317555161061", key, "ww1")
        good = client.get(f"/wecom?{at.query(word, sealed=True)}&{urlencode({'echostr': word})}")
        assert (good.status_code, good.data) == (200, b"1616140317555161061")
    assert client.get(f"/wecom?{at.query(sealed=True)}&echostr=").status_code == 400
    assert client.get(f"/wecom?{at.query('junk', sealed=True)}&echostr=junk").status_code == 400
    assert client.get(f"/wecom?{at.query('junk', sealed=True)}&echostr=other").status_code == 403


def _corpus() -> list[bytes]:
    """Bodies that no platform sends."""
    base = TEXT.format("你好")
    whole = [
        b"",
        b"\x00",
        b"null",
        b'{"MsgType":"text"}',
        b"<xml/>",
        b"<xml></xml><xml></xml>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Content>&b;</Content></xml>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;</Content></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>',
        b"<a>" * 20_000,
        b"<xml>" + b"<a>" * 8000 + b"</a>" * 8000 + b"</xml>",
        b"<xml " + b" ".join(b'a%d="1"' % n for n in range(4000)) + b"/>",
        b"<xml>" + b"<a/>" * 12_000 + b"</xml>",
        b"x" * (64 * 1024 + 1),
        base.encode("utf-16"),
        base.encode("gbk"),
        ('<?xml version="1.0" encoding="gb2312"?>' + base).encode("gbk"),
        base.encode().replace("你".encode(), b"\xe4\xbd"),
        base.replace("你", "\x00").encode(),
        base.replace("你", "\x0b").encode(),
        base.replace("你", "&#x0;").encode(),
        base.replace("你", "]]>").encode(),
        base.replace("1800000000", "0" * 20 + "9" * 15).encode(),
        base.replace("1800000000", "9" * 6000).encode(),
        base.replace("1800000000", "-1e400").encode(),
        base.replace("text", "event").encode(),
        base.replace("text", "hologram").encode(),
        base.replace("o1", "o" * 5000).encode(),
        base.replace("42", "x" * 5000).encode(),
        b"<xml><Encrypt>????</Encrypt></xml>",
        "<xml><Encrypt>密</Encrypt></xml>".encode(),
        b"<xml><Encrypt>" + base64.b64encode(b"x" * 15) + b"</Encrypt></xml>",
        b"<xml><Encrypt>" + base64.b64encode(b"x" * 64) + b"</Encrypt></xml>",
    ]
    cut = [base.encode()[:length] for length in range(1, len(base), 17)]
    return whole + cut + [hashlib.shake_256(bytes([n])).digest(1 + 7 * n) for n in range(60)]


def test_nothing_unsigned_gets_in(address: Address, bot: Bot):
    for body in _corpus():
        answer = address.post(body, "signature=no&msg_signature=no&timestamp=1800000000&nonce=n&encrypt_type=aes")
        assert answer.status_code in (400, 403, 413), body[:60]
        assert answer.data == b""
    assert bot.got == []


def test_nothing_signed_breaks_a_sealed_address(address: Address):
    """Someone who knows the token and the key, or a platform that went mad."""
    for body in _corpus():
        answers = [address.sealed(body)]
        word = re.search(rb"<Encrypt>(.*)</Encrypt>", body)
        answers.append(address.post(body, address.query(word[1].decode() if word else "", sealed=True)))
        for answer in answers:
            assert answer.status_code in (200, 400, 403, 413), body[:60]
            assert b"Traceback" not in answer.data


def test_nothing_signed_breaks_a_plain_address(make: Callable[..., Address]):
    """In plain mode the signature does not cover the body, so that anything can stand in it."""
    at = make(mode="plain")
    for body in _corpus():
        answer = at.plain(body)
        assert answer.status_code in (200, 400, 413), body[:60]


@pytest.mark.parametrize(
    "mangle",
    [
        lambda plain: plain[:16],
        lambda plain: plain[:16] + b"\xff\xff\xff\xff" + plain[20:],
        lambda plain: plain[:16] + b"\x00\x00\x00\x00" + plain[20:],
        lambda plain: plain[:-1] + b"\x00",
        lambda plain: plain[:-1] + b"\x21",
        lambda _plain: b"\x10" * 32,
        lambda _plain: b"",
    ],
)
def test_a_sealed_text_that_is_not_built_as_it_should_be(address: Address, bot: Bot, mangle: Callable[[bytes], bytes]):
    """Wechatpy checks neither padding nor length."""
    text = TEXT.encode()
    plain = b"r" * 16 + struct.pack("!I", len(text)) + text + ACCOUNT[address.source].encode()
    plain += bytes([32 - len(plain) % 32]) * (32 - len(plain) % 32)
    mangled = mangle(plain)
    encryptor = _aes(KEY).encryptor()
    word = base64.b64encode(encryptor.update(mangled[: len(mangled) // 16 * 16]) + encryptor.finalize()).decode()
    answer = address.post(f"<xml><Encrypt>{word}</Encrypt></xml>", address.query(word, sealed=True))
    assert (answer.status_code, answer.data, bot.got) == (400, b"", [])


class BrokenBody:
    """What a server gives for a body that it cannot read, such as gunicorn for bad chunks."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, *_: object) -> bytes:
        raise self._error

    readline = read


@pytest.mark.parametrize("error", [OSError("reset"), ValueError("chunk"), StopIteration(), RuntimeError("parse")])
def test_a_body_that_cannot_be_read_is_malformed(address: Address, bot: Bot, error: Exception):
    answer = address.app.test_client().post(
        f"{address.path}?{address.query(sealed=False)}",
        environ_overrides={"wsgi.input": BrokenBody(error), "wsgi.input_terminated": True, "CONTENT_LENGTH": "10"},
    )
    assert (answer.status_code, answer.data, bot.got) == (400, b"", [])


def test_other_methods_are_refused(address: Address):
    client = address.app.test_client()
    assert [client.open(address.path, method=method).status_code for method in ("PUT", "DELETE", "PATCH")] == [405] * 3


@pytest.fixture
def served(address: Address) -> Iterator[tuple[Address, int]]:
    server = make_server("127.0.0.1", 0, address.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address, server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def _raw(port: int, *parts: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        try:
            for part in parts:
                line.sendall(part)
            line.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: line.recv(65536), b""))
        except OSError:  # the server hung up on us
            return b""


def test_a_real_server_refuses_what_is_too_large_and_lives_on(served: tuple[Address, int], bot: Bot):
    """Ten megabytes with and without a length, a length that lies, bad chunks, a line that ends in its middle."""
    address, port = served
    start = f"POST {address.path}?{address.query(sealed=False)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    megabyte = b"x" * 1024 * 1024
    shots = [
        (start + b"Content-Length: 10485760\r\n\r\n", *[megabyte] * 10),
        (start + b"Transfer-Encoding: chunked\r\n\r\n", *[b"100000\r\n" + megabyte + b"\r\n"] * 10, b"0\r\n\r\n"),
        (start + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nxx\r\n0\r\n\r\n",),
        (start + b"Content-Length: -5\r\n\r\nxx",),
        (start + b"Content-Length: 100\r\n\r\n<xml>",),
        (b"\x16\x03\x01\x02\x00",),
    ]
    for shot in shots:
        answer = _raw(port, *shot)
        assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5")), (shot[0][-60:], answer[:200])
        assert b"Traceback" not in answer
    assert bot.got == []
    word = seal(TEXT.format("你好"), KEY, ACCOUNT[address.source])
    body = f"<xml><Encrypt>{word}</Encrypt></xml>".encode()
    good = f"POST {address.path}?{address.query(word, sealed=True)} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    assert b" 200 OK" in _raw(port, good.encode() + body)


def test_two_addresses_do_not_take_each_others_messages(make: Callable[..., Address], bot: Bot):
    wechat, wecom = make(Source.WECHAT), make(Source.WECOM)
    assert replace(wecom, app=wecom.app).sealed(receiver="wx1").status_code == 400
    assert wechat.sealed(receiver="ww1").status_code == 400
    assert bot.got == []


GUNICORN_APP = """
from datetime import timedelta
from flask import Flask
from bot.callback.sealing import Seal
from bot.callback.webhook import Callback, create_callback_blueprint
from bot.channel.messages import Source
from bot.clock import SystemClock
app = Flask("test", static_folder=None)
seal = Seal(token="the-token", receiver_id="wx1", aes_keys=(), skew=timedelta(days=40000))
app.register_blueprint(create_callback_blueprint(
    Callback(Source.WECHAT, "/wechat", seal, "plain", SystemClock(), lambda message: "ok")))
"""


def test_gunicorn_answers_bad_chunks_and_large_bodies_with_a_refusal(tmp_path: Path):
    """Gunicorn raises errors of its own inside get_data; without care each is a 500."""
    (tmp_path / "hostile_app.py").write_text(GUNICORN_APP)
    root = Path(__file__).resolve().parents[2]
    with socket.create_server(("127.0.0.1", 0)) as line:
        port = line.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "2", "-b", f"fd://{line.fileno()}"]
        server = subprocess.Popen(
            [*command, "--pythonpath", f"{tmp_path},{root}", "hostile_app:app"],
            pass_fds=[line.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            query = urlencode({"signature": _sha1(TOKEN, "1800000000", "n"), "timestamp": "1800000000", "nonce": "n"})
            start = f"POST /wechat?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
            good = TEXT.format("hi").encode()
            chunked = start + b"Transfer-Encoding: chunked\r\n\r\n"
            assert b"200 OK" in _raw(port, chunked + b"%x\r\n%s\r\n0\r\n\r\n" % (len(good), good))
            assert b" 400 " in _raw(port, chunked + b"ZZ\r\nxx\r\n0\r\n\r\n")
            assert b" 413 " in _raw(port, start + b"Content-Length: 10485760\r\n\r\n")
            many = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            assert b" 413 " in _raw(port, chunked, many, b"1\r\nx\r\n0\r\n\r\n")
        finally:
            server.terminate()
            said = server.communicate(timeout=10)[1]
    assert "Traceback" not in said
