"""What a safety notice says, in CAP's words and in ours. Pure.

Source: OASIS, Common Alerting Protocol 1.2: msgType Alert, Update, Cancel; status Actual, Exercise; urgency, severity
and responseType.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.broadcast.models import BadNoticeError
from bot.broadcast.segment import Segment

URGENCIES = ("Immediate", "Expected", "Future")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor")
RESPONSES: Mapping[str, str] = {
    "Shelter": "就地躲避，不要外出",
    "Evacuate": "按老师和现场人员的指挥撤离",
    "Prepare": "做好准备，留意后续通知",
    "Execute": "照上面说的做",
    "Avoid": "不要前往上面说的地方",
    "Monitor": "留意后续通知",
    "None": "",
}


class SafetyAnswer(StrEnum):
    """What a student can answer."""

    SAFE = "safe"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class SafetyDraft:
    """A safety notice as somebody wants it sent."""

    text: str
    segment: Segment
    author: str
    urgency: str = "Immediate"
    severity: str = "Severe"
    response: str = "Monitor"
    is_exercise: bool = False
    template: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How an event stands: people, of all whom its first notice meant."""

    total: int
    safe: int
    help: int
    silent: int
    not_reached: int
    is_open: bool


def check_words(notice: SafetyDraft) -> None:
    """Raises BadNoticeError for a word that CAP has not."""
    for word, known, name in (
        (notice.urgency, URGENCIES, "urgency"),
        (notice.severity, SEVERITIES, "severity"),
        (notice.response, tuple(RESPONSES), "response"),
    ):
        if word not in known:
            raise BadNoticeError(f"{name} 应为 {'、'.join(known)} 之一，现在是 {word}")


def safety_words(text: str, *, response: str, exercise: bool, ask: bool, mark: str = "平安通知") -> str:
    """The notice as a student reads it; with `ask` it says how to answer."""
    parts = [f"【{'演练·' if exercise else ''}{mark}】{text.strip()}"]
    if RESPONSES.get(response):
        parts.append(f"请你：{RESPONSES[response]}。")
    if ask:
        parts.append("平安，就回复：我已安全\n需要帮助，就回复：需要帮助，并说你在哪里\n危及生命先打 110、119、120。")
    if exercise:
        parts.append("这是演练，不是真的。")
    return "\n\n".join(parts)
