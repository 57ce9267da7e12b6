"""Questions: curated answers from the knowledge, honest about what it does not know."""

from datetime import datetime
from typing import Any

from bot.routing.services import Services
from bot.routing.turn import SILENCE, Reply, Turn
from knowledge.base import KnowledgeBase
from knowledge.decisions import Abstain, Answer, Context, Decision
from knowledge.rendering import render


def faq(turn: Turn, services: Services) -> Reply | None:
    """A sure answer, or the nearest topics by number. None when nothing is near."""
    words = turn.words[: services.settings.limits.text_characters]
    if not words.strip():
        return None
    base = services.knowledge()
    decision = _ask(turn, services, base, words)
    if isinstance(decision, Abstain):
        return None
    topic = decision.topic if isinstance(decision, Answer) else ""
    return Reply(text=_render(turn, services, base, decision), by="faq" if topic else "suggest", topic=topic)


def fallback(turn: Turn, services: Services) -> Reply | None:
    """Nothing else answered: says so, and offers what is near and a person. Never silent to words."""
    if not turn.words.strip():
        return SILENCE
    return Reply(text=_render(turn, services, services.knowledge(), Abstain()), by="fallback")


def _ask(turn: Turn, services: Services, base: KnowledgeBase, words: str) -> Decision:
    before = _context(turn.conversation.slots)
    if before.asked_at is not None and turn.now - before.asked_at > services.memory_for:
        before = Context()
    decision = base.ask(words, before)
    after = base.remember(decision, before, turn.now)
    if after is not before and after.asked_at is not None:
        turn.conversation.slots = turn.conversation.slots | {
            "topic": after.topic,
            "suggestions": list(after.suggestions),
            "asked_at": after.asked_at.isoformat(),
        }
    return decision


def _context(slots: dict[str, Any]) -> Context:
    asked_at = slots.get("asked_at")
    if asked_at is None:
        return Context()
    return Context(slots.get("topic", ""), tuple(slots.get("suggestions", ())), datetime.fromisoformat(asked_at))


def _render(turn: Turn, services: Services, base: KnowledgeBase, decision: Decision) -> str:
    return render(decision, base, turn.now.astimezone(services.zone).date())
