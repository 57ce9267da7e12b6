"""How many customer-service messages one student may still be sent: a pure rule.

Source: WeChat, 客服消息. After a message of the student 5 within 48 hours; after a menu click, a follow or a scan 3
within one minute. The bot keeps its own account of the same rule; this one decides.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.simulator.codes import ApiRefusedError

_MESSAGE_FOR, _MESSAGE_COUNT = timedelta(hours=48), 5
_TAP_FOR, _TAP_COUNT = timedelta(minutes=1), 3


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send `left` messages before `closes_at`."""

    closes_at: datetime
    left: int


@dataclass(frozen=True, slots=True)
class ServiceWindow:
    """The two grants of one student; each newer one replaces the older of its kind."""

    after_message: Grant | None = None
    after_tap: Grant | None = None

    def message_came(self, now: datetime) -> "ServiceWindow":
        """The window after the student wrote."""
        return replace(self, after_message=Grant(now + _MESSAGE_FOR, _MESSAGE_COUNT))

    def tap_came(self, now: datetime) -> "ServiceWindow":
        """The window after a menu click, a follow or a scan."""
        return replace(self, after_tap=Grant(now + _TAP_FOR, _TAP_COUNT))

    def spent(self, now: datetime) -> "ServiceWindow":
        """The window after one message to the student, taken from the grant that closes first.

        Raises ApiRefusedError: 45015 if no grant is open, 45047 if the open ones are used up.
        """
        grants = self._open(now)
        if not grants:
            raise ApiRefusedError(45015)
        for grant in sorted(grants, key=lambda grant: grant.closes_at):
            if grant.left:
                less = replace(grant, left=grant.left - 1)
                return replace(self, after_tap=less) if grant is self.after_tap else replace(self, after_message=less)
        raise ApiRefusedError(45047)

    def left(self, now: datetime) -> int:
        """How many messages may still be sent at `now`."""
        return sum(grant.left for grant in self._open(now))

    def closes_at(self, now: datetime) -> datetime | None:
        """When the last open grant closes, None if none is open."""
        return max((grant.closes_at for grant in self._open(now)), default=None)

    def _open(self, now: datetime) -> list[Grant]:
        return [grant for grant in (self.after_tap, self.after_message) if grant and now < grant.closes_at]
