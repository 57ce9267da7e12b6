"""Sends due reminders, each planned time once, some hundred students a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, Clock
from bot.db import Database
from bot.escalation.records import AlertRecord
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.reminders.records import ReminderRunRecord
from bot.reminders.schedule import Schedule, after_quiet
from bot.reminders.series import Series
from bot.students.contacts import Contact, audience
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_AT_ONCE = 200  # one transaction's worth: short enough that no callback waits for it
_HELD_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """Quiet hours in the school's zone, and how many of the platform's messages are kept for safety."""

    quiet: tuple[time, time]
    zone: ZoneInfo
    reserve: int
    enabled: bool = True


class Reminders:
    """The use cases of reminders, and the ticker that carries them out."""

    name = "reminders"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        chance: Chance,
        outbox: Outbox,
        series: Sequence[Series],
        schedule: Schedule,
        rules: ReminderRules,
    ) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self._outbox = outbox
        self.series = tuple(series)
        self.schedule = schedule
        self._rules = rules

    @property
    def topics(self) -> tuple[str, ...]:
        """The words with which a student unsubscribes, in the order of the series."""
        return tuple(dict.fromkeys(one.topic for one in self.series))

    def tick(self) -> TickReport:
        """Runs that are due exist, and the oldest unfinished one has been taken a step further."""
        if not self._rules.enabled:
            return TickReport()
        now = self._clock.now()
        for one in self.series:
            planned = self.schedule.latest(one, now)
            if planned is not None:
                self._plan(one, planned)
        return self._step()

    def run_now(self, key: str) -> bool:
        """A run of the series begins at once, whatever its calendar says. False if there is no such series."""
        found = next((one for one in self.series if one.key == key), None)
        if found is None:
            return False
        self._plan(found, self._clock.now())
        return True

    def _plan(self, series: Series, planned_at: datetime) -> None:
        known = select(ReminderRunRecord.id).where(
            ReminderRunRecord.series == series.key, ReminderRunRecord.planned_at == planned_at
        )
        with self._database.read() as session:
            if session.scalar(known) is not None:
                return
        with self._database.write() as session:
            if session.scalar(known) is None:
                run = ReminderRunRecord(
                    id=self._chance.new_id(),
                    series=series.key,
                    planned_at=planned_at,
                    state="running",
                    started_at=self._clock.now(),
                )
                session.add(run)
                logger.info("reminder_run_started", series=series.key, run=run.id)

    def _step(self) -> TickReport:
        running = select(ReminderRunRecord).where(ReminderRunRecord.state == "running")
        with self._database.read() as session:
            if session.scalar(running.limit(1)) is None:
                return TickReport()
        with self._database.write() as session:
            run = session.scalars(running.order_by(ReminderRunRecord.id).limit(1).with_for_update()).first()
            if run is None:
                return TickReport()
            series = next((one for one in self.series if one.key == run.series), None)
            contacts = audience(session, series.topic, after=run.cursor, limit=_AT_ONCE) if series else []
            if series is None or not contacts:
                run.state, run.finished_at = "done", self._clock.now()
                logger.info(
                    "reminder_run_done", series=run.series, queued=run.queued, held=run.held, skipped=run.skipped
                )
                return TickReport(done=1, more=True)
            self._serve(session, run, series, contacts)
            return TickReport(done=len(contacts), more=True)

    def _serve(self, session: Session, run: ReminderRunRecord, series: Series, contacts: Sequence[Contact]) -> None:
        """Each contact has a delivery, at once where the window is open, held where it is not."""
        now = self._clock.now()
        send_at = after_quiet(now, quiet=self._rules.quiet, zone=self._rules.zone)
        text = series.text(self.schedule.occurrence(run.planned_at))
        names = [contact.contact for contact in contacts]
        in_pain = _with_open_alert(session, names)
        waiting = self._outbox.waiting_counts(session, Source.WECHAT, names)
        for contact in contacts:
            if contact.contact in in_pain:
                run.skipped += 1
                continue
            left = contact.window.left(send_at) - waiting.get(contact.contact, 0)
            held = left <= self._rules.reserve
            stored = self._outbox.enqueue(
                session,
                OutboundMessage(Source.WECHAT, contact.contact, TextContent(text)),
                priority=Priority.ORDINARY,
                subject=f"reminder:{series.key}",
                dedup_key=f"reminder:{run.id}:{contact.contact}",
                not_before=send_at,
                expires_at=run.planned_at + _HELD_FOR,
                holdable=True,
                held=held,
            )
            if stored:
                run.held += held
                run.queued += not held
        run.cursor = contacts[-1].contact


def _with_open_alert(session: Session, contacts: Sequence[str]) -> set[str]:
    """Who is spared reminders, because somebody is worried about them."""
    query = select(AlertRecord.contact).where(
        AlertRecord.contact.in_(list(contacts)),
        AlertRecord.state != "resolved",
        AlertRecord.level.in_(("red", "orange")),
    )
    return set(session.scalars(query))
