"""帮助: what can be asked, and how."""

from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from handlers import messages

MENU_KEY = "help"
_WORDS = frozenset({"帮助", "菜单", "功能", "使用说明", "怎么用", "?", "？"})


def guide(turn: Turn, _services: Services) -> Reply | None:
    """A few examples to copy."""
    pressed = turn.message.event == "click" and turn.message.event_key == MENU_KEY
    if pressed or turn.words.strip() in _WORDS:
        return Reply(text=messages.HELP, by="guide", topic="meta.chat")
    return None
