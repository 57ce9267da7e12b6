"""Walks over tick times: every planned time comes out exactly once, whenever the worker looked."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from bot.reminders.schedule import Schedule, is_quiet
from bot.reminders.series import Relative, Series, Weekly, Workday

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2027, 1, 1, tzinfo=ZONE)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAVE = date(2027, 2, 20)
WEEKLIES = st.builds(
    Weekly,
    day_of_week=st.sampled_from(DAYS),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    months=st.sampled_from([(), (1,), (2, 3), (12,), (1, 2, 3, 4, 5, 6)]),
    nth=st.sampled_from([(), (1,), (2, 4), (5,)]),
)
RELATIVES = st.builds(
    Relative,
    relative_to=st.just("leave"),
    days=st.integers(-60, 60),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
SERIES = st.builds(
    Series,
    key=st.just("k"),
    title=st.just("t"),
    topic=st.just("t"),
    rules=st.tuples(WEEKLIES | RELATIVES),
    misfire=st.timedeltas(timedelta(minutes=1), timedelta(days=6)),
    texts=st.just(("a", "b", "c")),
)
PAUSES = st.lists(st.timedeltas(timedelta(microseconds=1), timedelta(days=5)), max_size=60)
NEAR = st.timedeltas(timedelta(seconds=-2), timedelta(seconds=2))
TIMES = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))


def planned_between(series: Series, start: datetime, end: datetime) -> list[datetime]:
    """Every planned time after `start` and up to `end`, by going through the days: the plain meaning of the words."""
    found = []
    for number in range((end - start).days + 3):
        day = start.date() + timedelta(days=number - 1)
        (when,) = series.rules
        if isinstance(when, Relative):
            fits = day == LEAVE + timedelta(days=when.days)
        else:
            assert isinstance(when, Weekly)
            same = [day - timedelta(weeks=weeks) for weeks in range(5)]
            of_month = sum(one.month == day.month for one in same)
            fits = DAYS[day.weekday()] == when.day_of_week and (not when.months or day.month in when.months)
            fits = fits and (not when.nth or of_month in when.nth)
        at = datetime.combine(day, time(when.hour, when.minute), ZONE)
        if fits and start < at <= end:
            found.append(at)
    return found


@given(SERIES, PAUSES)
def test_every_planned_time_is_found_once_by_whatever_ticks_there_are(series: Series, pauses: list[timedelta]):
    """Found is what some tick saw before it was too late; what no tick saw in time is left out; nothing else comes."""
    schedule = Schedule({"leave": LEAVE}, ZONE)
    ticks = [START]
    for pause in pauses:
        ticks.append(ticks[-1] + pause)
    found = {planned for tick in ticks if (planned := schedule.latest(series, tick)) is not None}
    expected = {
        planned
        for planned in planned_between(series, START - series.misfire, ticks[-1])
        if any(planned <= tick < planned + series.misfire for tick in ticks)
    }
    assert found == expected


@given(SERIES, st.integers(0, 12), NEAR)
def test_the_next_is_found_from_every_moment_near_a_planned_one(series: Series, number: int, near: timedelta):
    """Half a second before it, it is still to come; at it, it has been."""
    several = planned_between(series, START, START + timedelta(days=120))
    if len(several) < 2:
        return
    moment = several[number % len(several)] + near
    expected = next((planned for planned in several if planned > moment), None)
    if expected is not None:
        assert Schedule({"leave": LEAVE}, ZONE).following(series, moment) == expected


@given(SERIES, st.timedeltas(timedelta(), timedelta(days=90)))
def test_one_planned_time_follows_another_without_a_gap(series: Series, offset: timedelta):
    schedule = Schedule({"leave": LEAVE}, ZONE)
    start = START + offset
    end = start + timedelta(days=60)
    chain = []
    planned = schedule.following(series, start)
    while planned is not None and planned <= end:
        chain.append(planned)
        planned = schedule.following(series, planned)
    assert chain == planned_between(series, start, end)


@given(WEEKLIES, st.timedeltas(timedelta(), timedelta(days=300)))
def test_a_weekday_is_what_cron_means_by_its_name(when: Weekly, offset: timedelta):
    """Another program's reading of the same words."""
    names = ("1st", "2nd", "3rd", "4th", "5th")
    day = {"day_of_week": when.day_of_week}
    if when.nth:
        day = {"day": ",".join(f"{names[number - 1]} {when.day_of_week}" for number in when.nth)}
    months = ",".join(map(str, when.months)) or "*"
    cron = CronTrigger(**day, hour=when.hour, minute=when.minute, month=months, timezone=ZONE)
    series = Series("k", "t", "t", (when,), timedelta(hours=1), ("a", "b"))
    after = START + offset
    expected = cron.get_next_fire_time(None, after + timedelta(microseconds=1))
    found = Schedule({}, ZONE).following(series, after)
    far = expected is None or expected > after + timedelta(days=1200)  # beyond what anybody plans
    assert found is None if far else found == expected


@given(WEEKLIES | RELATIVES, st.sets(st.integers(0, 120), max_size=60), st.sampled_from(["before", "after", "skip"]))
def test_what_avoids_holidays_is_never_on_one_and_never_far(when: Weekly | Relative, off: set[int], workday: Workday):
    holidays = {START.date() + timedelta(days=number) for number in off}
    schedule = Schedule({"leave": LEAVE}, ZONE, is_working_day=lambda day: day not in holidays)
    plain = Series("k", "t", "t", (when,), timedelta(hours=1), ("a", "b"))
    moved = replace(plain, rules=(replace(when, workday=workday),))
    end = START + timedelta(days=120)
    nominal = schedule.planned(plain, START - timedelta(days=15), end + timedelta(days=15))
    found = schedule.planned(moved, START, end)
    assert all(at.date() not in holidays for at in found)
    for at in found:
        behind = {"before": timedelta(), "after": timedelta(days=-10), "skip": timedelta()}[workday]
        ahead = {"before": timedelta(days=10), "after": timedelta(), "skip": timedelta()}[workday]
        assert any(at + behind <= one <= at + ahead for one in nominal)
    kept = {at for at in nominal if START < at <= end and at.date() not in holidays}
    assert kept <= set(found)


@given(st.timedeltas(timedelta(), timedelta(days=30)), TIMES, TIMES)
def test_quiet_hours_are_all_moments_from_start_to_end(offset: timedelta, start: time, end: time):
    """Going back from the moment, the last of the two that was passed says which it is."""
    moment = START + offset
    clock = moment.time()
    last = max((start, end), key=lambda one: (one <= clock, one))
    quiet = is_quiet(moment, quiet=(start, end), zone=ZONE)
    assert quiet is (start != end and last == start)
