"""How four likenesses become one score, and what score is enough. Calibrated with `flask kb eval`; pure."""

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
    """Scores from 0 to 1. `answer`: sure, if also `margin` ahead of the next topic; `suggest`: near.

    `evidence` is the least weight of subject words that question and entry must share; without them only what is nearly
    the same phrase (`phrase`) counts: no answer hangs on one common word. `near`: share of the best score that a
    suggestion needs.
    """

    answer: float = 0.40
    margin: float = 0.03
    clear: float = 0.80
    suggest: float = 0.35
    evidence: float = 0.45
    near: float = 0.80
    phrase: float = 0.55
    phrase_sure: float = 0.72
    strange: float = 0.6
    strange_phrase: float = 0.3


WEIGHTS: Mapping[str, float] = {
    "words_covered": 0.30,
    "words_nearest": 0.30,
    "pairs_covered": 0.15,
    "pairs_nearest": 0.25,
}
"""The share of each channel in the score; a channel more (pinyin) is a row more."""


def combine(parts: Mapping[str, float]) -> float:
    """One score from 0 to 1."""
    return sum(weight * parts.get(name, 0.0) for name, weight in WEIGHTS.items())


def judge(best: float, following: float, evidence: float, strange: float, thresholds: Thresholds) -> Verdict:
    """What may be said, given the best score, that of the next topic, shared evidence and strange words."""
    limits = thresholds
    sure = best >= limits.answer and strange <= limits.strange
    if evidence < limits.evidence:
        if best < limits.phrase or strange > limits.strange_phrase:
            return Verdict.NONE
        sure = sure and best >= limits.phrase_sure
    elif best < limits.suggest:
        return Verdict.NONE
    ahead = best - following >= limits.margin or best >= limits.clear
    return Verdict.ANSWER if sure and ahead else Verdict.SUGGEST
