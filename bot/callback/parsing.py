"""Fields of a callback as an InboundMessage; the same for both platforms."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bot.callback.errors import MalformedMessageError
from bot.channel.messages import InboundMessage, Kind, Source

_MEDIA = frozenset({"image", "video", "shortvideo", "location", "link", "file", "emotion", "music", "miniprogrampage"})
_LONGEST_NAME = 80
_LATEST = 253402300799  # the end of the year 9999, in seconds
_LONGEST_TIME = len(str(_LATEST))


_EXTRA = {
    "response_code": "ResponseCode",
    "task_id": "TaskId",
    "msg_id": "MsgID",
    "status": "Status",
    "total": "TotalCount",
    "sent": "SentCount",
}
"""What few handlers need of an event, by our name and the platform's."""


def parse(source: Source, fields: Mapping[str, str], body: bytes, *, signature_key: str = "") -> InboundMessage:
    """The message whose XML is `body` and has `fields`.

    Types that nobody knows are Kind.OTHER, unknown events are events of their name.

    Raises MalformedMessageError for everything else.
    """
    sender, kind_word = fields.get("FromUserName", ""), fields.get("MsgType", "").lower()
    if not sender or len(sender) > _LONGEST_NAME or not sender.isprintable() or not kind_word:
        raise MalformedMessageError
    message = InboundMessage(
        source=source,
        sender=sender,
        dedup_key="",
        kind=Kind.OTHER,
        sent_at=_moment(fields.get("CreateTime", "")),
        signature_key=signature_key,
    )
    if kind_word == "event":
        return _event(message, fields, body)
    message = replace(message, dedup_key=_message_key(source, fields, body))
    if kind_word == "text":
        return replace(message, kind=Kind.TEXT, text=fields.get("Content", "").replace("\x00", ""))
    if kind_word == "voice":
        return replace(message, kind=Kind.VOICE, text=fields.get("Recognition", "").replace("\x00", ""))
    return replace(message, kind=Kind.MEDIA if kind_word in _MEDIA else Kind.OTHER)


def _event(message: InboundMessage, fields: Mapping[str, str], body: bytes) -> InboundMessage:
    """Events have no MsgId. The body is the key's last part: two events of one second may differ only there."""
    event = fields.get("Event", "").lower()[:_LONGEST_NAME]
    parts = (message.sender, fields.get("CreateTime", ""), event, fields.get("EventKey", ""))
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace") + b"\x1f" + body).hexdigest()
    extra = {name: fields.get(field, "") for name, field in _EXTRA.items()}
    return replace(
        message,
        kind=Kind.EVENT,
        event=event,
        event_key=fields.get("EventKey", "").removeprefix("qrscene_")[:500],
        dedup_key=f"{message.source.value}:e:{digest}",
        extra={key: value[:500] for key, value in extra.items() if value},
    )


def _message_key(source: Source, fields: Mapping[str, str], body: bytes) -> str:
    number = fields.get("MsgId", "")
    if number.isascii() and number.isdigit() and len(number) <= 64 and number.strip("0"):  # noqa: PLR2004 - platforms use up to 64
        return f"{source.value}:{number}"
    return f"{source.value}:b:{hashlib.sha256(body).hexdigest()}"


def _moment(word: str) -> datetime:
    if not (word.isascii() and word.isdigit()) or len(word) > _LONGEST_TIME or int(word) > _LATEST:
        raise MalformedMessageError
    return datetime.fromtimestamp(int(word), UTC)
