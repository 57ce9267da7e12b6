"""回访: after a crisis is over somebody sees the student again, after a day, three days and a week."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import Database
from bot.escalation import messages
from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertRecord, FollowUpRecord
from bot.escalation.rota import Rota
from bot.staff.models import Staff
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_OPENS, _CLOSES = time(8, 30), time(21, 0)
_AGAIN = timedelta(hours=24)
_NOT_FOUND_AGAIN = timedelta(hours=4)
_TELLINGS = 3
_PER_TICK = 50


class FollowUps:
    """Plans follow-ups, tells of those that are due, and takes their results."""

    name = "follow_ups"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        alerts: Alerts,
        rota: Rota,
        zone: ZoneInfo,
        after: Sequence[timedelta],
    ) -> None:
        self._database = database
        self._clock = clock
        self._alerts = alerts
        self._rota = rota
        self._zone = zone
        self._after = tuple(after)

    def plan(self, session: Session, alert: AlertRecord, staff: Staff) -> None:
        """For a closed red or orange alert that was none to dismiss, the follow-ups of who closed it are stored."""
        if alert.level not in ("red", "orange") or alert.closing_code in ("false_alarm", "merged"):
            return
        now = self._clock.now()
        for later in self._after:
            due_at = by_day(now + later, self._zone)
            session.add(
                FollowUpRecord(
                    alert_id=alert.id,
                    hours=int(later.total_seconds() // 3600),
                    staff_no=staff.staff_no,
                    due_at=due_at,
                    next_at=due_at,
                )
            )

    def record(self, session: Session, alert_id: int, staff: Staff, *, code: str, via: str) -> bool:
        """The result is stored with the follow-up that is due, or that comes next. False if there is none.

        After `missed` (not found) it is asked for again in four hours.
        """
        query = (
            select(FollowUpRecord)
            .where(FollowUpRecord.alert_id == alert_id, FollowUpRecord.next_at.is_not(None))
            .order_by(FollowUpRecord.due_at)
            .limit(1)
            .with_for_update()
        )
        follow_up = session.scalars(query).first()
        if follow_up is None:
            return False
        now = self._clock.now()
        detail = {"hours": follow_up.hours, "code": code, "via": via}
        self._alerts.log(session, alert_id, "followed_up", actor=staff.staff_no, detail=detail)
        if code == "missed":
            follow_up.next_at = by_day(now + _NOT_FOUND_AGAIN, self._zone)
            return True
        follow_up.next_at, follow_up.done_at = None, now
        follow_up.code, follow_up.done_by = code, staff.staff_no
        return True

    def tick(self) -> TickReport:
        """Who is to see a student again has been told, up to 50; what was never done is on record as such."""
        now = self._clock.now()
        due = (
            select(FollowUpRecord)
            .where(FollowUpRecord.next_at <= now)
            .order_by(FollowUpRecord.next_at)
            .limit(_PER_TICK)
        )
        with self._database.read() as session:
            if session.scalars(due).first() is None:
                return TickReport()
        with self._database.write() as session:
            found = session.scalars(due.with_for_update(skip_locked=True)).all()
            for follow_up in found:
                self._remind(session, follow_up, now)
        return TickReport(done=len(found), more=len(found) == _PER_TICK)

    def _remind(self, session: Session, follow_up: FollowUpRecord, now: datetime) -> None:
        later = select(FollowUpRecord.id).where(
            FollowUpRecord.alert_id == follow_up.alert_id,
            FollowUpRecord.due_at > follow_up.due_at,
            FollowUpRecord.due_at <= now,
        )
        superseded = session.scalar(later.limit(1)) is not None
        if superseded or follow_up.tellings >= _TELLINGS:
            follow_up.next_at, follow_up.code = None, "superseded" if superseded else "never_done"
            detail = {"hours": follow_up.hours, "reason": follow_up.code}
            self._alerts.log(session, follow_up.alert_id, "follow_up_missed", detail=detail)
            logger.error("follow_up_missed", alert=follow_up.alert_id, hours=follow_up.hours)
            return
        follow_up.tellings += 1
        follow_up.next_at = by_day(now + _AGAIN, self._zone)
        owner = self._rota.find_person(session, follow_up.staff_no)
        people = [owner] if owner else []
        if owner is None or follow_up.tellings > 1:  # silent, or not here any more: somebody else hears of it too
            people += [one for one in self._rota.on_duty(session, now).people if one != owner]
        alert = self._alerts.get(session, follow_up.alert_id)
        text = messages.follow_up(alert.id, messages.contact_name(alert.contact), timedelta(hours=follow_up.hours))
        self._alerts.say(
            session, alert, text, people, subject=f"alert-more:{alert.id}:follow-{follow_up.id}-{follow_up.tellings}"
        )
        detail = {"hours": follow_up.hours, "telling": follow_up.tellings, "people": [one.staff_no for one in people]}
        self._alerts.log(session, alert.id, "follow_up_due", detail=detail)


def by_day(at: datetime, zone: ZoneInfo) -> datetime:
    """The same moment, or half past eight next where it is night: a follow-up wakes nobody. Pure."""
    local = at.astimezone(zone)
    if local.time() < _OPENS:
        return local.replace(hour=_OPENS.hour, minute=_OPENS.minute, second=0, microsecond=0)
    if local.time() >= _CLOSES:
        return (local + timedelta(days=1)).replace(hour=_OPENS.hour, minute=_OPENS.minute, second=0, microsecond=0)
    return at
