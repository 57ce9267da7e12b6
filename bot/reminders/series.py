"""Reminder series as values: what is said, when, and where each claim comes from. Reading them is loading.py's work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Workday = Literal["any", "before", "after", "skip"]
"""What becomes of a planned day that is no working day: nothing, the working day before or after, or left out."""
KEPT = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A weekday at an hour of the school's zone, in the given months only.

    `nth` says which of the month's such days, from 1; empty means each of them.
    """

    day_of_week: str
    hour: int
    minute: int
    months: tuple[int, ...] = ()
    nth: tuple[int, ...] = ()
    workday: Workday = "any"


@dataclass(frozen=True, slots=True)
class Relative:
    """So many days after (or, negative, before) a key date of the school's calendar."""

    relative_to: str
    days: int
    hour: int
    minute: int
    workday: Workday = "any"


@dataclass(frozen=True, slots=True)
class AfterStep:
    """So long after a student has done a departure step; no time of the calendar."""

    step: str
    after: timedelta


Rule = Weekly | Relative | AfterStep


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a claim of the texts comes from. Grade A is an official page, B the press or another school."""

    name: str
    date: str
    grade: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Texts of one kind. `topic` is the word with which a student unsubscribes from it.

    A run that comes later than `misfire` is left out; a text that was held makes sense until `kept_for` after its
    planned time. `urgent` ignores opt-outs, quiet hours and the frequency cap.
    """

    key: str
    title: str
    topic: str
    rules: tuple[Rule, ...]
    misfire: timedelta
    texts: tuple[str, ...]
    kind: str = ""
    kept_for: timedelta = KEPT
    urgent: bool = False
    sources: tuple[Evidence, ...] = ()

    @property
    def subject(self) -> str:
        """The subject of its deliveries."""
        return f"reminder:{self.key}"

    @property
    def steps(self) -> tuple[AfterStep, ...]:
        """The rules that wait for a step."""
        return tuple(rule for rule in self.rules if isinstance(rule, AfterStep))


@dataclass(frozen=True, slots=True)
class Pause:
    """Weekly reminders rest from `first` to `last` days after (negative: before) a key date, both included."""

    relative_to: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Season:
    """All of a series file. `topics` maps each topic to the other words by which students call it."""

    series: tuple[Series, ...]
    pauses: tuple[Pause, ...] = ()
    topics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, str]:
        """Every word that means a topic, by the topic: its name, and the other words for it."""
        named = {one.topic: one.topic for one in self.series}
        return {word: topic for topic, others in self.topics.items() for word in others} | named

    @property
    def subjects(self) -> dict[str, list[str]]:
        """For each topic the subjects of the deliveries that an opt-out ends."""
        found: dict[str, list[str]] = {one.topic: [] for one in self.series}
        for one in self.series:
            if not one.urgent:
                found[one.topic].append(one.subject)
        return found
