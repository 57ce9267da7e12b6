"""The check of the reminders' texts: the shipped ones pass, and each kind of fault is found where it is."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.reminders.lint import KINDS, lint
from bot.reminders.loading import load_season
from bot.reminders.schedule import Schedule
from bot.reminders.series import AfterStep, Evidence, Pause, Relative, Rule, Season, Series, Weekly
from bot.safety.hotlines import load_hotlines
from bot.settings import Reminders

ROOT = Path(__file__).resolve().parents[2]
SEASON = load_season(ROOT / "bot" / "reminders" / "data" / "series.yaml")
DAYS = set(yaml.safe_load((ROOT / "knowledge/data/school/calendar.yaml").read_text(encoding="utf-8")))
QUIET = (time(22), time(8))
FILL = "这句话凑够四十个字，好让别的毛病单独被看见，再写几个字就够长了，真的够了"
TEXTS = tuple(f"【反诈】{FILL}，{tail}。打 96110。" for tail in ("第一条", "第二条", "第三条"))
PLAIN = Series(
    "plain",
    "题",
    "反诈",
    (Relative("leaving_day", -7, 12, 20),),
    timedelta(hours=6),
    TEXTS,
    kind="刷单",
    sources=(Evidence("来源", "2025", "B"),),
)


def faults(series: Series, **season: object) -> list[str]:
    """The faults of a season with this series in place of one of the shipped."""
    others = tuple(one for one in SEASON.series if one.key != "fake_orders")
    changed = replace(SEASON, series=(series, *others), **season)  # type: ignore[arg-type]
    return lint(changed, numbers=load_hotlines().numbers, days=DAYS, quiet=QUIET)


def test_what_is_shipped_has_no_fault():
    assert lint(SEASON, numbers=load_hotlines().numbers, days=DAYS, quiet=QUIET) == []


def test_every_kind_of_the_season_is_there_with_three_texts():
    assert {one.kind for one in SEASON.series} >= set(KINDS)
    assert len(KINDS) == 14
    assert min(len(one.texts) for one in SEASON.series) >= 3


@pytest.mark.parametrize("leaving", [date(2027, 6, 1) + timedelta(days=number) for number in range(45)])
def test_the_calendar_never_meets_its_own_cap(leaving: date):
    """Whatever the day of leaving: one a day and no more in seven days than the settings allow, with room for a step."""
    zone = ZoneInfo("Asia/Shanghai")
    schedule = Schedule({"leaving_day": leaving}, zone, pauses=SEASON.pauses)
    start = datetime(2027, 1, 1, tzinfo=zone)
    planned = sorted(at for one in SEASON.series for at in schedule.planned(one, start, start + timedelta(days=365)))
    assert len({at.date() for at in planned}) == len(planned)
    most = max(sum(timedelta() <= at - other < timedelta(days=7) for other in planned) for at in planned)
    assert most <= Reminders().most_per_week
    before = [at for at in planned if at.date() < leaving - timedelta(days=30)]
    assert max(sum(timedelta() <= at - other < timedelta(days=7) for other in before) for at in before) <= 3


def test_the_plain_series_has_no_fault():
    assert faults(PLAIN) == []


def with_text(text: str) -> Series:
    return replace(PLAIN, texts=(text, *TEXTS[1:]))


def with_rules(*rules: Rule) -> Series:
    return replace(PLAIN, rules=rules)


@pytest.mark.parametrize(
    ("series", "fault"),
    [
        (replace(PLAIN, texts=TEXTS[:2]), "texts 只有 2 条，至少 3 条"),
        (with_text("【反诈】太短，打 110。"), "第 1 条有 12 字，应为 40–110 字"),
        (with_text(f"【反诈】{FILL}{FILL}{FILL}打 110。"), "应为 40–110 字"),
        (with_text(f"{FILL}，没有开头的括号。打 110。"), "第 1 条应以【两到六个字】开头"),
        (with_text(f"【反诈】{FILL}！打 110。"), "第 1 条有感叹号"),
        (with_text(f"【反诈】{FILL}，打 95566。"), "第 1 条的号码 95566 不在热线数据里"),
        (with_text(f"【反诈】{FILL}，打 010-12345678。"), "号码 010-12345678 不在"),
        (with_text(f"【反诈】{FILL}。"), "第 1 条没有说找谁"),
        (with_text(TEXTS[1]), "同一条文案出现 2 次"),
        (replace(PLAIN, sources=()), "没有写 sources"),
        (replace(PLAIN, sources=(Evidence("来源", "2025", "C"),)), "来源“来源”的等级是 C"),
        (replace(PLAIN, sources=(Evidence("来源", "", "A"),)), "要有名称和日期"),
        (with_rules(Relative("leaving", -7, 12, 20)), "日期 leaving 不认识"),
        (with_rules(AfterStep("dorm", timedelta(hours=1))), "环节 dorm 不认识"),
        (with_rules(Relative("leaving_day", -7, 12, 30)), "12:30 是整点或半点"),
        (with_rules(Relative("leaving_day", -7, 22, 20)), "22:20 在免打扰时段里"),
        (with_rules(Weekly("mon", 12, 20, (4, 5), (1, 3))), "一年最多发 4 次，文案只有 3 条"),
        (with_rules(Weekly("mon", 12, 20)), "一年最多发 60 次"),
        (replace(PLAIN, kind="别的"), "缺少这一类的系列：刷单"),
        (replace(PLAIN, topic="天气"), "话题“天气”没有写在 topics 里"),
    ],
)
def test_each_fault_is_named(series: Series, fault: str):
    found = faults(series)
    assert len(found) == 1, found
    assert fault in found[0]


def test_faults_of_the_season_itself():
    found = faults(PLAIN, pauses=(Pause("leaving", -1, 1),), topics={**SEASON.topics, "天气": ("诈骗",)})
    assert found == ["pauses 里的日期不认识：leaving", "topics 里“诈骗”指两个话题"]


def test_a_person_to_turn_to_is_as_good_as_a_number():
    assert faults(with_text(f"【反诈】{FILL}，找辅导员。")) == []


def test_an_empty_season_lacks_everything():
    assert len(lint(Season(()), numbers=(), days=(), quiet=QUIET)) == len(KINDS)


def test_what_a_person_in_distress_reads_has_no_other_lines():
    """96110 and 119 may be named in reminders and are on no card."""
    book = load_hotlines()
    assert {"96110", "119", "110", "120", "12356"} <= book.numbers
    assert not {"96110", "119"} & {line.number for line in (*book.emergency, *book.lines)}
    assert not any("【" in number for number in book.numbers)
