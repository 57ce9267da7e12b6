"""The lexicon that serves: judged with, and swapped for a new one while it serves, when its files have changed."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from bot.safety.assessment import assess
from bot.safety.lexicon import DATA_FOLDER, LexiconError, load_lexicon
from bot.safety.models import Assessment

logger = structlog.get_logger(__name__)

_Stamp = tuple[tuple[str, int, int], ...]


class LivingLexicon:
    """Judges texts by the newest lexicon that has no fault. Safe to share between threads.

    A lexicon is immutable and the swap is one assignment, so whoever is judging a text ends with the one it began with.
    """

    def __init__(self, folder: Path = DATA_FOLDER) -> None:
        """Raises LexiconError if the files have faults: nothing starts with a broken lexicon."""
        self._folder = folder
        self._stamp = self._stamped()
        self._lexicon = load_lexicon(folder)

    def __call__(self, text: str, recent: Sequence[str]) -> Assessment:
        """What `text` says, heard after `recent`."""
        return assess(text, recent, self._lexicon)

    def refresh(self) -> bool:
        """True if the files had changed and are in use now. Faulty files are logged, and the old lexicon goes on."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return False
        self._stamp = stamp  # the same fault is told once
        try:
            self._lexicon = load_lexicon(self._folder)
        except LexiconError as error:
            logger.error("lexicon_not_taken", faults=error.faults)  # noqa: TRY400 - the faults say all
            return False
        logger.info("lexicon_taken", terms=len(self._lexicon.terms), patterns=len(self._lexicon.patterns))
        return True

    def _stamped(self) -> _Stamp:
        files = sorted((self._folder / "lexicon").glob("*.yaml"))
        return tuple((file.name, (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files)
