"""What cannot be read as words: pictures, files, places, and voice that the platform did not recognise."""

from bot.channel.messages import Kind
from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from handlers import messages


def media(turn: Turn, _services: Services) -> Reply | None:
    """Says kindly what to do instead."""
    if turn.message.kind is Kind.VOICE and not turn.words.strip():
        return Reply(text=messages.VOICE_UNHEARD, by="media")
    if turn.message.kind in (Kind.MEDIA, Kind.OTHER):
        return Reply(text=messages.MEDIA, by="media")
    return None
