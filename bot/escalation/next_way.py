"""Takes the next way when one fails: what does not reach a person goes to the group robot as well."""

from sqlalchemy.orm import Session

from bot.channel.channel import Receipt
from bot.channel.messages import Source
from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertRecord
from bot.outbox.state import Delivery, DeliveryState, Outcome, is_stuck

_KINDS = frozenset({"alert", "alert-call", "alert-list", "alert-more"})


class NextWay:
    """Listens to the outbox: the log tells what became of each try, and the robot what a person did not get."""

    def __init__(self, alerts: Alerts, *, after_attempts: int) -> None:
        self._alerts = alerts
        self._after_attempts = after_attempts

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt. The delivery itself is still tried again."""
        kind, _, rest = delivery.subject.partition(":")
        if kind not in _KINDS:
            return
        alert = session.get(AlertRecord, int(rest.partition(":")[0]), with_for_update=True)
        if alert is None:
            return
        if isinstance(outcome, Receipt):
            detail = {"delivery": delivery.id, "subject": delivery.subject}
            self._alerts.log(session, alert.id, "sent", actor=delivery.channel, detail=detail)
            return
        failure = {
            "delivery": delivery.id,
            "subject": delivery.subject,
            "code": delivery.code,
            "attempt": delivery.attempts,
        }
        self._alerts.log(session, alert.id, "send_failed", actor=delivery.channel, detail=failure)
        if kind == "alert":
            self._card_failed(session, alert, delivery)
        elif is_stuck(delivery, after_attempts=self._after_attempts):
            self._words_failed(session, alert, delivery)

    def _card_failed(self, session: Session, alert: AlertRecord, delivery: Delivery) -> None:
        """The robot is told in its own words, once a round; each round tries again by itself."""
        self._alerts.withdraw_outdated(session, alert, delivery)
        if alert.state != "triggered" or delivery.channel != Source.WECOM:
            return
        if is_stuck(delivery, after_attempts=self._after_attempts):
            words = self._alerts.words_of(session, alert)
            self._alerts.tell_robot(session, alert, words, reason="企业微信卡片没有送达", key="card_failed")

    def _words_failed(self, session: Session, alert: AlertRecord, delivery: Delivery) -> None:
        """Nothing tells it a second time, so it goes on whatever has become of the alert."""
        if delivery.channel == Source.WECOM:
            self._alerts.pass_on(session, alert, delivery)
        elif delivery.state is DeliveryState.FAILED:  # the robot was the last way
            self._alerts.reaches_nobody(session, alert, "robot_failed")
