"""What the student hears of an alert: once, and gently, that somebody has seen it."""

from datetime import timedelta

from sqlalchemy.orm import Session

from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Clock
from bot.escalation import messages
from bot.escalation.alert_log import AlertLog
from bot.escalation.records import AlertRecord
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.students.records import ContactRecord
from bot.students.window import Window

_STILL_NEWS_FOR = timedelta(hours=6)


class StudentNews:
    """Tells students, within the caller's transaction and within what the platform allows."""

    def __init__(self, *, clock: Clock, outbox: Outbox, log: AlertLog) -> None:
        self._clock = clock
        self._outbox = outbox
        self._log = log

    def tell_seen(self, session: Session, alert: AlertRecord) -> None:
        """The writer of a red or orange alert has the word on its way, once for each alert.

        Where the platform's window is closed nothing waits for a later day: then it would be no news any more.
        """
        key = f"alert-seen:{alert.id}"
        if alert.level not in ("red", "orange") or self._outbox.is_known(session, key):
            return
        now = self._clock.now()
        contact = session.get(ContactRecord, alert.contact)  # read without a lock: a turn locks contacts before alerts
        if contact is None or contact.source != Source.WECHAT or not contact.following:
            return
        window = Window(contact.window_closes_at, contact.window_allowance, contact.window_used)
        if not window.left(now):
            self._log.write(session, alert.id, "student_not_told", detail={"reason": "window_closed"})
            return
        self._outbox.enqueue(
            session,
            OutboundMessage(Source.WECHAT, alert.contact, TextContent(messages.seen(alert.about))),
            priority=Priority.REPLY,
            subject=key,
            dedup_key=key,
            expires_at=now + _STILL_NEWS_FOR,
        )
        self._log.write(session, alert.id, "student_told", detail={"reason": "acknowledged"})
