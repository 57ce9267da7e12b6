"""Ranking topics by likeness to a question, with the entry of each that fits best. Scores only; base.py decides."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from knowledge.decisions import Hit
from knowledge.entry import OUT_OF_SCOPE, Entry
from knowledge.model import Likeness, Model, Reader
from knowledge.scoring import score
from knowledge.text import normalise
from knowledge.tokens import Segmenter

_CANDIDATES = 4
_NOTHING = -1.0
_FINER = 0.02
_REMEMBERED = 1024


class Ranker:
    """Entries and the model that was learnt from them. Immutable."""

    def __init__(self, entries: Sequence[Entry], segmenter: Segmenter, model: Model) -> None:
        self._model = model
        self._segmenter = segmenter
        self._ranked = lru_cache(maxsize=_REMEMBERED)(self._rank)
        self.nearest = lru_cache(maxsize=_REMEMBERED)(self._nearest)
        self._numbers = {topic: number for number, topic in enumerate(model.topics)}
        self.topics = frozenset(model.topics) - {OUT_OF_SCOPE}
        self._reader = Reader(model, segmenter)
        self._by_topic: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_topic.setdefault(entry.topic, []).append(entry)
        self._asked = frozenset(word for words in model.words.values() for word in words)
        self._known = {
            topic: frozenset().union(*(model.words[entry.id] for entry in entries))
            for topic, entries in self._by_topic.items()
        }
        parts = model.parts.tolist()
        self._part = {entry_id: parts.index(first) for entry_id, (first, _) in model.owned.items()}
        self._spans = list(pairwise(map(int, model.topic_starts)))
        self._outside = model.topics.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in model.topics else None

    def spell(self, plain: str) -> str:
        """A normalised text with pinyin and initials read as words."""
        return self._reader.spell(plain)

    def rank(self, plain: str) -> tuple[Hit, ...]:
        """The nearest topics, each by its best entry, best first, with the parts of its score. Remembered."""
        return self._ranked(plain)[0]

    def _nearest(self, plain: str) -> Hit | None:
        """The first of `rank`, for less. Call as `nearest`, which remembers."""
        return next(iter(self._rank(plain, lambda numbers: numbers[:1])[0]), None)

    def score(self, plain: str, topic: str) -> float:
        """A topic's score in `rank`, 0 where it is not there; for less."""
        number = self._numbers.get(topic)
        hits, _ = self._rank(plain, lambda numbers: [one for one in numbers if one == number])
        return hits[0].score if hits else 0.0

    def likeness(self, plain: str, *topics: str) -> list[float]:
        """How much a text is like each of these topics, near or not: from -1 or less to 2 or so."""
        totals = self._ranked(plain)[1]
        return [totals[self._numbers[topic]] if topic in self._numbers else _NOTHING for topic in topics]

    def _rank(self, plain: str, wanted: Callable[[list[int]], list[int]] = list) -> tuple[tuple[Hit, ...], list[float]]:
        """The hits of the nearest topics, of these numbers those `wanted`; and the likeness to each topic."""
        likeness = self._reader.compare(plain)
        if not likeness.known:
            return (), likeness.total.tolist()
        outside = float(likeness.total[self._outside]) if self._outside is not None else _NOTHING
        words = {word: self._segmenter.weight(word) for word in self._segmenter.cut(plain).terms if self.tells(word)}
        order = np.argsort(-likeness.total, kind="stable")[: _CANDIDATES + 1].tolist()
        numbers = [number for number in order if number != self._outside][:_CANDIDATES]
        totals = [float(likeness.total[number]) for number in numbers]
        parts = likeness.parts.tolist()
        hits = []
        for number in wanted(numbers):
            at = numbers.index(number)
            ahead = totals[at] - max(_others(totals, at), default=_NOTHING)
            hits.append(self._hit(number, likeness, parts, words, ahead=ahead, outside=outside))
        return tuple(hits), likeness.total.tolist()

    def tells(self, word: str) -> bool:
        """Whether a word says something about the matter: no function word, and not in every question here."""
        return self._segmenter.is_content(word)

    def strange(self, words: Iterable[str]) -> int:
        """How many of `words` no entry is asked by."""
        return sum(word not in self._asked for word in words)

    def is_subject(self, word: str) -> bool:
        """Whether a word names what a question is about, and some entry is asked by it."""
        return word in self._segmenter.subjects and word in self._asked

    def knows(self, entry_id: str, words: Iterable[str]) -> bool:
        """Whether an entry's title or variants have all these words."""
        return self._model.words[entry_id].issuperset(words)

    def why(self, plain: str, topic: str) -> list[tuple[str, float]]:
        """The features of `plain` that speak most for `topic`."""
        words = self._segmenter.cut(plain).terms
        return self._model.telling(plain, words, self._model.topics.index(topic))

    def _hit(
        self, number: int, likeness: Likeness, near: Sequence[float], words: Mapping[str, float],
        *, ahead: float, outside: float,
    ) -> Hit:  # fmt: skip
        topic = self._model.topics[number]
        entry, variant = self._entry(topic, number, likeness, near)
        whole = sum(words.values())
        known = self._known[topic]
        strange = sum(weight for word, weight in words.items() if word not in known) / whole if whole else 1.0
        parts = {
            "learned": float(likeness.learned[number]), "near": float(likeness.near[number]), "ahead": ahead,
            "outside": outside, "known": likeness.known, "strange": strange,
        }  # fmt: skip
        return Hit(entry.id, topic, entry.title, score(parts), parts, variant)

    def _entry(self, topic: str, number: int, likeness: Likeness, near: Sequence[float]) -> tuple[Entry, str]:
        """The entry of a topic whose own questions are nearest (the main one on a tie), and the nearest question."""
        first, last = self._spans[number]
        nearest = self._model.questions[first + int(likeness.questions[first:last].argmax())]
        entries = self._by_topic[topic]
        fits = [near[self._part[entry.id]] + (_FINER if entry.id == topic else 0.0) for entry in entries]
        return entries[fits.index(max(fits))], nearest


def _others(totals: Sequence[float], at: int) -> list[float]:
    return [*totals[:at], *totals[at + 1 :]]


def distinct(ranked: Sequence[Hit]) -> list[Hit]:
    """The best hit of each topic, best first."""
    best: dict[str, Hit] = {}
    for hit in ranked:
        best.setdefault(hit.topic, hit)
    return list(best.values())


def phrases(entry: Entry) -> tuple[str, ...]:
    """What an entry may be asked by, normalised: its title and its variants."""
    return tuple(map(normalise, (entry.title, *entry.variants)))
