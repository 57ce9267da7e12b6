"""Reminders that one student gets because of a step they have done: stored with the step, given in their time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from bot.clock import Chance, Clock
from bot.db import Database
from bot.reminders import store
from bot.reminders.deadlines import Deadline
from bot.reminders.deciding import Reason, Verdict, Way
from bot.reminders.giving import Giving, Judged, ReminderRules
from bot.reminders.records import ReminderDueRecord
from bot.reminders.series import Season, Series
from bot.reminders.steps import STEPS, StepDone, steps_shown
from bot.students.contacts import find_contacts
from bot.students.records import ContactRecord
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_AT_ONCE = 100
_AGAIN_IN = timedelta(hours=1)
DeadlineSource = Callable[[Session, str], Sequence[Deadline]]
"""The deadlines of what a contact's student still has to do. None exists yet: departure steps will be one."""


class StepReminders:
    """What follows on a step, and the ticker that gives it when its time has come."""

    name = "step_reminders"

    def __init__(
        self, database: Database, *, clock: Clock, chance: Chance, giving: Giving, season: Season, rules: ReminderRules
    ) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self._giving = giving
        self._season = season
        self._rules = rules

    def step_done(self, session: Session, done: StepDone) -> int:
        """Each series that follows on the step waits for the student, once; returns how many are new.

        Joins the caller's transaction. A contact that has never written gets none. Raises KeyError for a step that is
        not one of STEPS.
        """
        _ = STEPS[done.step]
        if session.get(ContactRecord, done.contact) is None:
            return 0
        stored = 0
        for series in self._season.series:
            for rule in series.steps:
                if rule.step == done.step:
                    due_at = done.at + rule.after
                    values = {
                        "id": self._chance.new_id(),
                        "contact": done.contact,
                        "series": series.key,
                        "step": done.step,
                        "due_at": due_at,
                        "until_at": due_at + series.misfire,
                        "state": "waiting",
                    }
                    stored += store.add_due(session, values)
        return stored

    def profile_changed(
        self, session: Session, contact: str, before: Mapping[str, object], after: Mapping[str, object]
    ) -> int:
        """As `step_done`, for each step that the change of the profile shows (an import, an edit)."""
        now = self._clock.now()
        return sum(self.step_done(session, StepDone(contact, step, now)) for step in steps_shown(before, after))

    def tick(self) -> TickReport:
        """Up to a hundred that are due were given, put off for an hour, or closed with a reason."""
        if not self._rules.enabled:
            return TickReport()
        now = self._clock.now()
        only = [one.key for one in self._season.series if one.urgent] if self._rules.is_quiet(now) else None
        with self._database.read() as session:
            if not store.find_dues(session, now, only, limit=1):
                return TickReport()
        with self._database.write() as session:
            dues = store.find_dues(session, now, only, limit=_AT_ONCE, lock=True)
            for due in dues:
                self._serve(session, due, now)
            return TickReport(done=len(dues), more=len(dues) == _AT_ONCE)

    def _serve(self, session: Session, due: ReminderDueRecord, now: datetime) -> None:
        series = next((one for one in self._season.series if one.key == due.series), None)
        if series is None:
            due.state = "gone"
            return
        judged = self._judge(session, series, due, now)
        if judged.verdict.way is Way.SKIP and judged.verdict.reason.passes and now + _AGAIN_IN < due.until_at:
            due.due_at = now + _AGAIN_IN  # a cap or an open alert passes; the reason is stored if it does not in time
            return
        self._giving.give(session, series, [judged], source_id=due.id, at=now, now=now)
        due.state = "done"
        logger.info("step_reminder_served", series=series.key, due=due.id, outcome=judged.verdict.way.value)

    def _judge(self, session: Session, series: Series, due: ReminderDueRecord, now: datetime) -> Judged:
        if now >= due.until_at:
            return Judged(due.contact, Verdict(Way.SKIP, Reason.LATE), "")
        contacts = find_contacts(session, "" if series.urgent else series.topic, [due.contact])
        if not contacts:
            return Judged(due.contact, Verdict(Way.SKIP, Reason.NOT_WANTED), "")
        return self._giving.judge(session, series, contacts, now)[0]
