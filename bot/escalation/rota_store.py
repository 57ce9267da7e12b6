"""SQL of the rota: what is planned, in and out. Nothing here commits."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from bot.escalation.day_and_night import Hours
from bot.escalation.records import ShiftRecord
from bot.escalation.rota_records import OverrideRecord, RotationRecord
from bot.escalation.rotation import Days, Override, Rotation, Schedule, Shift
from bot.staff.records import StaffRecord


def load_schedule(session: Session, hours: Hours, start: datetime, end: datetime) -> Schedule:
    """All that is planned and may matter between `start` and `end`, both included."""
    shifts = select(ShiftRecord).where(ShiftRecord.starts_at <= end, ShiftRecord.ends_at > start)
    overrides = select(OverrideRecord).where(OverrideRecord.starts_at <= end, OverrideRecord.ends_at > start)
    return Schedule(
        zone=hours.zone,
        is_working_day=hours.is_working_day,
        shifts=[Shift(one.staff_no, one.college, one.starts_at, one.ends_at) for one in session.scalars(shifts)],
        rotations=[_rotation(one) for one in session.scalars(select(RotationRecord))],
        overrides=[
            Override(one.id, one.starts_at, one.ends_at, one.staff_no, one.instead_of, one.college)
            for one in session.scalars(overrides)
        ],
    )


def is_planned(session: Session) -> bool:
    """True if anybody has ever planned a shift or a rotation."""
    return any(session.scalar(select(column).limit(1)) is not None for column in (ShiftRecord.id, RotationRecord.name))


def active_numbers(session: Session) -> set[str]:
    """The numbers of all active members of staff."""
    return set(session.scalars(select(StaffRecord.staff_no).where(StaffRecord.active)))


def replace_shifts(session: Session, shifts: Sequence[Shift]) -> None:
    """The shifts become the rota for the days on which they start; other days stay as they are."""
    for first in sorted({shift.starts_at.replace(hour=0, minute=0) for shift in shifts}):
        session.execute(
            delete(ShiftRecord).where(ShiftRecord.starts_at >= first, ShiftRecord.starts_at < first + timedelta(days=1))
        )
    session.add_all(
        ShiftRecord(staff_no=shift.staff_no, college=shift.college, starts_at=shift.starts_at, ends_at=shift.ends_at)
        for shift in shifts
    )


def save_rotations(session: Session, rotations: Iterable[Rotation]) -> None:
    """Each rotation takes the place of the one of its name; others stay."""
    for one in rotations:
        session.merge(
            RotationRecord(
                name=one.name,
                college=one.college,
                order=list(one.order),
                first_day=one.first_day,
                last_day=one.last_day,
                turn_days=one.turn_days,
                starts=f"{one.starts:%H:%M}",
                ends=f"{one.ends:%H:%M}",
                days=one.days.value,
            )
        )


def save_overrides(session: Session, overrides: Iterable[Override]) -> None:
    """Each override takes the place of an older one for the same person and span; it applies after all others."""
    for one in overrides:
        same = [
            OverrideRecord.starts_at == one.starts_at,
            OverrideRecord.ends_at == one.ends_at,
            OverrideRecord.college == one.college,
            OverrideRecord.instead_of == one.instead_of,
        ]
        kept = or_(OverrideRecord.instead_of != "", OverrideRecord.staff_no == one.staff_no)
        session.execute(delete(OverrideRecord).where(*same, kept))
        session.add(
            OverrideRecord(
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                college=one.college,
                instead_of=one.instead_of,
                staff_no=one.staff_no,
            )
        )
        session.flush()


def _rotation(record: RotationRecord) -> Rotation:
    return Rotation(
        name=record.name,
        college=record.college,
        order=tuple(record.order),
        first_day=record.first_day,
        last_day=record.last_day,
        turn_days=record.turn_days,
        starts=time.fromisoformat(record.starts),
        ends=time.fromisoformat(record.ends),
        days=Days(record.days),
    )
