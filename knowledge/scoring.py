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

    answer: float = 0.44
    margin: float = 0.04
    clear: float = 0.80
    suggest: float = 0.28
    evidence: float = 0.45
    near: float = 0.80
    phrase: float = 0.72


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


def judge(best: float, following: float, evidence: float, thresholds: Thresholds) -> Verdict:
    """What may be said, given the best entry's score, the best score of another topic, and the shared evidence."""
    if best < (thresholds.suggest if evidence >= thresholds.evidence else thresholds.phrase):
        return Verdict.NONE
    if best >= thresholds.clear:
        return Verdict.ANSWER
    if best >= thresholds.answer and best - following >= thresholds.margin:
        return Verdict.ANSWER
    return Verdict.SUGGEST
