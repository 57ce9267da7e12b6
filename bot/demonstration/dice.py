"""Choices by a seeded Chance: the same seed gives the same school."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from bot.clock import Chance

T = TypeVar("T")


class Dice:
    """Picks, in an order that repeats with the Chance it was given."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._chance.jitter() * (high - low + 1))

    def happens(self, share: float) -> bool:
        """True in `share` of the cases."""
        return self._chance.jitter() < share

    def pick(self, items: Sequence[T]) -> T:
        """One of `items`, each as likely as the others."""
        return items[self.between(0, len(items) - 1)]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, as likely as its weight says."""
        left = self._chance.jitter() * sum(weights.values())
        for item, weight in weights.items():
            left -= weight
            if left < 0:
                return item
        return next(reversed(list(weights)))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of `items` in another order."""
        return [item for _, _, item in sorted((self._chance.jitter(), place, item) for place, item in enumerate(items))]
