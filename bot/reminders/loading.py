"""Reads data/series.yaml and reports every fault at once. Whether the texts are good is lint.py's question."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import yaml

from bot.errors import UserFacingError
from bot.reminders.series import KEPT, AfterStep, Evidence, Pause, Relative, Rule, Season, Series, Weekly, Workday

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_REQUIRED = ("key", "title", "topic", "when", "misfire_hours", "texts")
_KNOWN = frozenset({*_REQUIRED, "kind", "kept_days", "urgent", "sources"})
_MOST_CHARACTERS = 200
_LONGEST = {"key": 40, "title": 40, "topic": 20}


class SeriesError(UserFacingError):
    """The reminder series have faults; none was loaded."""


def load_season(path: Path) -> Season:
    """The series of the file, in its order. Raises SeriesError that lists every fault."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise SeriesError(f"{path.name} 不是正确的 YAML：{error}") from None
    document = data if isinstance(data, dict) else {"series": data}
    series, faults = [], []
    for number, item in enumerate(document.get("series") or [], start=1):
        name = item.get("key", f"第 {number} 个") if isinstance(item, dict) else f"第 {number} 个"
        try:
            series.append(_series(item))
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"{path.name} {name}：{_reason(error)}")
    keys = [one.key for one in series]
    faults += [f"{path.name} {key} 出现了两次" for key in sorted({key for key in keys if keys.count(key) > 1})]
    pauses: list[Pause] = []
    topics: dict[str, tuple[str, ...]] = {}
    try:
        pauses = [Pause(one["relative_to"], int(one["from"]), int(one["to"])) for one in document.get("pauses") or []]
        topics = {str(name): tuple(map(str, words or [])) for name, words in (document.get("topics") or {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        faults.append(f"{path.name} pauses 或 topics：{_reason(error)}")
    if faults:
        raise SeriesError("提醒文案有问题：\n" + "\n".join(f"· {fault}" for fault in faults))
    return Season(tuple(series), tuple(pauses), topics)


def _reason(error: Exception) -> str:
    return f"缺少 {error}" if isinstance(error, KeyError) else str(error)


def _series(item: Mapping[str, Any]) -> Series:
    unknown = set(item) - _KNOWN
    if unknown:
        raise ValueError(f"不认识 {'、'.join(sorted(unknown))}")
    if not isinstance(item["texts"], list):
        raise TypeError("texts 应为列表")
    texts = tuple(str(text).strip() for text in item["texts"])
    if len(texts) < 2 or any(not text or len(text) > _MOST_CHARACTERS for text in texts):  # noqa: PLR2004 - two or more
        raise ValueError(f"texts 至少两条，每条 1–{_MOST_CHARACTERS} 字")
    for name, most in _LONGEST.items():
        if not isinstance(item[name], str) or not 1 <= len(item[name]) <= most:
            raise ValueError(f"{name} 应为 1–{most} 个字")
    return Series(
        key=item["key"],
        title=item["title"],
        topic=item["topic"],
        rules=tuple(_rules(item["when"])),
        misfire=timedelta(hours=_above_zero("misfire_hours", item["misfire_hours"])),
        texts=texts,
        kind=str(item.get("kind", "")),
        kept_for=timedelta(days=_above_zero("kept_days", item.get("kept_days", KEPT.days))),
        urgent=item.get("urgent", False) is True,
        sources=tuple(_evidence(one) for one in item.get("sources") or ()),
    )


def _rules(items: Any) -> Iterator[Rule]:
    for item in items if isinstance(items, list) else [items]:
        if not isinstance(item, Mapping):
            raise TypeError("when 应为 cron:、relative_to: 或 after_step: 的一组设置")
        yield _rule(item)


def _rule(item: Mapping[str, Any]) -> Rule:
    if "after_step" in item:
        return AfterStep(str(item["after_step"]), timedelta(hours=_above_zero("hours", item["hours"])))
    workday: Workday = item.get("workday", "any")
    if workday not in get_args(Workday):
        raise ValueError(f"workday 应为 {'、'.join(get_args(Workday))} 之一，现在是 {workday}")
    if "cron" not in item:
        return Relative(item["relative_to"], int(item["days"]), _hour(item), _minute(item), workday)
    cron = item["cron"]
    if cron["day_of_week"] not in _DAYS:  # numbers mean other days to cron than to other programs
        raise ValueError(f"day_of_week 应为 {'、'.join(_DAYS)} 之一，现在是 {cron['day_of_week']}")
    months = tuple(_between("month", int(one), 12, least=1) for one in item.get("season", {}).get("months", ()))
    nth = tuple(_between("nth", int(one), 5, least=1) for one in cron.get("nth", ()))
    return Weekly(cron["day_of_week"], _hour(cron), _minute(cron), months, nth, workday)


def _evidence(item: Mapping[str, Any]) -> Evidence:
    return Evidence(str(item["name"]), str(item["date"]), str(item["grade"]), str(item.get("url", "")))


def _hour(item: Mapping[str, Any]) -> int:
    return _between("hour", int(item["hour"]), 23)


def _minute(item: Mapping[str, Any]) -> int:
    return _between("minute", int(item["minute"]), 59)


def _between(name: str, value: int, most: int, *, least: int = 0) -> int:
    if not least <= value <= most:
        raise ValueError(f"{name} 应在 {least} 到 {most} 之间，现在是 {value}")
    return value


def _above_zero(name: str, value: Any) -> float:
    number = float(value)
    if not 0 < number < 24 * 366:
        raise ValueError(f"{name} 应大于 0，现在是 {number:g}")
    return number
