"""The lexicon that serves: judged with, and swapped for a new one while it serves, when its files have changed."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import structlog

from bot.safety.assessment import assess
from bot.safety.lexicon import DATA_FOLDER, LexiconError, load_lexicon
from bot.safety.matching import Lexicon
from bot.safety.models import Assessment

logger = structlog.get_logger(__name__)

_LOOK_S = 5.0
_REMEMBERED = 2048
_Stamp = tuple[tuple[str, int, int], ...]


class LivingLexicon:
    """Judges texts by the newest lexicon that has no fault. Safe to share between threads.

    A lexicon is immutable and the swap is one assignment, so whoever is judging a text ends with the one it began with.
    """

    def __init__(self, folder: Path = DATA_FOLDER, *, look_s: float = _LOOK_S) -> None:
        """The files are looked at every `look_s` seconds in which somebody writes.

        Raises LexiconError if they have faults: nothing starts with a broken lexicon.
        """
        self._folder = folder
        self._look_s = look_s
        self._look_at = time.monotonic() + look_s
        self._taking = threading.Lock()
        self._stamp = self._stamped()
        self._judge = _judging(load_lexicon(folder))

    def __call__(self, text: str, recent: Sequence[str]) -> Assessment:
        """What `text` says, heard after `recent`. The last ones are remembered."""
        if time.monotonic() >= self._look_at:
            self._look()
        return self._judge(text, tuple(recent))

    def _look(self) -> None:
        """If the files have changed, a thread takes them: nobody who writes meanwhile waits for it."""
        self._look_at = time.monotonic() + self._look_s
        try:
            changed = self._stamped() != self._stamp
        except OSError:  # somebody is writing them
            return
        if changed and self._taking.acquire(blocking=False):
            threading.Thread(target=self._take, name="lexicon", daemon=True).start()

    def _take(self) -> None:
        try:
            self.refresh()
        finally:
            self._taking.release()

    def refresh(self) -> bool:
        """True if the files had changed and are in use now. Faulty files are logged, and the old lexicon goes on."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return False
        self._stamp = stamp  # the same fault is told once
        try:
            lexicon = load_lexicon(self._folder)
        except LexiconError as error:
            logger.error("lexicon_not_taken", faults=error.faults)  # noqa: TRY400 - the faults say all
            return False
        self._judge = _judging(lexicon)
        logger.info("lexicon_taken", terms=len(lexicon.terms), patterns=len(lexicon.patterns))
        return True

    def _stamped(self) -> _Stamp:
        files = sorted((self._folder / "lexicon").glob("*.yaml"))
        return tuple((file.name, (stat := file.stat()).st_mtime_ns, stat.st_size) for file in files)


def _judging(lexicon: Lexicon) -> Callable[[str, tuple[str, ...]], Assessment]:
    return lru_cache(maxsize=_REMEMBERED)(lambda text, recent: assess(text, recent, lexicon))
