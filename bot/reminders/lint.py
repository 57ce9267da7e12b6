"""Checks of the season beyond what loading checks: the kinds, the texts, their sources, numbers, dates. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.reminders.schedule import is_quiet
from bot.reminders.series import AfterStep, Relative, Season, Series, Weekly
from bot.reminders.steps import STEPS

KINDS = (
    "电信诈骗",
    "校园贷/培训贷",
    "刷单",
    "传销",
    "求职陷阱",
    "银行卡电话卡出借",
    "宗教渗透",
    "宿舍消防",
    "出行",
    "饮酒聚餐",
    "防溺水",
    "证件材料保管",
    "心理调适",
    "文明离校",
)
"""What the season must speak of."""
_VARIANTS = 3
_SHORTEST, _LONGEST = 40, 110
_GRADES = ("A", "B")
_LABEL = re.compile(r"【[一-鿿]{2,6}】")
_NUMBER = re.compile(r"(?<![\d.-])\d{3}[\d-]*(?![\d.])")
_PEOPLE = ("辅导员", "老师", "宿管")
_CROWDED = (0, 30)  # minutes at which everybody's jobs run; the platforms ask to avoid them
_A_DAY = datetime(2027, 6, 1, tzinfo=ZoneInfo("UTC"))


def lint(season: Season, *, numbers: Collection[str], days: Collection[str], quiet: tuple[time, time]) -> list[str]:
    """Every fault as a line that names its series. `numbers` are the hotlines known, `days` the calendar's keys."""
    kinds = {one.kind for one in season.series}
    faults = [f"缺少这一类的系列：{kind}" for kind in KINDS if kind not in kinds]
    faults += [f"pauses 里的日期不认识：{one.relative_to}" for one in season.pauses if one.relative_to not in days]
    words = Counter(word for topic, others in season.topics.items() for word in {topic, *others})
    faults += [f"topics 里“{word}”指两个话题" for word, count in words.items() if count > 1]
    texts = Counter(text for one in season.series for text in one.texts)
    faults += [f"同一条文案出现 {count} 次：{text[:20]}…" for text, count in texts.items() if count > 1]
    for one in season.series:
        checks = (*_texts(one, numbers), *_sources(one), *_rules(one, days, quiet))
        faults += [f"{one.key}：{fault}" for fault in checks]
        if one.topic not in season.topics:
            faults.append(f"{one.key}：话题“{one.topic}”没有写在 topics 里")
    return faults


def _texts(series: Series, numbers: Collection[str]) -> Iterator[str]:
    if len(series.texts) < _VARIANTS:
        yield f"texts 只有 {len(series.texts)} 条，至少 {_VARIANTS} 条"
    for number, text in enumerate(series.texts, start=1):
        size = len("".join(text.split()))
        if not _SHORTEST <= size <= _LONGEST:
            yield f"第 {number} 条有 {size} 字，应为 {_SHORTEST}–{_LONGEST} 字"
        if not _LABEL.match(text):
            yield f"第 {number} 条应以【两到六个字】开头"
        if "！" in text or "!" in text:
            yield f"第 {number} 条有感叹号，换成句号"
        named = _NUMBER.findall(text)
        for unknown in sorted(set(named) - set(numbers)):
            yield f"第 {number} 条的号码 {unknown} 不在热线数据里（bot/safety/data/hotlines.yaml）"
        if not named and not any(person in text for person in _PEOPLE):
            yield f"第 {number} 条没有说找谁：写上号码，或辅导员、老师、宿管"


def _sources(series: Series) -> Iterator[str]:
    if not series.sources:
        yield "没有写 sources"
    for one in series.sources:
        if one.grade not in _GRADES:
            yield f"来源“{one.name}”的等级是 {one.grade}，只能用 {'、'.join(_GRADES)} 级的事实"
        if not one.name or not one.date:
            yield f"来源“{one.name}”要有名称和日期"


def _rules(series: Series, days: Collection[str], quiet: tuple[time, time]) -> Iterator[str]:
    a_year = 0
    for rule in series.rules:
        if isinstance(rule, AfterStep):
            if rule.step not in STEPS:
                yield f"环节 {rule.step} 不认识，可用的有 {'、'.join(STEPS)}"
            continue
        if isinstance(rule, Relative):
            a_year += 1
            if rule.relative_to not in days:
                yield f"日期 {rule.relative_to} 不认识，可用的见 knowledge/data/school/calendar.yaml"
        if isinstance(rule, Weekly):
            a_year += (len(rule.months) or 12) * (len(rule.nth) or 5)
        if rule.minute in _CROWDED:
            yield f"{rule.hour}:{rule.minute:02} 是整点或半点，换一个分钟"
        if is_quiet(_A_DAY.replace(hour=rule.hour, minute=rule.minute), quiet=quiet, zone=ZoneInfo("UTC")):
            yield f"{rule.hour}:{rule.minute:02} 在免打扰时段里"
    if a_year > len(series.texts):
        yield f"一年最多发 {a_year} 次，文案只有 {len(series.texts)} 条，同学会读到重复的"
