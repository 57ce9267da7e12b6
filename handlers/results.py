"""What the platform reports of a template message or a mass send, after it has taken it."""

from bot.channel.messages import Kind
from bot.routing.services import Services
from bot.routing.turn import SILENCE, Reply, Turn

_MASS = "masssendjobfinish"
_RESULTS = frozenset({"templatesendjobfinish", _MASS})


def results(turn: Turn, services: Services) -> Reply | None:
    """The result is in the ledger. Nobody reads an answer to it."""
    if turn.message.kind is not Kind.EVENT or turn.message.event not in _RESULTS:
        return None
    extra = turn.message.extra
    if turn.message.event == _MASS:  # comes from the platform's own openid, which nobody should write to
        turn.contact.following = False
    if extra.get("msg_id"):
        services.results.note_result(
            turn.session,
            extra["msg_id"],
            status=extra.get("status", ""),
            total=_number(extra.get("total", "")),
            sent=_number(extra.get("sent", "")),
        )
    return SILENCE


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 9 else 0  # noqa: PLR2004 - a column's size
