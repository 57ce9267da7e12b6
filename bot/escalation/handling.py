"""What staff do with an alert beside taking and closing it: pass on, give back, re-judge, merge, note, follow up."""

from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.errors import LixiaoError
from bot.escalation import answers
from bot.escalation.alerts import Alerts
from bot.escalation.follow_ups import FollowUps
from bot.escalation.records import AlertRecord
from bot.escalation.worry import LEVELS
from bot.staff.models import Staff


class AlertClosedError(LixiaoError):
    """The alert is closed; nothing more is done about it."""


class Handling:
    """The use cases of who handles an alert, within the caller's transaction.

    All raise LookupError if there is no such alert, and AlertClosedError if it is closed.
    """

    def __init__(self, alerts: Alerts, *, clock: Clock, follow_ups: FollowUps) -> None:
        self._alerts = alerts
        self._clock = clock
        self.follow_ups = follow_ups

    def resolve(self, session: Session, alert_id: int, staff: Staff, *, code: str, via: str) -> bool:
        """See Alerts.resolve. After a real red or orange alert the follow-ups are planned."""
        closed = self._alerts.resolve(session, alert_id, staff, code=code, via=via)
        if closed:
            self.follow_ups.plan(session, self._alerts.get(session, alert_id), staff)
        return closed

    def transfer(self, session: Session, alert_id: int, staff: Staff, to: Staff, *, via: str) -> None:
        """`to` has a card on the way, and the first rung's time to take the alert; then the ladder begins again."""
        alert = self._open(session, alert_id)
        self._alerts.log(
            session,
            alert.id,
            "transferred",
            actor=staff.staff_no,
            detail={"to": to.staff_no, "via": via, "reason": "asked"},
        )
        self._alerts.ladder.hand_to(session, alert, to, by=staff)

    def release(self, session: Session, alert_id: int, staff: Staff, *, via: str) -> None:
        """Nobody has the alert any more, and its ladder begins again at once."""
        alert = self._open(session, alert_id)
        detail = {"from": alert.acknowledged_by, "via": via, "reason": "given_back"}
        self._alerts.log(session, alert.id, "unacknowledged", actor=staff.staff_no, detail=detail)
        self._alerts.ladder.restart(alert)
        self._alerts.ladder.climb(session, alert)

    def change_level(self, session: Session, alert_id: int, staff: Staff, level: str, *, via: str) -> str:
        """The alert has this level, by a person's judgement, and the ladder of it; returns the level before.

        Who judges has seen the words: where nobody has the alert yet, it is theirs.
        """
        alert = self._open(session, alert_id)
        before = alert.level
        if before == level:
            return before
        alert.level = level
        event = "level_raised" if LEVELS.index(level) > LEVELS.index(before) else "level_lowered"
        detail = {"from": before, "to": level, "via": via, "reason": "judged"}
        self._alerts.log(session, alert.id, event, actor=staff.staff_no, detail=detail)
        self._alerts.ladder.adopt_policy(alert)
        if alert.acks:
            self._alerts.settle_parties(session, alert)
        else:
            self._alerts.acknowledge(session, alert.id, staff, via=via)
        return before

    def merge(self, session: Session, alert_id: int, into_id: int, staff: Staff, *, via: str) -> None:
        """The first alert is closed and goes on within the second, which counts its messages and has the worse level.

        Raises ValueError for an alert that is to be merged into itself.
        """
        if alert_id == into_id:
            raise ValueError(alert_id)
        first, second = sorted((alert_id, into_id))  # one order of locks for everybody
        found = {number: self._open(session, number) for number in (first, second)}
        alert, into = found[alert_id], found[into_id]
        self._alerts.resolve(session, alert.id, staff, code="merged", via=via)
        alert.merged_into = into.id
        into.message_count += alert.message_count
        detail = {"alert": alert.id, "messages": alert.message_count, "via": via, "reason": "judged_the_same"}
        self._alerts.log(session, into.id, "merged", actor=staff.staff_no, detail=detail)
        if LEVELS.index(alert.level) > LEVELS.index(into.level):
            self._alerts.log(
                session, into.id, "level_raised", detail={"from": into.level, "to": alert.level, "reason": "merged"}
            )
            into.level, into.signals, into.last_inbound_id = alert.level, alert.signals, alert.last_inbound_id
            self._alerts.ladder.begin(session, into, words=self._alerts.words_of(session, into))

    def note(self, session: Session, alert_id: int, staff: Staff, *, inbound_id: str, via: str) -> None:
        """What the member of staff wrote (in the inbound message) belongs to the alert's story."""
        alert = self._alerts.get(session, alert_id)
        self._alerts.log(session, alert.id, "noted", actor=staff.staff_no, detail={"inbound": inbound_id, "via": via})
        if alert.acknowledged_by == staff.staff_no:
            self._alerts.touch(session, alert, staff, via=via)

    def _open(self, session: Session, alert_id: int) -> AlertRecord:
        alert = self._alerts.get(session, alert_id)
        if alert.state == "resolved":
            raise AlertClosedError(answers.already_closed(alert_id))
        return alert
