"""Checks of the distress data beyond what loading checks: promised examples, replies, hotlines. Changes nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.safety.assessment import assess
from bot.safety.hotlines import load_hotlines
from bot.safety.lexicon import read_examples
from bot.safety.matching import Lexicon
from bot.safety.replies import LONGEST_REPLY, load_replies, render

_ANY_TIME = datetime(2026, 6, 17, 10, tzinfo=UTC)


def lint(lexicon: Lexicon) -> list[str]:
    """Every fault as a line that names its place; empty when all is well."""
    return [*_examples(lexicon), *_replies(), *_hotlines()]


def _examples(lexicon: Lexicon) -> Iterator[str]:
    for example in read_examples():
        seen = any(signal.category == example.category for signal in assess(example.text, (), lexicon).signals)
        if seen != example.seen:
            yield f"{example.where} “{example.text}”{'没有' if example.seen else '不该'}触发 {example.category}"


def _replies() -> Iterator[str]:
    for situation in load_replies():
        size = len(render(situation, _ANY_TIME, phone="13800000000").encode())
        if size > LONGEST_REPLY:
            yield f"replies.yaml {situation} 有 {size} 字节，最多 {LONGEST_REPLY}"


def _hotlines() -> Iterator[str]:
    for line in load_hotlines().lines:
        if line.is_filled_in and "【" in f"{line.name}{line.grade}{line.source}{line.verified}":
            yield f"hotlines.yaml {line.name} 填了号码，还要填来源、等级和核对日期"
