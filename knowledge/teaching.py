"""Teaches networks (network.py) by examples. Deterministic; no files.

By AdaGrad (Duchi et al., JMLR 2011), with half of the features left out of each text at random (dropout: Srivastava et
al., JMLR 2014), so that a network does not rely on any one word.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.network import Floats, Integers, Network, Vector

_SEEDS = (7, 23)
"""One for each network. They are wrong in different places: their mean is right more often than either."""
_HIDDEN = 256
_AT_ONCE = 32
_ROUNDS, _LEAST_STEPS = 4, 600
_RATE = np.float32(0.1)
_LEFT_OUT = np.float32(0.5)
_FINEST = 127


def teach(
    vectors: Sequence[Vector], topics: Sequence[Sequence[int]], *, size: int, count: int, certain: int | None = None
) -> Network:
    """A network for `size` features and `count` topics, of vectors that speak of these `topics` each.

    None of the vectors may be without features. Features from number `certain` on are never left out.
    """
    lessons = _Lessons(vectors, topics, count)
    drafts = []
    for seed in _SEEDS:
        draft = _Draft(size, count, seed)
        for texts, present, answers, rate in lessons.drawn(seed, size if certain is None else certain):
            draft.improve(texts, present, answers, rate)
        drafts.append(draft)
    return _together(drafts)


class _Lessons:
    """All texts in one array, a feature after another, and which of the topics each speaks of."""

    def __init__(self, vectors: Sequence[Vector], topics: Sequence[Sequence[int]], count: int) -> None:
        self._lengths = np.array([len(vector.ids) for vector in vectors])
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._ids = np.concatenate([vector.ids for vector in vectors])
        self._values = np.concatenate([vector.values for vector in vectors])
        self._answers = np.zeros((len(vectors), count), dtype=bool)
        for answer, named in zip(self._answers, topics, strict=True):
            answer[list(named)] = True

    def drawn(self, seed: int, certain: int) -> Iterator[tuple[Floats, Integers, NDArray[np.bool_], np.float32]]:
        """Each round all texts, some at once, in a fixed random order, without the features that are left out.

        A matrix (texts x the features that are present), the numbers of these features, the answers, and the rate.
        """
        chance = np.random.default_rng(seed + 1)
        doubled = 1 / (1 - _LEFT_OUT)
        for drawn, rate in self._order(np.random.default_rng(seed)):
            sizes = self._lengths[drawn]
            at = np.arange(sizes.sum()) + np.repeat(self._starts[drawn] - (np.cumsum(sizes) - sizes), sizes)
            always = self._ids[at] >= certain
            kept = always | (chance.random(len(at), dtype=np.float32) >= _LEFT_OUT)
            values = self._values[at] * np.where(always, np.float32(1), doubled)
            present, column = np.unique(self._ids[at[kept]], return_inverse=True)
            texts = np.zeros((len(drawn), len(present)), dtype=np.float32)
            texts[np.repeat(np.arange(len(drawn)), sizes)[kept], column] = values[kept]
            yield texts, present, self._answers[drawn], rate

    def _order(self, order: np.random.Generator) -> Iterator[tuple[Any, np.float32]]:
        """The numbers of some texts, and how far to go: less and less."""
        count = len(self._lengths)
        each = -(-count // _AT_ONCE)
        rounds = max(_ROUNDS, -(-_LEAST_STEPS // each))
        for turn in range(rounds):
            drawn = order.permutation(count)
            for step in range(each):
                behind = (turn + step / each) / rounds
                yield drawn[step * _AT_ONCE : (step + 1) * _AT_ONCE], _RATE * np.float32(1 - behind)


class _Draft:
    """A network that is being taught: its numbers, and how far each has been moved (AdaGrad)."""

    def __init__(self, size: int, count: int, seed: int) -> None:
        start = np.random.default_rng(seed + 2)
        self.inner = start.standard_normal((size, _HIDDEN), dtype=np.float32) * np.float32(0.1)
        self.outer = start.standard_normal((_HIDDEN, count), dtype=np.float32) * np.float32(_HIDDEN**-0.5)
        self.inner_bias, self.outer_bias = np.zeros(_HIDDEN, dtype=np.float32), np.zeros(count, dtype=np.float32)
        self._moved = np.full((size, 1), 1e-6, dtype=np.float32)  # of inner, a feature at a time
        rest = (self.outer, self.inner_bias, self.outer_bias)
        self._moved_outer, *self._moved_biases = (np.full_like(one, 1e-6) for one in rest)

    def improve(self, texts: Floats, present: Integers, answers: NDArray[np.bool_], rate: np.float32) -> None:
        """One step towards `answers` (texts x topics) for `texts` (texts x the features that are `present`)."""
        inner = self.inner[present]
        hidden = np.maximum(texts @ inner + self.inner_bias, 0)
        wrong = (1 / (1 + np.exp(-(hidden @ self.outer + self.outer_bias))) - answers) / np.float32(len(texts))
        blame = (wrong @ self.outer.T) * (hidden > 0)
        _move(self.outer, self._moved_outer, hidden.T @ wrong, rate)
        _move(self.inner_bias, self._moved_biases[0], blame.sum(axis=0), rate)
        _move(self.outer_bias, self._moved_biases[1], wrong.sum(axis=0), rate)
        slope = texts.T @ blame
        moved = self._moved[present] + np.einsum("ij,ij->i", slope, slope)[:, None] / np.float32(_HIDDEN)
        self._moved[present] = moved
        slope *= rate / np.sqrt(moved)
        self.inner[present] = np.subtract(inner, slope, out=inner)


def _move(numbers: Floats, moved: Floats, slope: Floats, rate: np.float32) -> None:
    """Moves numbers against their slope, the less the more they have been moved."""
    np.add(moved, slope * slope, out=moved)
    np.subtract(numbers, rate * slope / np.sqrt(moved), out=numbers)


def _together(drafts: Sequence[_Draft]) -> Network:
    """One network that says the mean of what each says."""
    inner = np.concatenate([draft.inner for draft in drafts], axis=1)
    steps = np.maximum(np.abs(inner).max(axis=1), np.float32(1e-6)) / np.float32(_FINEST)
    return Network(
        inner=np.rint(inner / steps[:, None]).astype(np.int8),
        steps=steps,
        inner_bias=np.concatenate([draft.inner_bias for draft in drafts]),
        outer=np.concatenate([draft.outer / np.float32(len(drafts)) for draft in drafts]),
        outer_bias=np.mean([draft.outer_bias for draft in drafts], axis=0, dtype=np.float32),
    )
