"""One HTTP call to a platform: time-outs, what each failure means, and no secret in any error."""

import json
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bot.channel.errors import OutcomeUnknownError, TemporarySendError

_SERVER_ERROR = 500
_LEFT: dict[type[requests.RequestException], str] = {
    requests.Timeout: "read_timeout",
    requests.ConnectionError: "connection_broke",
    requests.exceptions.ChunkedEncodingError: "answer_broke",
    requests.exceptions.ContentDecodingError: "answer_broke",
}
"""What can go wrong after the request has left, and our word for it."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to reach the platform, and to wait for its answer."""

    connect_s: float
    read_s: float


def new_session(pool: int = 32) -> requests.Session:
    """A session that keeps connections, for many threads, and goes where it is told: no proxy of the environment."""
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def call_json(
    session: requests.Session, method: str, url: str, *, timeouts: Timeouts, **arguments: Any
) -> dict[str, Any]:
    """The answer's JSON object.

    Raises OutcomeUnknownError where the request may have been taken, else TemporarySendError. Neither names the URL,
    which may hold a secret, nor has a cause or context that does.
    """
    outcome = _outcome(session, method, url, timeouts=timeouts, **arguments)
    if isinstance(outcome, TemporarySendError):
        raise outcome
    return outcome


def _outcome(
    session: requests.Session, method: str, url: str, *, timeouts: Timeouts, **arguments: Any
) -> dict[str, Any] | TemporarySendError:
    """Errors are returned, not raised: raised in here they would carry the library's, with its URL, as context."""
    try:
        response = session.request(
            method, url, timeout=(timeouts.connect_s, timeouts.read_s), allow_redirects=False, **arguments
        )
    except requests.RequestException as error:
        return _meaning(error)
    if response.status_code >= _SERVER_ERROR:
        return OutcomeUnknownError(code=f"http_{response.status_code}")
    try:
        answer = json.loads(response.content.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        answer = None
    return answer if isinstance(answer, dict) else OutcomeUnknownError(code="not_json")


def _meaning(error: requests.RequestException) -> TemporarySendError:
    if isinstance(error, requests.ConnectTimeout):
        return TemporarySendError(code="connect_timeout")
    if _never_left(error):
        return TemporarySendError(code="unreachable")
    for kind, code in _LEFT.items():
        if isinstance(error, kind):
            return OutcomeUnknownError(code=code)
    return TemporarySendError(code=type(error).__name__)


def _never_left(error: requests.RequestException) -> bool:
    """True if no connection was made at all, so that the platform cannot have seen the request."""
    text = repr(error)
    return "NewConnectionError" in text or "NameResolutionError" in text
