"""WeCom's application messages as a channel: wechatpy's client with our transport, and the cards that it lacks."""

from typing import Any

from wechatpy.enterprise import WeChatClient

from bot.channel.channel import Receipt
from bot.channel.errors import PermanentSendError, RecipientGoneError, TemporarySendError
from bot.channel.messages import CardContent, CardUpdateContent, OutboundMessage, Source, TextContent
from bot.channel.text import split_text
from bot.clock import Clock
from bot.gateway.http import Timeouts
from bot.gateway.tokens import FreshToken, TokenStore
from bot.gateway.transport import Transport
from bot.wecom.pace import MemberPace

_DUPLICATE_CHECK_S = 1800
_TITLE_CHARACTERS = 36
_TEXT_CHARACTERS = 320
_BUTTON_CHARACTERS = 10


class GatewayClient(Transport, WeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """Every API method of wechatpy's enterprise client, over our gateway."""

    def __init__(self, *, corp_id: str, secret: str, api_base_url: str, tokens: TokenStore, timeouts: Timeouts) -> None:
        super().__init__(corp_id, secret, auto_retry=False)
        self.connect(Source.WECOM, corp_id, api_base_url=api_base_url, tokens=tokens, timeouts=timeouts)

    def fetch(self) -> FreshToken:
        """Gettoken gives the same token until its end."""
        return self.ask_token("GET", "/cgi-bin/gettoken", params={"corpid": self.corp_id, "corpsecret": self.secret})


class WeComChannel:
    """Messages of the application to one member of staff."""

    def __init__(self, client: GatewayClient, *, agent_id: int, clock: Clock | None = None) -> None:
        """With a `clock` each member gets no more than WeCom delivers: what is over that, it drops without a word."""
        self._client = client
        self._agent_id = agent_id
        self._clock = clock
        self._pace = MemberPace()

    def send(self, message: OutboundMessage, /) -> Receipt:
        """WeCom has taken the message for this member. Raises SendError, RecipientGoneError for one it cannot reach."""
        content = message.content
        if isinstance(content, CardUpdateContent):
            self._update_card(message.recipient, content)
            return Receipt()
        if isinstance(content, CardContent):
            return self._send(message.recipient, {"msgtype": "template_card", "template_card": card_fields(content)})
        if not isinstance(content, TextContent):
            raise PermanentSendError(code="text_only")
        parts = split_text(content.text)
        if not parts:
            raise PermanentSendError(code="empty")
        receipt = Receipt()
        for part in parts:  # after a failure all are sent again; WeCom drops those that it had (duplicate check)
            receipt = self._send(message.recipient, {"msgtype": "text", "text": {"content": part}})
        return receipt

    def check(self) -> None:
        """An access token can be had. Raises SendError."""
        self._client.gateway.check()

    def _send(self, userid: str, fields: dict[str, Any]) -> Receipt:
        if self._clock is not None:
            wait = self._pace.take(userid, self._clock.now(), urgent=fields["msgtype"] == "template_card")
            if wait:
                raise TemporarySendError(code="member_pace", retry_after=wait)
        body = {
            "touser": userid,
            "agentid": self._agent_id,
            "enable_duplicate_check": 1,  # a try whose answer got lost does not arrive twice
            "duplicate_check_interval": _DUPLICATE_CHECK_S,
            **fields,
        }
        answer = self._client.post("message/send", data=body)
        _refuse_if_invalid(answer, userid)
        return Receipt(platform_id=str(answer.get("msgid", "")))

    def _update_card(self, userid: str, content: CardUpdateContent) -> None:
        """Only the presser's own card changes; a card's response code is good for 72 hours, once."""
        body = {
            "userids": [userid],
            "agentid": self._agent_id,
            "response_code": content.response_code,
            "button": {"replace_name": content.line},
        }
        _refuse_if_invalid(self._client.post("message/update_template_card", data=body), userid)


def _refuse_if_invalid(answer: dict[str, Any], userid: str) -> None:
    """WeCom says errcode 0 and lists whom it did not reach. Userids do not mind their case."""
    for field in ("invaliduser", "unlicenseduser"):
        if userid.lower() in str(answer.get(field, "")).lower().split("|"):
            raise RecipientGoneError(f"企业微信账号收不到消息，请核对名单和应用的可见范围（{userid}）", code=field)


def card_fields(card: CardContent) -> dict[str, Any]:
    """The card as message/send takes it. WeCom cuts what is longer than its fields; so do we, visibly."""
    return {
        "card_type": "button_interaction",
        "main_title": {"title": _cut(card.title, _TITLE_CHARACTERS)},
        "sub_title_text": _cut(card.text, _TEXT_CHARACTERS),
        "task_id": card.task_id,
        "button_list": [
            {"text": _cut(button.text, _BUTTON_CHARACTERS), "style": 1 if button.primary else 2, "key": button.key}
            for button in card.buttons
        ],
    }


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
