"""人工: opens a case and promises a person's reply by a time that is said."""

import re

from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from handlers import messages

MENU_KEY = "human"
_ASKS = re.compile(
    r"^\s*(?:我?(?:要|想)?(?:找|转|联系|接)?(?:一下)?(?:人工(?:客服|服务)?|真人|老师|辅导员)|help)"
    r"(?:[\s，,。.：:！!？?]+(?P<rest>.*))?\s*$",
    re.IGNORECASE | re.DOTALL,
)


def human(turn: Turn, services: Services) -> Reply | None:
    """The student's open case, a new one if there is none, with what was said after 人工."""
    pressed = turn.message.event == "click" and turn.message.event_key == MENU_KEY
    asked = _ASKS.match(turn.words) if turn.words else None
    if not pressed and asked is None:
        return None
    words = (asked.group("rest") or "").strip() if asked else ""
    case = services.cases.open(turn.session, turn.contact.contact, words or turn.words or "（点了菜单“找老师”）")
    say = messages.case_opened if case.is_new else messages.case_continued
    return Reply(text=say(case.number, case.reply_by, services.zone), by="human", topic="meta.chat")
