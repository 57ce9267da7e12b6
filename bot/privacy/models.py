"""What is stored about one contact, as values. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.students.models import Student


@dataclass(frozen=True, slots=True)
class Open:
    """What people are still working on, so that it cannot be deleted now: numbers of alerts and cases."""

    alerts: tuple[int, ...] = ()
    cases: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """True if there is any."""
        return bool(self.alerts or self.cases)


@dataclass(frozen=True, slots=True)
class Stock:
    """Everything that is stored about a contact, by kind; a count where the thing itself is words."""

    since: datetime
    student: Student | None = None
    messages: int = 0
    oldest: datetime | None = None
    deliveries: int = 0
    plan_steps: int = 0
    opt_outs: tuple[str, ...] = ()
    reminders: int = 0
    allowed: int = 0
    """How many subscription notices the student still allows."""
    open: Open = field(default_factory=Open)
    closed_alerts: int = 0
    closed_cases: int = 0
    erasing: bool = False
