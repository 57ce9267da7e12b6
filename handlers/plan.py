"""安全计划: a safety plan that the student fills in step by step and gets back whole."""

from collections.abc import Sequence

from sqlalchemy import select

from bot.conversation.records import InboundRecord
from bot.crypto import Cipher
from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from bot.safety.callback import find_call_request
from bot.safety.plan import Progress, Wish, load_steps, progress_of, question, wish_of, written_out
from bot.safety.replies import render
from handlers.comfort import SLOT as EXERCISE_SLOT

_SLOT = "plan"
_NO_ANSWERS = frozenset({"人工", "帮助", "退订"})  # these always mean what they mean


def plan(turn: Turn, services: Services) -> Reply | None:
    """Starts, goes on with, or shows the plan. A text is an answer only soon after the question."""
    progress = progress_of(turn.conversation.slots.get(_SLOT))
    wish = wish_of(turn.words)
    if wish is Wish.START or (wish is Wish.SHOW and (progress is None or not progress.answers)):
        fresh = Progress(asked_at=turn.now)
        return _reply(turn, services, "plan_start", fresh, question=question(fresh), count=str(len(load_steps())))
    if wish is Wish.SHOW and progress is not None:
        return _whole(turn, services, progress)
    if progress is None or progress.is_done:
        return None
    if wish is Wish.RESUME and EXERCISE_SLOT not in turn.conversation.slots:
        return _reply(turn, services, "plan_next", progress.asked(turn.now), question=question(progress))
    return _answered(turn, services, progress, wish) if _is_answer(turn, services, progress) else None


def _is_answer(turn: Turn, services: Services, progress: Progress) -> bool:
    lately = progress.asked_at is not None and turn.now - progress.asked_at <= services.memory_for
    words = turn.words.strip()
    return lately and bool(words) and words not in _NO_ANSWERS and find_call_request(words) is None


def _answered(turn: Turn, services: Services, progress: Progress, wish: Wish | None) -> Reply:
    if wish is Wish.LEAVE:
        return _reply(turn, services, "plan_left", Progress(progress.answers))
    further = progress.answered("" if wish is Wish.SKIP else turn.inbound_id, turn.now)
    if further.is_done:
        return _whole(turn, services, further)
    said = "plan_skipped" if wish is Wish.SKIP else "plan_next"
    return _reply(turn, services, said, further, question=question(further))


def _whole(turn: Turn, services: Services, progress: Progress) -> Reply:
    return _reply(turn, services, "plan_done", progress, plan=written_out(_answers(turn, services, progress.answers)))


def _answers(turn: Turn, services: Services, inbound_ids: Sequence[str]) -> list[str]:
    """The student's own words; blank where a step was skipped or its message is deleted by now."""
    cipher = Cipher(services.settings.security.keys)
    rows = turn.session.execute(
        select(InboundRecord.id, InboundRecord.words).where(InboundRecord.id.in_([one for one in inbound_ids if one]))
    )
    words = {row.id: cipher.open(row.words, row=row.id) for row in rows}
    words[turn.inbound_id] = turn.words  # stored at the end of this very transaction
    return [words.get(inbound_id, "") for inbound_id in inbound_ids]


def _reply(turn: Turn, services: Services, situation: str, progress: Progress, **fills: str) -> Reply:
    turn.conversation.slots = turn.conversation.slots | {_SLOT: progress.as_slot()}
    text = render(situation, turn.now.astimezone(services.zone), **fills)
    return Reply(text=text, by="plan", topic="psych.help", plain=True)
