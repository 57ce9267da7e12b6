"""Asking before what cannot be undone: the question is open for ten minutes and until something else is said."""

import unicodedata
from datetime import datetime, timedelta

from bot.routing.turn import Turn

_SLOT = "confirm"
_LONGEST = 60
_OPEN_FOR = timedelta(minutes=10)
_YES = frozenset({"确认", "确定", "是", "是的"})


def plain(turn: Turn) -> str:
    """The sender's words as commands are compared: in half-width, without white space around; nothing if too long.

    Commands are short. The patterns that look for them take long over thousands of spaces.
    """
    words = turn.words.strip()
    return unicodedata.normalize("NFKC", words) if len(words) <= _LONGEST else ""


def ask(turn: Turn, what: str) -> None:
    """The student has been asked about `what`."""
    turn.conversation.slots = turn.conversation.slots | {_SLOT: {"what": what, "at": turn.now.isoformat()}}


def given(turn: Turn, what: str, words: str, phrase: str) -> bool:
    """True if `words` say yes to the open question about `what`, by `phrase` or a plain yes; it is over then."""
    waiting = turn.conversation.slots.get(_SLOT)
    if waiting is None or waiting["what"] != what or not words.strip():
        return False
    turn.conversation.slots = {key: value for key, value in turn.conversation.slots.items() if key != _SLOT}
    said = words.strip().strip("。.!！“”\"' ")
    lately = turn.now - datetime.fromisoformat(waiting["at"]) <= _OPEN_FOR
    return lately and said in {phrase, *_YES}
