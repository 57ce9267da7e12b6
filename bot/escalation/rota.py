"""Who is on duty: what is planned, and the fallback when nothing is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.escalation import rota_store
from bot.escalation.day_and_night import Hours, is_day
from bot.escalation.rota_files import Planned
from bot.escalation.rotation import Gap, Schedule, Shift, expand, gaps, on_call
from bot.staff.models import Role, Staff
from bot.staff.store import Directory
from bot.workdays import Workdays

__all__ = ["OnDuty", "Rota", "Shift"]
_LOOK_AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class OnDuty:
    """The people to tell, and why them.

    class (it is day, and they are the class's counselors), rota, no_rota (nobody planned any) or gap (the rota has a
    hole now).
    """

    people: tuple[Staff, ...]
    reason: str


class Rota:
    """Answers who is on duty."""

    def __init__(self, directory: Directory, *, hours: Hours | None = None) -> None:
        """`hours` say what is day and what is night, and where."""
        self._directory = directory
        self.hours = hours or Hours(ZoneInfo("Asia/Shanghai"), Workdays().is_working_day)

    def on_duty(self, session: Session, now: datetime, *, college: str = "", class_name: str = "") -> OnDuty:
        """Whom an alert about a student of this college and class concerns now; empty means that it is not known.

        By day the class's counselors, else who has a shift for the college or for all. When there is no rota, or when
        it has a gap, all counselors of the college, or simply all.
        """
        if class_name and is_day(self.hours, now):
            own = self.class_counselors(session, class_name)
            if own:
                return OnDuty(own, "class")
        numbers = {
            one.staff_no
            for one in on_call(self.schedule(session, now, now), now)
            if not college or one.college in ("", college)
        }
        people = tuple(person for number in sorted(numbers) if (person := self._directory.find(session, number)))
        if people:
            return OnDuty(people, "rota")
        counselors = self._directory.with_role(session, Role.COUNSELOR)
        of_college = [person for person in counselors if college and person.college == college]
        reason = "gap" if rota_store.is_planned(session) else "no_rota"
        return OnDuty(tuple(of_college or counselors), reason)

    def class_counselors(self, session: Session, class_name: str) -> tuple[Staff, ...]:
        """The counselors who look after the class, by number."""
        counselors = self._directory.with_role(session, Role.COUNSELOR)
        return tuple(person for person in counselors if class_name and class_name in person.classes)

    def find_person(self, session: Session, staff_no: str) -> Staff | None:
        """The member of staff with this number, if still active."""
        return self._directory.find(session, staff_no)

    def schedule(self, session: Session, start: datetime, end: datetime) -> Schedule:
        """All that is planned between `start` and `end`."""
        return rota_store.load_schedule(session, self.hours, start, end)

    def duties(self, session: Session, start: datetime, end: datetime) -> list[Shift]:
        """Who is on duty when, from `start` to `end`, sorted by time."""
        return expand(self.schedule(session, start, end), start, end)

    def replace(self, session: Session, shifts: Sequence[Shift]) -> None:
        """The shifts become the rota for the days on which they start; other days stay as they are."""
        rota_store.replace_shifts(session, shifts)

    def plan(self, session: Session, planned: Planned) -> None:
        """What a file says is planned from now on; what it does not speak of stays."""
        rota_store.replace_shifts(session, planned.shifts)
        rota_store.save_rotations(session, planned.rotations)
        rota_store.save_overrides(session, planned.overrides)

    def find_gaps(self, session: Session, now: datetime) -> list[Gap]:
        """The times within the next 14 days in which no active member of staff is on duty. Empty without any rota."""
        if not rota_store.is_planned(session):
            return []
        end = now + _LOOK_AHEAD
        return gaps(self.schedule(session, now, end), now, end, known=rota_store.active_numbers(session))

    def gaps(self, session: Session, now: datetime) -> list[tuple[datetime, datetime]]:
        """The times within the next 14 days in which nobody at all is on duty."""
        return [(gap.starts_at, gap.ends_at) for gap in self.find_gaps(session, now) if not gap.college]
