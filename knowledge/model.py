"""What was learnt from the example questions: a network over their features, and the entries' own questions.

Built by training.py, kept by artifact.py. Scores, no decisions. Immutable; safe to share between threads.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.features import UNKNOWN, Vocabulary
from knowledge.network import Floats, Integers, Network, Vector
from knowledge.pinyin import Spelling
from knowledge.text import normalise
from knowledge.tokens import Segmenter

_BEHIND = np.full(2, 0.7, dtype=np.float32)
"""How much the last topic, and its area, count beside a text (of length 1)."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Many texts in one array of UTF-8, that all processes may map: text k is `letters[ends[k - 1]:ends[k]]`."""

    letters: NDArray[np.uint8]
    ends: Integers

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, at: int) -> str:
        first = self.ends[at - 1] if at else 0
        return bytes(self.letters[first : self.ends[at]]).decode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Likeness:
    """A text against all topics: its log-odds for each (see Network.logits), and its vector."""

    learned: NDArray[Any]
    vector: Vector


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt from questions.

    `vocabulary` numbers what is in a text, `before` what was answered before it. `questions` are those that entries
    themselves are asked by, a topic's entries one after another by id; `owned` tells which are whose. `starts`, `ids`
    and `values` are their vectors, `words` all their words.
    """

    topics: tuple[str, ...]
    vocabulary: Vocabulary
    before: Mapping[str, int]
    rarity: Floats
    network: Network
    starts: Integers
    ids: NDArray[np.intp]
    values: Floats
    owned: Mapping[str, tuple[int, int]]
    questions: Texts
    words: Mapping[str, frozenset[str]]
    spelling: Spelling

    def near(self, vector: Vector, first: int, last: int) -> NDArray[Any]:
        """How like a text is to each of the questions from `first` to before `last`, from 0 to 1."""
        starts = self.starts[first : last + 1]
        spread = np.zeros(len(self.rarity), dtype=np.float32)
        spread[vector.ids] = vector.values
        shared = spread.take(self.ids[starts[0] : starts[-1]]) * self.values[starts[0] : starts[-1]]
        return np.add.reduceat(shared, starts[:-1] - starts[0])

    def vector(self, plain: str, words: Sequence[str]) -> Vector:
        """A normalised text of these words as a vector; features that no question has only lower `known`."""
        return as_vector(self.vocabulary.numbers(plain, words), self.rarity)

    def behind(self, vector: Vector, topic: str) -> Vector:
        """The vector of the same text said after `topic` was answered; without a topic's name the same vector."""
        return behind(vector, topic, self.before)

    def telling(self, plain: str, words: Sequence[str], topic: int) -> list[tuple[str, float]]:
        """The features of a text, with what each adds to the log-odds of topic number `topic`, largest first."""
        names = self.vocabulary.names(plain, words)
        vector = self.vector(plain, words)
        shares = self.network.logits(vector)[topic] - self.network.without_each(vector)[:, topic]
        pairs = zip(map(names.__getitem__, vector.ids.tolist()), shares.tolist(), strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])


def as_vector(numbers: Sequence[int], rarity: Floats) -> Vector:
    """The features of a text, as often as they occur, as a vector of length 1, weighed by rarity."""
    counts = Counter(numbers)
    unknown = counts.pop(UNKNOWN, 0)
    if not counts:
        return Vector(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32), 0.0)
    ids = np.array([*counts], dtype=np.int32)
    values = rarity.take(ids)
    if len(counts) + unknown < len(numbers):
        values *= 1 + np.log([*counts.values()], dtype=np.float32)
    values /= math.sqrt(float(values @ values))
    return Vector(ids, values, 1 - unknown / len(numbers))


def contexts(topic: str) -> tuple[str, str]:
    """The features of whatever is said after `topic` was answered: the topic (l), and its area (a)."""
    return "l" + topic, "a" + topic.partition(".")[0]


def behind(vector: Vector, topic: str, before: Mapping[str, int]) -> Vector:
    """See Model.behind."""
    found = [at for name in contexts(topic) if (at := before.get(name)) is not None]
    ids = np.concatenate((vector.ids, np.array(found, dtype=np.int32)))
    return replace(vector, ids=ids, values=np.concatenate((vector.values, _BEHIND[: len(found)])))


class Reader:
    """Reads a text the way the model was taught: its Latin letters as words, its words, its vector."""

    def __init__(self, model: Model, segmenter: Segmenter) -> None:
        self._model = model
        self._segmenter = segmenter

    def spell(self, plain: str) -> str:
        """`plain`, normalised, with pinyin and initials read as words."""
        spelt = self._model.spelling.read(plain)
        return plain if spelt == plain else normalise(spelt)

    def compare(self, plain: str) -> Likeness:
        """`plain` (normalised and spelt) against every topic."""
        words = self._segmenter.cut(plain).terms
        vector = self._model.vector(plain, words)
        return Likeness(self._model.network.logits(vector), vector)
