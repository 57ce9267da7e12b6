"""我已安全 and 需要帮助: answers to a safety notice, while one is open."""

import re

from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from handlers import messages

_SAFE = re.compile(r"^\s*(?:我?(?:已经?|是|很|都)?(?:安全|平安)(?:了|的)?|我没事|报平安)\s*[。.!！~]*\s*$")
_HELP = re.compile(r"^\s*(?:我?(?:需要|要)帮助|求助|救命|帮帮我)(?P<rest>.*)$", re.DOTALL)


def safe(turn: Turn, services: Services) -> Reply | None:
    """The answer is counted; who needs help has a case, and those who run the event know."""
    is_safe, in_need = _SAFE.match(turn.words), _HELP.match(turn.words)
    if not turn.words or (is_safe is None and in_need is None):
        return None
    contact = turn.contact.contact
    event = services.safety_notices.find_event(turn.session, contact)
    if event is None:
        return None
    exercise = event.status == "Exercise"
    if is_safe is not None or in_need is None:
        services.safety_notices.answer_safe(turn.session, event, contact)
        return Reply(text=messages.safe_noted(exercise=exercise), by="safe", plain=True)
    words = in_need.group("rest").strip(" ，,。:：\n")
    case = services.safety_notices.answer_help(turn.session, event, contact, words)
    text = messages.help_noted(case.number, exercise=exercise, has_words=bool(words))
    return Reply(text=text, by="safe", plain=True)
