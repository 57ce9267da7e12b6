"""Reminder series as values, read from data/series.yaml with every fault at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from bot.errors import UserFacingError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KNOWN = frozenset({"key", "title", "topic", "when", "misfire_hours", "texts", "sources"})
_MOST_CHARACTERS = 200


class SeriesError(UserFacingError):
    """The reminder series have faults; none was loaded."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every week at an hour of the school's zone, in the given months only."""

    day_of_week: str
    hour: int
    minute: int
    months: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Relative:
    """So many days after (or, negative, before) a key date of the school's calendar."""

    relative_to: str
    days: int
    hour: int
    minute: int


@dataclass(frozen=True, slots=True)
class Series:
    """Texts of one kind. `topic` is the word with which a student unsubscribes from it."""

    key: str
    title: str
    topic: str
    when: Weekly | Relative
    misfire: timedelta
    texts: tuple[str, ...]

    def text(self, occurrence: int) -> str:
        """The text for the n-th occurrence: each in turn, so that nobody reads the same one twice running."""
        return self.texts[occurrence % len(self.texts)]


def load_series(path: Path) -> tuple[Series, ...]:
    """The series of the file, in its order. Raises SeriesError that lists every fault."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise SeriesError(f"{path.name} 不是正确的 YAML：{error}") from None
    items = data.get("series", []) if isinstance(data, dict) else data
    series, faults = [], []
    for number, item in enumerate(items or [], start=1):
        name = item.get("key", f"第 {number} 个") if isinstance(item, dict) else f"第 {number} 个"
        try:
            series.append(_series(item))
        except (KeyError, TypeError, ValueError) as error:
            reason = f"缺少 {error}" if isinstance(error, KeyError) else str(error)
            faults.append(f"{path.name} {name}：{reason}")
    keys = [one.key for one in series]
    faults += [f"{path.name} {key} 出现了两次" for key in sorted({key for key in keys if keys.count(key) > 1})]
    if faults:
        raise SeriesError("提醒文案有问题：\n" + "\n".join(f"· {fault}" for fault in faults))
    return tuple(series)


def _series(item: Mapping[str, Any]) -> Series:
    unknown = set(item) - _KNOWN
    if unknown:
        message = f"不认识 {'、'.join(sorted(unknown))}"
        raise ValueError(message)
    if not isinstance(item["texts"], list):
        message = "texts 应为列表"
        raise TypeError(message)
    texts = tuple(str(text).strip() for text in item["texts"])
    if len(texts) < 2 or any(not text or len(text) > _MOST_CHARACTERS for text in texts):  # noqa: PLR2004 - two or more
        message = f"texts 至少两条，每条 1–{_MOST_CHARACTERS} 字"
        raise ValueError(message)
    misfire_hours = float(item["misfire_hours"])
    if not misfire_hours > 0:
        message = f"misfire_hours 应大于 0，现在是 {misfire_hours:g}"
        raise ValueError(message)
    return Series(
        key=item["key"],
        title=item["title"],
        topic=item["topic"],
        when=_when(item["when"]),
        misfire=timedelta(hours=misfire_hours),
        texts=texts,
    )


def _when(item: Any) -> Weekly | Relative:
    if not isinstance(item, Mapping):
        message = "when 应为 cron: 或 relative_to: 的一组设置"
        raise TypeError(message)
    if "cron" in item:
        cron = item["cron"]
        if cron["day_of_week"] not in _DAYS:  # numbers mean other days to cron than to APScheduler
            message = f"day_of_week 应为 {'、'.join(_DAYS)} 之一，现在是 {cron['day_of_week']}"
            raise ValueError(message)
        months = tuple(_between("month", int(month), 12, least=1) for month in item.get("season", {}).get("months", ()))
        return Weekly(cron["day_of_week"], _hour(cron), _minute(cron), months)
    return Relative(item["relative_to"], int(item["days"]), _hour(item), _minute(item))


def _hour(item: Mapping[str, Any]) -> int:
    return _between("hour", int(item["hour"]), 23)


def _minute(item: Mapping[str, Any]) -> int:
    return _between("minute", int(item["minute"]), 59)


def _between(name: str, value: int, most: int, *, least: int = 0) -> int:
    if not least <= value <= most:
        message = f"{name} 应在 {least} 到 {most} 之间，现在是 {value}"
        raise ValueError(message)
    return value
