"""What a text may mean behind an answer, each with the signs for it. Calibrated; scores only, following.py decides.

docs/knowledge.md says how the numbers here were found and how to find them again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge import intents
from knowledge.decisions import Hit
from knowledge.entry import CASES, OUT_OF_SCOPE, Entry
from knowledge.ranking import Ranker
from knowledge.text import fold
from knowledge.tokens import Segmenter

WEIGHTS: Mapping[str, float] = {
    "stays": 2.6, "words": -0.67, "score": 2.4, "sibling": 1.85, "twin": 3.0, "instead": 2.8, "outside": 0.75,
    "lead": 0.9, "detail": 7.5,
}  # fmt: skip
_MOST_WORDS, _FARTHEST = 6, -8.0
folded = lru_cache(maxsize=1024)(fold)
"""A title folded: they are the same again and again."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A topic that may be meant, the signs for it, and its log-odds but for what is the same for all of a text's."""

    topic: str
    signs: Mapping[str, float]
    weight: float


def weigh(topic: str, signs: Mapping[str, float]) -> Reading:
    """A reading with the weight of its signs."""
    return Reading(topic, signs, sum([WEIGHTS[name] * value for name, value in signs.items()]))


class Readings:
    """Reads texts behind entries. Safe to share between threads."""

    def __init__(self, segmenter: Segmenter, ranker: Ranker) -> None:
        self._segmenter = segmenter
        self._ranker = ranker
        self._areas: dict[str, list[str]] = {}
        for topic in sorted(ranker.topics):
            self._areas.setdefault(area(topic), []).append(topic)

    def of(self, framed: str, last: Entry) -> list[Reading]:
        """All that `framed` (without 那…, 还有…) may mean after `last` was answered, likeliest first.

        The last topic; what the text alone is like, and what it is like after that topic; the last area's other topics;
        what is none of ours; and of a text that leans (团的呢) the same question of another area or subject.
        """
        alone = self._ranker.rank(framed)
        found: dict[str, dict[str, float]] = {hit.topic: {"score": hit.score} for hit in alone}
        for sign, topic in self._leaning(framed, last, alone) if intents.leans(framed) else ():
            found.setdefault(topic, {})[sign] = 1.0
        for topic in self._ranker.likeliest(framed, after=last.topic):
            found.setdefault(topic, {})
        telling = sum(map(self._ranker.tells, self._segmenter.cut(framed).words))
        found[last.topic] = {
            "stays": 1.0,
            "words": min(telling, _MOST_WORDS),
            "detail": self._asks_detail(framed, last),
        }
        found[OUT_OF_SCOPE] = {"outside": 1.0}
        spoken = self._ranker.likeness(framed, *found, after=last.topic)
        most = max(spoken)
        for signs, value in zip(found.values(), spoken, strict=True):
            signs["lead"] = max(value - most, _FARTHEST)
        return sorted((weigh(topic, signs) for topic, signs in found.items()), key=lambda reading: -reading.weight)

    def _asks_detail(self, framed: str, last: Entry) -> bool:
        """Whether a text asks for something particular of the last answer and says nothing else (要带什么)."""
        if not intents.facets(framed) or self._ranker.says(intents.without_facets(framed)):
            return False
        words = self._segmenter.cut(framed).words
        others = (one for one in words if one not in folded(last.title) and one not in CASES)
        return not any(self._ranker.is_subject(one) for one in others if not intents.facets(one))

    def _leaning(self, framed: str, last: Entry, alone: Sequence[Hit]) -> Iterator[tuple[str, str]]:
        """The topics that half a question may mean, each with the sign for it.

        The last area's other topics; the last topic's twin in another area (party.transfer → league.transfer); what the
        last title asks, of the subject that is named instead.
        """
        for topic in self._areas.get(area(last.topic), ()):
            yield "sibling", topic
        title = self._segmenter.cut(folded(last.title)).words
        named = next(filter(self._ranker.is_subject, title), None)
        other = (
            word for word in self._segmenter.cut(framed).words if self._ranker.is_subject(word) and word not in CASES
        )
        subject = next((word for word in other if word not in folded(last.title)), None)
        instead = ""
        if named and subject:
            kept = (word for word in title if word == named or not self._ranker.is_subject(word))
            asked = "".join(subject if word == named else word for word in kept)
            instead = self._ranker.likeliest(asked)[0]
        for topic in filter(None, (*(hit.topic for hit in alone), instead)):
            twin = f"{area(topic)}.{last.topic.partition('.')[2]}"
            if twin in self._ranker.topics:
                yield "twin", twin
        if instead:
            yield "instead", instead


def area(topic: str) -> str:
    """The part of a topic before the point."""
    return topic.partition(".")[0]
