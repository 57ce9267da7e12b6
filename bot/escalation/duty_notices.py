"""What the clock tells staff about the rota: hand-overs, the morning's gaps, copies of the night. One leader runs it.

Each is told once for its occasion (a dedup key in the outbox), so that a restart repeats nothing.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import Database
from bot.escalation import messages, rota_store
from bot.escalation import rota_messages as words
from bot.escalation.alerts import Alerts
from bot.escalation.day_and_night import copy_due_at
from bot.escalation.reaching import Reaching
from bot.escalation.records import AlertRecord
from bot.escalation.rota import Rota
from bot.escalation.rotation import Shift
from bot.staff.models import Role, Staff
from bot.staff.store import Directory
from bot.ticker import TickReport
from bot.workdays import Workdays

logger = structlog.get_logger(__name__)

ClassOf = Callable[[Session, str], str]
"""The class of the student behind a contact; empty if it is not known."""

_LATE = timedelta(hours=2)  # a worker that was away so long still hands over; later it would be old news
_COPY_LATE = timedelta(hours=6)
_AHEAD = timedelta(days=14)
_EXCERPT = 120
_URGENT = ("red", "orange")
_MONDAY = 0


class HandOver:
    """Tells who begins a shift until when it lasts and what is open."""

    name = "handover"

    def __init__(self, database: Database, *, clock: Clock, rota: Rota, reaching: Reaching, enabled: bool) -> None:
        self._database = database
        self._clock = clock
        self._rota = rota
        self._reaching = reaching
        self._enabled = enabled
        self._told: set[tuple[str, datetime]] = set()

    def tick(self) -> TickReport:
        """Everybody whose shift began within the last two hours has the list on its way, once a shift."""
        if not self._enabled:
            return TickReport()
        now = self._clock.now()
        with self._database.read() as session:
            begun = self._begun(session, now)
        fresh = [shift for shift in begun if (shift.staff_no, shift.starts_at) not in self._told]
        if not fresh:
            return TickReport()
        with self._database.write() as session:
            lines = self._open_alerts(session)
            for shift in fresh:
                self._tell(session, shift, lines)
        self._told = {(shift.staff_no, shift.starts_at) for shift in begun}
        return TickReport(done=len(fresh))

    def _begun(self, session: Session, now: datetime) -> list[Shift]:
        """Shifts that began lately, with their true ends; one that another shift of the person leads into is none."""
        duties = self._rota.duties(session, now - _LATE, now + _AHEAD)
        running = [shift for shift in duties if shift.starts_at <= now < shift.ends_at]
        before = [shift for shift in duties if shift.starts_at <= now]
        return [
            shift
            for shift in running
            if shift.starts_at > now - _LATE
            and not any(
                other.staff_no == shift.staff_no and other.starts_at < shift.starts_at <= other.ends_at
                for other in before
            )
        ]

    def _open_alerts(self, session: Session) -> list[str]:
        query = select(AlertRecord).where(
            AlertRecord.state != "resolved", AlertRecord.level.in_(_URGENT), AlertRecord.about != "drill"
        )
        return [line_of(alert, session, self._rota) for alert in session.scalars(query.order_by(AlertRecord.id))]

    def _tell(self, session: Session, shift: Shift, lines: Sequence[str]) -> None:
        person = self._rota.find_person(session, shift.staff_no)
        if person is None:
            return
        text = words.handover(shift.ends_at, lines, self._rota.hours.zone)
        key = f"rota-handover:{shift.staff_no}:{shift.starts_at:%Y%m%dT%H%M%z}"
        if not self._reaching.tell(session, person, text, subject=f"rota:handover:{shift.staff_no}", dedup_key=key):
            logger.error("handover_reaches_nobody", staff=shift.staff_no, mend="complete the staff list")


class GapReport:
    """Tells student affairs each morning who is missing in the next 14 days."""

    name = "gap_report"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        rota: Rota,
        directory: Directory,
        reaching: Reaching,
        workdays: Workdays,
        report_at: time,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rota = rota
        self._directory = directory
        self._reaching = reaching
        self._workdays = workdays
        self._report_at = report_at
        self._reported_on: date | None = None

    def tick(self) -> TickReport:
        """Once a day, from `report_at` on: what is missing is on its way to student affairs, if anything is."""
        local = self._clock.now().astimezone(self._rota.hours.zone)
        today = local.date()
        if local.time() < self._report_at or self._reported_on == today:
            return TickReport()
        with self._database.write() as session:
            text = self._text(session, local)
            told = self._tell(session, text, today) if text else 0
        self._reported_on = today
        return TickReport(done=told)

    def _text(self, session: Session, now: datetime) -> str:
        if not rota_store.is_planned(session):
            return ""
        gaps = self._rota.find_gaps(session, now)
        numbers = sorted({shift.staff_no for shift in self._rota.duties(session, now, now + _AHEAD)})
        people = [person for number in numbers if (person := self._directory.find(session, number))]
        unreachable = [f"{one.name}（{one.staff_no}）" for one in people if not self._reaching.can_reach(one)]
        until = (now + _AHEAD).date()
        is_time = bool(gaps or unreachable or now.weekday() == _MONDAY)
        unknown = None if self._workdays.is_known(until) or not is_time else until.year
        if not gaps and not unreachable and unknown is None:
            return ""
        return words.gaps(gaps, self._rota.hours.zone, unreachable=unreachable, unknown_year=unknown)

    def _tell(self, session: Session, text: str, today: date) -> int:
        told = 0
        for role in (Role.STUDENT_AFFAIRS, Role.ADMIN):
            for person in self._directory.with_role(session, role):
                key = f"rota-gaps:{today}:{person.staff_no}"
                told += self._reaching.tell(session, person, text, subject=f"rota:gaps:{today}", dedup_key=key)
            if told:
                return told
        if not self._reaching.tell_group(
            session, text, subject=f"rota:gaps:{today}", dedup_key=f"rota-gaps:{today}:group"
        ):
            logger.error("gap_report_reaches_nobody", mend="import somebody of student affairs")
        return 1


class NightCopies:
    """Copies to the class's counselor in the morning what was raised about a student of theirs at night."""

    name = "night_copies"

    def __init__(
        self, database: Database, *, clock: Clock, rota: Rota, alerts: Alerts, reaching: Reaching, class_of: ClassOf
    ) -> None:
        self._database = database
        self._clock = clock
        self._rota = rota
        self._alerts = alerts
        self._reaching = reaching
        self._class_of = class_of
        self._copied: set[int] = set()

    def tick(self) -> TickReport:
        """Every alert of the night whose copy is due has it on its way, once for each counselor of the class."""
        now = self._clock.now()
        query = select(AlertRecord).where(
            AlertRecord.triggered_at > now - timedelta(days=1) - _COPY_LATE, AlertRecord.level.in_(_URGENT)
        )
        with self._database.read() as session:
            due = [alert.id for alert in session.scalars(query) if self._is_due(alert, now)]
        if not due:
            return TickReport()
        told = 0
        with self._database.write() as session:
            for number in due:
                alert = session.get_one(AlertRecord, number)
                for person in self._rota.class_counselors(session, self._class_of(session, alert.contact)):
                    told += self._copy(session, alert, person)
        self._copied |= set(due)
        return TickReport(done=told)

    def _is_due(self, alert: AlertRecord, now: datetime) -> bool:
        due_at = copy_due_at(self._rota.hours, alert.triggered_at)
        return due_at is not None and due_at <= now < due_at + _COPY_LATE and alert.id not in self._copied

    def _copy(self, session: Session, alert: AlertRecord, person: Staff) -> bool:
        if person.staff_no == alert.acknowledged_by:
            return False
        said = self._alerts.words_of(session, alert)
        excerpt = said if len(said) <= _EXCERPT else said[: _EXCERPT - 1] + "…"
        text = words.night_copy(line_of(alert, session, self._rota), excerpt)
        key = f"rota-copy:{alert.id}:{person.staff_no}"
        if self._reaching.tell(session, person, text, subject=f"rota:copy:{alert.id}", dedup_key=key):
            self._alerts.log(session, alert.id, "copied", actor=person.staff_no, detail={"reason": "night"})
            return True
        logger.error("night_copy_reaches_nobody", alert=alert.id, staff=person.staff_no)
        return False


def line_of(alert: AlertRecord, session: Session, rota: Rota) -> str:
    """One line about an alert: its number, its level, since when, and who has it."""
    owner = rota.find_person(session, alert.acknowledged_by) if alert.acknowledged_by else None
    level = messages.level_name(alert.level)
    return words.open_alert(alert.id, level, alert.triggered_at, owner.name if owner else "", rota.hours.zone)
