"""What a process of the bot needs seconds for, done once: importing this reads the knowledge and the word lists."""

from copy import copy
from pathlib import Path

from support.standing import StandingBase
from support.world import ROOT

from bot.bootstrap import Application
from bot.clock import SystemClock
from bot.safety.living import LivingLexicon
from bot.settings import Settings
from knowledge import DATA
from knowledge.published import find, open_copy, publish
from knowledge.tokens import private_cache_folder

_CACHE = private_cache_folder()
_KNOWLEDGE = open_copy(find(DATA, _CACHE) or publish(DATA, _CACHE), _CACHE)
_LEXICON = LivingLexicon()


def application(settings: Settings, folder: Path) -> Application:
    """The bot as of now, ready to answer."""
    made = Application(settings=settings, clock=SystemClock(), root=ROOT, folder=folder)
    made.__dict__.update(knowledge=StandingBase(_KNOWLEDGE), assess=copy(_LEXICON))
    return made
