"""Walks over tick times: every planned time comes out exactly once, whenever the worker looked."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.reminders.schedule import Schedule, after_quiet
from bot.reminders.series import Relative, Series, Weekly

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
    when=WEEKLIES | RELATIVES,
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
        when = series.when
        if isinstance(when, Relative):
            fits = day == LEAVE + timedelta(days=when.days)
        else:
            fits = DAYS[day.weekday()] == when.day_of_week and (not when.months or day.month in when.months)
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


@given(WEEKLIES, st.integers(0, 100), st.integers(2, 8))
def test_nobody_reads_the_same_text_twice_running(when: Weekly, weeks: int, texts: int):
    every_week = Weekly(when.day_of_week, when.hour, when.minute)
    series = Series("k", "t", "t", every_week, timedelta(hours=1), tuple(str(text) for text in range(texts)))
    schedule = Schedule({}, ZONE)
    one = schedule.following(series, START + timedelta(weeks=weeks))
    assert one is not None
    other = schedule.following(series, one)
    assert other is not None
    assert series.text(schedule.occurrence(one)) != series.text(schedule.occurrence(other))


@given(st.timedeltas(timedelta(), timedelta(days=30)), TIMES, TIMES)
def test_after_the_quiet_hours_is_never_in_them_and_never_far(offset: timedelta, start: time, end: time):
    moment = START + offset
    sent = after_quiet(moment, quiet=(start, end), zone=ZONE)
    clock = sent.astimezone(ZONE).time()
    quiet = start <= clock < end if start <= end else clock >= start or clock < end
    assert not quiet
    assert moment <= sent < moment + timedelta(days=1)
    assert after_quiet(sent, quiet=(start, end), zone=ZONE) == sent
    assert sent == moment or clock == end
