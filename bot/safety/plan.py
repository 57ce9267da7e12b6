"""The safety plan that a student fills in step by step: its steps, and where somebody is in them. Pure once read.

No answer is kept here, only which message holds it: the words stay sealed where all messages are, and go when they go.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DATA_FILE = Path(__file__).parent / "data" / "plan.yaml"
_START = re.compile(r"^\s*(?:我?(?:想|要)?(?:写|做|填|制定|重写|开始)?(?:一份|一个)?)?安全计划[\s。！!.]*$")
_SHOW = re.compile(r"^\s*(?:看看?|查看|给我看)?(?:一下)?我的安全计划[\s。！!.]*$")
_WORDS = {
    "skip": frozenset({"跳过", "没有", "不知道", "下一步", "略"}),
    "leave": frozenset({"退出", "不写了", "不做了", "停", "算了", "先不写了"}),
    "resume": frozenset({"继续", "接着写", "继续写"}),
}
_LONGEST_ANSWER = 48  # characters of an answer that the finished plan shows, so that it stays one bubble
_BLANK = "（空着，想到了再补）"


class Wish(Enum):
    """What a message wants of the plan, apart from being an answer."""

    START = "start"
    SHOW = "show"
    SKIP = "skip"
    LEAVE = "leave"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its heading in the finished plan, and the question."""

    title: str
    ask: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Which steps are answered, each by the id of a message ("" is skipped), and when the last question was put."""

    answers: tuple[str, ...] = ()
    asked_at: datetime | None = None

    @property
    def is_done(self) -> bool:
        """True if every step has been answered or skipped."""
        return len(self.answers) >= len(load_steps())

    def answered(self, inbound_id: str, now: datetime) -> "Progress":
        """One step further; "" skips it."""
        return Progress((*self.answers, inbound_id), now)

    def asked(self, now: datetime) -> "Progress":
        """The same step, its question put once more."""
        return replace(self, asked_at=now)

    def as_slot(self) -> dict[str, Any]:
        """Plain JSON for the conversation's slots."""
        return {"answers": list(self.answers), "asked_at": self.asked_at.isoformat() if self.asked_at else ""}


def progress_of(slot: dict[str, Any] | None) -> Progress | None:
    """The inverse of `as_slot`; None if there is no plan."""
    if not slot:
        return None
    asked_at = datetime.fromisoformat(slot["asked_at"]) if slot.get("asked_at") else None
    return Progress(tuple(slot.get("answers", ())), asked_at)


def wish_of(text: str) -> Wish | None:
    """What a message wants of the plan; None if it is something else, such as an answer."""
    if _SHOW.match(text):
        return Wish.SHOW
    if _START.match(text):
        return Wish.START
    word = text.strip(" 。.！!")
    return next((Wish(name) for name, words in _WORDS.items() if word in words), None)


def question(progress: Progress) -> str:
    """The question of the step that comes next. Raises IndexError if there is none."""
    number = len(progress.answers)
    return f"第 {number + 1} 步：{load_steps()[number].ask}"


def written_out(answers: Sequence[str]) -> str:
    """The plan with the student's own words under each heading."""
    return "\n".join(
        f"{number}. {step.title}\n   {_shortened(answer) or _BLANK}"
        for number, (step, answer) in enumerate(zip(load_steps(), answers, strict=False), start=1)
    )


@cache
def load_steps(path: Path = DATA_FILE) -> tuple[Step, ...]:
    """The steps of the YAML file, read once."""
    return tuple(Step(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8")))


def _shortened(answer: str) -> str:
    words = " ".join(answer.split())
    return words if len(words) <= _LONGEST_ANSWER else words[: _LONGEST_ANSWER - 1] + "…"
