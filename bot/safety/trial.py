"""New terms tried on recent messages before they count: what they would change, without who wrote it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversation.records import InboundRecord
from bot.crypto import Cipher
from bot.safety.assessment import assess
from bot.safety.matching import Lexicon
from bot.safety.models import Level

_SHOWN = 50  # changes that are shown; all are counted
_AROUND = 8  # characters before and after the signal
_IDENTIFYING = re.compile(r"[A-Za-z0-9_@.\-]{4,}|\d+|(?<=我叫)[一-鿿]{2,3}|(?<=我是)[一-鿿]{2,4}(?=同学|，|。)")


@dataclass(frozen=True, slots=True)
class Change:
    """A message whose level would be another one: the words around the signal, numbers and names blacked out."""

    before: Level
    after: Level
    excerpt: str
    rule: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many messages were read, and what would change."""

    read: int
    changed: int
    new_alarms: int
    changes: Sequence[Change]


def try_out(session: Session, cipher: Cipher, now: Lexicon, tried: Lexicon, since: datetime) -> Outcome:
    """Every text since then judged by both lexicons, each text by itself. Nothing is stored."""
    query = (
        select(InboundRecord.id, InboundRecord.words)
        .where(InboundRecord.received_at >= since, InboundRecord.kind.in_(("text", "voice")))
        .order_by(InboundRecord.received_at.desc())
        .execution_options(yield_per=500)
    )
    read = changed = new_alarms = 0
    shown: list[Change] = []
    for row in session.execute(query):
        read += 1
        text = cipher.open(row.words, row=row.id)
        before, after = assess(text, (), now), assess(text, (), tried)
        if before.level is after.level:
            continue
        changed += 1
        new_alarms += after.alarms and not before.alarms
        if len(shown) < _SHOWN:
            gravest = max(after.signals or before.signals, key=lambda signal: signal.level)
            excerpt = _anonymous(text, gravest.start, gravest.end)
            shown.append(Change(before.level, after.level, excerpt, gravest.rule))
    return Outcome(read, changed, new_alarms, shown)


def _anonymous(text: str, start: int, end: int) -> str:
    before = _IDENTIFYING.sub("▇", text[:start])[-_AROUND:]
    after = _IDENTIFYING.sub("▇", text[end:])[:_AROUND]
    return f"…{before}{text[start:end]}{after}…".replace("\n", " ")
