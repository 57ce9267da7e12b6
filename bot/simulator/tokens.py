"""Access tokens: handing them out, their life of two hours, and what a call with one is told."""

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.simulator.codes import ApiRefusedError
from bot.simulator.state import State

LIFE = timedelta(seconds=7200)
_RENEWED_BEFORE_END = timedelta(minutes=5)
_FORCED_APART = timedelta(seconds=30)
_FORCED_A_DAY = 20
_SHAPE = re.compile(r"\d{1,3}_[\w-]{100,500}")
_BYTES = 96


@dataclass(slots=True)
class Token:
    """One token that was handed out."""

    value: str
    expires_at: datetime
    revoked: bool = False


class TokenOffice:
    """Every token of one account. The three ways to hand one out live side by side and never touch each other's.

    Source: 获取 Access token, 获取稳定版接口调用凭据 (完全隔离，互不影响), 企业微信 gettoken.
    """

    def __init__(self, state: State, *, unknown_code: int) -> None:
        """`unknown_code` answers a well-formed token that is not valid: 40001 at WeChat, 40014 at WeCom."""
        self._state = state
        self._unknown_code = unknown_code
        self._tokens: dict[str, Token] = {}
        self._current: dict[str, Token] = {}
        self._forced: list[datetime] = []

    def renew(self) -> tuple[str, int]:
        """WeChat's cgi-bin/token: a new token each time; the one before is worth nothing at once (read strictly)."""
        with self._state.lock:
            old = self._current.get("plain")
            if old is not None:
                old.revoked = True
            return self._given(self._issue("plain"))

    def stable(self, *, force: bool = False) -> tuple[str, int]:
        """WeChat's cgi-bin/stable_token: the same token until five minutes before its end, then a new one beside it.

        With `force` a new one at once and the old revoked, 20 times a day (else 45009); a second force within 30
        seconds gives the same token again.
        """
        with self._state.lock:
            current, now = self._alive("stable"), self._state.now()
            if force and current is not None:
                self._forced = [at for at in self._forced if now - at < timedelta(days=1)]
                if self._forced and now - self._forced[-1] < _FORCED_APART:
                    return self._given(current)
                if len(self._forced) >= _FORCED_A_DAY:
                    raise ApiRefusedError(45009)
                self._forced.append(now)
                current.revoked = True
                return self._given(self._issue("stable"))
            if current is None or current.expires_at - now <= _RENEWED_BEFORE_END:
                current = self._issue("stable")
            return self._given(current)

    def same(self) -> tuple[str, int]:
        """WeCom's gettoken: the same token until its end."""
        with self._state.lock:
            return self._given(self._alive("same") or self._issue("same"))

    def check(self, value: str | None) -> None:
        """Returns if a call with this token may go on. Raises ApiRefusedError with the platform's reason otherwise."""
        if not value:
            raise ApiRefusedError(41001)
        with self._state.lock:
            token = self._tokens.get(value)
            if token is None and not _SHAPE.fullmatch(value):
                raise ApiRefusedError(40014)
            if token is None or token.revoked:
                raise ApiRefusedError(self._unknown_code)
            if self._state.now() >= token.expires_at:
                raise ApiRefusedError(42001)

    def revoke_all(self) -> None:
        """Makes every token invalid; whoever asks for one gets a new one."""
        with self._state.lock:
            for token in self._tokens.values():
                token.revoked = True

    def _issue(self, kind: str) -> Token:
        now = self._state.now()
        self._tokens = {value: token for value, token in self._tokens.items() if token.expires_at > now - LIFE}
        token = Token(f"{80 + len(self._tokens) % 20}_{self._state.chance.token(_BYTES)}", now + LIFE)
        self._tokens[token.value] = self._current[kind] = token
        return token

    def _alive(self, kind: str) -> Token | None:
        token = self._current.get(kind)
        return token if token and not token.revoked and token.expires_at > self._state.now() else None

    def _given(self, token: Token) -> tuple[str, int]:
        return token.value, math.ceil((token.expires_at - self._state.now()).total_seconds())
