"""Ranking topics by likeness to a question, with the entry of each that fits best. Scores only; base.py decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from knowledge.decisions import Hit
from knowledge.entry import OUT_OF_SCOPE, Entry
from knowledge.model import Model, Reader
from knowledge.scoring import score
from knowledge.text import normalise
from knowledge.tokens import Segmenter

_CANDIDATES = 4
_NOTHING = -10.0
_FINER = 0.02
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class _Learned:
    """What was learnt says of a text: the log-odds of each topic, by its number; the likeliest topics, best first."""

    odds: Sequence[float]
    likeliest: tuple[str, ...]


class Ranker:
    """Entries and the model that was learnt from them. Immutable."""

    def __init__(self, entries: Sequence[Entry], segmenter: Segmenter, model: Model) -> None:
        self._model = model
        self._segmenter = segmenter
        self._reader = Reader(model, segmenter)
        self._compared = lru_cache(maxsize=_REMEMBERED)(self._reader.compare)
        self._learned = lru_cache(maxsize=_REMEMBERED)(self._learn)
        self.rank = lru_cache(maxsize=_REMEMBERED)(self._rank)
        self._numbers = {topic: number for number, topic in enumerate(model.topics)}
        self.topics = frozenset(model.topics) - {OUT_OF_SCOPE}
        self._by_topic: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_topic.setdefault(entry.topic, []).append(entry)
        self._owned = {
            topic: (np.array([model.owned[entry.id][0] for entry in entries]), model.owned[entries[-1].id][1])
            for topic, entries in self._by_topic.items()
        }
        self._asked = frozenset(word for words in model.words.values() for word in words)

    def spell(self, plain: str) -> str:
        """A normalised text with pinyin and initials read as words."""
        return self._reader.spell(plain)

    def _rank(self, plain: str) -> tuple[Hit, ...]:
        """The likeliest topics, each by its first entry, best first, with the parts of its score.

        Call as `rank`, which remembers.
        """
        if not plain or not self._compared(plain).vector.known:
            return ()
        return tuple([self.hit(plain, topic) for topic in self.likeliest(plain)])

    def hit(self, plain: str, topic: str) -> Hit:
        """A topic by its first entry, with the parts of its score."""
        learned = self._learned(plain, "")
        own = self._odds(learned, topic)
        rival = next((other for other in learned.likeliest if other != topic), None)
        following = self._odds(learned, rival) if rival else _NOTHING
        parts = {
            "learned": own, "ahead": own - following, "outside": self._odds(learned, OUT_OF_SCOPE),
            "known": self._compared(plain).vector.known,
        }  # fmt: skip
        entry = self._by_topic[topic][0]
        return Hit(entry.id, topic, entry.title, score(parts), parts)

    def fitted(self, hit: Hit, plain: str) -> Hit:
        """The hit by the entry of its topic that has the nearest question, with that question."""
        starts, end = self._owned[hit.topic]
        near = self._model.near(self._compared(plain).vector, int(starts[0]), end)
        entries = self._by_topic[hit.topic]
        fits = np.maximum.reduceat(near, starts - starts[0])
        fits += [_FINER if entry.id == hit.topic else 0.0 for entry in entries]
        entry = entries[int(fits.argmax())]
        nearest = self._model.questions[int(starts[0]) + int(near.argmax())]
        return replace(hit, entry_id=entry.id, title=entry.title, variant=nearest)

    def likeness(self, plain: str, *topics: str, after: str = "") -> list[float]:
        """The log-odds that a text speaks of each of these topics, said after `after` was answered if it is given."""
        learned = self._learned(plain, after)
        return [self._odds(learned, topic) for topic in topics]

    def _odds(self, learned: _Learned, topic: str) -> float:
        number = self._numbers.get(topic)
        return _NOTHING if number is None else learned.odds[number]

    def likeliest(self, plain: str, *, after: str = "") -> tuple[str, ...]:
        """The few of our topics that a text most likely speaks of, said after `after` was answered, best first."""
        return self._learned(plain, after).likeliest

    def _learn(self, plain: str, after: str) -> _Learned:
        """Call as `_learned`, which remembers."""
        likeness = self._compared(plain)
        learned = likeness.learned
        if after:
            learned = self._model.network.logits(self._model.behind(likeness.vector, after))
        order = np.argsort(-learned, kind="stable")[: _CANDIDATES + 1].tolist()
        topics = (self._model.topics[number] for number in order)
        return _Learned(learned.tolist(), tuple(topic for topic in topics if topic != OUT_OF_SCOPE)[:_CANDIDATES])

    def tells(self, word: str) -> bool:
        """Whether a word says something about the matter: no function word, and not in every question here."""
        return self._segmenter.is_content(word)

    def says(self, plain: str) -> bool:
        """Whether a text has a word that tells something; 怎么办 and 在哪 do not, without what was said before."""
        return any(map(self.tells, self._segmenter.cut(plain).terms))

    def is_subject(self, word: str) -> bool:
        """Whether a word names what a question is about, and some entry is asked by it."""
        return word in self._segmenter.subjects and word in self._asked

    def knows(self, entry_id: str, words: Iterable[str]) -> bool:
        """Whether an entry's title or variants have all these words."""
        return self._model.words[entry_id].issuperset(words)

    def why(self, plain: str, topic: str) -> list[tuple[str, float]]:
        """The features of `plain` that speak most for `topic`."""
        words = self._segmenter.cut(plain).terms
        return self._model.telling(plain, words, self._numbers[topic])


def phrases(entry: Entry) -> tuple[str, ...]:
    """What an entry may be asked by, normalised: its title and its variants."""
    return tuple(map(normalise, (entry.title, *entry.variants)))
