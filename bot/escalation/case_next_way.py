"""Takes the next way when one fails: a case's notice goes to the group's robot as well, then to each one's own mail."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.cases.service import Cases
from bot.channel.channel import Receipt
from bot.channel.messages import Source
from bot.escalation.reaching import Reaching
from bot.outbox.state import Delivery, Outcome, has_just_got_stuck, is_stuck
from bot.staff.models import Staff


class CaseNextWay:
    """Listens to the outbox for notices to staff; what staff write to the student has no other way."""

    def __init__(self, cases: Cases, reaching: Reaching, *, after_attempts: int) -> None:
        self._cases = cases
        self._reaching = reaching
        self._after_attempts = after_attempts

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt. The notice itself is still tried again."""
        kind, _, number = delivery.subject.partition(":")
        if kind != "case" or delivery.channel == Source.WECHAT or isinstance(outcome, Receipt):
            return
        if not is_stuck(delivery, after_attempts=self._after_attempts):
            return
        case = int(number)
        if not self._cases.is_open(session, case):
            return
        if delivery.channel == Source.WECOM and self._cases.pass_on(session, case, delivery):
            return
        passed_on = [self._pass_on(session, delivery, *one) for one in self._people(session, delivery)]
        if not any(passed_on) and has_just_got_stuck(delivery, after_attempts=self._after_attempts):
            self._cases.reaches_nobody(case)

    def _people(self, session: Session, delivery: Delivery) -> Sequence[tuple[Staff | None, str]]:
        """Whom the delivery was to reach, each with the delivery of their own with which it began."""
        if delivery.channel == Source.ROBOT:
            return self._reaching.left_to_the_group(session, delivery, after_attempts=self._after_attempts)
        return [(self._reaching.person_of(session, delivery), delivery.id)]

    def _pass_on(self, session: Session, delivery: Delivery, person: Staff | None, origin: str) -> bool:
        """The person has it, once, by the next way of their own. False: there is none."""
        way = self._reaching.following(delivery, person, failed={Source.ROBOT})
        if way is None or person is None:
            return False
        self._reaching.pass_on(session, delivery, person, way, heading="", origin=origin)
        return True
