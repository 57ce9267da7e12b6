"""What is sent about alerts: cards, the group robot's text, words to some people. Deciding to send is others' work."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from bot.channel.messages import CardContent, OutboundMessage, Source, TextContent
from bot.clock import Chance
from bot.conversation.records import InboundRecord
from bot.crypto import Cipher, UnreadableError
from bot.escalation import messages
from bot.escalation.alert_log import AlertLog
from bot.escalation.reaching import Reaching
from bot.escalation.records import AlertRecord
from bot.escalation.ways import own_way
from bot.outbox.outbox import Outbox
from bot.outbox.state import Delivery, DeliveryState, Priority
from bot.staff.models import Staff
from bot.students.profiles import WhoIs

logger = structlog.get_logger(__name__)

ROBOT = "robot"
PILE = ":pile-"  # in the subject of a summary
SUMMARIES = f"alert-more:%{PILE}%"


class Notices:
    """Puts notices into the outbox and into the alert's log, within the caller's transaction."""

    def __init__(
        self,
        *,
        chance: Chance,
        cipher: Cipher,
        outbox: Outbox,
        log: AlertLog,
        zone: ZoneInfo,
        has_robot: bool,
        who_is: WhoIs,
        reaching: Reaching | None = None,
    ) -> None:
        """`who_is` names the student to a single person; what may end in a group never has a name."""
        self._who_is = who_is
        self._chance = chance
        self._cipher = cipher
        self._outbox = outbox
        self._log = log
        self._zone = zone
        self._has_robot = has_robot
        self._reaching = reaching

    def words_of(self, session: Session, alert: AlertRecord) -> str:
        """The words of the alert's last message, or a note that they are not kept any more, or cannot be read."""
        record = session.get(InboundRecord, alert.last_inbound_id)
        if record is None:
            return "（原话已按期限删除）"
        try:
            return self._cipher.open(record.words, row=record.id)
        except UnreadableError:  # a key is missing: the alert must be told all the same
            logger.error("alert_words_unreadable", alert=alert.id, mend="security.data_keys")  # noqa: TRY400 - no trace is needed
            return "（原话暂时读不出来，请联系信息中心）"

    def writer_of(self, session: Session, alert: AlertRecord) -> str:
        """The student behind the alert as a counselor needs it: by name, if the phone is bound."""
        known = self._who_is(session, alert.contact)
        return str(known) if known else messages.contact_name(alert.contact)

    def card(self, session: Session, alert: AlertRecord, words: str, person: Staff, *, notes: Sequence[str]) -> None:
        """The person has a card on its way, or what else reaches them.

        It takes the place of an earlier round's that has not left yet.
        """
        task_id = f"A{alert.id}-{alert.rounds}-{self._chance.new_id()}"
        card = self._card(alert, words, notes, task_id=task_id, who=self.writer_of(session, alert))
        message = self._message(person, card, alert.id)
        self._outbox.enqueue(
            session,
            message,
            priority=Priority.SAFETY,
            subject=f"alert:{alert.id}",
            dedup_key=f"alert:{alert.id}:{alert.rounds}:{person.staff_no}",
        )
        self._outbox.cancel_outdated(session, f"alert:{alert.id}", message.channel, message.recipient)

    def summary(self, session: Session, alerts: Sequence[AlertRecord], person: Staff, *, listed: int) -> None:
        """The person has one text about all of `alerts` on the way, of which the first `listed` are named."""
        lines = [
            messages.summary_line(
                alert.id,
                alert.level,
                messages.contact_name(alert.contact),
                alert.last_message_at.astimezone(self._zone),
                self.words_of(session, alert),
            )
            for alert in alerts[:listed]
        ]
        text = messages.summary(lines, len(alerts), alerts[0].id)
        self.say(session, alerts[0], text, [person], subject=f"alert-more:{alerts[0].id}{PILE}{self._chance.token(6)}")

    def tell_robot(self, session: Session, alert: AlertRecord, words: str, *, reason: str, key: str) -> None:
        """The group robot has the alert's text on its way; where there is no robot, that is logged as an alarm."""
        if not self._has_robot:
            self._log.nobody_reachable(session, alert.id, key)
            return
        robot_key = f"alert:{alert.id}:{alert.rounds}:{ROBOT}"
        if self._outbox.is_known(session, robot_key):
            return
        text = messages.robot_text(self._card(alert, words, (), task_id="robot", who=""), reason=reason)
        self._outbox.enqueue(
            session,
            OutboundMessage(Source.ROBOT, "", TextContent(text)),
            priority=Priority.SAFETY,
            subject=f"alert:{alert.id}",
            dedup_key=robot_key,
        )
        self._outbox.cancel_outdated(session, f"alert:{alert.id}", Source.ROBOT, "")
        self._log.write(session, alert.id, "notified", actor=ROBOT, detail={"round": alert.rounds, "reason": key})

    def say(self, session: Session, alert: AlertRecord, text: str, people: Sequence[Staff], *, subject: str) -> None:
        """Each of `people`, else the group robot, has the text on its way, once for a `subject`."""
        content = TextContent(text)
        reached = [person for person in people if self._can_reach(person)]
        targets = [self._message(person, content, alert.id) for person in reached]
        if not targets and self._has_robot:
            targets = [OutboundMessage(Source.ROBOT, "", content)]
        if not targets:
            self._log.nobody_reachable(session, alert.id, subject.partition(":")[0])
        for message in targets:
            key = _said_key(subject, message.channel, message.recipient)
            if not self._outbox.is_known(session, key):
                self._outbox.enqueue(
                    session,
                    message,
                    priority=Priority.SAFETY,
                    subject=subject,
                    dedup_key=key,
                )

    def pass_on(self, session: Session, alert: AlertRecord, delivery: Delivery) -> None:
        """The group robot has, once, what did not reach a person; where there is no robot, that is an alarm."""
        kind = delivery.subject.partition(":")[0]
        if not self._has_robot:
            self._log.nobody_reachable(session, alert.id, kind)
            return
        key = _said_key(delivery.subject, Source.ROBOT, "")
        stored = self._outbox.pass_on(session, delivery, Source.ROBOT, heading=messages.NOT_DELIVERED, dedup_key=key)
        if stored:
            self._log.write(session, alert.id, "notified", actor=ROBOT, detail={"reason": f"{kind}_failed"})

    def withdraw_if_summed_up(self, session: Session, delivery: Delivery) -> bool:
        """A card that is to be tried again is not, if its recipient's newer summary has the alert in it."""
        channel = Source(delivery.channel)
        summary = self._outbox.newest(session, channel, delivery.recipient, subjects=SUMMARIES)
        summed_up = summary is not None and summary[0] > delivery.id
        if summed_up:
            self._outbox.cancel_to(session, [delivery.subject], channel, delivery.recipient)
        return summed_up

    def withdraw(self, session: Session, alert: AlertRecord) -> None:
        """No card of the alert that has not left yet will be sent."""
        self._outbox.cancel(session, f"alert:{alert.id}")

    def withdraw_outdated(self, session: Session, alert: AlertRecord, delivery: Delivery) -> None:
        """A card that is to be tried again is not, if somebody has the alert by now or a later round's card is out."""
        if delivery.state is not DeliveryState.PENDING:
            return
        if alert.state != "triggered":
            self._outbox.cancel(session, delivery.subject)
        else:
            self._outbox.cancel_outdated(session, delivery.subject, Source(delivery.channel), delivery.recipient)

    def _can_reach(self, person: Staff) -> bool:
        return self._reaching.can_reach(person) if self._reaching else bool(person.wecom_userid)

    def _message(self, person: Staff, content: CardContent | TextContent, alert_id: int) -> OutboundMessage:
        """By the person's own first way; a card stays one in WeCom only."""
        way = own_way(person, configured=self._reaching.configured) if self._reaching else None
        if self._reaching is None or way is None or way is Source.WECOM:
            return OutboundMessage(Source.WECOM, person.wecom_userid, content)
        return self._reaching.message(way, person, content, alert=alert_id)

    def _card(self, alert: AlertRecord, words: str, notes: Sequence[str], *, task_id: str, who: str) -> CardContent:
        return messages.card(
            alert_id=alert.id,
            level=alert.level,
            about=alert.about,
            who=who or messages.contact_name(alert.contact),
            words=words,
            signals=messages.signal_labels(alert.signals),
            count=alert.message_count,
            at=alert.last_message_at,
            zone=self._zone,
            task_id=task_id,
            notes=notes,
        )


def _said_key(subject: str, channel: Source, recipient: str) -> str:
    return f"{subject}:{channel.value}:{recipient}"
