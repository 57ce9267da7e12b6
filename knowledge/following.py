"""What a text means after an answer: 要带什么, 那户口呢, 出国的话呢. Whether it stands alone is decided here, too."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from knowledge import intents
from knowledge.deciding import SUGGESTED, Decider, cases_in, hit_of
from knowledge.decisions import Answer, Decision, Hit, Suggestions
from knowledge.entry import CASES, OUT_OF_SCOPE, Entry
from knowledge.ranking import Ranker
from knowledge.readings import Reading, Readings, folded
from knowledge.tokens import Segmenter

_LIKELY = 0.5
_REMEMBERED = 2048
_CASES = frozenset(CASES)


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
        if self._asks_more(framed, last):
            return self._stays(framed, last, 1.0)
        readings = self._readings.of(framed, last)
        best = readings[0].topic
        alone = self._ranker.rank(framed)
        if best == OUT_OF_SCOPE or (best != last.topic and alone and alone[0].topic == best):
            return None
        chance = 1 / sum(math.exp(reading.weight - readings[0].weight) for reading in readings)
        if chance < _LIKELY:
            return Suggestions(tuple(self._hits(readings, chance)[:SUGGESTED]))
        if best == last.topic:
            return self._stays(framed, last, chance)
        return Answer((self._decider.detailed(self._hits(readings, chance)[0], framed),))

    def _asks_more(self, framed: str, last: Entry) -> bool:
        """Whether a text asks for something particular of the last answer and says nothing else (要带什么)."""
        if not intents.facets(framed) or self._decider.says(intents.without_facets(framed)):
            return False
        title = folded(last.title)
        words = self._segmenter.cut(framed).words
        others = (one for one in words if one not in title and one not in _CASES and not intents.facets(one))
        return not any(map(self._ranker.is_subject, others))

    def _stays(self, framed: str, last: Entry, chance: float) -> Answer:
        """The last entry again: what is asked for of it, and for whom."""
        cases = cases_in(last, framed, self._segmenter.cut(framed).words)
        hit = hit_of(last, chance)
        return Answer((replace(hit, facets=intents.facets(framed), cases=cases, follow_up=True),))

    def _hits(self, readings: Sequence[Reading], chance: float) -> list[Hit]:
        """The entries of the topics that may be meant, likeliest first."""
        entries = (self._find_entry(reading.topic) for reading in readings if reading.topic != OUT_OF_SCOPE)
        return [hit_of(entry, chance) for entry in entries if entry is not None]
