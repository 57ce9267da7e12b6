"""When nobody of a rung can be reached after all, the next one is told at once; cards that pile up become one text."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channel.channel import Receipt
from bot.channel.messages import Source
from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertRecord
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Delivery, DeliveryState, Outcome, gets_nowhere, is_stuck
from bot.staff.store import Directory


class FallThrough:
    """Listens to the outbox, after NextWay: the other way and the next person are both taken."""

    def __init__(self, alerts: Alerts, directory: Directory, *, after_attempts: int) -> None:
        self._alerts = alerts
        self._directory = directory
        self._after_attempts = after_attempts

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt."""
        kind, _, number = delivery.subject.partition(":")
        if kind != "alert" or delivery.channel == Source.ROBOT or isinstance(outcome, Receipt):
            return
        if delivery.state is DeliveryState.PENDING and self._alerts.withdraw_if_summed_up(session, delivery):
            return
        if not is_stuck(delivery, after_attempts=self._after_attempts):
            return
        person = self._directory.find_by_userid(session, delivery.recipient)
        if person is not None:
            session.flush()
            self._alerts.ladder.mailing().sweep(session, person)
        alert = session.get(AlertRecord, int(number), with_for_update=True)
        if alert is not None and alert.state == "triggered" and self._reached_nobody(session, alert):
            self._alerts.ladder.climb(session, alert, failed=True)

    def _reached_nobody(self, session: Session, alert: AlertRecord) -> bool:
        """True if everything of this round to people has failed, or as often as is enough to give up waiting for it."""
        session.flush()
        query = select(DeliveryRecord.state, DeliveryRecord.attempts).where(
            DeliveryRecord.subject == f"alert:{alert.id}",
            DeliveryRecord.dedup_key.like(f"alert:{alert.id}:{alert.rounds}:%"),
            DeliveryRecord.channel != Source.ROBOT.value,
        )
        rows = session.execute(query).all()
        return bool(rows) and all(
            gets_nowhere(state, attempts, after_attempts=self._after_attempts) for state, attempts in rows
        )
