"""What to answer to somebody in distress: which words for which situation. The words are data/replies.yaml."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

import yaml

from bot.errors import UserFacingError
from bot.safety.hotlines import Hotlines, load_hotlines, open_lines
from bot.safety.models import Assessment, Level

DATA_FILE = Path(__file__).parent / "data" / "replies.yaml"
LAST_RESORT = (
    "谢谢你告诉我这些。我是程序，你的话老师会看到。\n\n"
    "如果现在很难撑住，或者有人有危险，请马上打 120 或 110，也可以叫一个人来陪你。\n\n"
    "要找老师，回复“人工”。"
)
"""What is said when no template can be filled in: it needs no file."""
LONGEST_REPLY = 1200  # bytes: one bubble, read without scrolling, well under the platform's 2,048
SITUATIONS = frozenset(
    f"{level}_{subject}{again}"
    for level in ("red", "orange", "yellow")
    for subject in ("self", "other")
    for again in ("", "_again")
) | {"red_attempt_self", "red_threat_self", "call_me_phone_asked", "call_me_phone_given"}
_LISTENING: Mapping[str, tuple[str, ...]] = {
    "self": ("listening_self_1", "listening_self_2", "listening_self_3"),
    "other": ("listening_other_1", "listening_other_2"),
}
COMPANY = frozenset(
    {
        *_LISTENING["self"],
        *_LISTENING["other"],
        "call_noted",
        "call_noted_without_phone",
        "hotline_card",
        "exercise_breathing",
        "exercise_senses",
        "plan_start",
        "plan_next",
        "plan_skipped",
        "plan_done",
        "plan_left",
        "plan_waits",
    }
)
"""What is said besides: to who goes on talking while an alert is open, and what a student asks for."""
_OFFER = re.compile(
    r"(?<=[。，；\n])[^。，；\n]*“打给我”和手机号(?=[。；])|^[^。\n]*“打给我”和手机号(?=。)", re.MULTILINE
)


_FILL = re.compile(r"\{([a-z]+)\}")  # one pass: what a student wrote is never taken for a placeholder


class RepliesError(UserFacingError):
    """The supportive replies have faults."""


def supportive_reply(assessment: Assessment, at: datetime, *, again: bool = False) -> str:
    """The words for this assessment at `at` (the school's local time): at most LONGEST_REPLY bytes, one bubble.

    `again` means that an alert of this student is open already: other words, not the same once more. An assessment of
    level NONE gets the words for yellow, so that this path never fails for want of a level.
    """
    return render(situation_of(assessment, again=again), at)


def call_me_reply(at: datetime, *, phone: str = "") -> str:
    """The answer to 打给我: asks for a number, or confirms the one given."""
    return render("call_me_phone_given" if phone else "call_me_phone_asked", at, phone=phone)


def listening_reply(subject: str, heard: int, at: datetime) -> str:
    """To somebody with an open alert who says what nobody understands; `heard` such texts came before."""
    situations = _LISTENING["other" if subject == "other" else "self"]
    return render(situations[heard] if heard < len(situations) else situations[heard % 2], at)


def with_call_noted(reply: str, at: datetime, *, phone: str) -> str:
    """The reply with the offer of a call replaced by the word that the wish for one is passed on."""
    noted = render("call_noted" if phone else "call_noted_without_phone", at, phone=phone).rstrip("。")
    said, count = _OFFER.subn(noted, reply, count=1)
    return said if count else f"{reply}\n\n{noted}。"


def situation_of(assessment: Assessment, *, again: bool) -> str:
    """The name of the template that fits."""
    level = max(assessment.level, Level.YELLOW)
    red = {signal.category for signal in assessment.signals if signal.level is Level.RED}
    if level is Level.RED and assessment.subject == "self" and not again:
        if "attempt" in red:
            return "red_attempt_self"
        if red == {"threat_from_others"}:
            return "red_threat_self"
    return f"{level.word}_{assessment.subject}{'_again' if again else ''}"


def render(situation: str, at: datetime, **words: str) -> str:
    """A template with the lines of the hour and the given words filled in. Raises KeyError for an unknown situation."""
    hotlines = load_hotlines()
    fills = {"lines": _lines(at, hotlines), "line": _one_line(at, hotlines), "phone": "", **words}
    return _FILL.sub(lambda match: fills.get(match[1], match[0]), load_replies()[situation])


@cache
def load_replies(path: Path = DATA_FILE) -> Mapping[str, str]:
    """The templates by situation, read once. Raises RepliesError if one is missing or unknown."""
    templates: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    if wrong := (SITUATIONS | COMPANY) ^ templates.keys():
        message = f"{path.name} 缺少或多出：{'、'.join(sorted(wrong))}"
        raise RepliesError(message)
    return templates


def _lines(at: datetime, hotlines: Hotlines) -> str:
    emergency = " 或 ".join(line.number for line in hotlines.emergency)
    return "\n".join(f"· {line}" for line in (emergency, *open_lines(at, hotlines)))


def _one_line(at: datetime, hotlines: Hotlines) -> str:
    """The line for a talk that is no emergency: the school's own or the nearest that is known to answer now."""
    shown = open_lines(at, hotlines)
    own = [line for line in shown if line.line.region == "本校"]
    chosen = (own or shown)[0] if shown else None
    return f"{chosen.line.number}（{chosen.line.name}）" if chosen else hotlines.emergency[0].number
