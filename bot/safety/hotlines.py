"""Which lines a person can call at a given hour. Data in data/hotlines.yaml; pure once read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from bot.errors import UserFacingError

DATA_FILE = Path(__file__).parent / "data" / "hotlines.yaml"
_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_FIELDS = frozenset({"number", "name", "region", "hours", "holidays", "grade", "source", "verified"})
_BLANK = "【"

Window = tuple[time, time]
Hours = Literal["always", "unverified"] | tuple[tuple[Window, ...], ...]


class HotlinesError(UserFacingError):
    """The hotline data has faults."""


@dataclass(frozen=True, slots=True)
class Hotline:
    """One line. `hours` is "always", "unverified", or seven tuples of windows, Monday first, in the school's time."""

    number: str
    name: str
    region: str
    hours: Hours
    grade: str
    source: str
    verified: str
    rests_on_holidays: bool = False

    @property
    def is_filled_in(self) -> bool:
        """False while the number is still the place the school has to fill in."""
        return _BLANK not in self.number


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line to show now. `until` is when it closes today; `confirmed` is False if nobody verified its hours."""

    line: Hotline
    confirmed: bool
    until: time | None = None

    def __str__(self) -> str:
        """One line of a reply: number, name, and only as much about its hours as is known."""
        if not self.confirmed:
            return f"{self.line.number} {self.line.name}，占线就再拨"
        if self.until is not None:
            return f"{self.line.number} {self.line.name}，今天到 {self.until:%H:%M}"
        return f"{self.line.number} {self.line.name}，24 小时"


@dataclass(frozen=True, slots=True)
class Hotlines:
    """All lines, with the days on which some rest (YYYY-MM-DD, or MM-DD for every year)."""

    emergency: tuple[Hotline, ...]
    lines: tuple[Hotline, ...]
    holidays: frozenset[str]
    services: tuple[Hotline, ...] = ()
    """Lines for other worries than these: fire, fraud. Never on the card of a person in distress."""

    @property
    def numbers(self) -> frozenset[str]:
        """Every number that may be named to a student."""
        every = (*self.emergency, *self.lines, *self.services)
        return frozenset(line.number for line in every if line.is_filled_in)


def open_lines(at: datetime, hotlines: Hotlines | None = None) -> Sequence[OpenLine]:
    """The lines to show at `at` (the school's local time): confirmed ones first, closed and blank ones left out.

    110 and 120 are not among them; they are `hotlines.emergency` and open at every hour.
    """
    book = hotlines or load_hotlines()
    found = [shown for line in book.lines if (shown := _shown(line, at, book.holidays)) is not None]
    return sorted(found, key=lambda shown: not shown.confirmed)


def _shown(line: Hotline, at: datetime, holidays: frozenset[str]) -> OpenLine | None:
    if not line.is_filled_in:
        return None
    if line.hours == "always":
        return OpenLine(line, confirmed=True)
    if line.hours == "unverified":
        return OpenLine(line, confirmed=False)
    if line.rests_on_holidays and not holidays.isdisjoint({f"{at:%Y-%m-%d}", f"{at:%m-%d}"}):
        return None
    now = at.time()
    ends = [end for start, end in line.hours[at.weekday()] if start <= now < end]
    return OpenLine(line, confirmed=True, until=max(ends)) if ends else None


@cache
def load_hotlines(path: Path = DATA_FILE) -> Hotlines:
    """The lines of a YAML file, read once. Raises HotlinesError that names the entry at fault."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - plain text only
    try:
        return Hotlines(
            emergency=tuple(_line(entry) for entry in document["emergency"]),
            lines=tuple(_line(entry) for entry in document["lines"]),
            holidays=frozenset(document.get("holidays", ())),
            services=tuple(_line(entry) for entry in document.get("services", ())),
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"{path.name} 应有 emergency 和 lines 两节：{error}"
        raise HotlinesError(message) from error


def _line(entry: Mapping[str, Any]) -> Hotline:
    missing = _FIELDS - {"holidays"} - entry.keys()
    unknown = entry.keys() - _FIELDS
    name = entry.get("name", "?")
    if missing or unknown:
        message = f"热线“{name}”缺少或多出字段：{'、'.join(sorted(missing | unknown))}"
        raise HotlinesError(message)
    return Hotline(
        number=entry["number"],
        name=name,
        region=entry["region"],
        hours=_hours(entry["hours"], name),
        grade=entry["grade"],
        source=entry["source"],
        verified=entry["verified"],
        rests_on_holidays=entry.get("holidays") == "closed",
    )


def _hours(written: str | Mapping[str, str], name: str) -> Hours:
    """A weekday's windows are written 08:30-12:00 13:30-17:30; one past midnight is two, one on each day."""
    if written == "always":
        return "always"
    if written == "unverified":
        return "unverified"
    if isinstance(written, str) or set(written) - set(_WEEKDAYS):
        message = f"热线“{name}”的 hours 应为 always、unverified 或 周一: 08:30-17:00 这样的时段"
        raise HotlinesError(message)
    try:
        return tuple(tuple(_window(part) for part in written.get(day, "").split()) for day in _WEEKDAYS)
    except ValueError as error:
        message = f"热线“{name}”的时段写错了：{error}"
        raise HotlinesError(message) from error


def _window(written: str) -> Window:
    start, end = (time.fromisoformat(part) if part != "24:00" else time.max for part in written.split("-"))
    if start >= end:
        message = f"{written} 的结束不晚于开始"
        raise ValueError(message)
    return start, end
