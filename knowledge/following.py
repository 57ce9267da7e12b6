"""What a text means after an answer: 要带什么, 那户口呢, 出国的话呢. Whether it stands alone is decided here, too."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from knowledge import intents
from knowledge.deciding import SUGGESTED, Decider, cases_in, hit_of
from knowledge.decisions import Answer, Decision, Hit, Suggestions
from knowledge.entry import OUT_OF_SCOPE, Entry
from knowledge.ranking import Ranker
from knowledge.readings import Reading, Readings
from knowledge.tokens import Segmenter

_LIKELY = 0.45
_REMEMBERED = 2048


class Follower:
    """Reads texts behind the entry that was answered last. Safe to share between threads."""

    def __init__(
        self,
        find_entry: Callable[[str], Entry | None],
        segmenter: Segmenter,
        ranker: Ranker,
        decider: Decider,
        readings: Readings,
    ) -> None:
        self._find_entry = find_entry
        self._segmenter = segmenter
        self._ranker = ranker
        self._decider = decider
        self._readings = readings
        self.follow = lru_cache(maxsize=_REMEMBERED)(self._follow)

    def _follow(self, plain: str, last_id: str) -> Decision | None:
        """What `plain` means as a question about the entry answered last; None where it stands alone.

        Call as `follow`, which remembers.
        """
        last = self._find_entry(last_id)
        if last is None or self._decider.is_exact(plain):
            return None
        framed = intents.without_frame(plain)
        if not framed:
            return None
        readings = self._readings.of(framed, last)
        best = readings[0].topic
        alone = self._ranker.rank(framed)
        chance = 1 / sum(math.exp(reading.weight - readings[0].weight) for reading in readings)
        by_itself = best != last.topic and bool(alone) and alone[0].topic == best
        if best == OUT_OF_SCOPE or (by_itself and not self._is_completed(plain, chance)):
            return None
        if chance < _LIKELY:
            return Suggestions(tuple(self._hits(readings, chance)[:SUGGESTED]))
        if best == last.topic:
            return self._stays(framed, last, chance)
        return Answer((self._decider.detailed(self._hits(readings, chance)[0], framed),))

    def _is_completed(self, plain: str, chance: float) -> bool:
        """Whether a text that alone leaves a choice (那户口呢) says enough behind the last answer."""
        return chance >= _LIKELY and isinstance(self._decider.decide(plain), Suggestions)

    def _stays(self, framed: str, last: Entry, chance: float) -> Answer:
        """The last entry again: what is asked for of it, and for whom."""
        cases = cases_in(last, framed, self._segmenter.cut(framed).words)
        hit = hit_of(last, chance)
        return Answer((replace(hit, facets=intents.facets(framed), cases=cases, follow_up=True),))

    def _hits(self, readings: Sequence[Reading], chance: float) -> list[Hit]:
        """The entries of the topics that may be meant, likeliest first."""
        entries = (self._find_entry(reading.topic) for reading in readings if reading.topic != OUT_OF_SCOPE)
        return [hit_of(entry, chance) for entry in entries if entry is not None]
