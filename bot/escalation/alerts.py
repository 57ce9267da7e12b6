"""Alerts: raise, acknowledge, resolve. Everything happens within the caller's transaction."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Chance, Clock
from bot.crypto import Cipher
from bot.escalation.alert_log import AlertLog
from bot.escalation.ladder import Ladder
from bot.escalation.notices import Notices
from bot.escalation.policies import NoticePolicy
from bot.escalation.reaching import Reaching
from bot.escalation.records import AlertRecord
from bot.escalation.rota import Rota
from bot.escalation.staff_news import StaffNews
from bot.escalation.student_news import StudentNews
from bot.escalation.targets import ClassOf, CollegeOf, Targets, unknown_class, unknown_college
from bot.escalation.worry import LEVELS, Worry
from bot.outbox.outbox import Outbox
from bot.staff.models import Staff
from bot.staff.store import Directory
from bot.students.profiles import WhoIs, nobody_knows

__all__ = ["Alerts", "NoticePolicy", "Worry"]


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
        college_of: CollegeOf = unknown_college,
        who_is: WhoIs = nobody_knows,
        class_of: ClassOf = unknown_class,
        reaching: Reaching | None = None,
    ) -> None:
        """`who_is` names the student for those whose duty it is to know; a group never reads it.

        Without `reaching` a card is the only way to a person.
        """
        self._clock = clock
        self._alert_log = AlertLog(clock)
        self._notices = Notices(
            chance=chance,
            cipher=cipher,
            outbox=outbox,
            log=self._alert_log,
            zone=zone,
            has_robot=has_robot,
            who_is=who_is,
            reaching=reaching,
        )
        self.ladder = Ladder(
            clock=clock,
            outbox=outbox,
            targets=Targets(
                rota, Directory(cipher), class_of=class_of, can_reach=reaching.can_reach if reaching else None
            ),
            notices=self._notices,
            log=self._alert_log,
            policies=policy,
            college_of=college_of,
        )
        self._student = StudentNews(clock=clock, outbox=outbox, log=self._alert_log)
        self._staff = StaffNews(clock=clock, chance=chance, rota=rota, notices=self._notices, log=self._alert_log)
        self.tell_list = self._staff.tell_list
        self.ask_for_call = self._staff.ask_for_call
        self.log = self._alert_log.write
        self.say = self._notices.say
        self.find_person = rota.find_person
        self.tell_robot = self._notices.tell_robot
        self.pass_on = self._notices.pass_on
        self.withdraw_outdated = self._notices.withdraw_outdated
        self.withdraw_if_summed_up = self._notices.withdraw_if_summed_up
        self.writer_of = self._notices.writer_of
        self.words_of = self._notices.words_of

    def raise_alert(self, session: Session, worry: Worry) -> tuple[int, bool]:
        """The alert's number, and whether it was open already. Whoever is to be told now has a delivery.

        A new alert is told at once, and so is one whose level rises. A further message only adds to the counter;
        who has taken the alert is told of it, once in five minutes.
        """
        now = self._clock.now()
        alert = self._open_alert(session, worry.contact, worry.about)
        if alert is not None:
            self._again(session, alert, worry, now)
            return alert.id, True
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
        self.ladder.begin(session, alert, words=worry.words)
        return alert.id, False

    def acknowledge(self, session: Session, alert_id: int, staff: Staff, *, via: str) -> str:
        """The alert belongs to `staff` and chases nobody any more. Returns "", or who had it already, or "closed".

        Where two parties are needed the other one is chased at once. Who has it already shows with this that he still
        does. Raises LookupError if there is no such alert.
        """
        alert = self.get(session, alert_id)
        if alert.state == "resolved":
            return "closed"
        missing = self.ladder.missing(alert)
        if alert.acks and not any(staff.role.value in party for party in missing):
            if alert.acknowledged_by == staff.staff_no:
                self.touch(session, alert, staff, via=via)
            return alert.acknowledged_by
        now = self._clock.now()
        first = not alert.acks
        alert.acks = [*alert.acks, [staff.staff_no, staff.role.value]]
        alert.touched_at, alert.nudged = now, False
        if first:
            alert.acknowledged_by, alert.acknowledged_at = staff.staff_no, now
        missing = self.ladder.missing(alert)
        detail = {"via": via, "parties_missing": [sorted(party) for party in missing]}
        self.log(session, alert.id, "acknowledged", actor=staff.staff_no, detail=detail)
        self._staff.tell_those_below(session, alert, staff)
        self.settle_parties(session, alert)
        if first:
            self._student.tell_seen(session, alert)
        return ""

    def settle_parties(self, session: Session, alert: AlertRecord) -> None:
        """The alert is acknowledged if everybody whom its policy wants has taken it; else the others are chased now."""
        self._notices.withdraw(session, alert)
        alert.state = "triggered" if self.ladder.missing(alert) else "acknowledged"
        alert.next_notice_at = self._clock.now()
        self.ladder.climb(session, alert)

    def touch(self, session: Session, alert: AlertRecord, staff: Staff, *, via: str) -> None:
        """Who has the alert gave a sign of life: it is not stale for the whole time again."""
        alert.touched_at, alert.nudged = self._clock.now(), False
        if alert.state == "acknowledged":
            alert.next_notice_at = alert.touched_at
            self.ladder.climb(session, alert)
        self.log(session, alert.id, "still_handled", actor=staff.staff_no, detail={"via": via})

    def resolve(self, session: Session, alert_id: int, staff: Staff, *, code: str, via: str) -> bool:
        """The alert is closed with a code (handled, false_alarm). False if it was closed already.

        Raises LookupError if there is no such alert.
        """
        alert = self.get(session, alert_id)
        if alert.state == "resolved":
            return False
        alert.state = "resolved"
        alert.resolved_at = self._clock.now()
        alert.closing_code = code
        alert.next_notice_at = None
        self._notices.withdraw(session, alert)
        self.log(session, alert.id, "resolved", actor=staff.staff_no, detail={"code": code, "via": via})
        return True

    def is_shared(self, session: Session, alert_id: int) -> bool:
        """True if somebody has taken the alert and another party is still needed."""
        alert = self.get(session, alert_id)
        return alert.state == "triggered" and bool(alert.acks)

    def exists(self, session: Session, alert_id: int) -> bool:
        """True if there is an alert with this number."""
        return session.get(AlertRecord, alert_id) is not None

    def reaches_nobody(self, session: Session, alert: AlertRecord, reason: str) -> None:
        """That nobody can be told is on record and in the log, for an operator to act."""
        self._alert_log.nobody_reachable(session, alert.id, reason)

    def get(self, session: Session, alert_id: int) -> AlertRecord:
        """The alert, locked until the transaction ends. Raises LookupError if there is none."""
        alert = session.get(AlertRecord, alert_id, with_for_update=True)
        if alert is None:
            raise LookupError(alert_id)
        return alert

    def _again(self, session: Session, alert: AlertRecord, worry: Worry, now: datetime) -> None:
        alert.message_count += 1
        alert.last_message_at = now
        self.log(session, alert.id, "said", actor="student", detail={"inbound": worry.inbound_id, "level": worry.level})
        if LEVELS.index(worry.level) >= LEVELS.index(alert.level):
            alert.last_inbound_id = worry.inbound_id
        if LEVELS.index(worry.level) > LEVELS.index(alert.level):
            detail = {"from": alert.level, "to": worry.level, "reason": "words"}
            self.log(session, alert.id, "level_raised", detail=detail)
            alert.level, alert.signals = worry.level, list(worry.signals)
            self.ladder.begin(session, alert, words=worry.words)
        elif worry.level == "none" or (alert.state == "acknowledged" and worry.level in ("red", "orange")):
            self._staff.tell_more(session, alert, worry, now)

    def _open_alert(self, session: Session, contact: str, about: str) -> AlertRecord | None:
        query = select(AlertRecord).where(
            AlertRecord.contact == contact, AlertRecord.about == about, AlertRecord.state != "resolved"
        )
        return session.scalars(query.with_for_update()).first() or self._merged_alert(session, contact, about)

    def _merged_alert(self, session: Session, contact: str, about: str) -> AlertRecord | None:
        """The open alert into which the contact's last one was merged."""
        query = (
            select(AlertRecord.merged_into)
            .where(AlertRecord.contact == contact, AlertRecord.about == about)
            .order_by(AlertRecord.id.desc())
            .limit(1)
        )
        number = session.scalar(query)
        into = session.get(AlertRecord, number, with_for_update=True) if number is not None else None
        return into if into is not None and into.state != "resolved" else None
