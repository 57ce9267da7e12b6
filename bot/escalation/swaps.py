"""Swaps of two shifts: asked for, agreed by both, then in the rota. Everything is within the caller's transaction."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.errors import UserFacingError
from bot.escalation import rota_messages as messages
from bot.escalation import rota_store
from bot.escalation.reaching import Reaching
from bot.escalation.rota import Rota
from bot.escalation.rota_records import SwapRecord
from bot.escalation.rotation import Override, Shift, starting_on
from bot.staff.models import Staff


class SwapError(UserFacingError):
    """The swap cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two: who, which shift, and what the other one has."""

    staff_no: str
    shift: str
    other_no: str
    other_shift: str


class Swaps:
    """The use cases of swaps."""

    def __init__(self, *, clock: Clock, rota: Rota, reaching: Reaching) -> None:
        self._clock = clock
        self.rota = rota
        self._reaching = reaching

    def now(self) -> datetime:
        """The moment for which a question about the rota is meant."""
        return self._clock.now()

    def ask(self, session: Session, first: tuple[str, date], second: tuple[str, date], *, agreed: bool = False) -> int:
        """The number of the swap. Both are asked, or, where both have `agreed` in another way, it is done at once.

        Each is a staff number and the day on which the shift starts. Raises SwapError if there is not exactly one such
        shift, or if the two overlap.
        """
        own, other = self._only_shift(session, *first), self._only_shift(session, *second)
        if own.staff_no == other.staff_no:
            message = "换班要两个人"
            raise SwapError(message)
        if own.starts_at < other.ends_at and other.starts_at < own.ends_at:
            message = "两个班在同一段时间，不能换；请用代班表"
            raise SwapError(message)
        now = self._clock.now()
        record = SwapRecord(
            first_no=own.staff_no,
            first_starts_at=own.starts_at,
            first_ends_at=own.ends_at,
            second_no=other.staff_no,
            second_starts_at=other.starts_at,
            second_ends_at=other.ends_at,
            asked_at=now,
        )
        session.add(record)
        session.flush()
        if agreed:
            record.first_agreed_at = record.second_agreed_at = now
            self._carry_out(session, record)
            return record.id
        for side in self._sides(record):
            text = messages.swap_asked(record.id, side.shift, side.other_shift, self._name(session, side.other_no))
            self._tell(session, record, side.staff_no, text, "asked")
        return record.id

    def answer(self, session: Session, number: int, person: Staff, *, agrees: bool) -> str:
        """What the person reads who agrees or does not. When both have agreed the rota is changed and both are told."""
        record = session.get(SwapRecord, number, with_for_update=True)
        if record is None or record.state != "asked" or person.staff_no not in (record.first_no, record.second_no):
            return messages.swap_unknown(number)
        if not agrees:
            record.state = "refused"
            for side in self._sides(record):
                if side.staff_no != person.staff_no:
                    self._tell(session, record, side.staff_no, messages.swap_refused(number, person.name), "refused")
            return messages.swap_refused(number, person.name)
        if person.staff_no == record.first_no:
            record.first_agreed_at = self._clock.now()
        else:
            record.second_agreed_at = self._clock.now()
        if record.first_agreed_at is None or record.second_agreed_at is None:
            return messages.swap_waits(number)
        if not self._still_stands(session, record):
            record.state = "refused"
            return messages.swap_outdated(number)
        self._carry_out(session, record, but=person.staff_no)
        mine = next(side.other_shift for side in self._sides(record) if side.staff_no == person.staff_no)
        return messages.swap_done(number, mine)

    def _carry_out(self, session: Session, record: SwapRecord, *, but: str = "") -> None:
        record.state = "agreed"
        rota_store.save_overrides(
            session,
            [
                Override(0, record.first_starts_at, record.first_ends_at, record.second_no, record.first_no),
                Override(0, record.second_starts_at, record.second_ends_at, record.first_no, record.second_no),
            ],
        )
        for side in self._sides(record):
            if side.staff_no != but:
                self._tell(session, record, side.staff_no, messages.swap_done(record.id, side.other_shift), "agreed")

    def _only_shift(self, session: Session, staff_no: str, day: date) -> Shift:
        found = [shift for shift in self._starting_on(session, day) if shift.staff_no == staff_no]
        if not found:
            message = f"{staff_no} 在 {day:%Y-%m-%d} 没有开始的班；用 flask rota show 看值班表"
            raise SwapError(message)
        if len(found) > 1:
            message = f"{staff_no} 在 {day:%Y-%m-%d} 有 {len(found)} 个班，分不清换哪一个；请用代班表"
            raise SwapError(message)
        return found[0]

    def _starting_on(self, session: Session, day: date) -> list[Shift]:
        start = datetime.combine(day, datetime.min.time(), self.rota.hours.zone)
        schedule = self.rota.schedule(session, start, start.replace(hour=23, minute=59))
        return starting_on(schedule, day)

    def _still_stands(self, session: Session, record: SwapRecord) -> bool:
        wanted = (
            (record.first_no, record.first_starts_at, record.first_ends_at),
            (record.second_no, record.second_starts_at, record.second_ends_at),
        )
        return all(
            any(
                (one.staff_no, one.starts_at, one.ends_at) == (staff_no, starts_at, ends_at)
                for one in self._starting_on(session, starts_at.astimezone(self.rota.hours.zone).date())
            )
            for staff_no, starts_at, ends_at in wanted
        )

    def _sides(self, record: SwapRecord) -> tuple[_Side, _Side]:
        zone = self.rota.hours.zone
        first = messages.span(record.first_starts_at, record.first_ends_at, zone)
        second = messages.span(record.second_starts_at, record.second_ends_at, zone)
        return (
            _Side(record.first_no, first, record.second_no, second),
            _Side(record.second_no, second, record.first_no, first),
        )

    def _name(self, session: Session, staff_no: str) -> str:
        person = self.rota.find_person(session, staff_no)
        return person.name if person else staff_no

    def _tell(self, session: Session, record: SwapRecord, staff_no: str, text: str, what: str) -> None:
        person = self.rota.find_person(session, staff_no)
        if person is not None:
            key = f"rota-swap:{record.id}:{what}:{staff_no}"
            self._reaching.tell(session, person, text, subject=f"rota:swap:{record.id}", dedup_key=key)
