"""wechatpy's client with our transport under its API methods.

wechatpy 1.8.18 loops without end on a lasting 40001, fetches tokens without a time-out from a fixed address, races
for them, and puts secrets into exception texts. All of its calls go through `_request`, which is replaced here.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from wechatpy import WeChatClient

from bot.channel.channel import Receipt
from bot.channel.errors import OutcomeUnknownError, PermanentSendError, TemporarySendError
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.channel.text import split_text
from bot.gateway.gateway import Gateway, fetch_token
from bot.gateway.http import Timeouts, call_json, new_session
from bot.gateway.tokens import FreshToken, TokenStore

_JSON = {"Content-Type": "application/json; charset=utf-8"}


class GatewayClient(WeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """wechatpy's API methods (message, menu, template, user …), and `post` for any other path, over our gateway."""

    def __init__(
        self, *, app_id: str, app_secret: str, api_base_url: str, tokens: TokenStore, timeouts: Timeouts
    ) -> None:
        super().__init__(app_id, app_secret, auto_retry=False)
        self._session = new_session()
        self._base = api_base_url.rstrip("/")
        self._timeouts = timeouts
        self.gateway = Gateway(Source.WECHAT, f"wechat:{app_id}", tokens, self._fetch)

    def _request(
        self,
        method: str,
        url_or_endpoint: str,
        *,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
        api_base_url: str = WeChatClient.API_BASE_URL,
        result_processor: Callable[[dict[str, Any]], Any] | None = None,
    ) -> Any:
        """Called by wechatpy's API methods, those that speak JSON; the few that upload files raise TypeError.

        Whichever host wechatpy means, the call goes to ours. Raises SendError only.
        """
        url = url_or_endpoint if "://" in url_or_endpoint else f"{api_base_url}{url_or_endpoint}"
        body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace") if isinstance(data, dict) else data

        def send(token: str) -> dict[str, Any]:
            return call_json(
                self._session,
                method,
                f"{self._base}{urlsplit(url).path}",
                timeouts=self._timeouts,
                params={**(params or {}), "access_token": token},
                data=body,
                headers=_JSON if body is not None else None,
            )

        answer = self.gateway.call(send)
        return result_processor(answer) if result_processor else answer

    def fetch_access_token(self) -> NoReturn:
        """The fetch of wechatpy has no time-out and a fixed address; nothing of it may be used."""
        raise TypeError("access tokens come from the gateway")

    def _fetch(self) -> FreshToken:
        """stable_token gives the same token during its life, so that another program's fetch does not end ours."""
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return fetch_token(
            Source.WECHAT,
            lambda: call_json(
                self._session, "POST", f"{self._base}/cgi-bin/stable_token", timeouts=self._timeouts, json=body
            ),
        )


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
