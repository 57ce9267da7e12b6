"""What replaces wechatpy's own transport, under the API methods of both its clients. No platform's rules."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from bot.channel.messages import Source
from bot.gateway.gateway import Gateway, fetch_token
from bot.gateway.http import Timeouts, call_json, new_session
from bot.gateway.tokens import FreshToken, TokenStore

_JSON = {"Content-Type": "application/json; charset=utf-8"}


class Transport:
    """Stands before a wechatpy client among its subclass's bases, which calls `connect` once and has `fetch`.

    wechatpy 1.8.18 loops without end on a lasting 40001, fetches tokens without a time-out from a fixed address, races
    for them, and puts secrets into exception texts. All of its calls go through `_request`, which is replaced here.
    """

    API_BASE_URL: str
    gateway: Gateway

    def connect(
        self, source: Source, account: str, *, api_base_url: str, tokens: TokenStore, timeouts: Timeouts
    ) -> None:
        """Calls go to `api_base_url` from now on, with the token that all processes share for `account`."""
        self._source = source
        self._session = new_session()
        self._base = api_base_url.rstrip("/")
        self._timeouts = timeouts
        self.gateway = Gateway(source, f"{source.value}:{account}", tokens, self.fetch)

    def fetch(self) -> FreshToken:
        """A new access token from the platform; `ask_token` makes the call. Raises SendError."""
        raise TypeError("each platform hands out its tokens in its own way")

    def ask_token(self, method: str, path: str, **arguments: Any) -> FreshToken:
        """The token in the answer to a call that carries none."""
        return fetch_token(
            self._source,
            lambda: call_json(self._session, method, f"{self._base}{path}", timeouts=self._timeouts, **arguments),
        )

    def fetch_access_token(self) -> NoReturn:
        """The fetch of wechatpy has no time-out and a fixed address; nothing of it may be used."""
        raise TypeError("access tokens come from the gateway")

    def _request(
        self,
        method: str,
        url_or_endpoint: str,
        *,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
        api_base_url: str | None = None,
        result_processor: Callable[[dict[str, Any]], Any] | None = None,
    ) -> Any:
        """Called by wechatpy's API methods, those that speak JSON; the few that upload files raise TypeError.

        Whichever host wechatpy means, the call goes to ours. Raises SendError only.
        """
        meant = self.API_BASE_URL if api_base_url is None else api_base_url
        url = url_or_endpoint if "://" in url_or_endpoint else f"{meant}{url_or_endpoint}"
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
