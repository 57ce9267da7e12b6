"""Whatever arrives at a callback: a message or MalformedMessageError, and nothing else. Any text splits."""

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from bot.callback.errors import MalformedMessageError
from bot.callback.parsing import parse
from bot.callback.xml import read_fields, text_element
from bot.channel.messages import InboundMessage, Source
from bot.channel.text import split_text

_NAMES = st.sampled_from(
    ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey", "MsgId", "Content", "Recognition", "x"]
)
_VALUES = st.one_of(
    st.text(max_size=40),
    st.text(string.digits, max_size=40),
    st.sampled_from(["text", "event", "voice", "CLICK", "<![CDATA[a]]>", "&lt;", "&x;", "<a><b/></a>", "]]>"]),
)
_XMLISH = st.lists(st.tuples(_NAMES, _VALUES), max_size=12).map(
    lambda pairs: f"<xml>{''.join(f'<{k}>{v}</{k}>' for k, v in pairs)}</xml>".encode("utf-8", "surrogatepass")
)
_MARKUP = st.lists(
    st.sampled_from(
        ["<xml>", "</xml>", "<a>", "</a>", "<!DOCTYPE x [", "]>", "<![CDATA[", "]]>", "&a;", "<?xml?>", "\x00", "字"]
    ),
    max_size=30,
).map(lambda parts: "".join(parts).encode())


@given(st.one_of(st.binary(max_size=300), _XMLISH, _MARKUP), st.sampled_from([Source.WECHAT, Source.WECOM]))
def test_bytes_are_a_message_or_malformed(body: bytes, source: Source):
    try:
        message = parse(source, read_fields(body), body)
    except MalformedMessageError:
        return
    assert isinstance(message, InboundMessage)
    assert message.sender
    assert message.dedup_key.startswith(source.value)


@given(st.dictionaries(_NAMES, st.one_of(st.text(), st.text(string.digits)), max_size=10))
def test_fields_are_a_message_or_malformed(fields: dict[str, str]):
    """The shape that the reader gives, with any text in it."""
    fields = {"FromUserName": "o", "CreateTime": "1800000000", "MsgType": "event"} | fields
    try:
        parse(Source.WECHAT, fields, b"body")
    except MalformedMessageError:
        return


@given(st.text(alphabet=st.characters()))
def test_any_text_survives_a_reply_element(text: str):
    fields = read_fields(f"<xml>{text_element('C', text)}</xml>".encode())
    again = read_fields(f"<xml>{text_element('C', fields['C'])}</xml>".encode())
    assert again == fields
    assert set(fields) == {"C"}


@given(
    st.text(
        alphabet=st.one_of(st.characters(exclude_categories=()), st.sampled_from("。，！\n 👨‍👩‍👧字")), max_size=400
    ),
    st.integers(min_value=4, max_value=200),
)
def test_any_text_splits_into_parts_that_fit_and_lose_nothing(text: str, limit: int):
    parts = split_text(text, limit)
    assert all(0 < len(part.encode("utf-8", "replace")) <= limit for part in parts)
    assert all(part.strip() for part in parts)
    assert _visible("".join(parts)) == _visible(text)


def _visible(text: str) -> str:
    return re.sub(r"[\s\u200b-\u200f\u2060\ufeff]", "", text)
