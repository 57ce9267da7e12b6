"""Reading callbacks' XML, writing replies, and what a message's fields mean."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.callback.errors import BadSignatureError, MalformedMessageError
from bot.callback.parsing import parse
from bot.callback.sealing import Seal
from bot.callback.xml import read_fields, safe_text, text_element
from bot.channel.messages import Kind, Source

NOON = datetime(2027, 6, 8, 4, tzinfo=UTC)
AES, OLD_AES = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"
TEXT = {"FromUserName": "o1", "ToUserName": "gh_1", "CreateTime": "1812427200", "MsgType": "text", "MsgId": "7"}


def seal(*keys: str) -> Seal:
    return Seal(token="token", receiver_id="wx1", aes_keys=keys or (AES,), skew=timedelta(seconds=300))


@pytest.mark.parametrize(
    "text",
    ["", "]]>", "]]]]>>", "a]]>b]]>", "<b>&amp;</b>", "]]", "]", ">", "<![CDATA[x]]>", "你好\n\U0001f393", "\r\n"],
)
def test_cdata_gives_back_the_text(text: str) -> None:
    """Whatever XML can carry comes back as it was; line ends are normalised as XML says."""
    document = f"<xml>{text_element('Content', text)}</xml>".encode()
    assert read_fields(document) == {"Content": text.replace("\r\n", "\n")}


def test_what_xml_cannot_carry_is_left_out() -> None:
    """Control characters, lone surrogates and non-characters are dropped, the rest stays."""
    assert safe_text("a\x00b\x0bc\ud800d\ufffee\t\n\U0010ffff") == "abcde\t\n\U0010ffff"
    assert read_fields(f"<xml>{text_element('A', chr(0) + 'x' + chr(0xD800))}</xml>".encode()) == {"A": "x"}


def test_fields_of_a_message() -> None:
    """Children of the root; the first of a name counts; nested ones are left out."""
    body = b"<xml><A>1</A><A>2</A><B><C>3</C></B><D><![CDATA[<4>]]></D><E/> text </xml>"
    assert read_fields(body) == {"A": "1", "B": "", "D": "<4>", "E": ""}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{}",
        b"<xml>",
        b"<html></html>",
        b"<xml></xml><xml></xml>",
        b"<xml>&nbsp;</xml>",
        b"<xml>\x00</xml>",
        b"<xml>&#0;</xml>",
        b"<xml>\xff</xml>",
        b"<xml>\xed\xa0\x80</xml>",
        b"<!DOCTYPE xml><xml></xml>",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>',
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml></xml>',
        b'<?xml version="1.0" encoding="gbk"?><xml></xml>',
        "<xml></xml>".encode("utf-16"),
        "<xml></xml>".encode("utf-16-le"),
        b"<xml>" + b"<a>" * 6 + b"</a>" * 6 + b"</xml>",
        b"<xml>" + b"".join(b"<f%d/>" % number for number in range(300)) + b"</xml>",
    ],
)
def test_everything_else_is_malformed(body: bytes) -> None:
    """One error, whatever it was."""
    with pytest.raises(MalformedMessageError):
        read_fields(body)


@pytest.mark.parametrize(
    "start", [b"\xef\xbb\xbf", b'<?xml version="1.0" encoding="UTF-8"?>', b'<?xml version="1.0"?>\n']
)
def test_utf8_may_say_so(start: bytes) -> None:
    """A byte order mark and a declaration of UTF-8 are fine."""
    assert read_fields(start + "<xml><A>好</A></xml>".encode()) == {"A": "好"}


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"Content": "你好"}, Kind.TEXT, "你好"),
        ({}, Kind.TEXT, ""),
        ({"MsgType": "TEXT", "Content": "a"}, Kind.TEXT, "a"),
        ({"MsgType": "voice", "Recognition": "怎么办"}, Kind.VOICE, "怎么办"),
        ({"MsgType": "voice"}, Kind.VOICE, ""),
        ({"MsgType": "image", "Content": "x"}, Kind.MEDIA, ""),
        ({"MsgType": "hologram"}, Kind.OTHER, ""),
    ],
)
def test_kinds(fields: dict[str, str], kind: Kind, text: str) -> None:
    """Each MsgType has its kind; one that nobody knows is OTHER."""
    message = parse(Source.WECHAT, TEXT | fields, b"")
    assert (message.kind, message.text, message.sender, message.dedup_key) == (kind, text, "o1", "wechat:7")
    assert message.sent_at == datetime.fromtimestamp(1812427200, UTC)


def test_events() -> None:
    """Names in lower case, scene codes without their prefix, a card's code and task in `extra`."""
    fields = TEXT | {
        "MsgType": "event",
        "Event": "SubScribe",
        "EventKey": "qrscene_12",
        "ResponseCode": "c",
        "TaskId": "t",
    }
    message = parse(Source.WECOM, fields, b"body")
    assert (message.kind, message.event, message.event_key) == (Kind.EVENT, "subscribe", "12")
    assert message.extra == {"response_code": "c", "task_id": "t"}
    assert message.dedup_key != parse(Source.WECOM, fields, b"other").dedup_key
    assert message.dedup_key == parse(Source.WECOM, dict(fields), b"body").dedup_key
    assert message.dedup_key != parse(Source.WECHAT, fields, b"body").dedup_key


@pytest.mark.parametrize("number", ["", "0", "000", "x", "-1", "1" * 65, "１２"])
def test_without_a_good_number_the_body_tells_messages_apart(number: str) -> None:
    """Two messages without MsgId are one only if all of them is the same."""
    keys = [parse(Source.WECHAT, TEXT | {"MsgId": number}, body).dedup_key for body in (b"a", b"b", b"a")]
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(
    "time", ["", "-1", "1e9", "1.5", " 1", "１", "253402300800", "9" * 20, "0" * 20 + "9" * 30, "9" * 5000]
)
def test_impossible_times_are_malformed(time: str) -> None:
    """A CreateTime that is no moment is refused, however it is written."""
    with pytest.raises(MalformedMessageError):
        parse(Source.WECHAT, TEXT | {"CreateTime": time}, b"")


@pytest.mark.parametrize("sender", ["", "a\nb", "x" * 81, "\u202eabc"])
def test_impossible_senders_are_malformed(sender: str) -> None:
    """Nobody has such an id."""
    with pytest.raises(MalformedMessageError):
        parse(Source.WECHAT, TEXT | {"FromUserName": sender}, b"")


def signed(one: Seal, timestamp: str, nonce: str = "n", sealed: str | None = None) -> dict[str, str]:
    parts = (timestamp, nonce) if sealed is None else (timestamp, nonce, sealed)
    return {
        "timestamp": timestamp,
        "nonce": nonce,
        "signature" if sealed is None else "msg_signature": one.sign(*parts),
    }


def test_signatures() -> None:
    """Ours and fresh passes, for both kinds, and each request has a key of its own."""
    one, stamp = seal(), str(int(NOON.timestamp()))
    keys = {
        one.check(signed(one, stamp), sealed=None, now=NOON),
        one.check(signed(one, stamp, "m"), sealed=None, now=NOON),
        one.check(signed(one, stamp, sealed="x"), sealed="x", now=NOON),
    }
    assert len(keys) == 3


@pytest.mark.parametrize("late", [-301, 301, 10**9, -(10**9)])
def test_stale_timestamps(late: int) -> None:
    """Five minutes off, either way, is too much."""
    one = seal()
    with pytest.raises(BadSignatureError):
        one.check(signed(one, str(int(NOON.timestamp()) + late)), sealed=None, now=NOON)


@pytest.mark.parametrize("stamp", ["", "-1", "x", "１８１２４２７２００", "9" * 128, "1" * 5000, "1.0"])
def test_timestamps_that_are_none(stamp: str) -> None:
    """A correct signature over nonsense is refused too."""
    one = seal()
    with pytest.raises(BadSignatureError):
        one.check(signed(one, stamp), sealed=None, now=NOON)


def test_the_wrong_kind_of_signature_does_not_pass() -> None:
    """A plain signature cannot carry a sealed text, nor the signature of another text."""
    one, stamp = seal(), str(int(NOON.timestamp()))
    plain, sealed = signed(one, stamp), signed(one, stamp, sealed="x")
    for query, text in (
        (plain, "x"),
        ({**plain, "msg_signature": plain["signature"]}, "x"),
        (sealed, None),
        (sealed, "y"),
    ):
        with pytest.raises(BadSignatureError):
            one.check(query, sealed=text, now=NOON)


def test_both_keys_open_during_a_rotation() -> None:
    """What the old key sealed opens, and its number says with which key to answer."""
    old, new, both = seal(OLD_AES), seal(AES), seal(AES, OLD_AES)
    for one, number in ((new, 0), (old, 1)):
        reply = read_fields(one.seal_reply("<xml/>", key=0, nonce="n", now=NOON).encode())
        opened = both.open(reply["Encrypt"])
        assert (opened.text, opened.key) == (b"<xml/>", number)
    with pytest.raises(MalformedMessageError):
        new.open(read_fields(old.seal_reply("<xml/>", key=0, nonce="n", now=NOON).encode())["Encrypt"])


def test_a_seal_for_another_account_does_not_open() -> None:
    """The receiver's id at the end must be ours."""
    other = Seal(token="token", receiver_id="wx2", aes_keys=[AES], skew=timedelta(seconds=300))
    with pytest.raises(MalformedMessageError):
        seal().open(read_fields(other.seal_reply("x", key=0, nonce="n", now=NOON).encode())["Encrypt"])


def test_a_seal_without_keys() -> None:
    """Plain mode has none."""
    assert not Seal(token="t", receiver_id="r", aes_keys=["", ""], skew=timedelta(seconds=1)).can_seal
