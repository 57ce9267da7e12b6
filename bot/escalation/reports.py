"""The two figures that a school must watch: which rules call for nothing, and how fast a drill is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.escalation.drills import Drills, Summary, summarise
from bot.escalation.feedback import RuleCount, since_monday, weekly_counts
from bot.escalation.links import BadLinkError, Links
from bot.staff.models import Role, Staff
from bot.staff.store import Directory

READERS = frozenset({Role.COLLEGE_LEAD, Role.STUDENT_AFFAIRS, Role.PSYCHOLOGY, Role.ADMIN})
_WEEKS = 8


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows. No student is in it."""

    reader: str
    weeks: int
    rules: Sequence[tuple[date, Sequence[RuleCount]]]
    """The latest week first, and in each the least precise rule first."""
    drills: Sequence[Summary]
    until: datetime


class Reports:
    """Who may read the report, by which link, and what is in it."""

    def __init__(self, *, clock: Clock, directory: Directory, drills: Drills, links: Links, zone: ZoneInfo) -> None:
        self._clock = clock
        self._directory = directory
        self._drills = drills
        self._links = links
        self._zone = zone

    def link_for(self, person: Staff) -> str:
        """The report's address for this person alone; empty if their role does not read it."""
        return self._links.link(_WEEKS, person.staff_no) if person.role in READERS else ""

    def open(self, session: Session, token: str) -> Report:
        """The report of the last weeks; a college lead sees the drills of that college.

        Raises ExpiredLinkError, and BadLinkError also when the person has left or reads it no longer.
        """
        opened = self._links.open(token)
        person = self._directory.find(session, opened.staff_no)
        if person is None or person.role not in READERS:
            raise BadLinkError
        since = since_monday(self._clock.now(), self._zone, weeks=opened.number)
        counts = weekly_counts(session, since, self._zone)
        drills = summarise(self._drills.report(session, since=since))
        return Report(
            reader=person.name,
            weeks=opened.number,
            rules=[(week, list(rules)) for week, rules in groupby(counts, key=lambda one: one.week)],
            drills=[one for one in drills if person.role is not Role.COLLEGE_LEAD or one.college == person.college],
            until=opened.until.astimezone(self._zone),
        )


def spoken(time: timedelta | None) -> str:
    """A length of time as staff read it: 1 分 20 秒."""
    if time is None:
        return "—"
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    return f"{minutes} 分 {seconds} 秒" if minutes else f"{seconds} 秒"
