"""Tells those who run the account that something needs their hand."""

from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.staff.models import Role
from bot.staff.store import Directory

logger = structlog.get_logger(__name__)


class Operators:
    """The administrators, by WeCom; the group robot where there is none of them."""

    def __init__(self, outbox: Outbox, directory: Directory, *, has_robot: bool) -> None:
        self._outbox = outbox
        self._directory = directory
        self._has_robot = has_robot

    def tell(self, session: Session, text: str, *, key: str) -> None:
        """Each of them has the text on its way, once for a `key`. That there is nobody to tell is in the log."""
        people = [person for person in self._directory.with_role(session, Role.ADMIN) if person.wecom_userid]
        targets: Sequence[tuple[Source, str]] = [(Source.WECOM, person.wecom_userid) for person in people]
        if not targets and self._has_robot:
            targets = [(Source.ROBOT, "")]
        if not targets:
            logger.error("operators_not_reachable", key=key, mend="import an admin, or set wecom.robot_webhooks")
        for channel, recipient in targets:
            self._outbox.enqueue(
                session,
                OutboundMessage(channel, recipient, TextContent(text)),
                priority=Priority.NOTICE,
                subject=f"operators:{key}"[:80],
                dedup_key=f"operators:{key}:{channel.value}:{recipient}"[:120],
            )
