"""陪我冷静一下: a breathing and a grounding exercise, one at a time; 热线: the lines that answer now."""

import re

from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from bot.safety.replies import render

_EXERCISE = re.compile(
    r"陪我(?:冷静|呼吸|放松|平静|缓一缓)|(?:让我|帮我|想|怎么(?:才能)?)(?:冷静|平静|放松)(?:一下|下来)"
    r"|(?:呼吸|放松|着陆|接地|正念|五感|冷静)(?:一下)?练习|带我(?:呼吸|放松|冷静)|练(?:习|一下)?呼吸|54321"
)
_LINES = re.compile(
    r"^\s*(?:心理|危机|求助|援助|自杀干预|倾诉)*(?:热线|求助电话|咨询电话|援助电话)(?:电话|号码|是多少|有哪些)*[？?。\s]*$"
)
_ON = frozenset({"继续", "好", "好了", "做完了", "做好了", "下一个", "还有吗", "再来一个"})
SLOT = "exercise"


def comfort(turn: Turn, services: Services) -> Reply | None:
    """The exercise that was asked for, the next one after 继续, or the card of lines."""
    at = turn.now.astimezone(services.zone)
    waiting = turn.conversation.slots.get(SLOT)
    slots = {key: value for key, value in turn.conversation.slots.items() if key != SLOT}
    if _EXERCISE.search(turn.words):
        turn.conversation.slots = slots | {SLOT: turn.now.isoformat()}
        return Reply(text=render("exercise_breathing", at), by="comfort", topic="psych.help", plain=True)
    if waiting is not None:
        turn.conversation.slots = slots  # anything else ends it
        if turn.words.strip(" 。！!.") in _ON:
            return Reply(text=render("exercise_senses", at), by="comfort", topic="psych.help", plain=True)
    if _LINES.match(turn.words):
        return Reply(text=render("hotline_card", at), by="comfort", topic="psych.help", plain=True)
    return None
