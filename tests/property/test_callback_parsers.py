"""The callback parsers under any input: a value or a CallbackError, never anything else."""

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from bot.callback.errors import BadSignatureError, CallbackError, MalformedMessageError
from bot.callback.parsing import parse
from bot.callback.sealing import Seal
from bot.callback.xml import read_fields, safe_text, text_element
from bot.channel.messages import InboundMessage, Source

NOON = datetime(2027, 6, 8, 4, tzinfo=UTC)
SEAL = Seal(
    token="token",
    receiver_id="wx1",
    aes_keys=["abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"],
    skew=timedelta(seconds=300),
)
NAMES = [
    "FromUserName",
    "ToUserName",
    "CreateTime",
    "MsgType",
    "MsgId",
    "Content",
    "Event",
    "EventKey",
    "Recognition",
    "Encrypt",
]
WORDS = st.one_of(
    st.text(),
    st.text("0123456789", max_size=40),
    st.sampled_from(
        ["text", "event", "voice", "image", "subscribe", "1812427200", "0", "-1", "o1", "qrscene_1", "9" * 5000]
    ),
)
FRAGMENTS = st.sampled_from(
    [
        *(b"<xml>", b"</xml>", b"<a>", b"</a>", b"<a/>", b"<![CDATA[", b"]]>", b"&amp;", b"&lt", b"&#0;", b"&#x41;"),
        *(b"<!DOCTYPE xml [", b"<!ENTITY a 'b'>", b"]>", b"&a;", b"<?xml version='1.0' encoding='gbk'?>"),
        *(b"<!--", b"-->", b"<?pi ?>", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b" a='1'", b" xmlns='u'", "好".encode()),
        *(b"<FromUserName>o</FromUserName>", b"<MsgType>text</MsgType>"),
        *(b"<CreateTime>1812427200</CreateTime>", b"<CreateTime>-1</CreateTime>"),
    ]
)
XMLISH = st.one_of(
    st.binary(),
    st.lists(st.one_of(FRAGMENTS, st.binary(max_size=4)), max_size=30).map(b"".join),
    st.lists(FRAGMENTS, max_size=20).map(lambda parts: b"<xml>" + b"".join(parts) + b"</xml>"),
    st.dictionaries(st.sampled_from(NAMES), WORDS).map(
        lambda fields: f"<xml>{''.join(text_element(*pair) for pair in fields.items())}</xml>".encode()
    ),
)


@given(XMLISH)
def test_any_bytes_through_the_whole_way(body: bytes) -> None:
    """Fields and a message, or a CallbackError."""
    with suppress(CallbackError):
        fields = read_fields(body)
        assert all(isinstance(word, str) for pair in fields.items() for word in pair)
        assert isinstance(parse(Source.WECHAT, fields, body), InboundMessage)


@given(st.dictionaries(st.sampled_from(NAMES), WORDS), st.binary(max_size=20), st.sampled_from(list(Source)))
@example({"FromUserName": "o", "MsgType": "text", "CreateTime": "0" * 20 + "9" * 30}, b"", Source.WECHAT)
def test_any_fields(fields: dict[str, str], body: bytes, source: Source) -> None:
    """A message whose keys fit their columns, or MalformedMessageError."""
    with suppress(MalformedMessageError):
        message = parse(source, fields, body)
        assert message.sent_at.tzinfo is not None
        assert message.sender
        assert 0 < len(message.dedup_key) <= 80
        assert len(message.sender) <= 80
        assert "\x00" not in message.text


@given(st.one_of(st.text(), st.binary().map(lambda blob: base64.b64encode(blob).decode())))
def test_nothing_forged_opens(sealed: str) -> None:
    """Random text is no sealed message."""
    with suppress(MalformedMessageError):
        SEAL.open(sealed)
        raise AssertionError(sealed)


@given(st.integers(0, 1), st.binary(max_size=200))
def test_sealed_by_the_right_key_but_nonsense_inside(key: int, inside: bytes) -> None:
    """Whoever has the key still cannot make opening raise anything else."""
    padding = 16 - len(inside) % 16
    blob = SEAL._cryptos[key].cipher.encrypt(inside + bytes([padding]) * padding)
    with suppress(MalformedMessageError):
        assert isinstance(SEAL.open(base64.b64encode(blob).decode()).text, bytes)


@given(
    st.dictionaries(st.sampled_from(["timestamp", "nonce", "signature", "msg_signature"]), WORDS),
    st.one_of(st.none(), st.text()),
    st.booleans(),
)
def test_any_query(query: dict[str, str], sealed: str | None, right: bool) -> None:
    """Only a right signature with a fresh timestamp passes; everything else is BadSignatureError."""
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if right:
        parts = (stamp, nonce) if sealed is None else (stamp, nonce, sealed)
        query = {**query, "signature" if sealed is None else "msg_signature": SEAL.sign(*parts)}
    try:
        key = SEAL.check(query, sealed=sealed, now=NOON)
    except BadSignatureError:
        assert not (right and stamp == "1812427200" and len(nonce) <= 128)
    else:
        assert right
        assert len(key) == 64


@given(st.text())
def test_any_text_survives_cdata(text: str) -> None:
    """What is written is what is read, but for what XML cannot carry and its line ends."""
    read = read_fields(f"<xml>{text_element('Content', text)}</xml>".encode())["Content"]
    assert read == safe_text(text).replace("\r\n", "\n").replace("\r", "\n")


@given(st.text(), st.text(max_size=300), st.integers(0, 1))
def test_any_reply_seals_and_opens(text: str, nonce: str, key: int) -> None:
    """A sealed reply is well-formed, signed over what it holds, and opens with the key that was asked for."""
    inner = f"<xml>{text_element('Content', text)}</xml>"
    outer = read_fields(SEAL.seal_reply(inner, key=key, nonce=nonce, now=NOON).encode())
    query = {"timestamp": outer["TimeStamp"], "nonce": outer["Nonce"], "msg_signature": outer["MsgSignature"]}
    if "\r" not in nonce:
        SEAL.check(query, sealed=outer["Encrypt"], now=NOON)
    opened = SEAL.open(outer["Encrypt"])
    assert (opened.text.decode(), opened.key) == (inner, key)
