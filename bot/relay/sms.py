"""SMS to staff as a channel: one HTTP call to whatever gateway the school has, as its settings describe it.

There is no standard: the settings give the address, the body and what the answer's codes mean. Where a gateway's code
is not in the settings, the HTTP status decides, and an unknown code is tried again.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from bot.channel.channel import Receipt
from bot.channel.errors import (
    FeatureOffError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    TemporarySendError,
)
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.gateway.codes import UNKNOWN, Code, error_of
from bot.gateway.http import Answer, Timeouts, call, new_session
from bot.relay.email import FindAddress

_PLACE = re.compile(r"\{(phone|text|key)\}")
_MINUTE = timedelta(minutes=1)
MEANINGS: dict[str, Code] = {
    "busy": Code(TemporarySendError, "短信网关繁忙，稍后会自动再试"),
    "slow": Code(RateLimitedError, "短信发得太快", _MINUTE),
    "gone": Code(RecipientGoneError, "手机号不对或收不到短信；核对名单"),
    "off": Code(FeatureOffError, "短信账号用不了（欠费、停用、签名或模板没有通过）；登录短信平台查看"),
    "refused": Code(PermanentSendError, "短信被网关拒绝（可能有不允许的字）"),
}
"""The words of sms.codes and what each means for the next step."""
STATUSES: dict[int, Code] = {
    400: Code(PermanentSendError, "短信网关说请求不对；核对 sms.body"),
    401: Code(FeatureOffError, "短信网关不认密钥；核对 sms.key"),
    402: Code(FeatureOffError, "短信账号欠费"),
    403: Code(FeatureOffError, "短信网关不放行；核对密钥和 IP 白名单"),
    404: Code(FeatureOffError, "短信网关的地址不对；核对 sms.url"),
    405: Code(FeatureOffError, "短信网关不接受这种请求；核对 sms.method"),
    408: Code(TemporarySendError, "短信网关等得太久，稍后会自动再试"),
    409: Code(TemporarySendError, "短信网关说有冲突，稍后会自动再试"),
    413: Code(PermanentSendError, "短信太长"),
    415: Code(FeatureOffError, "短信网关不认识内容类型；核对 sms.content_type"),
    422: Code(PermanentSendError, "短信网关说参数不对；核对 sms.body"),
    425: Code(TemporarySendError, "短信网关说太早，稍后会自动再试"),
    429: Code(RateLimitedError, "短信发得太快", _MINUTE),
}
_OK = range(200, 300)
_NO_CODE = Code(TemporarySendError, "短信网关的答复里没有 sms.code_field；核对设置")


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """A gateway as its settings describe it. {phone}, {text} and {key} stand in `url` and `body`."""

    url: str = field(repr=False)
    method: str = "POST"
    content_type: str = "application/json"
    body: str = field(default="", repr=False)
    headers: Sequence[str] = field(default=(), repr=False)
    key: str = field(default="", repr=False)
    code_field: str = "code"
    success: Sequence[str] = ("0",)
    codes: Mapping[str, str] = field(default_factory=dict)


class SmsChannel:
    """Texts to one member of staff; the recipient is a staff number."""

    def __init__(self, gateway: SmsGateway, *, timeouts: Timeouts, find_address: FindAddress) -> None:
        self._gateway = gateway
        self._timeouts = timeouts
        self._find_address = find_address
        self._session = new_session()

    def send(self, message: OutboundMessage, /) -> Receipt:
        """The gateway has taken the text. Raises SendError, without a phone number, a key or an address in it."""
        if not isinstance(message.content, TextContent):
            raise PermanentSendError(code="text_only")
        phone = self._find_address(Source.SMS, message.recipient)
        if not phone:
            raise RecipientGoneError("名单里没有手机号", code="no_phone")
        own = self._gateway
        words = {"phone": phone, "text": " ".join(message.content.text.split()), "key": own.key}
        headers = {"Content-Type": own.content_type} if own.method == "POST" else {}
        headers |= {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in own.headers)}
        body = _filled(own.body, words, own.content_type) if own.method == "POST" else ""
        answer = call(
            self._session,
            own.method,
            _filled(own.url, words, ""),
            timeouts=self._timeouts,
            data=body.encode("utf-8", "replace") or None,
            headers=headers,
        )
        self._check(answer)
        return Receipt()

    def _check(self, answer: Answer) -> None:
        own = self._gateway
        code = _found(answer.fields, own.code_field)
        if answer.status in _OK and (not own.code_field or code in own.success):
            return
        if code is not None and code in own.codes:
            raise error_of(MEANINGS[own.codes[code]], "sms", code)
        if answer.status in STATUSES:
            raise error_of(STATUSES[answer.status], "sms", f"http_{answer.status}")
        if answer.status not in _OK:
            raise error_of(UNKNOWN, "sms", f"http_{answer.status}")
        raise error_of(_NO_CODE, "sms", "no_code") if code is None else error_of(UNKNOWN, "sms", code[:40])


def _filled(template: str, words: Mapping[str, str], content_type: str) -> str:
    """The template with its places filled, each word escaped for what it stands in: JSON, else a query or a form."""

    def escaped(word: str) -> str:
        if "json" in content_type:
            return json.dumps(word, ensure_ascii=False)[1:-1]
        return word if content_type.startswith("text/") else quote(word, safe="")

    return _PLACE.sub(lambda place: escaped(words[place[1]]), template)


def _found(fields: dict[str, Any] | None, path: str) -> str | None:
    value: Any = fields
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or isinstance(value, dict | list):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
