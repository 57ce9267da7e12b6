"""WeCom group robots as a channel: plain text into a group, paced to what the platform allows.

Source: WeCom, group robots: 20 messages a minute each; beyond that 45009.
"""

import json
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.channel.channel import Receipt
from bot.channel.errors import PermanentSendError, RateLimitedError, SendError
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.channel.text import split_text
from bot.clock import Clock
from bot.gateway.gateway import checked
from bot.gateway.http import Timeouts, call_json, new_session

_PER_MINUTE = 20
_RESERVE = 5  # kept for alerts
_MINUTE = timedelta(minutes=1)
_ALERT_MARK = "红色"


class RobotPace:
    """How many messages one robot may still take in the running minute. A rule with its own memory; no sending."""

    def __init__(self) -> None:
        self._sent: deque[datetime] = deque()

    def wait(self, now: datetime, *, urgent: bool) -> timedelta:
        """How long to wait before the next message; zero means now. Only urgent ones may use the reserve."""
        while self._sent and now - self._sent[0] >= _MINUTE:
            self._sent.popleft()
        allowed = _PER_MINUTE if urgent else _PER_MINUTE - _RESERVE
        if len(self._sent) < allowed:
            return timedelta()
        return self._sent[len(self._sent) - allowed] + _MINUTE - now

    def count(self, now: datetime) -> None:
        """One message was sent at `now`."""
        self._sent.append(now)


class RobotChannel:
    """Sends to every configured robot's group; at least one of them must take the message."""

    def __init__(self, webhooks: Sequence[str], *, clock: Clock, timeouts: Timeouts) -> None:
        """`webhooks` are full addresses with their keys, which never appear in an error."""
        self._session = new_session()
        self._webhooks = tuple(webhooks)
        self._clock = clock
        self._timeouts = timeouts
        self._paces = [RobotPace() for _ in webhooks]
        self._lock = threading.Lock()

    def send(self, message: OutboundMessage, /) -> Receipt:
        """At least one group has the text. Raises SendError: the first group's, if none took it."""
        if not isinstance(message.content, TextContent):
            raise PermanentSendError(code="text_only")
        parts = split_text(message.content.text)
        if not parts:
            raise PermanentSendError(code="empty")
        urgent = _ALERT_MARK in message.content.text
        errors: list[SendError] = []
        for number, webhook in enumerate(self._webhooks):
            try:
                self._send(number, webhook, parts, urgent=urgent)
            except SendError as error:
                errors.append(error)
        if len(errors) == len(self._webhooks):
            raise errors[0] if errors else PermanentSendError(code="no_robot")
        return Receipt()

    def _send(self, number: int, webhook: str, parts: Sequence[str], *, urgent: bool) -> None:
        for part in parts:
            with self._lock:
                now = self._clock.now()
                wait = self._paces[number].wait(now, urgent=urgent)
                if wait:
                    raise RateLimitedError(code="robot_pace", retry_after=wait)
                self._paces[number].count(now)
            body = json.dumps({"msgtype": "text", "text": {"content": part}}, ensure_ascii=False)
            answer = call_json(
                self._session,
                "POST",
                webhook,
                timeouts=self._timeouts,
                data=body.encode("utf-8", "replace"),
                headers={"Content-Type": "application/json"},
            )
            checked(Source.ROBOT, answer)
