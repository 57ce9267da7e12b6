"""What stays different after a crisis message until its alert is closed: who is told what, nothing sold beside it."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bot.escalation.records import AlertRecord
from bot.routing.turn import Reply

SLOT = "care"
_LISTENS_FOR = timedelta(hours=24)  # after that an unclear text is a text like any other again
_UNCLEAR = frozenset({"fallback", "suggest", "limit", "guide", "routers_broke"})
_UNLESS_ASKED = frozenset({"faq", "maintenance"})  # right for a question, and for nothing else
_ASKS = re.compile(r"[？?吗呢]|怎么|怎样|如何|什么|哪|几[点号天时]|多少|能不能|可不可以|要不要|是不是|有没有|咋")
_MENUS = ("回复数字", "你问的是哪一个")


def begun(about: str, now: datetime) -> dict[str, Any]:
    """The slot's value after a message that alarms."""
    return {"about": about, "since": now.isoformat(), "heard": 0}


def is_open(session: Session, contact: str, about: str) -> bool:
    """True while an alert of this contact, or the one that it was merged into, is not closed.

    Asked only of those who have the slot.
    """
    ours = and_(AlertRecord.contact == contact, AlertRecord.about == about)
    into = select(AlertRecord.merged_into).where(ours, AlertRecord.merged_into.is_not(None))
    query = select(AlertRecord.id).where(AlertRecord.state != "resolved", or_(ours, AlertRecord.id.in_(into)))
    return session.scalar(query.limit(1)) is not None


def wants_listening(words: str, reply: Reply, slot: dict[str, Any], now: datetime) -> bool:
    """True for what is no question: 在宿舍，就我一个 answers ours, and is owed more than advice on moving out."""
    unclear = is_unclear(reply) or (reply.by in _UNLESS_ASKED and _ASKS.search(words) is None)
    return unclear and now - datetime.fromisoformat(slot["since"]) < _LISTENS_FOR


def is_unclear(reply: Reply) -> bool:
    """True for what is said when nobody understood."""
    return reply.by in _UNCLEAR


def plain(reply: Reply) -> Reply:
    """The same answer with nothing beside it: no held reminders, no menu of numbers."""
    kept = [paragraph for paragraph in reply.text.split("\n\n") if not paragraph.startswith(_MENUS)]
    return replace(reply, text="\n\n".join(kept) or reply.text, plain=True)
