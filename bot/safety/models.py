"""The words of the distress assessment: level, signal, assessment. Values only; no rule is here."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Subject = Literal["self", "other"]


class Level(IntEnum):
    """How grave: NONE < YELLOW < ORANGE < RED. Red and orange tell a counselor now, yellow the next working day.

    `str(level)` and JSON use the lower-case word.
    """

    NONE = 0
    YELLOW = 1
    ORANGE = 2
    RED = 3

    @property
    def word(self) -> str:
        """The level as the outside knows it: none, yellow, orange or red."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The level as staff read it."""
        return ("无", "黄色", "橙色", "红色")[self]

    @classmethod
    def from_word(cls, word: str) -> "Level":
        """The inverse of `word`. Raises KeyError if it is none of the four."""
        return cls[word.upper()]

    def __str__(self) -> str:
        return self.word


# What staff read for each category on an alert; the keys are the categories the lexicon may use.
CATEGORY_LABELS: dict[str, str] = {
    "wish_to_die": "想死",
    "passive_wish": "不想活下去",
    "self_harm": "自伤",
    "method": "方法",
    "plan": "计划",
    "time": "时间",
    "place": "地点",
    "means": "手边有工具",
    "goodbye": "告别",
    "attempt": "正在或已经行动",
    "danger_now": "眼前的危险",
    "threat_from_others": "受人威胁",
    "burden": "觉得自己是负担",
    "hopelessness": "绝望",
    "exhaustion": "撑得很累",
    "distress": "很难受",
    "accumulation": "连续多条",
    "split": "拆开写",
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing the text says: `term`, in plain form, which the student wrote at [start, end) of the text.

    `rule` names what found it (a term of the lexicon, a pattern's name): by it counselors' verdicts are counted.
    A signal of level NONE is a circumstance (a time, a place) that weighs only beside others. For signals that no
    single place of the text carries (accumulation, split), start and end are 0.
    """

    category: str
    term: str
    level: Level
    start: int = 0
    end: int = 0
    subject: Subject = "self"
    rule: str = ""

    @property
    def label(self) -> str:
        """The category in the words of staff."""
        return CATEGORY_LABELS.get(self.category, self.category)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was seen: the gravest level, the signals in the order of the text, and whom it is about."""

    level: Level = Level.NONE
    signals: tuple[Signal, ...] = ()
    subject: Subject = "self"

    @property
    def alarms(self) -> bool:
        """True if a counselor must be told now."""
        return self.level >= Level.ORANGE

    @property
    def labels(self) -> tuple[str, ...]:
        """The categories in the words of staff, the gravest first, none twice."""
        ordered = sorted(self.signals, key=lambda signal: -signal.level)
        return tuple(dict.fromkeys(signal.label for signal in ordered))


CALM = Assessment()
