"""When a reminder is due: the day that its name says, quiet hours over midnight, nothing that is too late to help."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.reminders.schedule import Schedule, after_quiet
from bot.reminders.series import Relative, Series, SeriesError, Weekly, load_series

ZONE = ZoneInfo("Asia/Shanghai")
SHIPPED = Path(__file__).resolve().parents[2] / "bot" / "reminders" / "data" / "series.yaml"
NIGHT = (time(22), time(8))


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE)  # type: ignore[arg-type,misc]


def weekly(
    day: str = "tue", hour: int = 9, minute: int = 0, *, months: tuple[int, ...] = (), misfire_h: float = 6
) -> Series:
    return Series(
        "k", "标题", "防骗", Weekly(day, hour, minute, months), timedelta(hours=misfire_h), ("一", "二", "三")
    )


def relative(days: int, hour: int = 9, *, misfire_h: float = 6) -> Series:
    return Series("k", "标题", "离校", Relative("leave", days, hour, 0), timedelta(hours=misfire_h), ("一", "二"))


@pytest.fixture
def schedule() -> Schedule:
    return Schedule({"leave": date(2027, 6, 25), "blank": None}, ZONE)


class TestWeekly:
    @pytest.mark.parametrize(("number", "day"), list(enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))))
    def test_a_day_is_the_day_that_its_name_says(self, schedule: Schedule, number: int, day: str):
        """Numbers mean other days to cron than to the library below; names are safe."""
        planned = schedule.following(weekly(day), at(2027, 6, 6, 12))
        assert planned is not None
        assert planned.weekday() == number
        assert planned.astimezone(ZONE).time() == time(9)

    def test_later_than_a_planned_time_is_the_next_week(self, schedule: Schedule):
        assert schedule.following(weekly(), at(2027, 6, 8, 9)) == at(2027, 6, 15, 9)

    @pytest.mark.parametrize("early", [timedelta(microseconds=1), timedelta(milliseconds=500), timedelta(seconds=1)])
    def test_a_moment_before_it_is_still_today(self, schedule: Schedule, early: timedelta):
        assert schedule.following(weekly(), at(2027, 6, 8, 9) - early) == at(2027, 6, 8, 9)

    def test_hours_are_the_schools_whatever_the_question_is_asked_in(self, schedule: Schedule):
        assert schedule.following(weekly(), datetime(2027, 6, 8, 0, 59, tzinfo=UTC)) == at(2027, 6, 8, 9)

    def test_only_in_its_months(self, schedule: Schedule):
        series = weekly(months=(5, 6))
        assert schedule.following(series, at(2027, 6, 29, 9)) == at(2028, 5, 2, 9)


class TestRelative:
    @pytest.mark.parametrize(
        ("days", "expected"), [(-7, at(2027, 6, 18, 9)), (0, at(2027, 6, 25, 9)), (7, at(2027, 7, 2, 9))]
    )
    def test_so_many_days_from_the_key_date(self, schedule: Schedule, days: int, expected: datetime):
        assert schedule.following(relative(days), at(2027, 6, 1)) == expected

    def test_there_is_only_one(self, schedule: Schedule):
        assert schedule.following(relative(0), at(2027, 6, 25, 9)) is None

    def test_a_blank_date_plans_nothing_and_says_what_it_waits_for(self):
        for schedule in (Schedule({"leave": None}, ZONE), Schedule({}, ZONE)):
            assert schedule.following(relative(0), at(2027, 1, 1)) is None
            assert schedule.latest(relative(0), at(2027, 6, 25, 9)) is None
            assert schedule.missing_day(relative(0)) == "leave"

    def test_nothing_is_missing_where_the_day_is_known_or_not_needed(self, schedule: Schedule):
        assert schedule.missing_day(relative(0)) is None
        assert schedule.missing_day(weekly()) is None


class TestLatest:
    def test_at_its_moment_it_is_due(self, schedule: Schedule):
        assert schedule.latest(weekly(), at(2027, 6, 8, 9)) == at(2027, 6, 8, 9)

    def test_a_moment_before_it_is_not(self, schedule: Schedule):
        assert schedule.latest(weekly(), at(2027, 6, 8, 9) - timedelta(microseconds=1)) is None

    @pytest.mark.parametrize(("hours", "due"), [(0, True), (5.99, True), (6.01, False), (30, False)])
    def test_late_is_fine_until_the_text_makes_no_sense_any_more(self, schedule: Schedule, hours: float, *, due: bool):
        for series in (weekly("fri", misfire_h=6), relative(0, misfire_h=6)):
            planned = at(2027, 6, 25, 9)
            assert schedule.latest(series, planned + timedelta(hours=hours)) == (planned if due else None)

    def test_of_several_missed_ones_the_last(self, schedule: Schedule):
        """After an outage one reminder, not a pile."""
        series = weekly(misfire_h=24 * 30)
        assert schedule.latest(series, at(2027, 6, 30)) == at(2027, 6, 29, 9)


def test_texts_take_turns_and_never_repeat_from_week_to_week(schedule: Schedule):
    series = weekly()
    planned = schedule.following(series, at(2027, 1, 1))
    texts = []
    for _ in range(60):
        assert planned is not None
        texts.append(series.text(schedule.occurrence(planned)))
        planned = schedule.following(series, planned)
    assert all(one != other for one, other in pairwise(texts))
    assert set(texts) == {"一", "二", "三"}


class TestQuietHours:
    @pytest.mark.parametrize(
        ("moment", "sent"),
        [
            (at(2027, 6, 8, 21, 59, 59), at(2027, 6, 8, 21, 59, 59)),
            (at(2027, 6, 8, 22), at(2027, 6, 9, 8)),
            (at(2027, 6, 8, 23, 59), at(2027, 6, 9, 8)),
            (at(2027, 6, 9, 0), at(2027, 6, 9, 8)),
            (at(2027, 6, 9, 7, 59, 59), at(2027, 6, 9, 8)),
            (at(2027, 6, 9, 8), at(2027, 6, 9, 8)),
            (at(2027, 6, 30, 22, 30), at(2027, 7, 1, 8)),
        ],
    )
    def test_over_midnight(self, moment: datetime, sent: datetime):
        assert after_quiet(moment, quiet=NIGHT, zone=ZONE) == sent

    @pytest.mark.parametrize(
        ("moment", "sent"),
        [
            (at(2027, 6, 8, 12, 30), at(2027, 6, 8, 14)),
            (at(2027, 6, 8, 14), at(2027, 6, 8, 14)),
            (at(2027, 6, 8, 23), at(2027, 6, 8, 23)),
        ],
    )
    def test_within_a_day(self, moment: datetime, sent: datetime):
        assert after_quiet(moment, quiet=(time(12, 30), time(14)), zone=ZONE) == sent

    def test_the_same_hour_twice_is_never_quiet(self):
        for hour in range(24):
            moment = at(2027, 6, 8, hour)
            assert after_quiet(moment, quiet=(time(8), time(8)), zone=ZONE) == moment

    def test_the_hours_are_the_schools(self):
        """Three in the afternoon in UTC is eleven at night at the school."""
        assert after_quiet(datetime(2027, 6, 8, 15, tzinfo=UTC), quiet=NIGHT, zone=ZONE) == at(2027, 6, 9, 8)


def entry(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "key": "fraud",
        "title": "反诈",
        "topic": "防骗",
        "when": {"cron": {"day_of_week": "tue", "hour": 9, "minute": 0}},
        "misfire_hours": 6,
        "texts": ["一", "二"],
    }
    return {key: value for key, value in (made | changes).items() if value is not None}


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., tuple[Series, ...]]:
    """The series of a file with these entries."""

    def _load(*entries: Any) -> tuple[Series, ...]:
        path = tmp_path / "series.yaml"
        path.write_text(yaml.safe_dump({"series": list(entries)}, allow_unicode=True), encoding="utf-8")
        return load_series(path)

    return _load


class TestSeries:
    def test_a_weekly_and_a_relative_one(self, load: Callable[..., tuple[Series, ...]]):
        season = {"cron": {"day_of_week": "fri", "hour": 20, "minute": 30}, "season": {"months": [5, 6]}}
        later = {"relative_to": "leave", "days": -7, "hour": 9, "minute": 0}
        one, other = load(entry(when=season), entry(key="leave", when=later))
        assert one.when == Weekly("fri", 20, 30, (5, 6))
        assert other.when == Relative("leave", -7, 9, 0)
        assert one.misfire == timedelta(hours=6)
        assert [one.text(n) for n in range(3)] == ["一", "二", "一"]

    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"topic": None}, "缺少 'topic'"),
            ({"when": None}, "缺少 'when'"),
            ({"texts": ["只有一条"]}, "texts 至少两条"),
            ({"texts": ["好", ""]}, "texts 至少两条"),
            ({"texts": ["好", "长" * 201]}, "texts 至少两条"),
            ({"texts": "一二"}, "texts 应为列表"),
            ({"colour": "red"}, "不认识 colour"),
            ({"when": {"cron": {"day_of_week": 2, "hour": 9, "minute": 0}}}, "day_of_week 应为 mon、tue"),
            ({"when": {"cron": {"day_of_week": "tue", "hour": 24, "minute": 0}}}, "hour 应在 0 到 23 之间，现在是 24"),
            ({"when": {"cron": {"day_of_week": "tue", "hour": 9, "minute": 60}}}, "minute 应在 0 到 59 之间"),
            (
                {"when": {"cron": {"day_of_week": "tue", "hour": 9, "minute": 0}, "season": {"months": [13]}}},
                "month 应在 1 到 12 之间，现在是 13",
            ),
            ({"when": {"relative_to": "leave", "days": "soon", "hour": 9, "minute": 0}}, "soon"),
            ({"when": "tue"}, "when"),
            ({"misfire_hours": 0}, "misfire_hours 应大于 0"),
            ({"misfire_hours": -1}, "misfire_hours 应大于 0"),
        ],
    )
    def test_each_fault_names_the_series(
        self, load: Callable[..., tuple[Series, ...]], changes: dict[str, Any], fault: str
    ):
        with pytest.raises(SeriesError) as caught:
            load(entry(**changes))
        head, line = str(caught.value).splitlines()
        assert head == "提醒文案有问题："
        assert line.startswith("· series.yaml fraud：")
        assert fault in line

    def test_all_faults_at_once_and_keys_only_once(self, load: Callable[..., tuple[Series, ...]]):
        with pytest.raises(SeriesError) as caught:
            load(entry(), entry(), entry(key="b", texts=[]), "not a series", {"title": "x"})
        lines = str(caught.value).splitlines()[1:]
        assert len(lines) == 4
        assert "· series.yaml fraud 出现了两次" in lines

    @pytest.mark.parametrize("text", ["series: [", "- 1\n  b: :", "\0"])
    def test_broken_yaml_is_a_fault_like_the_others(self, tmp_path: Path, text: str):
        path = tmp_path / "series.yaml"
        path.write_text(text)
        with pytest.raises(SeriesError, match=r"series\.yaml"):
            load_series(path)


class TestShipped:
    def test_at_least_eight_kinds_of_texts(self):
        series = load_series(SHIPPED)
        assert len(series) >= 8
        assert len({text for one in series for text in one.texts}) == sum(len(one.texts) for one in series)

    @pytest.mark.parametrize(
        "word", ["刷单", "培训贷", "求职", "银行卡", "电话卡", "消防|火|插座|电器", "酒", "证件|证书"]
    )
    def test_every_subject_of_the_season_is_there(self, word: str):
        texts = "".join(one.title + "".join(one.texts) for one in load_series(SHIPPED))
        assert any(part in texts for part in word.split("|"))

    def test_none_is_planned_in_the_quiet_hours(self):
        """Their texts say when they are read; a reminder that waits until eight was planned wrongly."""
        schedule = Schedule({"leaving_day": date(2027, 6, 25)}, ZONE)
        for one in load_series(SHIPPED):
            planned = schedule.following(one, at(2027, 1, 1))
            if planned is not None:
                assert after_quiet(planned, quiet=NIGHT, zone=ZONE) == planned, one.key

    def test_one_bubble_each(self):
        for one in load_series(SHIPPED):
            assert all(len(text.encode()) <= 2048 for text in one.texts), one.key
