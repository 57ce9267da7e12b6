"""What one conversation remembers, as a value: its topic, the numbers it offered, its pace. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Conversation:
    """The memory of one contact's chat. `slots` holds plain JSON: topic, suggestions, asked_at."""

    contact: str
    minute_started_at: datetime
    updated_at: datetime
    slots: dict[str, Any] = field(default_factory=dict)
    taken_over_by: str = ""
    minute_count: int = 0

    def count_message(self, now: datetime) -> int:
        """Counts one more message; returns how many there were in the running minute, this one included."""
        if now - self.minute_started_at >= _MINUTE:
            self.minute_started_at = now
            self.minute_count = 0
        self.minute_count += 1
        self.updated_at = now
        return self.minute_count
