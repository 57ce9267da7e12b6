"""Group robots as a channel: plain text into each group, paced to what its platform allows (brands.py)."""

import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.channel.channel import Receipt
from bot.channel.errors import (
    OutcomeUnknownError,
    PermanentSendError,
    RateLimitedError,
    SendError,
    TemporarySendError,
)
from bot.channel.messages import OutboundMessage, TextContent
from bot.channel.text import split_text
from bot.clock import Clock
from bot.gateway.http import Timeouts, call_json, new_session
from bot.relay.brands import PER_MINUTE, Brand, Robot, error_in, request_of

logger = structlog.get_logger(__name__)

_RESERVE = 0.25  # of each minute, kept for alerts
_MINUTE = timedelta(minutes=1)
_ALERT_MARK = "红色"


class RobotPace:
    """How many messages one robot may still take in the running minute. A rule with its own memory; no sending."""

    def __init__(self, per_minute: int = PER_MINUTE[Brand.WECOM]) -> None:
        self._per_minute = per_minute
        self._reserve = int(per_minute * _RESERVE)
        self._sent: deque[datetime] = deque()

    def wait(self, now: datetime, *, urgent: bool, count: int = 1) -> timedelta:
        """How long to wait before the next `count` messages; zero means now. Only urgent ones may use the reserve.

        More than a minute takes at all are let through when a whole minute is free.
        """
        while self._sent and now - self._sent[0] >= _MINUTE:
            self._sent.popleft()
        allowed = self._per_minute if urgent else self._per_minute - self._reserve
        over = len(self._sent) + min(count, allowed) - allowed
        return self._sent[over - 1] + _MINUTE - now if over > 0 else timedelta()

    def count(self, now: datetime, count: int = 1) -> None:
        """`count` messages were sent at `now`."""
        self._sent.extend([now] * count)


class RobotChannel:
    """Sends to every configured robot's group; at least one of them must take the message."""

    def __init__(self, robots: Sequence[Robot | str], *, clock: Clock, timeouts: Timeouts) -> None:
        """A plain text is a WeCom robot's full address. Addresses and secrets never appear in an error."""
        self._session = new_session()
        self._robots = [Robot(Brand.WECOM, one) if isinstance(one, str) else one for one in robots]
        self._clock = clock
        self._timeouts = timeouts
        self._paces = [RobotPace(PER_MINUTE[robot.brand]) for robot in self._robots]
        self._lock = threading.Lock()

    def send(self, message: OutboundMessage, /) -> Receipt:
        """At least one group has the text. Raises SendError if none took it: a temporary one if any group has that."""
        if not isinstance(message.content, TextContent):
            raise PermanentSendError(code="text_only")
        parts = split_text(message.content.text)
        if not parts:
            raise PermanentSendError(code="empty")
        urgent = _ALERT_MARK in message.content.text
        errors: list[SendError] = []
        for number in range(len(self._robots)):
            try:
                self._send(number, parts, urgent=urgent)
            except SendError as error:
                logger.warning(
                    "robot_group_missed", robot=number, brand=self._robots[number].brand.value, code=error.code
                )
                errors.append(error)
        if len(errors) < len(self._robots):
            return Receipt()
        raise _worth_another_try(errors)

    def _send(self, number: int, parts: Sequence[str], *, urgent: bool) -> None:
        self._take(number, len(parts), urgent=urgent)
        for index, part in enumerate(parts):
            try:
                self._post(self._robots[number], part)
            except TemporarySendError as error:
                if index == 0:
                    raise
                # the parts before are in the group: what is tried again will double
                raise OutcomeUnknownError(str(error), code=error.code, retry_after=error.retry_after) from error

    def _post(self, robot: Robot, text: str) -> None:
        address, body = request_of(robot, text, self._clock.now())
        answer = call_json(
            self._session,
            "POST",
            address,
            timeouts=self._timeouts,
            data=body,
            headers={"Content-Type": "application/json"},
        )
        error = error_in(robot.brand, answer)
        if error is not None:
            raise error

    def _take(self, number: int, count: int, *, urgent: bool) -> None:
        """All parts together, so that no text stops in its middle for the pace."""
        pace = self._paces[number]
        with self._lock:
            now = self._clock.now()
            wait = pace.wait(now, urgent=urgent, count=count)
            if wait:
                raise RateLimitedError(code="robot_pace", retry_after=wait)
            pace.count(now, count)


def _worth_another_try(errors: Sequence[SendError]) -> SendError:
    """The error for the whole: one dead address must not end the tries for a group that is only busy."""
    if not errors:
        return PermanentSendError(code="no_robot")
    return next((error for error in errors if isinstance(error, TemporarySendError)), errors[0])
