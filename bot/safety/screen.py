"""The distress stage: before every filter, limit and takeover, on every text that a student sends."""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import structlog

from bot.channel.messages import Kind, Source
from bot.conversation.store import recent_words
from bot.crypto import Cipher
from bot.escalation.alerts import Alerts, Worry
from bot.routing.turn import Next, Reply, Turn
from bot.safety.models import CALM, Assessment, Level
from bot.safety.replies import supportive_reply
from bot.staff.store import Directory

logger = structlog.get_logger(__name__)

Assess = Callable[[str, Sequence[str]], Assessment]
_SPLIT_CHARACTERS = 4  # a message this short may be a part of one


class DistressStage:
    """Stores an alert and its cards in the message's own transaction, and answers with care.

    If the assessment itself fails, that raises an alert: a person reads what the machine could not.
    """

    def __init__(self, assess: Assess, alerts: Alerts, directory: Directory, cipher: Cipher, zone: ZoneInfo) -> None:
        self._assess = assess
        self._alerts = alerts
        self._directory = directory
        self._cipher = cipher
        self._zone = zone

    def __call__(self, turn: Turn, proceed: Next, /) -> Reply:
        """The supportive reply for red and orange; for yellow one after a real answer, or in the fallback's place."""
        if turn.message.kind not in (Kind.TEXT, Kind.VOICE) or not turn.message.text or self._is_staff(turn):
            return proceed(turn)
        assessment, failed = self._assessed(turn)
        turn.level = assessment.level.word
        if assessment.level is Level.NONE:
            return proceed(turn)
        again = self._raise(turn, assessment, failed=failed)
        if failed:
            return proceed(turn)
        words = supportive_reply(assessment, turn.now.astimezone(self._zone), again=again)
        if assessment.alarms:
            return Reply(text=words, by="safety", topic="psych.crisis", plain=True)
        reply = proceed(turn)
        if reply.by == "faq" and reply.topic and not reply.topic.startswith("meta."):
            return Reply(text=f"{reply.text}\n\n{words}", by=reply.by, topic=reply.topic, plain=True)
        return Reply(text=words, by="safety", topic="psych.help", plain=True)

    def _assessed(self, turn: Turn) -> tuple[Assessment, bool]:
        words = turn.message.text
        try:
            assessment = self._assess(words, ())
            if not assessment.alarms and (assessment.signals or len(words.strip()) <= _SPLIT_CHARACTERS):
                recent = recent_words(turn.session, turn.contact.contact, self._cipher)
                if recent:
                    assessment = self._assess(words, recent)
        except Exception:  # silence is the one answer that a failed screen must not give
            logger.exception("distress_screen_failed", inbound=turn.inbound_id)
            return Assessment(level=Level.ORANGE, signals=(), subject="self"), True
        return (assessment if assessment.level is not Level.NONE else CALM), False

    def _raise(self, turn: Turn, assessment: Assessment, *, failed: bool) -> bool:
        signals = [
            {"category": signal.category, "label": signal.label, "level": signal.level.word}
            for signal in assessment.signals
        ]
        if failed:
            signals = [{"category": "screen_failed", "label": "程序没能判断，请老师看一眼", "level": "orange"}]
        _, again = self._alerts.raise_alert(
            turn.session,
            Worry(
                contact=turn.contact.contact,
                inbound_id=turn.inbound_id,
                words=turn.message.text,
                level=assessment.level.word,
                about=assessment.subject,
                signals=signals,
            ),
        )
        return again

    def _is_staff(self, turn: Turn) -> bool:
        return (
            turn.message.source is Source.WECOM
            and self._directory.find_by_userid(turn.session, turn.message.sender) is not None
        )
