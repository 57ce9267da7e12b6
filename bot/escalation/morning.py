"""The working day's list: what was heavy without being an alarm, told to who is on duty in the morning."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.escalation import messages
from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertRecord
from bot.ticker import TickReport
from bot.workdays import Workdays

_OPENS, _CLOSES = time(8, 30), time(17, 0)
_PER_LIST = 20


class MorningList:
    """Tells yellow alerts once, on the next working day: nobody is woken for them, and nobody forgets them."""

    name = "morning_list"

    def __init__(self, database: Database, clock: Clock, alerts: Alerts, zone: ZoneInfo, workdays: Workdays) -> None:
        self._database = database
        self._clock = clock
        self._alerts = alerts
        self._zone = zone
        self._workdays = workdays

    def tick(self) -> TickReport:
        """In office hours of a working day: up to 20 yellow alerts that nobody was told of are on their way."""
        now = self._clock.now()
        if not self._at_work(now.astimezone(self._zone)):
            return TickReport()
        untold = (
            select(AlertRecord)
            .where(AlertRecord.level == "yellow", AlertRecord.state == "triggered", AlertRecord.rounds == 0)
            .order_by(AlertRecord.id)
            .limit(_PER_LIST)
        )
        today = now.astimezone(self._zone).date()
        with self._database.read() as session:
            if not any(self._is_due(alert, today) for alert in session.scalars(untold)):
                return TickReport()
        with self._database.write() as session:
            alerts = [
                alert
                for alert in session.scalars(untold.with_for_update(skip_locked=True))
                if self._is_due(alert, today)
            ]
            if alerts:
                lines = [self._line(alert, self._alerts.words_of(session, alert)) for alert in alerts]
                self._alerts.tell_list(session, alerts, messages.morning_list(lines))
        return TickReport(done=len(alerts), more=len(alerts) == _PER_LIST)

    def _at_work(self, now: datetime) -> bool:
        return self._workdays.is_working_day(now.date()) and _OPENS <= now.time() < _CLOSES

    def _is_due(self, alert: AlertRecord, today: date) -> bool:
        return alert.triggered_at.astimezone(self._zone).date() != today

    def _line(self, alert: AlertRecord, words: str) -> str:
        at = alert.last_message_at.astimezone(self._zone)
        return messages.morning_line(alert.id, alert.about, alert.contact, at, words)
