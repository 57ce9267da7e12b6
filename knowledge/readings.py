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
from knowledge.text import STOP, fold
from knowledge.tokens import Segmenter

WEIGHTS: Mapping[str, float] = {
    "stays": 6.41, "behind": 2.47, "words": -0.32, "length": -1.45, "strange": -1.49, "surest": 1.54,
    "like": 3.08, "score": 4.44, "sibling": 1.83, "leaning_sibling": 2.64, "twin": 5.07, "instead": 4.13,
    "outside": 1.92, "outside_lead": 3.07,
}  # fmt: skip
_MOST_WORDS, _LONG = 6, 30
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

    def of(self, framed: str, last: Entry, *, thorough: bool = False) -> list[Reading]:
        """All that `framed` (without 那…, 还有…) may mean after `last` was answered, likeliest first.

        The last topic; what the text alone is like; the last area's other topics; what is none of ours; and of a text
        that leans (团的呢) the same question of another area or subject. How it reads behind the last title is asked
        only where that can matter, unless `thorough`: it costs most.
        """
        alone = self._ranker.rank(framed)
        leans = intents.leans(framed)
        found: dict[str, dict[str, float]] = {
            hit.topic: {"score": hit.score} for hit in alone if hit.topic != last.topic
        }
        for topic in self._areas.get(area(last.topic), ()):
            if topic != last.topic and (leans or topic in found):  # another one would be like nothing that is said
                found.setdefault(topic, {}).update({"sibling": 1.0, "leaning_sibling": leans})
        for sign, topic in self._leaning(framed, last, alone) if leans else ():
            if topic != last.topic:
                found.setdefault(topic, {})[sign] = 1.0
        likeliest = alone[0].topic if alone else last.topic
        outside, most, *like = self._ranker.likeness(framed, OUT_OF_SCOPE, likeliest, *found)
        for signs, value in zip(found.values(), like, strict=True):
            signs["like"] = value - most
        found[OUT_OF_SCOPE] = {"outside": 1.0, "outside_lead": outside - most}
        readings = [weigh(topic, signs) for topic, signs in found.items()]
        stays = self._stays(framed, last, alone, most)
        surest = max(reading.weight for reading in readings)
        if thorough or weigh(last.topic, stays | {"behind": 1.0}).weight > surest:
            stays["behind"] = self._ranker.score(folded(last.title) + STOP + framed, last.topic)
        readings.append(weigh(last.topic, stays))
        return sorted(readings, key=lambda reading: -reading.weight)

    def _stays(self, framed: str, last: Entry, alone: Sequence[Hit], most: float) -> dict[str, float]:
        """The signs that a text goes on about the last topic."""
        telling = list(filter(self._ranker.tells, self._segmenter.cut(framed).words))
        return {
            "stays": 1.0,
            "words": min(len(telling), _MOST_WORDS),
            "length": min(len(framed), _LONG) / 10,
            "strange": self._ranker.strange(telling) / len(telling) if telling else 0.0,
            "surest": alone[0].score if alone else 0.0,
            "like": self._ranker.likeness(framed, last.topic)[0] - most,
        }

    def _leaning(self, framed: str, last: Entry, alone: Sequence[Hit]) -> Iterator[tuple[str, str]]:
        """The topics that half a question may mean, each with the sign for it.

        The last topic's twin in another area (party.transfer → league.transfer); what the last title asks, of the
        subject that is named instead.
        """
        title = self._segmenter.cut(folded(last.title)).words
        named = next(filter(self._ranker.is_subject, title), None)
        other = (
            word for word in self._segmenter.cut(framed).words if self._ranker.is_subject(word) and word not in CASES
        )
        subject = next((word for word in other if word not in folded(last.title)), None)
        instead: Hit | None = None
        if named and subject:
            kept = (word for word in title if word == named or not self._ranker.is_subject(word))
            instead = self._ranker.nearest("".join(subject if word == named else word for word in kept))
        for hit in filter(None, (*alone, instead)):
            twin = f"{area(hit.topic)}.{last.topic.partition('.')[2]}"
            if twin in self._ranker.topics:
                yield "twin", twin
        if instead:
            yield "instead", instead.topic


def area(topic: str) -> str:
    """The part of a topic before the point."""
    return topic.partition(".")[0]
