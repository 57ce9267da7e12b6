"""Time and chance: the only module that asks for either. Everything else is handed a Clock and a Chance."""

import json
import random
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFT_CACHE_S = 0.2


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class FakeClock:
    """A clock that stands still until a test moves it. Safe to read and move from several threads."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The moment the test has set."""
        with self._lock:
            return self._now

    def advance(self, by: timedelta) -> None:
        """Moves the clock forward by `by`."""
        with self._lock:
            self._now += by


class ShiftedClock:
    """The machine's clock plus a shift kept in a file, so that the simulator's time control moves every process.

    Development only. A missing or unreadable file means no shift. The file is read at most five times a second.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shift = timedelta()
        self._read_at = float("-inf")

    def now(self) -> datetime:
        """The machine's time plus the shift."""
        return datetime.now(UTC) + self._current_shift()

    def advance(self, by: timedelta) -> None:
        """Moves the shared shift forward by `by`, for all processes that read the same file."""
        self._read_at = float("-inf")
        self._write(self._current_shift() + by)

    def reset(self) -> None:
        """Sets the shift back to nothing."""
        self._write(timedelta())

    def _current_shift(self) -> timedelta:
        tick = time.monotonic()
        if tick - self._read_at > _SHIFT_CACHE_S:
            self._read_at = tick
            try:
                self._shift = timedelta(seconds=float(json.loads(self._path.read_text())["shift_s"]))
            except (OSError, ValueError, KeyError, TypeError, OverflowError):
                self._shift = timedelta()
        return self._shift

    def _write(self, shift: timedelta) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"shift_s": shift.total_seconds()}))
        temporary.replace(self._path)
        self._shift = shift


class Chance:
    """Identifiers, tokens and jitter."""

    def __init__(self, clock: Clock, seed: int | None = None) -> None:
        """With a `seed` the jitter repeats (tests); identifiers and tokens are always unpredictable."""
        self._clock = clock
        self._last_id = 0
        self._lock = threading.Lock()
        # without a seed the system's own, which processes that were forked do not share
        self._random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - jitter, not a secret

    def new_id(self) -> str:
        """26 characters (a ULID): unique across processes, sorted by time, in one process by order of asking."""
        with self._lock:
            value = (int(self._clock.now().timestamp() * 1000) << 80) | secrets.randbits(80)
            if value >> 80 == self._last_id >> 80:
                value = self._last_id + 1 + secrets.randbits(32)
            self._last_id = value
        return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])

    def token(self, size: int = 16) -> str:
        """A secret of `size` random bytes, URL-safe."""
        return secrets.token_urlsafe(size)

    def code(self, alphabet: str, size: int) -> str:
        """`size` characters of `alphabet` that nobody can guess."""
        return "".join(secrets.choice(alphabet) for _ in range(size))

    def jitter(self) -> float:
        """A number from 0 up to 1, for backoff."""
        return self._random.random()
