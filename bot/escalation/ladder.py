"""Carries out what policy.py decides: who stands on the next rung is told, and the alert knows when it goes on."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.escalation import messages
from bot.escalation.alert_log import AlertLog
from bot.escalation.ladder_alarms import LadderAlarms, names_of
from bot.escalation.mailing import LATE, Mailing
from bot.escalation.notices import Notices
from bot.escalation.policies import NoticePolicy
from bot.escalation.policy import (
    Decision,
    Exhausted,
    Notify,
    Phase,
    Policy,
    Reach,
    Reason,
    Standing,
    Target,
    after,
    decide,
    missing_parties,
    policy_from_json,
    policy_to_json,
)
from bot.escalation.records import AlertRecord
from bot.escalation.targets import Circle, CollegeOf, Targets
from bot.outbox.outbox import Outbox
from bot.staff.models import Staff

logger = structlog.get_logger(__name__)


class Ladder:
    """Moves alerts up their ladder, within the caller's transaction. The caller holds the lock of the alert's row."""

    def __init__(
        self,
        *,
        clock: Clock,
        outbox: Outbox,
        targets: Targets,
        notices: Notices,
        log: AlertLog,
        policies: NoticePolicy,
        college_of: CollegeOf,
    ) -> None:
        self._clock = clock
        self._outbox = outbox
        self._targets = targets
        self._notices = notices
        self._log = log
        self._alarms = LadderAlarms(notices, log)
        self._policies = policies
        self._college_of = college_of

    def circle(self, session: Session) -> Circle:
        """The people of this moment, for several alerts of one transaction."""
        return self._targets.circle(session, self._clock.now())

    def mailing(self) -> Mailing:
        """Room for the notices of several alerts of one transaction."""
        return Mailing(clock=self._clock, outbox=self._outbox, notices=self._notices, log=self._log)

    def begin(self, session: Session, alert: AlertRecord, *, words: str) -> None:
        """The alert is at the foot of the ladder of its level, whoever had it before, and the first rung is told."""
        alert.college = self._college_of(session, alert.contact)
        self.adopt_policy(alert)
        self.restart(alert)
        self.climb(session, alert, words=words)

    def adopt_policy(self, alert: AlertRecord) -> None:
        """The alert has the policy of its level as the settings are now, whatever they become later."""
        alert.policy = policy_to_json(self._policies.ladder(alert.level))

    def hand_to(self, session: Session, alert: AlertRecord, to: Staff, *, by: Staff) -> None:
        """Only `to` has a card on the way; if nobody takes the alert in the first rung's time, the ladder begins."""
        policy = self.policy_of(alert)
        wait = policy.steps[0].wait if policy.steps else policy.repeat
        self._notices.withdraw(session, alert)
        self.restart(alert, due_at=self._clock.now() + wait if policy.steps else None)
        alert.rounds += 1
        notes = [messages.handed_over(by.name), messages.comes_next(wait, "其他老师")]
        self._notices.card(session, alert, self._notices.words_of(session, alert), to, notes=notes)
        detail = {"round": alert.rounds, "by": "wecom", "reason": "transferred"}
        self._log.write(session, alert.id, "notified", actor=to.staff_no, detail=detail)

    def restart(self, alert: AlertRecord, *, due_at: datetime | None = None) -> None:
        """Nobody has the alert; the ladder begins again at `due_at`, or as soon as it is climbed."""
        alert.state, alert.acknowledged_by, alert.acknowledged_at = "triggered", "", None
        alert.acks, alert.touched_at, alert.nudged = [], None, False
        alert.step, alert.walk, alert.told = 0, 0, {}
        alert.next_notice_at = due_at

    def climb(
        self,
        session: Session,
        alert: AlertRecord,
        *,
        words: str | None = None,
        failed: bool = False,
        circle: Circle | None = None,
        mailing: Mailing | None = None,
    ) -> Decision:
        """What is due for the alert now has happened, and its next moment is set. `failed`: see Standing.

        Notices wait in `mailing`, if one is given, until its owner posts them.
        """
        circle = circle or self.circle(session)
        post = mailing or self.mailing()
        now = self._clock.now()
        policy = self.policy_of(alert)
        people = self._people_of_steps(alert, policy, circle)
        standing = Standing(
            phase=self.phase_of(alert, policy),
            due_at=alert.next_notice_at,
            step=alert.step,
            walk=alert.walk,
            reach=tuple(_reach(alert, one) for one in people),
            failed=failed,
            touched_at=alert.touched_at,
            nudged=alert.nudged,
        )
        decision = decide(standing, policy, now)
        if isinstance(decision, Notify | Exhausted):
            if decision.reason is Reason.STALE:
                owner = alert.acknowledged_by
                self.restart(alert)
                self._log.write(session, alert.id, "unacknowledged", detail={"from": owner, "reason": "stale"})
            alert.rounds += 1
        self._keep(alert, after(standing, decision))
        if isinstance(decision, Notify) and decision.step is None:
            self._alarms.nudge(session, alert, policy, circle)
        elif isinstance(decision, Notify | Exhausted):
            said = self._notices.words_of(session, alert) if words is None else words
            if isinstance(decision, Exhausted):
                self._alarms.reaches_nobody(session, alert, said, decision, circle)
            else:
                if standing.walk == 0 and standing.phase is not Phase.PARTLY:  # one party's rungs are no gaps
                    self._alarms.report_empty(session, alert, policy, decision.skipped, circle)
                late = standing.due_at is not None and now - standing.due_at >= LATE
                self._tell(
                    session, alert, said, people, decision, policy=policy, circle=circle, mailing=post, late=late
                )
        if mailing is None:
            post.post(session)
        return decision

    def policy_of(self, alert: AlertRecord) -> Policy:
        """The policy that the alert was triggered with; today's for one from before there were any."""
        return policy_from_json(alert.policy) if alert.policy else self._policies.ladder(alert.level)

    def phase_of(self, alert: AlertRecord, policy: Policy) -> Phase:
        """How far the alert has been taken."""
        if alert.state == "resolved":
            return Phase.CLOSED
        if alert.state == "acknowledged":
            return Phase.TAKEN
        return Phase.PARTLY if alert.acks and missing_parties(policy, _roles(alert)) else Phase.OPEN

    def missing(self, alert: AlertRecord) -> tuple[frozenset[str], ...]:
        """The groups of roles of which somebody must still take the alert."""
        return missing_parties(self.policy_of(alert), _roles(alert))

    def _people_of_steps(self, alert: AlertRecord, policy: Policy, circle: Circle) -> list[list[Staff]]:
        """Who would be told on each rung: those whom something of ours can reach, and whose party is missing."""
        missing = missing_parties(policy, _roles(alert)) if alert.acks and alert.state == "triggered" else ()
        wanted = frozenset[str]().union(*missing)
        return [
            [
                person
                for person in circle.people(step, alert.college, alert.contact)
                if circle.can_reach(person) and (not wanted or person.role.value in wanted)
            ]
            for step in policy.steps
        ]

    def _keep(self, alert: AlertRecord, standing: Standing) -> None:
        if standing.walk != alert.walk:
            alert.told = {}
        alert.step, alert.walk, alert.nudged = standing.step, standing.walk, standing.nudged
        alert.next_notice_at = standing.due_at

    def _tell(
        self,
        session: Session,
        alert: AlertRecord,
        words: str,
        people: Sequence[Sequence[Staff]],
        decision: Notify,
        *,
        policy: Policy,
        circle: Circle,
        mailing: Mailing,
        late: bool,
    ) -> None:
        step = decision.step or 0
        rung = people[step]
        new = [person for person in rung if person.staff_no not in alert.told] or rung
        if circle.duty(alert.college, alert.contact).reason == "gap" and Target.DUTY in policy.steps[step].targets:
            self._log.write(session, alert.id, "rota_gap", detail={"told_instead": len(new)})
            logger.error("rota_has_a_gap", alert=alert.id)
        alert.told = alert.told | {person.staff_no: [alert.walk, step] for person in new}
        rest = range(step + 1, len(people))
        following = [later for later in rest if _reach(alert, people[later]) is Reach.NEW][:1]
        notes = [messages.passed_over(names_of(policy, decision.skipped))] if decision.skipped else []
        notes.append(messages.comes_next(decision.next_at - self._clock.now(), names_of(policy, following)))
        detail = {"round": alert.rounds, "step": step, "reason": decision.reason.value}
        for person in new:
            mailing.add(alert, words, person, notes=notes, detail=detail, late=late)


def _reach(alert: AlertRecord, people: Sequence[Staff]) -> Reach:
    if not people:
        return Reach.NOBODY
    return Reach.TOLD if all(person.staff_no in alert.told for person in people) else Reach.NEW


def _roles(alert: AlertRecord) -> list[str]:
    return [role for _, role in alert.acks]
