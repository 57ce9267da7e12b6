"""The official account: wechatpy's client with our transport, and customer-service messages as a channel."""

from datetime import timedelta

from wechatpy import WeChatClient

from bot.channel.channel import Receipt
from bot.channel.errors import OutcomeUnknownError, PermanentSendError, TemporarySendError
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.channel.text import split_text
from bot.gateway.http import Timeouts
from bot.gateway.tokens import FreshToken, TokenStore
from bot.gateway.transport import Transport


class GatewayClient(Transport, WeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """wechatpy's API methods (message, menu, template, user …), and `post` for any other path, over our gateway."""

    def __init__(
        self, *, app_id: str, app_secret: str, api_base_url: str, tokens: TokenStore, timeouts: Timeouts
    ) -> None:
        super().__init__(app_id, app_secret, auto_retry=False)
        self.connect(Source.WECHAT, app_id, api_base_url=api_base_url, tokens=tokens, timeouts=timeouts)

    def fetch(self) -> FreshToken:
        """stable_token gives the same token during its life, so that another program's fetch does not end ours."""
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return self.ask_token("POST", "/cgi-bin/stable_token", json=body)

    def scene_code(self, scene: str, *, life: timedelta) -> str:
        """What to print as a temporary QR code; who scans it sends `scene` (1 to 64 characters). Raises SendError.

        Source: WeChat, 生成带参数的二维码: QR_STR_SCENE, at most 30 days.
        """
        body = {
            "action_name": "QR_STR_SCENE",
            "expire_seconds": int(life.total_seconds()),
            "action_info": {"scene": {"scene_str": scene}},
        }
        return str(self.post("qrcode/create", data=body)["url"])


class WeChatChannel:
    """Customer-service messages to students."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def send(self, message: OutboundMessage, /) -> Receipt:
        """The text is with WeChat, in as many messages as it needs. Raises SendError.

        Once a part has arrived, a failure that is tried again is an OutcomeUnknownError: what arrived will double.
        """
        if not isinstance(message.content, TextContent):
            raise PermanentSendError(code="text_only")
        parts = split_text(message.content.text)
        if not parts:
            raise PermanentSendError(code="empty")
        for number, part in enumerate(parts):
            self._send(message.recipient, part, is_first=number == 0)
        return Receipt()

    def check(self) -> None:
        """An access token can be had. Raises SendError."""
        self._client.gateway.check()

    def _send(self, openid: str, text: str, *, is_first: bool) -> None:
        try:
            self._client.message.send_text(openid, text)
        except TemporarySendError as error:
            if is_first:
                raise
            raise OutcomeUnknownError(str(error), code=error.code, retry_after=error.retry_after) from error
