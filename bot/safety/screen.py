"""The distress stage: before every filter, limit and takeover, on every text that a student sends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from bot.channel.messages import Kind, Source
from bot.conversation.store import recent_words
from bot.crypto import Cipher
from bot.escalation.alerts import Alerts, Worry
from bot.routing.turn import Next, Reply, Turn
from bot.safety import care
from bot.safety.callback import find_call_request, find_phone
from bot.safety.models import CALM, Assessment, Level
from bot.safety.plan import progress_of
from bot.safety.replies import LAST_RESORT, listening_reply, render, supportive_reply, with_call_noted
from bot.staff.store import Directory

logger = structlog.get_logger(__name__)

Assess = Callable[[str, Sequence[str]], Assessment]
Say = Callable[..., str]
_SPLIT_CHARACTERS = 4  # a message this short may be a part of one
_CARING = frozenset({"safety", "comfort", "plan"})  # handlers whose answers are fit for somebody in pain


class DistressStage:
    """Stores an alert and its cards in the message's own transaction, and answers with care.

    If the assessment itself fails, that raises an alert: a person reads what the machine could not. If the words of
    the reply fail, plain ones take their place: the alert is worth more than its wording.
    """

    def __init__(
        self,
        assess: Assess,
        alerts: Alerts,
        directory: Directory,
        cipher: Cipher,
        zone: ZoneInfo,
        *,
        say: Say = supportive_reply,
    ) -> None:
        self._assess = assess
        self._alerts = alerts
        self._directory = directory
        self._cipher = cipher
        self._zone = zone
        self._say = say

    def __call__(self, turn: Turn, proceed: Next, /) -> Reply:
        """The supportive reply for red and orange; for yellow one after a real answer, or in the fallback's place.

        Until the alert is closed every other answer comes plain, and what nobody understands is listened to.
        """
        cared_for = self._is_cared_for(turn)
        if cared_for:
            turn.held = 0  # reminders wait for a better day
        screened = turn.message.kind in (Kind.TEXT, Kind.VOICE) and turn.message.text and not self._is_staff(turn)
        reply = self._screened(turn, proceed, cared_for=cared_for) if screened else proceed(turn)
        return care.plain(reply) if cared_for else reply

    def _screened(self, turn: Turn, proceed: Next, *, cared_for: bool) -> Reply:
        assessment, failed = self._assessed(turn)
        turn.level = assessment.level.word
        if assessment.level is Level.NONE:
            return self._listened(turn, proceed(turn)) if cared_for else proceed(turn)
        again = self._raise(turn, assessment, failed=failed)
        if assessment.alarms:
            turn.conversation.slots = turn.conversation.slots | {care.SLOT: care.begun(assessment.subject, turn.now)}
        if failed:  # it may have been anything
            reply = proceed(turn)
            return reply.with_text(LAST_RESORT) if care.is_unclear(reply) else reply
        words = self._supportive(turn, assessment, again=again)
        if assessment.alarms:
            return Reply(text=self._with_call(turn, words), by="safety", topic="psych.crisis", plain=True)
        reply = proceed(turn)
        if reply.by in _CARING:
            return replace(reply, plain=True)
        if reply.by == "faq" and reply.topic and not reply.topic.startswith("meta."):
            return Reply(text=f"{reply.text}\n\n{words}", by=reply.by, topic=reply.topic, plain=True)
        return Reply(text=words, by="safety", topic="psych.help", plain=True)

    def _supportive(self, turn: Turn, assessment: Assessment, *, again: bool) -> str:
        try:
            return self._say(assessment, self._at(turn), again=again)
        except Exception:  # to raise here would roll the alert back
            logger.exception("supportive_reply_failed", inbound=turn.inbound_id)
            return LAST_RESORT

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
            {
                "category": signal.category,
                "label": signal.label,
                "level": signal.level.word,
                "rule": signal.rule,
            }
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

    def _with_call(self, turn: Turn, words: str) -> str:
        """A number, or the wish for a call, in the very message that alarms goes to the counselor with it."""
        phone = find_phone(turn.words)
        if phone is None and find_call_request(turn.words) is None:
            words_with_call = words
        else:
            self._alerts.ask_for_call(turn.session, turn.contact.contact, phone=phone or "")
            words_with_call = with_call_noted(words, self._at(turn), phone=phone or "")
        plan = progress_of(turn.conversation.slots.get("plan"))
        waits = plan is not None and not plan.is_done
        return f"{words_with_call}\n\n{render('plan_waits', self._at(turn))}" if waits else words_with_call

    def _is_cared_for(self, turn: Turn) -> bool:
        """True while an alert that this student's words raised is open; forgets it when it is not."""
        slot = turn.conversation.slots.get(care.SLOT)
        if slot is None:
            return False
        if care.is_open(turn.session, turn.contact.contact, slot["about"]):
            return True
        turn.conversation.slots = {key: value for key, value in turn.conversation.slots.items() if key != care.SLOT}
        return False

    def _listened(self, turn: Turn, reply: Reply) -> Reply:
        """What nobody understood is counted on the alert and answered by listening."""
        slot = turn.conversation.slots.get(care.SLOT)
        if slot is None or not care.wants_listening(turn.words, reply, slot, turn.now):
            return reply
        about, heard = str(slot["about"]), int(slot["heard"])
        worry = Worry(turn.contact.contact, turn.inbound_id, turn.message.text, Level.NONE.word, about, ())
        self._alerts.raise_alert(turn.session, worry)  # the alert is open, so this only adds to its counter
        turn.conversation.slots = turn.conversation.slots | {care.SLOT: slot | {"heard": heard + 1}}
        return Reply(text=listening_reply(about, heard, self._at(turn)), by="safety", topic="psych.crisis", plain=True)

    def _at(self, turn: Turn) -> datetime:
        return turn.now.astimezone(self._zone)

    def _is_staff(self, turn: Turn) -> bool:
        return (
            turn.message.source is Source.WECOM
            and self._directory.find_by_userid(turn.session, turn.message.sender) is not None
        )
