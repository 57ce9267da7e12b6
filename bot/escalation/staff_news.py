"""What staff read about an alert beside its card: the list, further words, the wish for a call, who has taken it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Chance, Clock
from bot.escalation import messages
from bot.escalation.alert_log import AlertLog
from bot.escalation.notices import Notices
from bot.escalation.records import AlertRecord
from bot.escalation.rota import Rota
from bot.escalation.worry import LEVELS, Worry
from bot.staff.models import Staff

_FOLLOW_UP_EVERY = timedelta(minutes=5)
_TOLD_ONE_BY_ONE = 12


class StaffNews:
    """Tells staff in words, within the caller's transaction."""

    def __init__(self, *, clock: Clock, chance: Chance, rota: Rota, notices: Notices, log: AlertLog) -> None:
        self._clock = clock
        self._chance = chance
        self._rota = rota
        self._notices = notices
        self._log = log

    def tell_list(self, session: Session, alerts: Sequence[AlertRecord], text: str) -> None:
        """Who is on duty has `text` about all of `alerts` on the way, and each of them is told of."""
        people = self._rota.on_duty(session, self._clock.now()).people
        self._notices.say(session, alerts[0], text, people, subject=f"alert-list:{alerts[0].id}")
        for alert in alerts:
            alert.rounds += 1
            self._log.write(session, alert.id, "listed", detail={"people": len(people)})

    def ask_for_call(self, session: Session, contact: str, *, phone: str) -> bool:
        """Who has the contact's open alert, or is on duty, reads that the student wants a call. False without one."""
        query = select(AlertRecord).where(AlertRecord.contact == contact, AlertRecord.state != "resolved")
        alerts = session.scalars(query.order_by(AlertRecord.id).with_for_update()).all()
        if not alerts:
            return False
        alert = max(alerts, key=lambda one: LEVELS.index(one.level))
        people = self._owners(session, alert) or self._rota.on_duty(session, self._clock.now()).people
        subject = f"alert-call:{alert.id}:{self._chance.token(6)}"  # each wish is one of its own
        self._notices.say(session, alert, messages.wants_a_call(alert.id, phone), people, subject=subject)
        self._log.write(session, alert.id, "call_asked", actor="student", detail={"phone_given": bool(phone)})
        return True

    def tell_more(self, session: Session, alert: AlertRecord, worry: Worry, now: datetime) -> None:
        """Who has the alert, or is on duty as long as nobody has, reads what the student went on to say.

        The answer to 你在哪里 is worth nothing as a counter: the first few are told one by one, later ones every five
        minutes.
        """
        if alert.state == "acknowledged" or alert.acks:
            people = self._owners(session, alert)
        else:
            people = list(self._rota.on_duty(session, now).people)
        slot = f"{int(now.timestamp() // _FOLLOW_UP_EVERY.total_seconds())}"
        if worry.level == "none" and alert.message_count <= _TOLD_ONE_BY_ONE:
            slot = f"m{alert.message_count}"
        text = messages.more_words(alert.id, alert.message_count, worry.words)
        self._notices.say(session, alert, text, people, subject=f"alert-more:{alert.id}:{slot}")

    def tell_those_below(self, session: Session, alert: AlertRecord, staff: Staff) -> None:
        """Who was told on an earlier rung than `staff` hears that it is taken."""
        rung = alert.told.get(staff.staff_no)
        if rung is None:
            return
        below = [number for number, told in alert.told.items() if told < rung and number != staff.staff_no]
        people = [person for number in below if (person := self._rota.find_person(session, number))]
        if people:
            text = messages.taken_above(alert.id, staff.name)
            self._notices.say(session, alert, text, people, subject=f"alert-more:{alert.id}:taken-{alert.rounds}")

    def _owners(self, session: Session, alert: AlertRecord) -> list[Staff]:
        """Who has taken the alert and is still here: both, where two parties have."""
        return [person for number, _ in alert.acks if (person := self._rota.find_person(session, number))]
