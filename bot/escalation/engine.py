"""Chases: tells again what nobody has taken, and takes the next way when one fails."""

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channel.channel import Receipt
from bot.channel.messages import Source
from bot.clock import Clock
from bot.db import Database
from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertRecord
from bot.outbox.state import Delivery, DeliveryState, Outcome
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

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


class NextWay:
    """Listens to the outbox: an alert's card that does not get through goes to the group robot as well."""

    def __init__(self, alerts: Alerts, *, after_attempts: int) -> None:
        self._alerts = alerts
        self._after_attempts = after_attempts

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt. The card itself is still tried again."""
        kind, _, number = delivery.subject.partition(":")
        if kind != "alert":
            return
        alert = session.get(AlertRecord, int(number), with_for_update=True)
        if alert is None:
            return
        if isinstance(outcome, Receipt):
            self._alerts.log(session, alert.id, "sent", actor=delivery.channel, detail={"delivery": delivery.id})
            return
        detail = {"delivery": delivery.id, "code": delivery.code, "attempt": delivery.attempts}
        self._alerts.log(session, alert.id, "send_failed", actor=delivery.channel, detail=detail)
        if alert.state != "triggered" or delivery.channel != Source.WECOM:
            return
        if delivery.state is DeliveryState.FAILED or delivery.attempts >= self._after_attempts:
            words = self._alerts.words_of(session, alert)
            self._alerts.tell_robot(session, alert, words, reason="企业微信卡片没有送达", key="card_failed")
