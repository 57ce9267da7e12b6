"""Who has which shift at which moment: shifts, rotations, overrides. A pure rule; no database, no clock.

Two questions have two answers that are worked out apart, and a property test holds them to each other: who is on call
at one moment (`on_call`), and which shifts lie in a span of time (`expand`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


class Days(StrEnum):
    """On which days a rotation has a shift. The day is the one on which the shift starts."""

    EVERY = "每天"
    WORKING = "工作日"
    FREE = "休息日"


@dataclass(frozen=True, slots=True)
class Shift:
    """From `starts_at` up to, not including, `ends_at`. An empty college means all colleges."""

    staff_no: str
    college: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who take turns, `turn_days` days each, in the order given, from `first_day` on.

    A shift whose `ends` is not later than its `starts` ends on the next day. Days without a shift (see Days) count as
    part of a turn all the same.
    """

    name: str
    college: str
    order: tuple[str, ...]
    first_day: date
    starts: time
    ends: time
    turn_days: int = 7
    last_day: date | None = None
    days: Days = Days.EVERY


@dataclass(frozen=True, slots=True)
class Override:
    """An exception, from `starts_at` up to, not including, `ends_at`.

    `instead_of` A and `staff_no` B: B has the shifts that A would have, of the college named or of any if none is.
    Without `staff_no` A is away and nobody stands in. Without `instead_of` B is on duty beside the others. Overrides
    apply in the order of `number`, so that who stands in can be stood in for.
    """

    number: int
    starts_at: datetime
    ends_at: datetime
    staff_no: str
    instead_of: str = ""
    college: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that is planned. The order of its rows means nothing."""

    zone: ZoneInfo
    is_working_day: Callable[[date], bool]
    shifts: Collection[Shift] = ()
    rotations: Collection[Rotation] = ()
    overrides: Collection[Override] = ()

    @property
    def colleges(self) -> frozenset[str]:
        """The colleges that are named anywhere, without the empty name."""
        rows: Iterable[Shift | Rotation | Override] = (*self.shifts, *self.rotations, *self.overrides)
        return frozenset(row.college for row in rows if row.college)


@dataclass(frozen=True, slots=True)
class OnCall:
    """One person who is on duty, for a college or (empty) for all."""

    staff_no: str
    college: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody is on duty: for one college, or (empty) at all."""

    college: str
    starts_at: datetime
    ends_at: datetime


def on_call(schedule: Schedule, at: datetime) -> frozenset[OnCall]:
    """Who is on duty at the moment `at`."""
    day = at.astimezone(schedule.zone).date()
    turns = [_turn(rotation, schedule, start) for rotation in schedule.rotations for start in (day - _DAY, day)]
    planned = [
        (shift.staff_no, shift.college, 0)
        for shift in (*schedule.shifts, *turns)
        if shift is not None and shift.starts_at <= at < shift.ends_at
    ]
    overrides = sorted(
        (one for one in schedule.overrides if one.starts_at <= at < one.ends_at), key=lambda one: one.number
    )
    planned += [(one.staff_no, one.college, one.number) for one in overrides if not one.instead_of]
    found = set()
    for staff_no, college, since in planned:
        holder = _holder(staff_no, college, [one for one in overrides if one.number > since])
        if holder:
            found.add(OnCall(holder, college))
    return frozenset(found)


def expand(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """The shifts that lie in `start` to `end`, overrides applied, cut at both ends, sorted by time.

    A shift in which somebody stands in for a part of the time is several. Shifts of one person for one college that
    touch or overlap are one.
    """
    pieces = [
        piece
        for shift, since in _planned(schedule, start, end)
        if shift.starts_at < end and shift.ends_at > start
        for piece in _pieces(
            replace(shift, starts_at=max(shift.starts_at, start), ends_at=min(shift.ends_at, end)),
            [one for one in schedule.overrides if one.number > since],
        )
    ]
    return _joined(pieces)


def starting_on(schedule: Schedule, day: date) -> list[Shift]:
    """The shifts that start on `day`, overrides applied, each for itself even where two touch. Sorted by time."""
    start = datetime.combine(day, time(0), schedule.zone)
    return sorted(
        (
            piece
            for shift, since in _planned(schedule, start, start + _DAY)
            if shift.starts_at.astimezone(schedule.zone).date() == day
            for piece in _pieces(shift, [one for one in schedule.overrides if one.number > since])
        ),
        key=lambda one: (one.starts_at, one.college, one.staff_no),
    )


def gaps(schedule: Schedule, start: datetime, end: datetime, *, known: Collection[str] | None = None) -> list[Gap]:
    """The times in `start` to `end` in which nobody is on duty, at all or for one of the colleges that are planned.

    Only the numbers in `known` count as somebody, if it is given. A college's gap that is one of all is told once.
    """
    duties = [shift for shift in expand(schedule, start, end) if known is None or shift.staff_no in known]
    found = [Gap("", *hole) for hole in holes(duties, start, end)]
    of_all = {(gap.starts_at, gap.ends_at) for gap in found}
    for college in sorted(schedule.colleges):
        own = [shift for shift in duties if shift.college in ("", college)]
        found += [Gap(college, *hole) for hole in holes(own, start, end) if hole not in of_all]
    return found


def holes(shifts: Sequence[Shift], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The spans within `start` to `end` that no shift covers."""
    found, covered = [], start
    for shift in sorted(shifts, key=lambda one: one.starts_at):
        if shift.starts_at > covered:
            found.append((covered, min(shift.starts_at, end)))
        covered = max(covered, shift.ends_at)
        if covered >= end:
            return found
    return [*found, (covered, end)] if covered < end else found


def _planned(schedule: Schedule, start: datetime, end: datetime) -> Iterator[tuple[Shift, int]]:
    """What is planned around `start` to `end`, each with the number of the override that it comes from, or 0."""
    for shift in schedule.shifts:
        yield shift, 0
    for rotation in schedule.rotations:
        for shift in _turns(rotation, schedule, start, end):
            yield shift, 0
    for one in schedule.overrides:
        if not one.instead_of:
            yield Shift(one.staff_no, one.college, one.starts_at, one.ends_at), one.number


def _turns(rotation: Rotation, schedule: Schedule, start: datetime, end: datetime) -> Iterator[Shift]:
    day, last = start.astimezone(schedule.zone).date() - _DAY, end.astimezone(schedule.zone).date()
    while day <= last:
        shift = _turn(rotation, schedule, day)
        if shift is not None:
            yield shift
        day += _DAY


def _turn(rotation: Rotation, schedule: Schedule, day: date) -> Shift | None:
    """The rotation's shift that starts on `day`."""
    if day < rotation.first_day or (rotation.last_day is not None and day > rotation.last_day) or not rotation.order:
        return None
    if rotation.days is not Days.EVERY and schedule.is_working_day(day) != (rotation.days is Days.WORKING):
        return None
    turn = (day - rotation.first_day).days // max(1, rotation.turn_days)
    ends_on = day if rotation.ends > rotation.starts else day + _DAY
    return Shift(
        rotation.order[turn % len(rotation.order)],
        rotation.college,
        datetime.combine(day, rotation.starts, schedule.zone),
        datetime.combine(ends_on, rotation.ends, schedule.zone),
    )


def _holder(staff_no: str, college: str, overrides: Iterable[Override]) -> str:
    """Who has the shift in the end, after the overrides in their order; nobody is the empty word."""
    for one in overrides:
        if one.instead_of and one.instead_of == staff_no and one.college in ("", college):
            staff_no = one.staff_no
    return staff_no


def _pieces(shift: Shift, overrides: Iterable[Override]) -> Iterator[Shift]:
    touching = sorted(
        (one for one in overrides if one.starts_at < shift.ends_at and one.ends_at > shift.starts_at),
        key=lambda one: one.number,
    )
    edges = {shift.starts_at, shift.ends_at}
    for one in touching:
        edges |= {edge for edge in (one.starts_at, one.ends_at) if shift.starts_at < edge < shift.ends_at}
    cuts = sorted(edges)
    for begins, ends in pairwise(cuts):
        holder = _holder(
            shift.staff_no, shift.college, [one for one in touching if one.starts_at <= begins and one.ends_at >= ends]
        )
        if holder:
            yield Shift(holder, shift.college, begins, ends)


def _joined(pieces: Iterable[Shift]) -> list[Shift]:
    joined: list[Shift] = []
    for piece in sorted(pieces, key=lambda one: (one.college, one.staff_no, one.starts_at)):
        last = joined[-1] if joined else None
        if (
            last
            and (last.college, last.staff_no) == (piece.college, piece.staff_no)
            and piece.starts_at <= last.ends_at
        ):
            joined[-1] = replace(last, ends_at=max(last.ends_at, piece.ends_at))
        else:
            joined.append(piece)
    return sorted(joined, key=lambda one: (one.starts_at, one.college, one.staff_no, one.ends_at))
