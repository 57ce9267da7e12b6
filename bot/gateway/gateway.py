"""Calls to a platform with a shared token: one renewal and one more try when it is refused, never a loop."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.channel.errors import OutcomeUnknownError, TemporarySendError, TokenRefusedError
from bot.channel.messages import Source
from bot.gateway.codes import TOKEN_CODES, error_for
from bot.gateway.tokens import Fetch, FreshToken, TokenStore

Send = Callable[[str], dict[str, Any]]
"""Makes the call with an access token and returns the platform's JSON object."""
_TOKEN_LIFE_S = 7200  # both platforms' documents; no token lives longer


class Gateway:
    """One account's way to its platform."""

    def __init__(self, source: Source, key: str, tokens: TokenStore, fetch: Fetch) -> None:
        self._source = source
        self._key = key
        self._tokens = tokens
        self._fetch = fetch

    def check(self) -> None:
        """A token can be had. Raises SendError."""
        self._tokens.get(self._key, self._fetch)

    def call(self, send: Send) -> dict[str, Any]:
        """The platform's answer to `send`, errcode 0. Raises SendError for every other."""
        token = self._tokens.get(self._key, self._fetch)
        answer = send(token)
        if _code(answer) in TOKEN_CODES:
            self._tokens.invalidate(self._key, token)
            answer = send(self._tokens.get(self._key, self._fetch))
            if _code(answer) in TOKEN_CODES:
                message = f"刚取到的访问令牌也不被接受，请核对密钥（{self._source.value} {_code(answer)}）"
                raise TokenRefusedError(message, code=str(_code(answer)))
        return checked(self._source, answer)


def checked(source: Source, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer itself if its errcode is 0 or absent. Raises the error that the code means."""
    code = _code(answer)
    if code != 0:
        error = error_for(source, code)
        error.platform_id = str(answer.get("msg_id", ""))
        raise error
    return answer


def fetch_token(source: Source, ask: Callable[[], dict[str, Any]]) -> FreshToken:
    """The token in the platform's answer to `ask`.

    Raises SendError, but never OutcomeUnknownError: a lost token leaves no message in doubt.
    """
    code = ""
    try:
        answer = checked(source, ask())
    except OutcomeUnknownError as error:
        code = error.code
    else:
        token, life = answer.get("access_token"), answer.get("expires_in", _TOKEN_LIFE_S)
        if isinstance(token, str) and token and isinstance(life, int) and life > 0:
            return FreshToken(token, timedelta(seconds=min(life, _TOKEN_LIFE_S)))
    raise TemporarySendError(code=code or "no_token")


def _code(answer: dict[str, Any]) -> int:
    try:
        return int(answer.get("errcode", 0))
    except (TypeError, ValueError):
        return -1
