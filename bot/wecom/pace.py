"""How many messages a member of staff may still get from the application: a rule with its own memory, no sending.

Source: WeCom, message/send: 30 a minute and 1,000 an hour for each member; what is over that is dropped silently.
"""

import threading
from collections import deque
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_PER_MINUTE = 30
_PER_HOUR = 1000
_RESERVE = 5  # kept for cards, which carry alerts
_MOST_MEMBERS = 5000


class MemberPace:
    """Counts what each member got from this process. Safe in several threads."""

    def __init__(self) -> None:
        self._sent: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def take(self, userid: str, now: datetime, *, urgent: bool) -> timedelta:
        """Zero, and one message is counted; or how long to wait, and none is. Only urgent ones use the reserve."""
        reserve = 0 if urgent else _RESERVE
        with self._lock:
            sent = self._sent_to(userid, now)
            wait = max(
                _wait(sent, now, allowed=_PER_MINUTE - reserve, window=_MINUTE),
                _wait(sent, now, allowed=_PER_HOUR - reserve, window=_HOUR),
            )
            if not wait:
                sent.append(now)
        return wait

    def _sent_to(self, userid: str, now: datetime) -> deque[datetime]:
        if len(self._sent) > _MOST_MEMBERS:
            self._sent = {key: sent for key, sent in self._sent.items() if sent and now - sent[-1] < _HOUR}
        sent = self._sent.setdefault(userid.lower(), deque())
        while sent and now - sent[0] >= _HOUR:
            sent.popleft()
        return sent


def _wait(sent: deque[datetime], now: datetime, *, allowed: int, window: timedelta) -> timedelta:
    if len(sent) < allowed:
        return timedelta()
    return max(timedelta(), sent[-allowed] + window - now)
