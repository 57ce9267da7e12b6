"""Alerts: raise, notify, acknowledge, resolve. Everything happens within the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channel.messages import CardContent, OutboundMessage, Source, TextContent
from bot.clock import Chance, Clock
from bot.conversation.records import InboundRecord
from bot.crypto import Cipher
from bot.escalation import messages
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.escalation.rota import Rota
from bot.outbox.outbox import Outbox
from bot.outbox.state import Delivery, DeliveryState, Priority
from bot.staff.models import Staff
from bot.students.profiles import WhoIs, nobody_knows

logger = structlog.get_logger(__name__)

_LEVELS = ("none", "yellow", "orange", "red")
_FOLLOW_UP_EVERY = timedelta(minutes=5)
_TOLD_ONE_BY_ONE = 12
ROBOT = "robot"


@dataclass(frozen=True, slots=True)
class Worry:
    """What the distress screen found in one message: the level, about whom, and the signals behind it."""

    contact: str
    inbound_id: str
    words: str
    level: str
    about: str
    signals: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """After how long an alert that nobody took is told again. Yellow waits for the working day's list."""

    first: timedelta
    red: timedelta
    orange: timedelta

    def wait(self, level: str, rounds: int) -> timedelta:
        """The time from the `rounds`-th notice (from 1) to the next."""
        if level == "red":
            return self.first if rounds <= 1 else self.red
        return self.orange


class Alerts:
    """The use cases of alerts."""

    def __init__(
        self,
        *,
        clock: Clock,
        chance: Chance,
        cipher: Cipher,
        outbox: Outbox,
        rota: Rota,
        policy: NoticePolicy,
        zone: ZoneInfo,
        has_robot: bool,
        who_is: WhoIs = nobody_knows,
    ) -> None:
        """`who_is` names the student for those whose duty it is to know; a group never reads it."""
        self._who_is = who_is
        self._clock = clock
        self._chance = chance
        self._cipher = cipher
        self._outbox = outbox
        self._rota = rota
        self._policy = policy
        self._zone = zone
        self._has_robot = has_robot

    def raise_alert(self, session: Session, worry: Worry) -> tuple[int, bool]:
        """The alert's number, and whether it was open already. Whoever is to be told now has a delivery.

        A new alert is told at once, and so is one whose level rises. A further message only adds to the counter;
        who has taken the alert is told of it, once in five minutes.
        """
        now = self._clock.now()
        alert = self._open_alert(session, worry.contact, worry.about)
        if alert is None:
            alert = AlertRecord(
                contact=worry.contact,
                about=worry.about,
                level=worry.level,
                state="triggered",
                signals=list(worry.signals),
                message_count=1,
                first_inbound_id=worry.inbound_id,
                last_inbound_id=worry.inbound_id,
                triggered_at=now,
                last_message_at=now,
                next_notice_at=None,
                rounds=0,
            )
            session.add(alert)
            session.flush()
            self.log(session, alert.id, "triggered", detail={"level": worry.level, "inbound": worry.inbound_id})
            self.notify(session, alert, worry.words)
            return alert.id, False
        self._again(session, alert, worry, now)
        return alert.id, True

    def notify(self, session: Session, alert: AlertRecord, words: str) -> None:
        """Each person on duty has a card on its way, or the group robot has the text where no card can go.

        The card takes the place of an earlier round's that has not left yet: after a long outage each has one.
        """
        if alert.level not in ("red", "orange"):
            return
        now = self._clock.now()
        alert.rounds += 1
        alert.next_notice_at = now + self._policy.wait(alert.level, alert.rounds)
        duty = self._rota.on_duty(session, now)
        if duty.reason == "gap":
            self.log(session, alert.id, "rota_gap", detail={"told_instead": len(duty.people)})
            logger.error("rota_has_a_gap", alert=alert.id)
        reachable = [person for person in duty.people if person.wecom_userid]
        for person in reachable:
            self._send_card(session, alert, words, person)
        if not reachable:
            self.tell_robot(session, alert, words, reason="没有能直接通知到的值班老师", key="nobody")

    def tell_list(self, session: Session, alerts: Sequence[AlertRecord], text: str) -> None:
        """Who is on duty has `text` about all of `alerts` on the way, and each of them is told of."""
        people = self._rota.on_duty(session, self._clock.now()).people
        self._say(session, alerts[0], text, people, subject=f"alert-list:{alerts[0].id}")
        for alert in alerts:
            alert.rounds += 1
            self.log(session, alert.id, "listed", detail={"people": len(people)})

    def tell_robot(self, session: Session, alert: AlertRecord, words: str, *, reason: str, key: str) -> None:
        """The group robot has the alert's text on its way; where there is no robot, that is logged as an alarm."""
        if not self._has_robot:
            self.reaches_nobody(session, alert, key)
            return
        robot_key = f"alert:{alert.id}:{alert.rounds}:{ROBOT}"
        if self._outbox.is_known(session, robot_key):
            return
        text = messages.robot_text(self._card(alert, words, task_id="robot"), reason=reason)
        self._outbox.enqueue(
            session,
            OutboundMessage(Source.ROBOT, "", TextContent(text)),
            priority=Priority.SAFETY,
            subject=f"alert:{alert.id}",
            dedup_key=robot_key,
        )
        self._outbox.cancel_outdated(session, f"alert:{alert.id}", Source.ROBOT, "")
        self.log(session, alert.id, "notified", actor=ROBOT, detail={"round": alert.rounds, "reason": key})

    def pass_on(self, session: Session, alert: AlertRecord, delivery: Delivery) -> None:
        """The group robot has, once, what did not reach a person; where there is no robot, that is an alarm."""
        kind = delivery.subject.partition(":")[0]
        if not self._has_robot:
            self.reaches_nobody(session, alert, kind)
            return
        key = _said_key(delivery.subject, Source.ROBOT, "")
        stored = self._outbox.pass_on(session, delivery, Source.ROBOT, heading=messages.NOT_DELIVERED, dedup_key=key)
        if stored:
            self.log(session, alert.id, "notified", actor=ROBOT, detail={"reason": f"{kind}_failed"})

    def withdraw_outdated(self, session: Session, alert: AlertRecord, delivery: Delivery) -> None:
        """A card that is to be tried again is not, if somebody has the alert by now or a later round's card is out."""
        if delivery.state is not DeliveryState.PENDING:
            return
        if alert.state != "triggered":
            self._outbox.cancel(session, delivery.subject)
        else:
            self._outbox.cancel_outdated(session, delivery.subject, Source(delivery.channel), delivery.recipient)

    def ask_for_call(self, session: Session, contact: str, *, phone: str) -> bool:
        """Who has the contact's open alert, or is on duty, reads that the student wants a call. False without one."""
        query = select(AlertRecord).where(AlertRecord.contact == contact, AlertRecord.state != "resolved")
        alerts = session.scalars(query.order_by(AlertRecord.id).with_for_update()).all()
        if not alerts:
            return False
        alert = max(alerts, key=lambda one: _LEVELS.index(one.level))
        owner = self._rota.find_person(session, alert.acknowledged_by)
        people = [owner] if owner else self._rota.on_duty(session, self._clock.now()).people
        subject = f"alert-call:{alert.id}:{self._chance.token(6)}"  # each wish is one of its own
        self._say(session, alert, messages.wants_a_call(alert.id, phone), people, subject=subject)
        self.log(session, alert.id, "call_asked", actor="student", detail={"phone_given": bool(phone)})
        return True

    def acknowledge(self, session: Session, alert_id: int, staff: Staff, *, via: str) -> str:
        """The alert belongs to `staff` and chases nobody any more. Returns "", or who had it already, or "closed".

        Raises LookupError if there is no such alert.
        """
        alert = self._get(session, alert_id)
        if alert.state == "resolved":
            return "closed"
        if alert.state == "acknowledged":
            return alert.acknowledged_by
        alert.state = "acknowledged"
        alert.acknowledged_by = staff.staff_no
        alert.acknowledged_at = self._clock.now()
        alert.next_notice_at = None
        self._outbox.cancel(session, f"alert:{alert.id}")
        self.log(session, alert.id, "acknowledged", actor=staff.staff_no, detail={"via": via})
        return ""

    def resolve(self, session: Session, alert_id: int, staff: Staff, *, code: str, via: str) -> bool:
        """The alert is closed with a code (handled, false_alarm). False if it was closed already.

        Raises LookupError if there is no such alert.
        """
        alert = self._get(session, alert_id)
        if alert.state == "resolved":
            return False
        alert.state = "resolved"
        alert.resolved_at = self._clock.now()
        alert.closing_code = code
        alert.next_notice_at = None
        self._outbox.cancel(session, f"alert:{alert.id}")
        self.log(session, alert.id, "resolved", actor=staff.staff_no, detail={"code": code, "via": via})
        return True

    def log(
        self, session: Session, alert_id: int, event: str, *, actor: str = "", detail: dict[str, Any] | None = None
    ) -> None:
        """One more line in the alert's story."""
        record = AlertLogRecord(alert_id=alert_id, at=self._clock.now(), event=event, actor=actor, detail=detail or {})
        session.add(record)

    def reaches_nobody(self, session: Session, alert: AlertRecord, reason: str) -> None:
        """That nobody can be told is on record and in the log, for an operator to act."""
        self.log(session, alert.id, "nobody_reachable", detail={"reason": reason})
        logger.error(
            "alert_reaches_nobody", alert=alert.id, reason=reason, mend="import staff, or set wecom.robot_webhooks"
        )

    def words_of(self, session: Session, alert: AlertRecord) -> str:
        """The words of the alert's last message, or a note that they are not kept any more."""
        record = session.get(InboundRecord, alert.last_inbound_id)
        return self._cipher.open(record.words, row=record.id) if record else "（原话已按期限删除）"

    def _again(self, session: Session, alert: AlertRecord, worry: Worry, now: datetime) -> None:
        alert.message_count += 1
        alert.last_message_at = now
        if _LEVELS.index(worry.level) >= _LEVELS.index(alert.level):
            alert.last_inbound_id = worry.inbound_id
        if _LEVELS.index(worry.level) > _LEVELS.index(alert.level):
            self.log(session, alert.id, "level_raised", detail={"from": alert.level, "to": worry.level})
            alert.level, alert.signals = worry.level, list(worry.signals)
            alert.state, alert.acknowledged_by, alert.acknowledged_at = "triggered", "", None
            self.notify(session, alert, worry.words)
        elif worry.level == "none" or (alert.state == "acknowledged" and worry.level in ("red", "orange")):
            self._tell_more(session, alert, worry, now)

    def _tell_more(self, session: Session, alert: AlertRecord, worry: Worry, now: datetime) -> None:
        """Who has the alert, or is on duty as long as nobody has, reads what the student went on to say.

        The answer to 你在哪里 is worth nothing as a counter: the first few are told one by one, later ones every five
        minutes.
        """
        if alert.state == "acknowledged":
            owner = self._rota.find_person(session, alert.acknowledged_by)
            people = [owner] if owner else []
        else:
            people = list(self._rota.on_duty(session, now).people)
        slot = f"{int(now.timestamp() // _FOLLOW_UP_EVERY.total_seconds())}"
        if worry.level == "none" and alert.message_count <= _TOLD_ONE_BY_ONE:
            slot = f"m{alert.message_count}"
        text = messages.more_words(alert.id, alert.message_count, worry.words)
        self._say(session, alert, text, people, subject=f"alert-more:{alert.id}:{slot}")

    def _say(self, session: Session, alert: AlertRecord, text: str, people: Sequence[Staff], *, subject: str) -> None:
        """Each of `people`, else the group robot, has the text on its way, once for a `subject`."""
        targets = [(Source.WECOM, person.wecom_userid) for person in people if person.wecom_userid]
        if not targets and self._has_robot:
            targets = [(Source.ROBOT, "")]
        if not targets:
            self.reaches_nobody(session, alert, subject.partition(":")[0])
        for channel, recipient in targets:
            key = _said_key(subject, channel, recipient)
            if not self._outbox.is_known(session, key):
                self._outbox.enqueue(
                    session,
                    OutboundMessage(channel, recipient, TextContent(text)),
                    priority=Priority.SAFETY,
                    subject=subject,
                    dedup_key=key,
                )

    def _send_card(self, session: Session, alert: AlertRecord, words: str, person: Staff) -> None:
        known = self._who_is(session, alert.contact)
        task_id = f"A{alert.id}-{alert.rounds}-{self._chance.new_id()}"
        card = self._card(alert, words, task_id=task_id, who=str(known) if known else "")
        self._outbox.enqueue(
            session,
            OutboundMessage(Source.WECOM, person.wecom_userid, card),
            priority=Priority.SAFETY,
            subject=f"alert:{alert.id}",
            dedup_key=f"alert:{alert.id}:{alert.rounds}:{person.staff_no}",
        )
        self._outbox.cancel_outdated(session, f"alert:{alert.id}", Source.WECOM, person.wecom_userid)
        self.log(session, alert.id, "notified", actor=person.staff_no, detail={"round": alert.rounds, "by": "wecom"})

    def _card(self, alert: AlertRecord, words: str, *, task_id: str, who: str = "") -> CardContent:
        wait = self._policy.wait(alert.level, alert.rounds)
        return messages.card(
            alert_id=alert.id,
            level=alert.level,
            about=alert.about,
            who=who or f"微信用户\u00a0…{alert.contact[-4:]}",
            words=words,
            signals=list(dict.fromkeys(str(signal.get("label", "")) for signal in alert.signals)),
            count=alert.message_count,
            at=alert.last_message_at,
            zone=self._zone,
            task_id=task_id,
            repeat_minutes=max(1, int(wait.total_seconds() // 60)),
        )

    def _open_alert(self, session: Session, contact: str, about: str) -> AlertRecord | None:
        query = select(AlertRecord).where(
            AlertRecord.contact == contact, AlertRecord.about == about, AlertRecord.state != "resolved"
        )
        return session.scalars(query.with_for_update()).first()

    def _get(self, session: Session, alert_id: int) -> AlertRecord:
        alert = session.get(AlertRecord, alert_id, with_for_update=True)
        if alert is None:
            raise LookupError(alert_id)
        return alert


def _said_key(subject: str, channel: Source, recipient: str) -> str:
    return f"{subject}:{channel.value}:{recipient}"
