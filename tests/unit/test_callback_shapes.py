"""Callbacks as messages: keys for the double, odd types, hostile shapes."""

from datetime import UTC, datetime

import pytest

from bot.callback.errors import MalformedMessageError
from bot.callback.parsing import parse
from bot.callback.xml import read_fields, text_element
from bot.channel.messages import InboundMessage, Kind, Source


def _xml(**fields: str) -> bytes:
    known = {"ToUserName": "gh", "FromUserName": "o1", "CreateTime": "1800000000", "MsgType": "text"} | fields
    return f"<xml>{''.join(f'<{k}><![CDATA[{v}]]></{k}>' for k, v in known.items())}</xml>".encode()


def _parse(source: Source = Source.WECHAT, **fields: str) -> InboundMessage:
    body = _xml(**fields)
    return parse(source, read_fields(body), body, signature_key="s")


def test_a_text():
    assert _parse(Content="档案怎么转", MsgId="42") == InboundMessage(
        Source.WECHAT, "o1", "wechat:42", Kind.TEXT, datetime(2027, 1, 15, 8, tzinfo=UTC), "s", text="档案怎么转"
    )


def test_a_voice_is_what_the_platform_recognised():
    assert (
        _parse(MsgType="voice", Recognition="怎么退宿", MsgId="1").kind,
        _parse(MsgType="voice", MsgId="1").text,
    ) == (
        Kind.VOICE,
        "",
    )
    assert _parse(MsgType="voice", Recognition="怎么退宿", MsgId="1").text == "怎么退宿"


@pytest.mark.parametrize("word", ["image", "VIDEO", "location", "link", "file"])
def test_media(word: str):
    assert _parse(MsgType=word, MsgId="1").kind is Kind.MEDIA


def test_a_type_that_nobody_knows_is_taken_all_the_same():
    assert _parse(MsgType="hologram", MsgId="1").kind is Kind.OTHER
    assert _parse(MsgType="event", Event="Teleported").event == "teleported"


def test_a_scan_gives_the_scene_with_and_without_a_follow():
    follow = _parse(MsgType="event", Event="subscribe", EventKey="qrscene_bind7")
    scan = _parse(MsgType="event", Event="SCAN", EventKey="bind7")
    assert (follow.event_key, scan.event_key, scan.event) == ("bind7", "bind7", "scan")


def test_a_card_button_carries_its_code_and_task():
    pressed = _parse(
        Source.WECOM, MsgType="event", Event="template_card_event", EventKey="ack:12", ResponseCode="R", TaskId="T"
    )
    assert (pressed.event_key, dict(pressed.extra)) == ("ack:12", {"response_code": "R", "task_id": "T"})


def test_events_are_told_apart_by_everything_they_have():
    click = {"MsgType": "event", "Event": "CLICK", "EventKey": "a"}
    keys = {
        _parse(**click).dedup_key,
        _parse(**click | {"EventKey": "b"}).dedup_key,
        _parse(**click | {"Event": "VIEW"}).dedup_key,
        _parse(**click | {"CreateTime": "1800000001"}).dedup_key,
        _parse(**click | {"FromUserName": "o2"}).dedup_key,
        _parse(Source.WECOM, **click).dedup_key,
        _parse(**click, TagId="7").dedup_key,
    }
    assert len(keys) == 7
    assert _parse(**click).dedup_key == _parse(**click).dedup_key


@pytest.mark.parametrize("number", ["", "0", "abc", "１２３", "9" * 65])
def test_a_message_without_a_usable_id_is_known_by_its_body(number: str):
    one, other = _parse(MsgId=number, Content="一"), _parse(MsgId=number, Content="二")
    assert one.dedup_key != other.dedup_key
    assert one.dedup_key == _parse(MsgId=number, Content="一").dedup_key


@pytest.mark.parametrize(
    "fields",
    [
        {"FromUserName": ""},
        {"FromUserName": "o" * 81},
        {"FromUserName": "o\n1"},
        {"MsgType": ""},
        {"CreateTime": ""},
        {"CreateTime": "-5"},
        {"CreateTime": "１８００"},
        {"CreateTime": "9" * 5000},
        {"CreateTime": "0" * 20 + "9" * 15},
        {"CreateTime": "253402300800"},
    ],
)
def test_a_field_that_no_platform_sends_is_malformed(fields: dict[str, str]):
    with pytest.raises(MalformedMessageError):
        _parse(**fields)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml>",
        b"<html></html>",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><Content>&a;</Content></xml>',
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>',
        b"<xml><Content>&unknown;</Content></xml>",
        b"<xml>" * 5000,
        b"<xml>" + b"<a>" * 7 + b"</a>" * 7 + b"</xml>",
        b"<xml>" + b"".join(b"<a%d/>" % n for n in range(300)) + b"</xml>",
        b"<xml><Content>\x00</Content></xml>",
        b"<xml><Content>\x0b</Content></xml>",
        b"<xml><Content>&#0;</Content></xml>",
        b"<xml><Content>\xff\xfe</Content></xml>",
        '<?xml version="1.0" encoding="gbk"?><xml><Content>字</Content></xml>'.encode("gbk"),
        "<xml><Content>字</Content></xml>".encode("utf-16"),
        b'<?xml version="1.0" encoding="utf-7"?><xml/>',
    ],
)
def test_hostile_xml_is_malformed(body: bytes):
    with pytest.raises(MalformedMessageError):
        read_fields(body)


def test_shapes_that_are_odd_but_harmless():
    """A byte order mark, a declaration, nested parts; of a doubled element the first counts, everywhere alike."""
    body = '\ufeff<?xml version="1.0" encoding="UTF-8"?><xml><A>1<B>x</B>2</A><A>3</A></xml>'.encode()
    assert read_fields(body) == {"A": "12"}


@pytest.mark.parametrize("text", ["]]>", "]]]]>>", "<a>&amp;", "]]><x>1</x><![CDATA[", "一\x00\x0b二\ud800三\ufffe"])
def test_any_text_survives_a_reply(text: str):
    """What a student wrote, echoed in a reply, cannot add elements to it."""
    fields = read_fields(f"<xml>{text_element('Content', text)}<Z>z</Z></xml>".encode())
    legal = "".join(c for c in text if c not in "\x00\x0b\ud800\ufffe")
    assert fields == {"Content": legal, "Z": "z"}


def _subscription(event: str, *lists: dict[str, str], wrapper: str = "SubscribeMsgPopupEvent") -> InboundMessage:
    inside = "".join(f"<List>{''.join(f'<{k}><![CDATA[{v}]]></{k}>' for k, v in one.items())}</List>" for one in lists)
    body = _xml(MsgType="event", Event=event).replace(b"</xml>", f"<{wrapper}>{inside}</{wrapper}></xml>".encode())
    return parse(Source.WECHAT, read_fields(body), body)


def test_a_subscription_event_names_each_template_and_the_answer():
    """As the platform writes it: a List for each template, one level below the event's own element."""
    yes = {"TemplateId": "VRR0_-a", "SubscribeStatusString": "accept", "PopupScene": "2"}
    no = {"TemplateId": "TTT9", "SubscribeStatusString": "reject", "PopupScene": "2"}
    assert _subscription("subscribe_msg_popup_event", yes, no).extra["taps"] == "VRR0_-a accept\nTTT9 reject"
    off = _subscription("subscribe_msg_change_event", no, wrapper="SubscribeMsgChangeEvent")
    assert off.extra["taps"] == "TTT9 reject"


@pytest.mark.parametrize("template", ["", "a b", "a\nb", "模板", "x" * 81])
def test_a_template_that_can_be_none_is_left_out(template: str):
    message = _subscription("subscribe_msg_popup_event", {"TemplateId": template, "SubscribeStatusString": "accept"})
    assert dict(message.extra) == {}


def test_more_lists_than_anybody_sends_are_refused():
    one = {"TemplateId": "a", "SubscribeStatusString": "accept"}
    assert len(_subscription("subscribe_msg_popup_event", *[one] * 20).extra["taps"].splitlines()) == 20
    with pytest.raises(MalformedMessageError):
        _subscription("subscribe_msg_popup_event", *[one] * 21)


def test_other_events_carry_no_taps():
    one = {"TemplateId": "a", "SubscribeStatusString": "accept"}
    assert dict(_subscription("templatesendjobfinish", one).extra) == {}
