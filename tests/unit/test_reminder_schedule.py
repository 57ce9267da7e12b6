"""When a reminder is due: the day that its name says, quiet hours over midnight, nothing that is too late to help."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.reminders.deciding import choose, fingerprint
from bot.reminders.loading import SeriesError, load_season
from bot.reminders.schedule import Schedule, is_quiet
from bot.reminders.series import AfterStep, Pause, Relative, Series, Weekly, Workday

ZONE = ZoneInfo("Asia/Shanghai")
SHIPPED = Path(__file__).resolve().parents[2] / "bot" / "reminders" / "data" / "series.yaml"
NIGHT = (time(22), time(8))


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE)  # type: ignore[arg-type,misc]


def weekly(
    day: str = "tue", hour: int = 9, minute: int = 0, *, months: tuple[int, ...] = (), misfire_h: float = 6
) -> Series:
    return Series(
        "k", "标题", "防骗", (Weekly(day, hour, minute, months),), timedelta(hours=misfire_h), ("一", "二", "三")
    )


def relative(days: int, hour: int = 9, *, misfire_h: float = 6) -> Series:
    return Series("k", "标题", "离校", (Relative("leave", days, hour, 0),), timedelta(hours=misfire_h), ("一", "二"))


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

    def test_only_the_first_and_third_of_a_month(self, schedule: Schedule):
        series = replace(weekly(), rules=(Weekly("tue", 9, 0, (6,), (1, 3)),))
        assert schedule.planned(series, at(2027, 1, 1), at(2027, 12, 31)) == [at(2027, 6, 1, 9), at(2027, 6, 15, 9)]


class TestWorkdays:
    """2027-06-25 is a Friday; the tests' holidays are that day and the Monday after."""

    @pytest.fixture
    def schedule(self) -> Schedule:
        holidays = {date(2027, 6, 25), date(2027, 6, 28)}
        working = lambda day: day.weekday() < 5 and day not in holidays  # noqa: E731 - the school's calendar in a line
        return Schedule({"leave": date(2027, 6, 25)}, ZONE, is_working_day=working)

    @pytest.mark.parametrize(
        ("workday", "expected"),
        [
            ("any", at(2027, 6, 25, 9)),
            ("before", at(2027, 6, 24, 9)),
            ("after", at(2027, 6, 29, 9)),
            ("skip", None),
        ],
    )
    def test_a_holiday_moves_it(self, schedule: Schedule, workday: Workday, expected: datetime | None):
        series = replace(relative(0), rules=(Relative("leave", 0, 9, 0, workday),))
        assert schedule.following(series, at(2027, 6, 1)) == expected
        cron = replace(series, rules=(Weekly("fri", 9, 0, (6,), (4,), workday),))
        assert schedule.planned(cron, at(2027, 6, 20), at(2027, 7, 9)) == ([expected] if expected else [])

    @pytest.mark.parametrize("workday", ["any", "before", "after", "skip"])
    def test_a_working_day_stays(self, schedule: Schedule, workday: Workday):
        series = replace(relative(-1), rules=(Relative("leave", -1, 9, 0, workday),))
        assert schedule.following(series, at(2027, 6, 1)) == at(2027, 6, 24, 9)

    def test_two_rules_that_meet_are_one_planned_time(self, schedule: Schedule):
        rules = (Relative("leave", 0, 9, 0, "before"), Relative("leave", -1, 9, 0))
        series = replace(relative(0), rules=rules)
        assert schedule.planned(series, at(2027, 6, 1), at(2027, 7, 1)) == [at(2027, 6, 24, 9)]

    def test_days_without_end_that_are_no_working_days_leave_it_out(self):
        schedule = Schedule({"leave": date(2027, 6, 25)}, ZONE, is_working_day=lambda _: False)
        series = replace(relative(0), rules=(Relative("leave", 0, 9, 0, "after"),))
        assert schedule.following(series, at(2027, 6, 1)) is None


class TestPauses:
    def test_weekly_ones_rest_and_key_dates_do_not(self):
        pause = Pause("leave", -7, 1)
        schedule = Schedule({"leave": date(2027, 6, 25)}, ZONE, pauses=(pause,))
        assert schedule.planned(weekly(), at(2027, 6, 10), at(2027, 7, 1)) == [at(2027, 6, 15, 9), at(2027, 6, 29, 9)]
        assert schedule.planned(relative(-3), at(2027, 6, 10), at(2027, 7, 1)) == [at(2027, 6, 22, 9)]

    def test_without_the_key_date_nothing_rests(self):
        schedule = Schedule({"leave": None}, ZONE, pauses=(Pause("leave", -7, 1), Pause("other", 0, 0)))
        assert len(schedule.planned(weekly(), at(2027, 6, 10), at(2027, 7, 1))) == 3


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


class TestTexts:
    def test_each_once_before_any_again(self):
        texts, given = ("一", "二", "三"), dict[str, int]()
        read = []
        for _ in range(9):
            text = choose(texts, given)
            given[fingerprint(text)] = given.get(fingerprint(text), 0) + 1
            read.append(text)
        assert read == ["一", "二", "三"] * 3

    def test_a_new_text_comes_first_and_one_that_is_gone_is_forgotten(self):
        given = {fingerprint("一"): 2, fingerprint("旧"): 1}
        assert choose(("一", "二"), given) == "二"
        assert choose(("一",), given) == "一"


class TestQuietHours:
    @pytest.mark.parametrize(
        ("moment", "quiet"),
        [
            (at(2027, 6, 8, 21, 59, 59), False),
            (at(2027, 6, 8, 22), True),
            (at(2027, 6, 8, 23, 59), True),
            (at(2027, 6, 9, 0), True),
            (at(2027, 6, 9, 7, 59, 59), True),
            (at(2027, 6, 9, 8), False),
        ],
    )
    def test_over_midnight(self, moment: datetime, *, quiet: bool):
        assert is_quiet(moment, quiet=NIGHT, zone=ZONE) is quiet

    @pytest.mark.parametrize(("hour", "quiet"), [(12, False), (13, True), (14, False), (23, False)])
    def test_within_a_day(self, hour: int, *, quiet: bool):
        assert is_quiet(at(2027, 6, 8, hour), quiet=(time(12, 30), time(14)), zone=ZONE) is quiet

    def test_the_same_hour_twice_is_never_quiet(self):
        assert not any(is_quiet(at(2027, 6, 8, hour), quiet=(time(8), time(8)), zone=ZONE) for hour in range(24))

    def test_the_hours_are_the_schools(self):
        """Three in the afternoon in UTC is eleven at night at the school."""
        assert is_quiet(datetime(2027, 6, 8, 15, tzinfo=UTC), quiet=NIGHT, zone=ZONE)


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
        return load_season(path).series

    return _load


class TestSeries:
    def test_a_weekly_and_a_relative_one(self, load: Callable[..., tuple[Series, ...]]):
        season = {"cron": {"day_of_week": "fri", "hour": 20, "minute": 30}, "season": {"months": [5, 6]}}
        later = {"relative_to": "leave", "days": -7, "hour": 9, "minute": 0}
        one, other = load(entry(when=season), entry(key="leave", when=later))
        assert one.rules == (Weekly("fri", 20, 30, (5, 6)),)
        assert other.rules == (Relative("leave", -7, 9, 0),)
        assert (one.misfire, one.kept_for, one.urgent) == (timedelta(hours=6), timedelta(days=14), False)

    def test_several_rules_with_all_there_is(self, load: Callable[..., tuple[Series, ...]]):
        rules = [
            {"cron": {"day_of_week": "mon", "hour": 12, "minute": 20, "nth": [1, 3]}, "workday": "skip"},
            {"relative_to": "leave", "days": -30, "hour": 9, "minute": 5, "workday": "before"},
            {"after_step": "dorm_left", "hours": 20},
        ]
        (one,) = load(entry(when=rules, kept_days=2, urgent=True, kind="出行"))
        assert one.rules == (
            Weekly("mon", 12, 20, (), (1, 3), "skip"),
            Relative("leave", -30, 9, 5, "before"),
            AfterStep("dorm_left", timedelta(hours=20)),
        )
        assert one.steps == (one.rules[2],)
        assert (one.kept_for, one.urgent, one.kind) == (timedelta(days=2), True, "出行")

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
            ({"when": {"cron": {"day_of_week": "tue", "hour": 9, "minute": 0, "nth": [6]}}}, "nth 应在 1 到 5 之间"),
            ({"when": {"relative_to": "leave", "days": 1, "hour": 9, "minute": 0, "workday": "maybe"}}, "workday 应为"),
            ({"when": {"after_step": "dorm_left", "hours": 0}}, "hours 应大于 0"),
            ({"kept_days": 0}, "kept_days 应大于 0"),
            ({"topic": "长" * 21}, "topic 应为"),
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
            load_season(path)


class TestShipped:
    def test_none_is_planned_in_the_quiet_hours(self):
        """Their texts say when they are read; a reminder that waits until eight was planned wrongly."""
        schedule = Schedule({"leaving_day": date(2027, 6, 25)}, ZONE)
        for one in load_season(SHIPPED).series:
            for planned in schedule.planned(one, at(2027, 1, 1), at(2028, 1, 1)):
                assert not is_quiet(planned, quiet=NIGHT, zone=ZONE), one.key
