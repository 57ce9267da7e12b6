"""One HTTP call to a platform: time-outs, what each failure means, and no secret in any error."""

import json
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bot.channel.errors import OutcomeUnknownError, TemporarySendError

_SERVER_ERROR = 500


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

    Raises OutcomeUnknownError where the request may have been taken, else TemporarySendError; neither names the
    URL, which may hold a secret.
    """
    try:
        response = session.request(
            method, url, timeout=(timeouts.connect_s, timeouts.read_s), allow_redirects=False, **arguments
        )
    except requests.ConnectTimeout:
        raise TemporarySendError(code="connect_timeout") from None
    except requests.ConnectionError as error:
        if _never_left(error):
            raise TemporarySendError(code="unreachable") from None
        raise OutcomeUnknownError(code="connection_broke") from None
    except requests.Timeout:
        raise OutcomeUnknownError(code="read_timeout") from None
    except requests.RequestException as error:
        raise TemporarySendError(code=type(error).__name__) from None
    if response.status_code >= _SERVER_ERROR:
        raise OutcomeUnknownError(code=f"http_{response.status_code}")
    try:
        answer = json.loads(response.content.decode("utf-8", "replace"), strict=False)
    except ValueError:
        raise OutcomeUnknownError(code="not_json") from None
    if not isinstance(answer, dict):
        raise OutcomeUnknownError(code="not_json")
    return answer


def _never_left(error: requests.ConnectionError) -> bool:
    """True if no connection was made at all, so that the platform cannot have seen the request."""
    text = repr(error)
    return "NewConnectionError" in text or "NameResolutionError" in text
