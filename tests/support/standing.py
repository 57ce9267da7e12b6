"""Knowledge that nobody edits, where a bot expects one that follows its folder."""

from dataclasses import dataclass

from knowledge.base import KnowledgeBase
from knowledge.loader import Fault


@dataclass
class StandingBase:
    """Always the same base."""

    base: KnowledgeBase
    faults: tuple[Fault, ...] = ()

    def current(self) -> KnowledgeBase:
        return self.base
