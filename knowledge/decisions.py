"""What the knowledge base decides about a question, and what it remembers of it. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

CONTEXT_FOR = timedelta(minutes=30)
"""How long an answer is remembered for follow-ups."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a conversation remembers: the entry last answered, the entries last offered by number, and since when.

    `topic` and `suggestions` hold entry ids, so that a finer entry is remembered as such.
    """

    topic: str = ""
    suggestions: tuple[str, ...] = ()
    asked_at: datetime | None = None

    def at(self, now: datetime | None) -> "Context":
        """This context, or an empty one where it is older than 30 minutes. Without `now` it never ages."""
        if now is not None and self.asked_at is not None and now - self.asked_at > CONTEXT_FOR:
            return Context()
        return self


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry that answers. `parts` explains the score; `facets` were asked for in particular, likewise `cases`."""

    entry_id: str
    topic: str
    title: str
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)
    variant: str = ""
    facets: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    follow_up: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Sure enough to answer. Two hits where two questions were asked.

    `others` are entry ids that may have been meant instead: they are offered by number below the answer.
    """

    hits: tuple[Hit, ...]
    others: tuple[str, ...] = ()

    @property
    def hit(self) -> Hit:
        """The first (mostly the only) hit."""
        return self.hits[0]

    @property
    def topic(self) -> str:
        """The first hit's topic."""
        return self.hits[0].topic

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics answered, in the order they were asked."""
        return tuple(hit.topic for hit in self.hits)

    @property
    def score(self) -> float:
        """The lowest score of the hits: how sure the whole answer is."""
        return min(hit.score for hit in self.hits)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Near, not sure: up to three hits of distinct topics, in the order shown, to pick from by number."""

    hits: tuple[Hit, ...]

    @property
    def score(self) -> float:
        """The best hit's score."""
        return max(hit.score for hit in self.hits)


@dataclass(frozen=True, slots=True)
class Abstain:
    """Nothing near enough. `score` is that of the nearest entry, 0 where there is none."""

    score: float = 0.0
    nearest: Hit | None = None


Decision = Answer | Suggestions | Abstain
