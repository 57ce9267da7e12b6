"""Drills: an alert that is an exercise, through the real path, and how long it took until somebody had it.

A drill touches no student: its contact is none, and its words say that it is a drill wherever the alert is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.clock import Chance, Clock
from bot.conversation.store import save_inbound
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.alerts import Alerts, Worry
from bot.escalation.drill_records import DrillRecord
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.staff.models import Role, Staff
from bot.ticker import TickReport

ABOUT = "drill"
MARK = "【演练】"
WORDS = f"{MARK}这是演练，没有学生有危险。请像真的一样，马上点“我来处理”。"
_CONTACT = "drill:"
_LASTS = timedelta(minutes=30)
_NOBODY = Staff("", "演练", Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Took:
    """One drill: when it began, and after what time somebody had it; None if nobody did."""

    college: str
    started_at: datetime
    taken_after: timedelta | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A college's drills. The times are of those that somebody took."""

    college: str
    drills: int
    taken: int
    fastest: timedelta | None
    middle: timedelta | None
    slowest: timedelta | None


def summarise(drills: Sequence[Took]) -> list[Summary]:
    """One summary for each college, by name. A pure rule."""
    found = []
    for college in sorted({one.college for one in drills}):
        own = [one for one in drills if one.college == college]
        times = sorted(one.taken_after for one in own if one.taken_after is not None)
        found.append(
            Summary(
                college=college,
                drills=len(own),
                taken=len(times),
                fastest=times[0] if times else None,
                middle=timedelta(seconds=median(time.total_seconds() for time in times)) if times else None,
                slowest=times[-1] if times else None,
            )
        )
    return found


class Drills:
    """The use cases of drills, and the ticker that ends them."""

    name = "drills"

    def __init__(self, database: Database, *, clock: Clock, chance: Chance, cipher: Cipher, alerts: Alerts) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self._cipher = cipher
        self._alerts = alerts

    def start(self, session: Session, college: str) -> int:
        """The number of the drill's alert, which is on its way as a real one is. It ends after half an hour."""
        now = self._clock.now()
        drill = DrillRecord(college=college, started_at=now)
        session.add(drill)
        session.flush()
        contact = f"{_CONTACT}{drill.id}:{MARK}"  # its end is what staff see of a contact
        inbound = self._chance.new_id()
        self._save_words(session, inbound, contact, now)
        worry = Worry(contact, inbound, WORDS, "red", ABOUT, [{"label": "演练，不是真的"}])
        drill.alert_id, _ = self._alerts.raise_alert(session, worry)
        return drill.alert_id

    def college_of(self, session: Session, contact: str) -> str:
        """The college that a drill is for; empty for every other contact."""
        number = contact.removeprefix(_CONTACT).partition(":")[0]
        if not contact.startswith(_CONTACT) or not number.isdigit():
            return ""
        drill = session.get(DrillRecord, int(number))
        return drill.college if drill else ""

    def tick(self) -> TickReport:
        """Drills that somebody has taken, and those of half an hour ago, are over: nobody is chased any more."""
        now = self._clock.now()
        running = select(DrillRecord).where(DrillRecord.ended_at.is_(None))
        with self._database.read() as session:
            due = [drill.id for drill in session.scalars(running) if self._is_over(session, drill, now)]
        if not due:
            return TickReport()
        with self._database.write() as session:
            for number in due:
                drill = session.get_one(DrillRecord, number, with_for_update=True)
                if drill.ended_at is None and drill.alert_id is not None:
                    self._alerts.resolve(session, drill.alert_id, _NOBODY, code=ABOUT, via=ABOUT)
                drill.ended_at = now
        return TickReport(done=len(due))

    def report(self, session: Session, *, since: datetime) -> list[Took]:
        """Every drill since then, oldest first."""
        query = select(DrillRecord).where(DrillRecord.started_at >= since).order_by(DrillRecord.id)
        return [self._took(session, drill) for drill in session.scalars(query)]

    def _is_over(self, session: Session, drill: DrillRecord, now: datetime) -> bool:
        alert = session.get(AlertRecord, drill.alert_id) if drill.alert_id else None
        return alert is None or alert.state != "triggered" or now - drill.started_at >= _LASTS

    def _took(self, session: Session, drill: DrillRecord) -> Took:
        """By the log, which says who had it first, whatever came later."""
        query = select(func.min(AlertLogRecord.at)).where(
            AlertLogRecord.alert_id == drill.alert_id, AlertLogRecord.event == "acknowledged"
        )
        at = session.scalar(query)
        return Took(drill.college, drill.started_at, at - drill.started_at if at else None)

    def _save_words(self, session: Session, inbound: str, contact: str, now: datetime) -> None:
        """Where an alert's words stand, so that every later round says that it is a drill."""
        row = {
            "id": inbound,
            "dedup_key": inbound,
            "source": ABOUT,
            "contact": contact,
            "kind": "text",
            "event": "",
            "words": self._cipher.seal(WORDS, row=inbound),
            "reply": self._cipher.seal("", row=inbound),
            "answered_by": ABOUT,
            "topic": "",
            "level": "none",
            "received_at": now,
        }
        save_inbound(session, [row])
