"""wechatpy's client with our transport under its API methods.

wechatpy 1.8.18 loops without end on a lasting 40001, fetches tokens without a time-out from a fixed address, races
for them, and puts secrets into exception texts. All of its calls go through `_request`, which is replaced here.
"""

import json
from typing import Any

from wechatpy import WeChatClient

from bot.channel.channel import Receipt
from bot.channel.errors import PermanentSendError
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.channel.text import split_text
from bot.gateway.gateway import Gateway, fetch_token
from bot.gateway.http import Timeouts, call_json, new_session
from bot.gateway.tokens import FreshToken, TokenStore


class GatewayClient(WeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """Every API method of wechatpy (message, menu, template, user …), over our gateway."""

    def __init__(
        self, *, app_id: str, app_secret: str, api_base_url: str, tokens: TokenStore, timeouts: Timeouts
    ) -> None:
        super().__init__(app_id, app_secret, auto_retry=False)
        self._session = new_session()
        self._base = f"{api_base_url}/cgi-bin/"
        self._timeouts = timeouts
        self.gateway = Gateway(Source.WECHAT, f"wechat:{app_id}", tokens, self._fetch)

    def _request(self, method: str, url_or_endpoint: str, **arguments: Any) -> dict[str, Any]:
        """Called by wechatpy's API methods. Raises SendError only."""
        path = url_or_endpoint.rsplit("/cgi-bin/", 1)[-1]
        data = arguments.get("data")
        body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace") if isinstance(data, dict) else data
        params = arguments.get("params") or {}

        def send(token: str) -> dict[str, Any]:
            return call_json(
                self._session,
                method,
                f"{self._base}{path}",
                timeouts=self._timeouts,
                params={**params, "access_token": token},
                data=body,
            )

        return self.gateway.call(send)

    def _fetch(self) -> FreshToken:
        """stable_token gives the same token during its life, so that another program's fetch does not end ours."""
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return fetch_token(
            Source.WECHAT,
            lambda: call_json(self._session, "POST", f"{self._base}stable_token", timeouts=self._timeouts, json=body),
        )


class WeChatChannel:
    """Customer-service messages to students."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def send(self, message: OutboundMessage, /) -> Receipt:
        """The text is with WeChat, in as many messages as it needs. Raises SendError."""
        if not isinstance(message.content, TextContent):
            raise PermanentSendError(code="text_only")
        parts = split_text(message.content.text)
        if not parts:
            raise PermanentSendError(code="empty")
        for part in parts:
            self._client.message.send_text(message.recipient, part)
        return Receipt()

    def check(self) -> None:
        """An access token can be had. Raises SendError."""
        self._client.gateway.check()
