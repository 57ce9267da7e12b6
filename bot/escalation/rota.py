"""Who is on duty: shifts and the fallback when there are none. Reading the rota file is here as well."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.escalation.records import ShiftRecord
from bot.staff.models import Role, Staff
from bot.staff.store import Directory
from bot.tables import BadRowError, BadTableError, Row, convert, read_table

COLUMNS = ("日期", "开始", "结束", "工号", "学院")
_LOOK_AHEAD = timedelta(days=14)
_MIDNIGHT_AT_THE_END = frozenset({"24:00", "24:00:00"})
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")
_COLLEGE_CHARACTERS = 80  # as wide as its column


@dataclass(frozen=True, slots=True)
class Shift:
    """From `starts_at` up to, not including, `ends_at`."""

    staff_no: str
    college: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OnDuty:
    """The people to tell, and why them: rota, no_rota (nobody planned any) or gap (the rota has a hole now)."""

    people: tuple[Staff, ...]
    reason: str


class Rota:
    """Answers who is on duty."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def on_duty(self, session: Session, now: datetime) -> OnDuty:
        """Who has a shift now; all counselors when there is no rota, or when it has a gap."""
        query = select(ShiftRecord.staff_no).where(ShiftRecord.starts_at <= now, ShiftRecord.ends_at > now)
        numbers = sorted(set(session.scalars(query)))
        people = tuple(person for number in numbers if (person := self._directory.find(session, number)))
        if people:
            return OnDuty(people, "rota")
        planned = session.scalar(select(ShiftRecord.id).limit(1)) is not None
        counselors = tuple(self._directory.with_role(session, Role.COUNSELOR))
        return OnDuty(counselors, "gap" if planned else "no_rota")

    def find_person(self, session: Session, staff_no: str) -> Staff | None:
        """The member of staff with this number, if still active."""
        return self._directory.find(session, staff_no)

    def replace(self, session: Session, shifts: list[Shift]) -> None:
        """The shifts become the rota for the days on which they start; other days stay as they are."""
        if not shifts:
            return
        for first in sorted({shift.starts_at.replace(hour=0, minute=0) for shift in shifts}):
            session.execute(
                delete(ShiftRecord).where(
                    ShiftRecord.starts_at >= first, ShiftRecord.starts_at < first + timedelta(days=1)
                )
            )
        session.add_all(
            ShiftRecord(
                staff_no=shift.staff_no, college=shift.college, starts_at=shift.starts_at, ends_at=shift.ends_at
            )
            for shift in shifts
        )

    def gaps(self, session: Session, now: datetime) -> list[tuple[datetime, datetime]]:
        """The times within the next 14 days in which nobody has a shift. Empty when there is no rota at all."""
        end = now + _LOOK_AHEAD
        query = (
            select(ShiftRecord.starts_at, ShiftRecord.ends_at)
            .where(ShiftRecord.ends_at > now, ShiftRecord.starts_at < end)
            .order_by(ShiftRecord.starts_at)
        )
        shifts = [(starts_at, ends_at) for starts_at, ends_at in session.execute(query)]
        if not shifts and session.scalar(select(ShiftRecord.id).limit(1)) is None:
            return []
        return _holes(shifts, now, end)


def _holes(shifts: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    holes, covered = [], start
    for starts_at, ends_at in shifts:
        if starts_at > covered:
            holes.append((covered, starts_at))
        covered = max(covered, ends_at)
    if covered < end:
        holes.append((covered, end))
    return holes


def read_rota(path: Path, *, zone: ZoneInfo, known: set[str]) -> list[Shift]:
    """The shifts of the file 日期,开始,结束,工号,学院. A shift that ends before it starts ends on the next day.

    Raises BadTableError that lists every bad row by its line; a staff number outside `known` is one.
    """

    def build(row: Row) -> Shift:
        if row["工号"] not in known:
            message = f"工号 {row['工号'] or '（空）'} 不在教职工名单里，请先 flask staff import"
            raise BadRowError(message)
        if len(row["学院"]) > _COLLEGE_CHARACTERS:
            message = f"学院最多 {_COLLEGE_CHARACTERS} 个字"
            raise BadRowError(message)
        if row["开始"] in _MIDNIGHT_AT_THE_END:
            message = f"时刻“{row['开始']}”只能是结束；从零点开始请写成第二天的 00:00"
            raise BadRowError(message)
        day, start, end = _day(row["日期"]), _hour(row["开始"]), _hour(row["结束"])
        starts_at = datetime.combine(day, start, zone)
        ends_at = datetime.combine(day + timedelta(days=0 if end > start else 1), end, zone)
        return Shift(row["工号"], row["学院"], starts_at, ends_at)

    shifts = convert(read_table(path, required=COLUMNS), build)
    if not shifts:
        raise BadTableError(["没有任何班次"])
    return shifts


def _day(word: str) -> date:
    cleaned = word.strip().split(" ")[0].replace("/", "-").replace(".", "-")
    try:
        year, month, day = (int(part) for part in cleaned.split("-"))
        return date(year, month, day)
    except ValueError:
        message = f"日期“{word}”应写成 2027-06-18"
        raise BadRowError(message) from None


def _hour(word: str) -> time:
    """The time of day, as people (8:00) and Excel (8:00:00) write it; 24:00 is midnight."""
    if word in _MIDNIGHT_AT_THE_END:
        return time(0)
    written = _HOUR.fullmatch(word.replace("：", ":"))
    if written is None:
        message = f"时刻“{word}”应写成 08:00"
        raise BadRowError(message)
    return time(int(written[1]), int(written[2]))
