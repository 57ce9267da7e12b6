"""What handlers may use, handed to them in one frozen value by bootstrap."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.broadcast.ledger import Ledger
from bot.broadcast.safety import SafetyNotices
from bot.cases.service import Cases
from bot.escalation.alerts import Alerts
from bot.escalation.handling import Handling
from bot.escalation.reports import Reports
from bot.escalation.swaps import Swaps
from bot.outbox.outbox import Outbox
from bot.privacy.service import Privacy
from bot.routing.turn import Reply, Turn
from bot.settings import Settings
from bot.staff.store import Directory
from bot.students.binding import Binding
from bot.students.profiles import Profiles
from knowledge.base import KnowledgeBase


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases behind the handlers. `knowledge` gives the newest: take it once a message."""

    settings: Settings
    zone: ZoneInfo
    knowledge: Callable[[], KnowledgeBase]
    cases: Cases
    alerts: Alerts
    handling: Handling
    reports: Reports
    outbox: Outbox
    directory: Directory
    profiles: Profiles
    binding: Binding
    privacy: Privacy
    reminder_topics: tuple[str, ...]
    reminder_words: Mapping[str, str]
    """What students call the topics, and each topic's own name, by the topic meant."""
    reminder_subjects: Mapping[str, Sequence[str]]
    """For each topic the subjects of its deliveries; not those of urgent series."""
    results: Ledger
    safety_notices: SafetyNotices
    swaps: Swaps

    @property
    def memory_for(self) -> timedelta:
        """How long a question stays the topic of what follows."""
        return timedelta(minutes=self.settings.limits.conversation_minutes)


Handler = Callable[[Turn, Services], Reply | None]
"""Answers, or returns None: not mine, ask the next."""
