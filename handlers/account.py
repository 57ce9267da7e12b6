"""Follow, unfollow, scan, and the events that nobody needs to answer."""

from bot.channel.messages import Kind
from bot.routing.services import Services
from bot.routing.turn import SILENCE, Reply, Turn
from handlers import messages

_ANSWERED_ELSEWHERE = frozenset({"click"})


def account(turn: Turn, services: Services) -> Reply | None:
    """A greeting to who follows or scans; silence for the other events, known or not."""
    if turn.message.kind is not Kind.EVENT or turn.message.event in _ANSWERED_ELSEWHERE:
        return None
    if turn.message.event == "unsubscribe":
        turn.contact.following = False
        return SILENCE
    turn.contact.following = True
    if turn.message.event in ("subscribe", "scan"):
        text = messages.greeting(services.settings.school.name, services.settings.security.retention_days)
        return Reply(text=text, by="account", topic="meta.chat")
    return SILENCE
