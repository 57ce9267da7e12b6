"""How often each interface may be called: a minute, a day, a month. Not the window of one student (window.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.simulator.codes import ApiRefusedError
from bot.simulator.state import State

_BEIJING = ZoneInfo("Asia/Shanghai")
_PUNISHED_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls a Beijing day, a calendar minute and a Beijing month allow; None is without limit."""

    day: int | None = None
    minute: int | None = None
    month: int | None = None


# A verified service account, from each interface's page and 公众号接口调用频次限制.
WECHAT_LIMITS = {
    "token": Limit(day=2_000),
    "stable_token": Limit(day=500_000, minute=10_000),
    "message/custom/send": Limit(day=500_000),
    "message/template/send": Limit(day=100_000),
    "message/mass/send": Limit(day=100, minute=60),
    "message/mass/sendall": Limit(day=100, minute=60),
    "menu/create": Limit(day=1_000),
    "menu/get": Limit(day=10_000),
    "menu/delete": Limit(day=1_000),
    "user/info": Limit(day=5_000_000),
    "user/get": Limit(day=500),
    "qrcode/create": Limit(day=100_000),
    "clear_quota": Limit(month=10),
}


class Quotas:
    """Counts calls and refuses those over a limit.

    With `punishing` (WeCom) a breach of the minute's limit answers 45009 and closes the interface for 60 seconds;
    otherwise (WeChat) it answers 45011 until the minute is over.
    """

    def __init__(self, state: State, limits: Mapping[str, Limit], *, punishing: bool = False) -> None:
        self._state = state
        self._limits = dict(limits)
        self._punishing = punishing
        self._counts: dict[tuple[str, str], tuple[str, int]] = {}
        self._closed_until: dict[str, datetime] = {}

    def limit(self, path: str, *, day: int | None = None, minute: int | None = None, month: int | None = None) -> None:
        """From now on `path` has exactly these limits."""
        with self._state.lock:
            self._limits[path] = Limit(day, minute, month)

    def charge(self, path: str) -> None:
        """Counts one call. Raises ApiRefusedError 45009 (day), 45011 (minute) or 48006 (clear_quota's month)."""
        with self._state.lock:
            now = self._state.now()
            if now < self._closed_until.get(path, now):
                raise ApiRefusedError(45009)
            limit = self._limits.get(path, Limit())
            local = now.astimezone(_BEIJING)
            if not self._count("month", path, f"{local:%Y-%m}", limit.month):
                raise ApiRefusedError(48006)
            if not self._count("day", path, f"{local:%Y-%m-%d}", limit.day):
                raise ApiRefusedError(45009)
            if not self._count("minute", path, f"{local:%Y-%m-%d %H:%M}", limit.minute):
                if self._punishing:
                    self._closed_until[path] = now + _PUNISHED_FOR
                raise ApiRefusedError(45009 if self._punishing else 45011)

    def used_today(self, path: str) -> int:
        """How many calls of this day count against the limit."""
        with self._state.lock:
            today = f"{self._state.now().astimezone(_BEIJING):%Y-%m-%d}"
            period, count = self._counts.get(("day", path), (today, 0))
            return count if period == today else 0

    def daily_limit(self, path: str) -> int | None:
        """How many calls of `path` a day allows, None without limit."""
        return self._limits.get(path, Limit()).day

    def clear_day(self) -> None:
        """All daily counts start again, as after clear_quota."""
        with self._state.lock:
            self._counts = {key: value for key, value in self._counts.items() if key[0] != "day"}

    def _count(self, kind: str, path: str, period: str, limit: int | None) -> bool:
        if limit is None:
            return True
        counted_for, count = self._counts.get((kind, path), (period, 0))
        count = count if counted_for == period else 0
        if count >= limit:
            return False
        self._counts[kind, path] = (period, count + 1)
        return True
