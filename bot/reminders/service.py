"""Sends due reminders, each planned time once, some hundred students a transaction, and says who would get one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from bot.clock import Chance, Clock
from bot.db import Database
from bot.reminders import store
from bot.reminders.deciding import Verdict, Way
from bot.reminders.giving import Giving, Judged, ReminderRules
from bot.reminders.records import ReminderRunRecord
from bot.reminders.schedule import Schedule
from bot.reminders.series import Season, Series
from bot.students.contacts import audience, count_audience
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_AT_ONCE = 200  # one transaction's worth: short enough that no callback waits for it


@dataclass(frozen=True, slots=True)
class Planned:
    """One planned time of one series."""

    at: datetime
    series: Series


class Reminders:
    """The use cases of reminders, and the ticker that carries them out."""

    name = "reminders"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        chance: Chance,
        giving: Giving,
        season: Season,
        schedule: Schedule,
        rules: ReminderRules,
    ) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self._giving = giving
        self.season = season
        self.schedule = schedule
        self._rules = rules

    @property
    def series(self) -> tuple[Series, ...]:
        """All series, in the order of the file."""
        return self.season.series

    @property
    def topics(self) -> tuple[str, ...]:
        """The words with which a student unsubscribes, in the order of the series."""
        return tuple(dict.fromkeys(one.topic for one in self.series))

    def find(self, key: str) -> Series | None:
        """The series with this key."""
        return next((one for one in self.series if one.key == key), None)

    def tick(self) -> TickReport:
        """Runs that are due exist, and the oldest unfinished one has been taken a step further.

        In the quiet hours only urgent ones go on; the others do so in the morning, with what is true then: who has
        opted out in the night, or is in pain, is not among those who are served.
        """
        if not self._rules.enabled:
            return TickReport()
        now = self._clock.now()
        for one in self.series:
            planned = self.schedule.latest(one, now)
            if planned is not None:
                self._plan(one, planned)
        return self._step(now)

    def run_now(self, key: str) -> bool:
        """A run of the series begins at once, whatever its calendar says. False if there is no such series."""
        found = self.find(key)
        if found is None:
            return False
        self._plan(found, self._clock.now())
        return True

    def rehearse(self, key: str) -> Counter[Verdict]:
        """How many students a run of the series would serve now, and in which way. Nothing is stored or sent."""
        series = self.find(key)
        counts: Counter[Verdict] = Counter()
        if series is None:
            return counts
        now, cursor = self._clock.now(), ""
        with self._database.read() as session:
            while contacts := audience(session, _topic(series), after=cursor, limit=_AT_ONCE):
                counts.update(one.verdict for one in self._giving.judge(session, series, contacts, now))
                cursor = contacts[-1].contact
        return counts

    def planned(self, after: datetime, until: datetime) -> list[Planned]:
        """Everything that is planned in this time, in order."""
        found = [Planned(at, one) for one in self.series for at in self.schedule.planned(one, after, until)]
        return sorted(found, key=lambda one: one.at)

    def audiences(self) -> dict[str, tuple[int, int]]:
        """For each series, how many follow the account and want its topic, and how many have opted out."""
        with self._database.read() as session:
            everybody = count_audience(session, "")
            wanted = {topic: count_audience(session, topic) for topic in self.topics}
        return {
            one.key: (everybody, 0) if one.urgent else (wanted[one.topic], everybody - wanted[one.topic])
            for one in self.series
        }

    def _plan(self, series: Series, planned_at: datetime) -> None:
        with self._database.read() as session:
            if store.find_run(session, series.key, planned_at) is not None:
                return
        with self._database.write() as session:
            if store.find_run(session, series.key, planned_at) is None:
                run = ReminderRunRecord(
                    id=self._chance.new_id(),
                    series=series.key,
                    planned_at=planned_at,
                    state="running",
                    started_at=self._clock.now(),
                )
                session.add(run)
                logger.info("reminder_run_started", series=series.key, run=run.id)

    def _step(self, now: datetime) -> TickReport:
        only = [one.key for one in self.series if one.urgent] if self._rules.is_quiet(now) else None
        with self._database.read() as session:
            if store.find_running(session, only) is None:
                return TickReport()
        with self._database.write() as session:
            run = store.find_running(session, only, lock=True)
            if run is None:
                return TickReport()
            series = self.find(run.series)
            if series is None or now >= run.planned_at + series.kept_for:
                return self._end(run, "late" if series else "done")
            contacts = audience(session, _topic(series), after=run.cursor, limit=_AT_ONCE)
            if not contacts:
                return self._end(run, "done")
            judged = self._giving.judge(session, series, contacts, now)
            self._serve(session, run, series, judged, now)
            return TickReport(done=len(contacts), more=True)

    def _serve(
        self, session: Session, run: ReminderRunRecord, series: Series, judged: Sequence[Judged], now: datetime
    ) -> None:
        counts = self._giving.give(session, series, judged, source_id=run.id, at=run.planned_at, now=now)
        run.queued += counts[Way.SEND]
        run.held += counts[Way.HOLD]
        run.skipped += counts[Way.SKIP]
        run.cursor = judged[-1].contact

    def _end(self, run: ReminderRunRecord, state: str) -> TickReport:
        run.state, run.finished_at = state, self._clock.now()
        logger.info(
            "reminder_run_over",
            series=run.series,
            run=run.id,
            state=state,
            queued=run.queued,
            held=run.held,
            skipped=run.skipped,
        )
        return TickReport(done=1, more=True)


def _topic(series: Series) -> str:
    """The topic whose opt-outs count; none for an urgent series."""
    return "" if series.urgent else series.topic
