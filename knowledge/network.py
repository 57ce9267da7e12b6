"""A small neural network: how much a text speaks of each topic. Taught by teaching.py; asked here.

One hidden layer over the features, and a yes or no of its own for each topic: a text may speak of two, or of none.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


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
        strength = vector.values * self.steps.take(vector.ids)
        hidden = np.maximum(strength @ self.inner.take(vector.ids, 0).astype(np.float32) + self.inner_bias, 0)
        logits: NDArray[Any] = hidden @ self.outer + self.outer_bias
        return logits

    def without_each(self, vector: Vector) -> NDArray[Any]:
        """A row for each feature of the text: the logits if that one were not there."""
        shares = (vector.values * self.steps[vector.ids])[:, None] * self.inner[vector.ids]
        hidden = np.maximum(shares.sum(axis=0) - shares + self.inner_bias, 0)
        logits: NDArray[Any] = hidden @ self.outer + self.outer_bias
        return logits
