"""What does due work and returns: the contract between the worker, which calls it, and the features, which have it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TickReport:
    """How much one tick did, and whether more is due at once."""

    done: int = 0
    more: bool = False


class Ticker(Protocol):
    """Does what is due now and returns. Safe to call from several processes."""

    name: str

    def tick(self) -> TickReport:
        """Everything that was due when this began is done, or left for the next tick if it failed."""
        ...
