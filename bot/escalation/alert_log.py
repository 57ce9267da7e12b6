"""The story of an alert: one line for each thing that happened, with its reason. The database refuses to change one."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.escalation.records import AlertLogRecord

logger = structlog.get_logger(__name__)


class AlertLog:
    """Writes lines. Nothing here commits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def write(
        self, session: Session, alert_id: int, event: str, *, actor: str = "", detail: Mapping[str, Any] | None = None
    ) -> None:
        """One more line. `detail` holds ids, codes and reasons, never a student's words or anybody's name."""
        record = AlertLogRecord(
            alert_id=alert_id, at=self._clock.now(), event=event, actor=actor, detail=dict(detail or {})
        )
        session.add(record)

    def nobody_reachable(self, session: Session, alert_id: int, reason: str) -> None:
        """That nobody can be told is on record and in the log, for an operator to act."""
        self.write(session, alert_id, "nobody_reachable", detail={"reason": reason})
        logger.error(
            "alert_reaches_nobody", alert=alert_id, reason=reason, mend="import staff, or set wecom.robot_webhooks"
        )
