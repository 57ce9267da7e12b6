"""The journal of what crossed the wire: each API call of the bot, and each try of a callback to it."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.simulator.state import State

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot. `path` is without cgi-bin/; `body` is the parsed JSON, None if there was none or it was bad.

    `answer` is what the caller got: a dictionary, or a word in angle brackets where a fault replaced it.
    """

    host: str
    path: str
    body: Any
    answer: Any
    at: datetime
    status: int = 200

    @property
    def errcode(self) -> int | None:
        """The answer's error code, 0 for success, None if the answer had none to read."""
        return int(self.answer.get("errcode", 0)) if isinstance(self.answer, dict) else None


@dataclass(frozen=True, slots=True)
class Try:
    """One try to hand a message to the bot. `status` is None if no answer came in time; `elapsed_s` is real time."""

    platform: str
    number: int
    status: int | None
    elapsed_s: float
    answer: bytes = b""


class Journal:
    """The newest calls and tries, and counts of all of them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._tries: deque[Try] = deque(maxlen=_KEPT)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[int] = Counter()

    def add_call(self, call: Call) -> None:
        """Remembers a call."""
        with self._state.lock:
            self._calls.append(call)
            self._counts[call.host, call.path] += 1
            if call.errcode:
                self._refused[call.errcode] += 1

    def add_try(self, attempt: Try) -> None:
        """Remembers a try."""
        with self._state.lock:
            self._tries.append(attempt)

    def calls(self, host: str = "", path: str = "") -> list[Call]:
        """The newest calls, oldest first; `host` and the prefix `path` choose among them."""
        with self._state.lock:
            calls = list(self._calls)
        return [call for call in calls if host in ("", call.host) and call.path.startswith(path)]

    def tries(self) -> list[Try]:
        """The newest tries, oldest first."""
        with self._state.lock:
            return list(self._tries)

    def count(self, host: str, path: str) -> int:
        """How many calls to exactly this path were made since the start or the last clear()."""
        with self._state.lock:
            return self._counts[host, path]

    def refused(self) -> dict[int, int]:
        """How many calls were answered with each error code since the start or the last clear()."""
        with self._state.lock:
            return dict(self._refused)

    def clear(self) -> None:
        """Forgets all."""
        with self._state.lock:
            self._calls.clear()
            self._tries.clear()
            self._counts.clear()
            self._refused.clear()
