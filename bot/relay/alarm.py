"""Past the outbox: an alarm about the service itself, and the heartbeat that a watchdog outside waits for."""

from collections.abc import Mapping, Sequence

import structlog

from bot.channel.channel import Channel
from bot.channel.errors import SendError, TemporarySendError
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.gateway.http import Timeouts, call, new_session

logger = structlog.get_logger(__name__)

_OK = range(200, 300)


class Alarm:
    """Sends a text to the operators by every way at once: the group robots, and mail to their addresses."""

    def __init__(self, channels: Mapping[Source, Channel], *, emails: Sequence[str]) -> None:
        self._channels = channels
        self._emails = tuple(emails)

    def __call__(self, text: str) -> bool:
        """True if at least one way has taken the text."""
        targets = [(Source.ROBOT, "")] if Source.ROBOT in self._channels else []
        if Source.EMAIL in self._channels:
            targets += [(Source.EMAIL, address) for address in self._emails]
        taken = 0
        for way, recipient in targets:
            try:
                self._channels[way].send(OutboundMessage(way, recipient, TextContent(text)))
                taken += 1
            except SendError as error:
                logger.warning("alarm_missed_a_way", way=way.value, code=error.code)
        return taken > 0


class Heartbeat:
    """Calls a watchdog's address. The address is as good as a secret and stands in no error."""

    def __init__(self, url: str, timeouts: Timeouts) -> None:
        """An empty address is never called."""
        self._url = url
        self._timeouts = timeouts
        self._session = new_session(pool=2)

    def __call__(self) -> None:
        """The watchdog has heard from us. Raises SendError."""
        if not self._url:
            return
        answer = call(self._session, "GET", self._url, timeouts=self._timeouts)
        if answer.status not in _OK:
            raise TemporarySendError(code=f"http_{answer.status}")
