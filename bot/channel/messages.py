"""Inbound and outbound messages as frozen values, free of any platform's format."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Where a message came from, and the channel that reaches its sender.

    TEMPLATE, SUBSCRIPTION and MASS are the official account's other ways to a student, each with limits of its own;
    nothing comes in by them.
    """

    WECHAT = "wechat"
    WECOM = "wecom"
    ROBOT = "robot"
    EMAIL = "email"
    SMS = "sms"
    TEMPLATE = "template"
    SUBSCRIPTION = "subscribe"
    MASS = "mass"


class Kind(StrEnum):
    """What an inbound message is. VOICE carries the platform's recognition in `text`, empty when it gave none."""

    TEXT = "text"
    VOICE = "voice"
    MEDIA = "media"
    EVENT = "event"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message or notice as it arrived, verified and opened.

    `dedup_key` is the same for every try of one message and for no other message (P1). `signature_key` is different
    for every signed request. `event` is lower case: subscribe, unsubscribe, click, scan, view, template_card_event,
    templatesendjobfinish … `extra` holds what few handlers need: response_code and task_id of a card's button; msg_id,
    status, total and sent of a send's result.
    """

    source: Source
    sender: str
    dedup_key: str
    kind: Kind
    sent_at: datetime
    signature_key: str = ""
    text: str = ""
    event: str = ""
    event_key: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextContent:
    """Plain text. A channel splits what is over its limit on a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Button:
    """One button of a card: `key` comes back in the event, `text` is what the person reads."""

    key: str
    text: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class CardContent:
    """A WeCom button card. `task_id` is unique for each card sent; pressing gives it back with a response code."""

    task_id: str
    title: str
    text: str
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class CardUpdateContent:
    """Replaces a pressed card's buttons by one line. A response code is good for 72 hours, once."""

    response_code: str
    line: str


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """A template message or a subscription notice: the template's id and its fields, name and value."""

    template_id: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MassContent:
    """A text to 2 to 10,000 openids in one call. The platform takes each `client_id` once, so a second try is safe."""

    openids: tuple[str, ...]
    text: str
    client_id: str


Content = TextContent | CardContent | CardUpdateContent | TemplateContent | MassContent
_KINDS: dict[str, type[Content]] = {
    "text": TextContent,
    "card": CardContent,
    "card_update": CardUpdateContent,
    "template": TemplateContent,
    "mass": MassContent,
}


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message to one person: an openid, a WeCom userid, or for the robot a group's name ("" = any).

    For e-mail and SMS the recipient is a staff number: addresses are looked up when it is sent, and stand in no row.
    """

    channel: Source
    recipient: str
    content: Content


def content_kind(content: Content) -> str:
    """The word that names a content's type: text, card, card_update, template or mass."""
    return next(name for name, kind in _KINDS.items() if isinstance(content, kind))


def content_to_json(content: Content) -> str:
    """The content as JSON, for the outbox."""
    return json.dumps({"kind": content_kind(content), **asdict(content)}, ensure_ascii=False)


def content_from_json(text: str) -> Content:
    """The inverse of content_to_json. Raises KeyError or TypeError if `text` is not one of ours."""
    fields = json.loads(text)
    kind = _KINDS[fields.pop("kind")]
    if kind is CardContent:
        fields["buttons"] = tuple(Button(**button) for button in fields["buttons"])
    elif kind is TemplateContent:
        fields["values"] = tuple((name, value) for name, value in fields["values"])
    elif kind is MassContent:
        fields["openids"] = tuple(fields["openids"])
    return kind(**fields)
