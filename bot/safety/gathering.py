"""Goodbyes that no single word gives away: slight parts, each harmless alone, that together say farewell. Pure.

再见 is nothing, 对不起 is nothing, 我先走了 is nothing; the three in one breath are what people write before they die.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.safety.models import Level


@dataclass(frozen=True, slots=True)
class Part:
    """A slight part where it stands in the plain text."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class Gathering:
    """How much each part weighs, and from which sum on, within `reach` characters, they are a signal.

    A part counts once, however often it is said. At least one must be of `leaving` and one of `grave`: thanks and
    kindness alone are no goodbye, and pain alone has its own signals.
    """

    category: str
    weights: Mapping[str, int]
    leaving: frozenset[str]
    grave: frozenset[str]
    levels: Mapping[Level, int]
    reach: int

    def level_at(self, weight: int) -> Level:
        """The gravest level whose sum is reached."""
        return max((level for level, least in self.levels.items() if weight >= least), default=Level.NONE)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The heaviest stretch of a text, and its level."""

    start: int
    end: int
    level: Level


def gather(parts: Sequence[Part], gathering: Gathering) -> Gathered | None:
    """The heaviest stretch that reaches a level; None when no stretch does. `parts` in the order of the text."""
    best: Gathered | None = None
    heaviest = 0
    for i, first in enumerate(parts):
        near = [part for part in parts[i:] if part.end - first.start <= gathering.reach]
        names = {part.name for part in near}
        weight = sum(gathering.weights.get(name, 0) for name in names)
        if weight > heaviest and names & gathering.leaving and names & gathering.grave:
            level = gathering.level_at(weight)
            if level > Level.NONE:
                heaviest = weight
                best = Gathered(first.start, max(part.end for part in near), level)
    return best
