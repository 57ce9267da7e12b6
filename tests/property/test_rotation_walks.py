"""At every instant exactly those are on duty whom the rota names, in whatever order its rows come."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.escalation.rotation import Days, OnCall, Override, Rotation, Schedule, Shift, expand, gaps, on_call

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2027, 6, 7)
START = datetime.combine(MONDAY, time(0), ZONE)
END = START + timedelta(days=5)
TICK = timedelta(microseconds=1)
PEOPLE = st.sampled_from(["A", "B", "C"])
COLLEGES = st.sampled_from(["", "甲", "乙"])
HALF_HOURS = st.integers(0, 47).map(lambda half: time(half // 2, 30 * (half % 2)))
MOMENTS = st.integers(-48, 6 * 48).map(lambda half: START + timedelta(minutes=30) * half)
SPANS = st.tuples(MOMENTS, MOMENTS).map(sorted)  # some are empty
SHIFTS = st.builds(lambda who, college, span: Shift(who, college, *span), PEOPLE, COLLEGES, SPANS)
ROTATIONS = st.builds(
    Rotation,
    name=st.just("r"),
    college=COLLEGES,
    order=st.lists(PEOPLE, min_size=1, max_size=4).map(tuple),
    first_day=st.integers(-9, 4).map(lambda days: MONDAY + timedelta(days=days)),
    last_day=st.none() | st.integers(0, 6).map(lambda days: MONDAY + timedelta(days=days)),
    starts=HALF_HOURS,
    ends=HALF_HOURS,
    turn_days=st.integers(1, 8),
    days=st.sampled_from(Days),
)


@st.composite
def overrides(draw: st.DrawFn) -> list[Override]:
    made = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        starts_at, ends_at = draw(SPANS)
        instead_of, staff_no = draw(st.sampled_from(["", "A", "B", "C"])), draw(PEOPLE | st.just(""))
        if instead_of or staff_no:
            made.append(Override(number, starts_at, ends_at, staff_no, instead_of, draw(COLLEGES)))
    return made


SCHEDULES = st.builds(
    lambda shifts, rotations, exceptions: Schedule(ZONE, lambda day: day.weekday() < 2, shifts, rotations, exceptions),
    st.lists(SHIFTS, max_size=4),
    st.lists(ROTATIONS, max_size=2),
    overrides(),
)


def plainly(schedule: Schedule, at: datetime) -> set[OnCall]:
    """The words of the rota, read one after the other by a person with a calendar."""
    rows = [(one.staff_no, one.college, 0, one.starts_at, one.ends_at) for one in schedule.shifts]
    for rotation in schedule.rotations:
        day = rotation.first_day
        while day <= MONDAY + timedelta(days=9):
            wanted = {Days.EVERY: True, Days.WORKING: day.weekday() < 2, Days.FREE: day.weekday() >= 2}
            begins = datetime.combine(day, rotation.starts, ZONE)
            ends = datetime.combine(day, rotation.ends, ZONE)
            if ends <= begins:
                ends += timedelta(days=1)
            if wanted[rotation.days] and (rotation.last_day is None or day <= rotation.last_day):
                who = rotation.order[((day - rotation.first_day).days // rotation.turn_days) % len(rotation.order)]
                rows.append((who, rotation.college, 0, begins, ends))
            day += timedelta(days=1)
    rows += [(o.staff_no, o.college, o.number, o.starts_at, o.ends_at) for o in schedule.overrides if not o.instead_of]
    found = set()
    for who, college, since, begins, ends in rows:
        if not begins <= at < ends:
            continue
        holder = who
        for one in sorted(schedule.overrides, key=lambda row: row.number):
            applies = one.starts_at <= at < one.ends_at and one.number > since and one.college in ("", college)
            if applies and one.instead_of and one.instead_of == holder:
                holder = one.staff_no
        if holder:
            found.add(OnCall(holder, college))
    return found


def edges(schedule: Schedule) -> list[datetime]:
    """Every half hour of the week, and the microsecond before it: rows begin and end at nothing else."""
    steps = int((END - START) / timedelta(minutes=30))
    moments = [START + timedelta(minutes=30) * step for step in range(steps)]
    return moments + [moment - TICK for moment in moments if moment > START]


@given(SCHEDULES)
def test_every_instant_has_exactly_the_people_that_the_rota_names(schedule: Schedule) -> None:
    """Both answers, at every edge and just before it, against the plain reading."""
    spans = expand(schedule, START, END)
    assert all(START <= one.starts_at < one.ends_at <= END for one in spans)
    for at in edges(schedule):
        expected = plainly(schedule, at)
        assert on_call(schedule, at) == expected
        assert {OnCall(one.staff_no, one.college) for one in spans if one.starts_at <= at < one.ends_at} == expected


@given(SCHEDULES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_means_nothing(schedule: Schedule, random: object) -> None:
    shuffled = [list(rows) for rows in (schedule.shifts, schedule.rotations, schedule.overrides)]
    for rows in shuffled:
        random.shuffle(rows)  # type: ignore[attr-defined]
    other = Schedule(ZONE, schedule.is_working_day, *shuffled)
    assert expand(other, START, END) == expand(schedule, START, END)
    at = START + timedelta(hours=30)
    assert on_call(other, at) == on_call(schedule, at)


@given(SCHEDULES)
def test_a_gap_is_where_nobody_is_and_nowhere_else(schedule: Schedule) -> None:
    found = gaps(schedule, START, END)
    for at in edges(schedule):
        present = on_call(schedule, at)
        assert any(gap.starts_at <= at < gap.ends_at for gap in found if not gap.college) == (not present)
        for college in schedule.colleges:
            covered = any(one.college in ("", college) for one in present)
            told = any(gap.starts_at <= at < gap.ends_at for gap in found if gap.college in ("", college))
            assert told == (not covered)


@given(SCHEDULES)
def test_shifts_of_one_person_neither_touch_nor_overlap(schedule: Schedule) -> None:
    spans = expand(schedule, START, END)
    for one in spans:
        same = [other for other in spans if (other.staff_no, other.college) == (one.staff_no, one.college)]
        assert sum(other.starts_at <= one.ends_at and other.ends_at >= one.starts_at for other in same) == 1
