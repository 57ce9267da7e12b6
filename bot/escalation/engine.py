"""Chases: tells again what nobody has taken."""

from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertRecord
from bot.ticker import TickReport

_PER_TICK = 50


class EscalationTicker:
    """Repeats alerts that are due. Safe in several processes: a due alert is locked while it is told again."""

    name = "escalation"

    def __init__(self, database: Database, clock: Clock, alerts: Alerts) -> None:
        self._database = database
        self._clock = clock
        self._alerts = alerts

    def tick(self) -> TickReport:
        """Every alert whose next notice was due has been told once more, up to 50 of them, worst and oldest first."""
        now = self._clock.now()
        due = select(AlertRecord.id).where(AlertRecord.state == "triggered", AlertRecord.next_notice_at <= now)
        with self._database.read() as session:
            if session.scalar(due.limit(1)) is None:
                return TickReport()
        with self._database.write() as session:
            query = (
                select(AlertRecord)
                .where(AlertRecord.state == "triggered", AlertRecord.next_notice_at <= now)
                .order_by(AlertRecord.level.desc(), AlertRecord.next_notice_at)
                .limit(_PER_TICK)
                .with_for_update(skip_locked=True)
            )
            alerts = session.scalars(query).all()
            for alert in alerts:
                self._alerts.notify(session, alert, self._alerts.words_of(session, alert))
        return TickReport(done=len(alerts), more=len(alerts) == _PER_TICK)
