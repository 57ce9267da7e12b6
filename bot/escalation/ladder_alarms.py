"""What goes wrong on a ladder: empty rungs, nobody at all, an owner who is silent. Each is on record and told."""

from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

from bot.escalation import messages
from bot.escalation.alert_log import AlertLog
from bot.escalation.notices import Notices
from bot.escalation.policy import Exhausted, Policy, Reason
from bot.escalation.records import AlertRecord
from bot.escalation.targets import Circle
from bot.staff.models import Role

logger = structlog.get_logger(__name__)


class LadderAlarms:
    """Tells of trouble, within the caller's transaction."""

    def __init__(self, notices: Notices, log: AlertLog) -> None:
        self._notices = notices
        self._log = log

    def nudge(self, session: Session, alert: AlertRecord, policy: Policy, circle: Circle) -> None:
        """Who has the alert is asked whether it is so still."""
        owner = circle.find(alert.acknowledged_by)
        text = messages.nudge(alert.id, policy.nudge_before)
        subject = f"alert-more:{alert.id}:nudge-{alert.rounds}"
        self._notices.say(session, alert, text, [owner] if owner else [], subject=subject)
        self._log.write(session, alert.id, "nudged", actor=alert.acknowledged_by, detail={"reason": Reason.NUDGE.value})

    def reaches_nobody(
        self, session: Session, alert: AlertRecord, words: str, decision: Exhausted, circle: Circle
    ) -> None:
        """That the whole ladder reaches nobody is an alarm; the group robot tells the alert itself."""
        self._log.write(session, alert.id, "exhausted", detail={"round": alert.rounds, "reason": decision.reason.value})
        logger.error("escalation_reaches_nobody", alert=alert.id, mend="flask staff import")
        self._tell_admins(session, alert, messages.nobody_to_tell(alert.id), what="exhausted", circle=circle)
        self._notices.tell_robot(session, alert, words, reason="没有能直接通知到的值班老师", key="nobody")

    def report_empty(
        self, session: Session, alert: AlertRecord, policy: Policy, steps: Sequence[int], circle: Circle
    ) -> None:
        """A rung on which nobody can be reached is on record, and the administrators hear of it once."""
        for step in steps:
            targets = [str(target) for target in policy.steps[step].targets]
            detail = {"step": step, "targets": targets, "reason": "nobody_reachable"}
            self._log.write(session, alert.id, "step_empty", detail=detail)
            logger.error("escalation_step_reaches_nobody", alert=alert.id, step=step, mend="flask staff import")
            text = messages.step_empty(alert.id, names_of(policy, (step,)))
            self._tell_admins(session, alert, text, what=f"empty-{step}", circle=circle)

    def _tell_admins(self, session: Session, alert: AlertRecord, text: str, *, what: str, circle: Circle) -> None:
        admins = [person for person in circle.with_role(Role.ADMIN) if circle.can_reach(person)]
        if admins:
            self._notices.say(session, alert, text, admins, subject=f"alert-more:{alert.id}:{what}")


def names_of(policy: Policy, steps: Sequence[int]) -> str:
    """The people of these steps in words."""
    return messages.target_names([str(target) for step in steps for target in policy.steps[step].targets])
