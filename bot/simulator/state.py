"""What every part of the simulator shares: one lock, one clock, a version number that grows, and numbers for things."""

import threading
from datetime import datetime

from bot.clock import Chance, Clock

_WECHAT_ID_STEP = 1_000_000


class State:
    """All in memory. Whoever reads or changes anything of the simulator holds `lock`; nobody waits for I/O in it."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self.clock = clock
        self.chance = chance
        self.lock = threading.Condition(threading.RLock())
        self.closed = False
        self._version = 0
        self._last_id = 0
        self._last_platform_id = 0

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self.clock.now()

    @property
    def version(self) -> int:
        """Grows with each visible change."""
        return self._version

    def changed(self) -> None:
        """Tells those who wait that something visible is different now."""
        with self.lock:
            self._version += 1
            self.lock.notify_all()

    def wait_for_change(self, version: int, timeout_s: float) -> int:
        """Returns the version as soon as it differs from `version`, after `timeout_s` at the latest."""
        with self.lock:
            self.lock.wait_for(lambda: self._version != version or self.closed, timeout_s)
            return self._version

    def close(self) -> None:
        """Ends every wait, now and later."""
        with self.lock:
            self.closed = True
            self.lock.notify_all()

    def new_message_id(self) -> int:
        """The next number of a message on a phone, from 1."""
        with self.lock:
            self._last_id += 1
            return self._last_id

    def new_platform_id(self) -> int:
        """A MsgId as the platforms give it: below 2**63, growing, and another one after a restart of the simulator."""
        with self.lock:
            start = int(self.now().timestamp() * 1000) * _WECHAT_ID_STEP
            start += int(self.chance.jitter() * _WECHAT_ID_STEP)
            self._last_platform_id = max(self._last_platform_id + 1, start)
            return self._last_platform_id
