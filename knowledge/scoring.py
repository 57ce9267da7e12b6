"""How likenesses become one score, and what score is enough. Calibrated on labelled questions; pure.

docs/knowledge.md says how the numbers here were found and how to find them again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What a ranking allows."""

    ANSWER = "answer"
    SUGGEST = "suggest"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Chances from 0 to 1: from `answer` on the best topic is answered, from `suggest` on the nearest are offered.

    `margin`: the best must be this far ahead of the next topic.
    """

    answer: float = 0.65
    suggest: float = 0.12
    margin: float = 0.0


_BIAS = -2.0
_PARTS: Mapping[str, float] = {"learned": 0.4, "ahead": 0.52, "outside": -0.62, "known": -0.48}


def score(parts: Mapping[str, float]) -> float:
    """The chance, from 0 to 1, that a topic with these parts is what was asked."""
    return 1 / (1 + math.exp(-sum([weight * parts[name] for name, weight in _PARTS.items()], _BIAS)))


def shares(parts: Mapping[str, float]) -> dict[str, float]:
    """What each part adds to the log-odds of that chance; `bias` is there without any."""
    return {"bias": _BIAS} | {name: weight * parts[name] for name, weight in _PARTS.items()}


def judge(best: float, following: float, thresholds: Thresholds) -> Verdict:
    """What may be said, given the scores of the best topic and of the next."""
    if best >= thresholds.answer and best - following >= thresholds.margin:
        return Verdict.ANSWER
    return Verdict.SUGGEST if best >= thresholds.suggest else Verdict.NONE
