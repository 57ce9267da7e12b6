"""One HTTP call to a platform: time-outs, what each failure means, and no secret in any error."""

import json
import time
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError, ReadTimeoutError

from bot.channel.errors import OutcomeUnknownError, TemporarySendError

_SERVER_ERROR = 500
_NEVER_LEFT: dict[type[Exception], str] = {
    requests.ConnectTimeout: "connect_timeout",
    requests.exceptions.SSLError: "tls",
    requests.exceptions.InvalidURL: "bad_address",
    requests.exceptions.InvalidSchema: "bad_address",
}
"""What ends a call before anything of ours has left, and our word for it."""
_LEFT: dict[type[Exception], str] = {
    requests.Timeout: "read_timeout",
    ReadTimeoutError: "read_timeout",
    requests.exceptions.ChunkedEncodingError: "answer_broke",
    requests.ConnectionError: "connection_broke",
}
"""What can go wrong after the request has left, and our word for it."""
_ANSWER_BYTES = 1024 * 1024  # the longest answer that we ask for is a list of some kilobytes
_CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to reach the platform, and to wait for its answer: for its first byte, and again for all of it."""

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


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer with a status below 500."""

    status: int
    body: str

    @property
    def fields(self) -> dict[str, Any] | None:
        """The body as a JSON object; None if it is not one."""
        try:
            answer = json.loads(self.body, strict=False)
        except (ValueError, RecursionError):
            return None
        return answer if isinstance(answer, dict) else None


def call(session: requests.Session, method: str, url: str, *, timeouts: Timeouts, **arguments: Any) -> Answer:
    """The answer, whatever it says.

    Raises OutcomeUnknownError where the request may have been taken, else TemporarySendError. Neither names the URL,
    which may hold a secret, and neither has another error behind it that does.
    """
    outcome = _ask(session, method, url, timeouts, arguments)
    if isinstance(outcome, TemporarySendError):
        # raised here and not where it was found: `from None` hides a library's error but keeps it as __context__
        raise outcome
    return outcome


def call_json(
    session: requests.Session, method: str, url: str, *, timeouts: Timeouts, **arguments: Any
) -> dict[str, Any]:
    """The answer's JSON object. Raises as `call` does, and OutcomeUnknownError where there is none."""
    fields = call(session, method, url, timeouts=timeouts, **arguments).fields
    if fields is None:
        raise OutcomeUnknownError(code="not_json")
    return fields


def _ask(
    session: requests.Session, method: str, url: str, timeouts: Timeouts, arguments: dict[str, Any]
) -> Answer | TemporarySendError:
    try:
        with session.request(
            method,
            url,
            timeout=(timeouts.connect_s, timeouts.read_s),
            allow_redirects=False,
            stream=True,
            **arguments,
        ) as response:
            if response.status_code >= _SERVER_ERROR:
                return OutcomeUnknownError(code=f"http_{response.status_code}")
            return _whole(response, timeouts.read_s)
    except (requests.RequestException, HTTPError, OSError) as error:
        return _meaning(error)
    except ValueError as error:  # an address that cannot be one: nothing was sent
        return TemporarySendError(code=type(error).__name__)


def _whole(response: requests.Response, within_s: float) -> Answer | TemporarySendError:
    """A read time-out starts again with every byte, so the whole answer has a time and a size of its own."""
    give_up_at = time.monotonic() + within_s
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):  # iter_content would wait for a whole chunk
        body += chunk
        if len(body) > _ANSWER_BYTES:
            return OutcomeUnknownError(code="answer_too_long")
        if time.monotonic() > give_up_at:
            return OutcomeUnknownError(code="read_timeout")
    return Answer(response.status_code, body.decode("utf-8", "replace"))


def _meaning(error: Exception) -> TemporarySendError:
    for kind, code in _NEVER_LEFT.items():
        if isinstance(error, kind):
            return TemporarySendError(code=code)
    if _never_left(error):
        return TemporarySendError(code="unreachable")
    for kind, code in _LEFT.items():
        if isinstance(error, kind):
            return OutcomeUnknownError(code=code)
    return OutcomeUnknownError(code="answer_broke")  # cut short, or not what HTTP promises: it may have been taken


def _never_left(error: Exception) -> bool:
    """True if no connection was made at all, so that the platform cannot have seen the request."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | NameResolutionError)
