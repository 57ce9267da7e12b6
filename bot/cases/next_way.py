"""Takes the next way when one fails: a case's notice that does not reach a person goes to the robot as well."""

from sqlalchemy.orm import Session

from bot.cases.service import Cases
from bot.channel.channel import Receipt
from bot.channel.messages import Source
from bot.outbox.state import Delivery, DeliveryState, Outcome, is_stuck


class CaseNextWay:
    """Listens to the outbox for notices to staff; what staff write to the student has no other way."""

    def __init__(self, cases: Cases, *, after_attempts: int) -> None:
        self._cases = cases
        self._after_attempts = after_attempts

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt. The notice itself is still tried again."""
        kind, _, number = delivery.subject.partition(":")
        if kind != "case" or delivery.channel == Source.WECHAT or isinstance(outcome, Receipt):
            return
        if delivery.channel == Source.WECOM and is_stuck(delivery, after_attempts=self._after_attempts):
            self._cases.pass_on(session, int(number), delivery)
        elif delivery.channel == Source.ROBOT and delivery.state is DeliveryState.FAILED:  # it was the last way
            self._cases.reaches_nobody(int(number))
