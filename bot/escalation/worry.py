"""What a student's words are worth: the levels, and one message that worries. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEVELS = ("none", "yellow", "orange", "red")
"""From no worry to the worst."""


@dataclass(frozen=True, slots=True)
class Worry:
    """What the distress screen found in one message: the level, about whom, and the signals behind it."""

    contact: str
    inbound_id: str
    words: str
    level: str
    about: str
    signals: Sequence[dict[str, Any]]
