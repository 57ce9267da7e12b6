"""The season on paper: what goes out on which day, as lines and as a month's calendar. Pure."""

import calendar
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.reminders.series import Series
from bot.reminders.steps import STEPS

_WEEKDAYS = "一二三四五六日"
_CELL = 16  # columns of a terminal; a Chinese character takes two
Planned = Sequence[tuple[datetime, Series]]


def day_lines(planned: Planned, audiences: Mapping[str, tuple[int, int]], zone: ZoneInfo) -> Iterator[str]:
    """A heading a day, and below it each reminder with how many would get it and how many have opted out."""
    shown: date | None = None
    for at, series in planned:
        local = at.astimezone(zone)
        if local.date() != shown:
            shown = local.date()
            yield f"{shown:%Y-%m-%d} 周{_WEEKDAYS[shown.weekday()]}"
        wanted, opted_out = audiences[series.key]
        left_out = f"，退订 {opted_out} 人" if opted_out else ""
        yield f"  {local:%H:%M}　{padded(series.key, 16)} {series.title}（{series.topic}）　{wanted} 人{left_out}"


def step_lines(series: Sequence[Series]) -> Iterator[str]:
    """A line for each reminder that follows on a step."""
    for one in series:
        for rule in one.steps:
            hours = rule.after.total_seconds() / 3600
            step = STEPS.get(rule.step, rule.step)
            yield f"  {padded(one.key, 16)} {step}之后 {hours:g} 小时　{one.title}（{one.topic}）"


def month_lines(planned: Planned, year: int, month: int, zone: ZoneInfo) -> Iterator[str]:
    """The month as a calendar, Monday first, with what goes out in each day's cell."""
    days: dict[date, list[str]] = {}
    for at, series in planned:
        local = at.astimezone(zone)
        days.setdefault(local.date(), []).append(f"{local:%H:%M} {series.title}")
    yield f"{year} 年 {month} 月"
    yield _row([f"周{name}" for name in _WEEKDAYS])
    for week in calendar.Calendar().monthdatescalendar(year, month):
        inside = [day if day.month == month else None for day in week]
        cells = [[str(day.day), *_wrapped(days.get(day, ()))] if day else [""] for day in inside]
        for line in range(max(map(len, cells))):
            yield _row([cell[line] if line < len(cell) else "" for cell in cells])


def padded(text: str, columns: int) -> str:
    """The text, filled or cut to so many columns of a terminal."""
    shown, used = "", 0
    for character in text:
        size = _columns(character)
        if used + size > columns:
            break
        shown, used = shown + character, used + size
    return shown + " " * (columns - used)


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _wrapped(entries: Sequence[str]) -> Iterator[str]:
    """Each entry on two lines at most."""
    for entry in entries:
        first = padded(entry, _CELL - 1).rstrip()
        yield first
        if rest := entry[len(first) :].strip():
            yield f"      {rest}"


def _row(cells: Sequence[str]) -> str:
    return "|".join(padded(cell, _CELL - 1) for cell in cells).rstrip()
