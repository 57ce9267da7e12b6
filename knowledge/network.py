"""A small neural network: how much a text speaks of each topic. Taught here and asked here; deterministic, no files.

One hidden layer over the features, and a yes or no of its own for each topic: a text may speak of two, or of none. It
is taught by AdaGrad (Duchi et al., JMLR 2011), with half of the features left out of each text at random (dropout:
Srivastava et al., JMLR 2014), so that it does not rely on any one word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

_HIDDEN = 256
_AT_ONCE = 32
_ROUNDS, _LEAST_STEPS = 4, 600
_RATE = np.float32(0.1)
_LEFT_OUT = np.float32(0.5)
_SEED = 11
_FINEST = 127


@dataclass(frozen=True, slots=True)
class Vector:
    """A text as numbers: feature numbers, each once, their values (of length 1 together), how much of it is known."""

    ids: Integers
    values: Floats
    known: float


@dataclass(frozen=True, slots=True)
class Network:
    """What was learnt. `inner` (features x hidden) is kept in steps of `steps` (one a feature): a byte a number."""

    inner: NDArray[np.int8]
    steps: Floats
    inner_bias: Floats
    outer: Floats
    outer_bias: Floats

    def logits(self, vector: Vector) -> NDArray[Any]:
        """For each topic the log-odds that the text speaks of it, from -10 or less to 10 or so."""
        strength = vector.values * self.steps[vector.ids]
        hidden = np.maximum(strength @ self.inner[vector.ids].astype(np.float32) + self.inner_bias, 0)
        logits: NDArray[Any] = hidden @ self.outer + self.outer_bias
        return logits

    def without_each(self, vector: Vector) -> NDArray[Any]:
        """A row for each feature of the text: the logits if that one were not there."""
        shares = (vector.values * self.steps[vector.ids])[:, None] * self.inner[vector.ids]
        hidden = np.maximum(shares.sum(axis=0) - shares + self.inner_bias, 0)
        logits: NDArray[Any] = hidden @ self.outer + self.outer_bias
        return logits


def teach(
    vectors: Sequence[Vector], topics: Sequence[Sequence[int]], *, size: int, count: int, certain: int | None = None
) -> Network:
    """A network for `size` features and `count` topics, of vectors that speak of these `topics` each.

    None of the vectors may be without features. Features from number `certain` on are never left out.
    """
    network = _Draft(size, count)
    lengths = np.array([len(vector.ids) for vector in vectors])
    starts = np.cumsum(lengths) - lengths
    ids = np.concatenate([vector.ids for vector in vectors])
    values = np.concatenate([vector.values for vector in vectors])
    answers = np.zeros((len(vectors), count), dtype=bool)
    for answer, named in zip(answers, topics, strict=True):
        answer[list(named)] = True
    certain = size if certain is None else certain
    share = np.where(np.arange(size) < certain, 1 / (1 - _LEFT_OUT), np.float32(1))
    chance = np.random.default_rng(_SEED + 1)
    for drawn, progress in _lessons(len(vectors)):
        sizes = lengths[drawn]
        at = np.arange(sizes.sum()) + np.repeat(starts[drawn] - (np.cumsum(sizes) - sizes), sizes)
        kept = (chance.random(len(at), dtype=np.float32) >= _LEFT_OUT) | (ids[at] >= certain)
        present, column = np.unique(ids[at], return_inverse=True)
        texts = np.zeros((len(drawn), len(present)), dtype=np.float32)
        texts[np.repeat(np.arange(len(drawn)), sizes), column] = values[at] * kept * share[ids[at]]
        network.improve(texts, present, answers[drawn], _RATE * np.float32(1 - progress))
    return network.finished()


def _lessons(count: int) -> Iterator[tuple[Any, float]]:
    """Each round all vectors, some at once, in a fixed random order; and the share of the way that lies behind."""
    order = np.random.default_rng(_SEED)
    each = -(-count // _AT_ONCE)
    rounds = max(_ROUNDS, -(-_LEAST_STEPS // each))
    for turn in range(rounds):
        drawn = order.permutation(count)
        for step in range(each):
            yield drawn[step * _AT_ONCE : (step + 1) * _AT_ONCE], (turn + step / each) / rounds


class _Draft:
    """A network that is being taught: its numbers, and how far each has been moved (AdaGrad)."""

    def __init__(self, size: int, count: int) -> None:
        start = np.random.default_rng(_SEED + 2)
        self._inner = start.standard_normal((size, _HIDDEN), dtype=np.float32) * np.float32(0.1)
        self._outer = start.standard_normal((_HIDDEN, count), dtype=np.float32) * np.float32(_HIDDEN**-0.5)
        self._biases = np.zeros(_HIDDEN, dtype=np.float32), np.zeros(count, dtype=np.float32)
        self._moved = np.full((size, 1), 1e-6, dtype=np.float32)  # of inner, a feature at a time
        self._moved_outer, *self._moved_biases = (np.full_like(one, 1e-6) for one in (self._outer, *self._biases))

    def improve(self, texts: Floats, present: Integers, answers: NDArray[np.bool_], rate: np.float32) -> None:
        """One step towards `answers` (texts x topics) for `texts` (texts x the features that are `present`)."""
        inner_bias, outer_bias = self._biases
        inner = self._inner[present]
        hidden = np.maximum(texts @ inner + inner_bias, 0)
        wrong = (1 / (1 + np.exp(-(hidden @ self._outer + outer_bias))) - answers) / np.float32(len(texts))
        blame = (wrong @ self._outer.T) * (hidden > 0)
        _move(self._outer, self._moved_outer, hidden.T @ wrong, rate)
        _move(outer_bias, self._moved_biases[1], wrong.sum(axis=0), rate)
        _move(inner_bias, self._moved_biases[0], blame.sum(axis=0), rate)
        slope = texts.T @ blame
        moved = self._moved[present] + np.square(slope).mean(axis=1, keepdims=True)
        self._moved[present] = moved
        self._inner[present] = inner - slope * (rate / np.sqrt(moved))

    def finished(self) -> Network:
        steps = np.maximum(np.abs(self._inner).max(axis=1), np.float32(1e-6)) / np.float32(_FINEST)
        inner = np.rint(self._inner / steps[:, None]).astype(np.int8)
        return Network(inner, steps, self._biases[0], self._outer, self._biases[1])


def _move(numbers: Floats, moved: Floats, slope: Floats, rate: np.float32) -> None:
    """Moves numbers against their slope, the less the more they have been moved."""
    np.add(moved, slope * slope, out=moved)
    np.subtract(numbers, rate * slope / np.sqrt(moved), out=numbers)
