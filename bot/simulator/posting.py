"""Hands a message to the bot: three tries of five seconds, as both platforms do. What is in it is callbacks.py's."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

import requests
import structlog

from bot.simulator.calls import Journal, Try
from bot.simulator.errors import BrokenReplyError
from bot.simulator.faults import Faults

TRIES = 3
_SHOWN_AS = {
    "image": "[图片]",
    "voice": "[语音]",
    "video": "[视频]",
    "music": "[音乐]",
    "news": "[图文]",
    "transfer_customer_service": "",
}
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """One try's request: the query of its URL and its body."""

    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """How a message to the bot went.

    answered: `fields` holds the bot's answer and `reply` what the person reads of it. empty: the bot said that it has
    nothing to say. failed: no try was answered, or the answer was broken; `detail` says in English what went wrong.
    """

    status: Literal["answered", "empty", "failed"]
    tries: int
    reply: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""


class Postman:
    """Posts to the bot's real address. Never called with the simulator's lock held.

    `before_try` is called with the platform's name and the number of the try; a test may restart the bot in it.
    """

    def __init__(self, *, timeout_s: float, faults: Faults, journal: Journal) -> None:
        self.timeout_s = timeout_s
        self.before_try: Callable[[str, int], None] | None = None
        self._faults = faults
        self._journal = journal

    def carry(
        self,
        platform: str,
        url: str,
        *,
        write: Callable[[], Letter],
        read: Callable[[bytes], Mapping[str, object] | None],
    ) -> Round:
        """Tries until the bot answers. `write` makes a fresh request for each try; `read` opens the answer.

        Several addresses in `url`, apart by spaces, are tried in turn, as if they stood behind a load balancer.
        `read` returns None for an empty answer and raises BrokenReplyError for one that cannot be shown; a broken
        answer is an answer, so it ends the round.
        """
        addresses = url.split()
        detail = ""
        for number in range(1, TRIES + 1):
            if self.before_try:
                self.before_try(platform, number)
            answer, detail = self._try(platform, number, addresses[(number - 1) % len(addresses)], write())
            if answer is None:
                continue
            try:
                reply = read(answer)
            except BrokenReplyError as error:
                logger.warning("simulator_reply_broken", platform=platform, reason=str(error))
                return Round("failed", number, detail=str(error))
            if reply is None:
                return Round("empty", number)
            return Round("answered", number, reply=_shown(reply), fields=reply)
        logger.warning("simulator_callback_failed", platform=platform, reason=detail)
        return Round("failed", TRIES, detail=detail)

    def _try(self, platform: str, number: int, url: str, letter: Letter) -> tuple[bytes | None, str]:
        fault = self._faults.take("callback", platform)
        if fault is not None:
            time.sleep(fault.delay_s)
        started = time.monotonic()
        status, content, detail = None, b"", ""
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the machine must not see loopback traffic
                response = session.post(
                    url,
                    params=dict(letter.query),
                    data=letter.body,
                    headers={"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"},
                    timeout=self.timeout_s,
                    allow_redirects=False,
                )
                status, content = response.status_code, response.content
        except requests.RequestException as error:
            detail = type(error).__name__
        elapsed = time.monotonic() - started
        if fault is not None and fault.replaces_answer:
            status, content, detail = None, b"", "answer lost"
        elif elapsed > self.timeout_s:
            status, content, detail = None, b"", "answer too late"
        elif status not in (None, HTTPStatus.OK):
            detail = f"HTTP {status}"
        self._journal.add_try(Try(platform, number, status, elapsed, content))
        return (content if status == HTTPStatus.OK else None), detail


def _shown(reply: Mapping[str, object]) -> str:
    kind = reply.get("MsgType")
    if kind == "text":
        return str(reply.get("Content") or "")
    return _SHOWN_AS.get(str(kind), "")
