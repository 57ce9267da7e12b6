"""Takes the next way when one fails: card → group robot → e-mail → SMS; where there is none left, that is an alarm."""

import structlog
from sqlalchemy.orm import Session

from bot.channel.channel import Receipt
from bot.channel.messages import Source
from bot.escalation import messages
from bot.escalation.alerts import Alerts
from bot.escalation.reaching import Reaching
from bot.escalation.records import AlertRecord
from bot.outbox.state import Delivery, DeliveryState, Outcome, has_just_got_stuck, is_stuck
from bot.staff.models import Staff

logger = structlog.get_logger(__name__)

_KINDS = frozenset({"alert", "alert-call", "alert-list", "alert-more"})
ROTA_KIND = "rota"
"""Subjects of notices to staff that belong to no alert: gaps, hand-overs, swaps, copies."""


class NextWay:
    """Listens to the outbox: the log tells what became of each try, and the next way what a person did not get."""

    def __init__(self, alerts: Alerts, *, after_attempts: int, reaching: Reaching | None = None) -> None:
        """Without `reaching` the group robot is the only other way."""
        self._alerts = alerts
        self._after_attempts = after_attempts
        self._reaching = reaching

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt. The delivery itself is still tried again."""
        kind, _, rest = delivery.subject.partition(":")
        if kind == ROTA_KIND and not isinstance(outcome, Receipt):
            self._rota_notice_failed(session, delivery)
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
            self._alerts.withdraw_outdated(session, alert, delivery)
            if alert.state != "triggered":
                return
        if is_stuck(delivery, after_attempts=self._after_attempts):
            self._another_way(session, alert, delivery, is_card=kind == "alert")

    def _another_way(self, session: Session, alert: AlertRecord, delivery: Delivery, *, is_card: bool) -> None:
        """For each person whom this delivery was to reach; words go on whatever has become of the alert."""
        if self._reaching is None:
            self._without_reaching(session, alert, delivery, is_card=is_card)
            return
        for person, origin in self._people(session, delivery):
            way = self._reaching.following(delivery, person, failed=self._failed_groups(session, delivery))
            if way is Source.ROBOT:
                self._tell_robot(session, alert, delivery, is_card=is_card)
            elif way is not None and person is not None:
                heading = messages.NOT_DELIVERED if delivery.channel == Source.WECOM else ""
                if self._reaching.pass_on(
                    session, delivery, person, way, heading=heading, alert=alert.id, origin=origin
                ):
                    detail = {"by": way.value, "reason": f"{delivery.channel}_failed"}
                    self._alerts.log(session, alert.id, "notified", actor=person.staff_no, detail=detail)
            elif has_just_got_stuck(delivery, after_attempts=self._after_attempts):
                self._alerts.reaches_nobody(session, alert, f"{delivery.channel}_failed")

    def _people(self, session: Session, delivery: Delivery) -> list[tuple[Staff | None, str]]:
        """Whom the delivery was to reach, each with the delivery of their own that stands for the whole way."""
        if self._reaching is None:
            return []
        if delivery.channel != Source.ROBOT:
            return [(self._reaching.person_of(session, delivery), delivery.id)]
        left = self._reaching.left_to_the_group(session, delivery, after_attempts=self._after_attempts)
        return list(left) or [(None, delivery.id)]

    def _failed_groups(self, session: Session, delivery: Delivery) -> set[Source]:
        """A group that the same news does not reach is no way, although it comes first."""
        if self._reaching is None or delivery.channel == Source.ROBOT:
            return set()
        dead = self._reaching.group_is_stuck(session, delivery.subject, after_attempts=self._after_attempts)
        return {Source.ROBOT} if dead else set()

    def _tell_robot(self, session: Session, alert: AlertRecord, delivery: Delivery, *, is_card: bool) -> None:
        """The robot is told of a card in its own words, once a round; of words once."""
        if is_card:
            words = self._alerts.words_of(session, alert)
            self._alerts.tell_robot(session, alert, words, reason="企业微信卡片没有送达", key="card_failed")
        else:
            self._alerts.pass_on(session, alert, delivery)

    def _without_reaching(self, session: Session, alert: AlertRecord, delivery: Delivery, *, is_card: bool) -> None:
        if delivery.channel == Source.WECOM:
            self._tell_robot(session, alert, delivery, is_card=is_card)
        elif not is_card and delivery.state is DeliveryState.FAILED:  # the robot was the last way
            self._alerts.reaches_nobody(session, alert, "robot_failed")

    def _rota_notice_failed(self, session: Session, delivery: Delivery) -> None:
        if self._reaching is None or not is_stuck(delivery, after_attempts=self._after_attempts):
            return
        person = self._reaching.person_of(session, delivery)
        way = self._reaching.following(delivery, person, failed={Source.ROBOT})  # not the group's business
        if way is not None and person is not None:
            self._reaching.pass_on(session, delivery, person, way, heading="")
        elif has_just_got_stuck(delivery, after_attempts=self._after_attempts):
            logger.error("staff_notice_reaches_nobody", delivery=delivery.id, subject=delivery.subject)
