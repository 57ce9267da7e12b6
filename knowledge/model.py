"""What was learnt from the example questions: each topic's weights and each question's features. Scores, no decisions.

Built by training.py, kept by artifact.py. Immutable; safe to share between threads.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.features import features
from knowledge.pinyin import Spelling, Syllables
from knowledge.text import normalise
from knowledge.tokens import Segmenter

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

NEAREST_WEIGHT = 1.5
"""How much the likeness to the nearest single question counts beside the topic's weights (from -1 to 1 or so)."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A text as numbers: feature numbers, their values (of length 1 together), and how much of the text is known."""

    ids: Integers
    values: Floats
    known: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """One text against everything: per topic what the weights say and the nearest question, per question, per part.

    The parts are `Model.parts`: each entry's own questions, and each topic's further ones.
    """

    learned: NDArray[Any]
    near: NDArray[Any]
    total: NDArray[Any]
    questions: NDArray[Any]
    parts: NDArray[Any]
    known: float


@dataclass(frozen=True, slots=True)
class Model:
    """Numbers learnt from questions. `starts`, `rows` and `values` are the questions by feature.

    Questions are numbered by topic: those of topic k are `topic_starts[k]` to `topic_starts[k + 1]`; `owned` tells
    which of them are an entry's own. `parts` are where each entry's own and each topic's further ones start, and
    `topic_parts` which part is each topic's first. `words` are the canonical words of each entry's title and variants.
    Weights and values are half precise: that is enough, and every process maps them.
    """

    topics: tuple[str, ...]
    vocabulary: Mapping[str, int]
    rarity: Floats
    weights: NDArray[np.float16]
    starts: Integers
    rows: NDArray[np.unsignedinteger[Any]]
    values: NDArray[np.float16]
    topic_starts: Integers
    parts: Integers
    topic_parts: Integers
    owned: Mapping[str, tuple[int, int]]
    questions: tuple[str, ...]
    words: Mapping[str, frozenset[str]]
    readings: Syllables
    spelling: Spelling

    def compare(self, vector: Vector) -> Likeness:
        """`vector` against every topic and every question."""
        count = len(self.questions)
        if not len(vector.ids):
            none, topics = np.zeros(count, dtype=np.float32), np.zeros(len(self.topics), dtype=np.float32)
            return Likeness(topics, topics, topics, none, np.zeros(len(self.parts), dtype=np.float32), vector.known)
        learned = vector.values @ self.weights[vector.ids].astype(np.float32)
        first, sizes = self.starts[vector.ids], self.starts[vector.ids + 1] - self.starts[vector.ids]
        ends = np.cumsum(sizes)
        at = np.arange(ends[-1], dtype=np.int32) + np.repeat(first - (ends - sizes), sizes)
        each = np.bincount(self.rows[at], self.values[at] * np.repeat(vector.values, sizes), count)
        parts = np.maximum.reduceat(each, self.parts)
        near = np.maximum.reduceat(parts, self.topic_parts)
        return Likeness(learned, near, learned + NEAREST_WEIGHT * near, each, parts, vector.known)

    def vector(self, counts: Mapping[str, int]) -> Vector:
        """The features as a vector; those that no question has only lower `known`."""
        return as_vector(counts, self.vocabulary, self.rarity)

    def telling(self, plain: str, words: tuple[str, ...], topic: int) -> list[tuple[str, float]]:
        """The features that speak most for topic number `topic`, with their shares of its score, largest first."""
        counts = features(plain, words, self.readings)
        vector = self.vector(counts)
        names = [name for name in counts if name in self.vocabulary]
        shares: Any = vector.values * self.weights[vector.ids, topic]
        return sorted(zip(names, map(float, shares), strict=True), key=lambda pair: -pair[1])


def as_vector(counts: Mapping[str, int], vocabulary: Mapping[str, int], rarity: Floats) -> Vector:
    """Counted features as a vector of length 1, weighed by rarity."""
    found = [(at, count) for name, count in counts.items() if (at := vocabulary.get(name)) is not None]
    if not found:
        return Vector(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32), 0.0)
    ids = np.fromiter((at for at, _ in found), dtype=np.int32, count=len(found))
    values = rarity[ids]
    for place, (_, count) in enumerate(found):
        if count > 1:
            values[place] *= 1 + math.log(count)
    values /= math.sqrt(float(values @ values))
    return Vector(ids, values, len(found) / len(counts))


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
        """`plain` (normalised and spelt) against everything."""
        words = self._segmenter.cut(plain).terms
        return self._model.compare(self._model.vector(features(plain, words, self._model.readings)))
