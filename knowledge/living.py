"""The knowledge as it is now: a folder is watched, and what changes there is served within seconds, without a pause.

What is learnt anew is learnt in another process; this one opens it and swaps a reference. An edit with faults is
refused, and what was good before serves on.
"""

import logging
import os
import threading
from pathlib import Path

from knowledge import published
from knowledge.apart import Publish, publish_apart
from knowledge.base import KnowledgeBase
from knowledge.loader import Fault, KnowledgeError
from knowledge.tokens import private_cache_folder

logger = logging.getLogger(__name__)

_LOOK_S = 2.0
_QUIET_S = 1.0
_RETRY_S = 30.0
_JOIN_S = 5.0
_SHOWN = 10


class LivingBase:
    """Holds the knowledge of a folder and keeps it up to date. `faults` tell why what the folder says is not served."""

    def __init__(self, folder: Path, *, cache_folder: Path | None = None, publish: Publish = publish_apart) -> None:
        """Ready when this returns: opened in about a second, or learnt first where this machine has not yet.

        Raises KnowledgeError where the folder cannot be read and no good copy of it is kept.
        """
        self.faults: tuple[Fault, ...] = ()
        self._folder = folder
        self._cache_folder = cache_folder or private_cache_folder()
        self._publish = publish
        self._settled = self._seen = self._stamp()
        self._base = self._first()
        self._door = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._watched_by = 0

    def current(self) -> KnowledgeBase:
        """The knowledge to answer one message with; the next message may get a newer one."""
        if self._watched_by != os.getpid():
            self.watch()
        return self._base

    def watch(self) -> None:
        """From now on a thread watches the folder; after a fork the first one who asks starts it again."""
        with self._door:
            if self._watched_by == os.getpid() or self._stop.is_set():
                return
            self._watched_by = os.getpid()
            self._thread = threading.Thread(target=self._run, name="knowledge", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """The watching ends; what is held serves on."""
        with self._door:
            self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def look(self) -> float:
        """Looks at the folder once, and serves what it says if that is new, sound and quiet.

        Gives the seconds to rest before the next look.
        """
        try:
            stamp = self._stamp()
        except OSError:  # a file went away while it was looked at
            return _QUIET_S
        if stamp == self._settled:
            return _LOOK_S
        if stamp != self._seen:  # somebody may still be writing
            self._seen = stamp
            return _QUIET_S
        try:
            self._renew()
        except OSError as error:  # a full disk, say
            self._refuse((Fault(str(self._folder), 0, f"没能启用：{type(error).__name__} {error}"),))
            return _RETRY_S
        self._settled = stamp
        return _LOOK_S

    def _run(self) -> None:
        rest = _LOOK_S
        while not self._stop.wait(rest):
            try:
                rest = self.look()
            except Exception:  # the thread's border: what is held serves on
                logger.exception("knowledge_look_failed")
                rest = _RETRY_S

    def _renew(self) -> None:
        if published.digest(self._folder) == self._served:  # saved without a change, or a fault was taken back
            self.faults = ()
            return
        if published.find(self._folder, self._cache_folder) is None and (
            faults := self._publish(self._folder, self._cache_folder)
        ):
            self._refuse(faults)
            return
        if (place := published.find(self._folder, self._cache_folder)) is not None:  # else it has changed again
            self._base = self._opened(place)
            self.faults = ()
            logger.info("knowledge_renewed")

    def _first(self) -> KnowledgeBase:
        """What to begin with: what the folder says, or the last good copy if that has faults."""
        if (place := published.find(self._folder, self._cache_folder)) is not None:
            return self._opened(place)
        logger.warning("knowledge_learning: new on this machine, up to a minute of one processor, once")
        try:
            return self._opened(published.publish(self._folder, self._cache_folder))
        except KnowledgeError as error:
            self._refuse(error.faults)
            return self._last_good()
        except OSError as error:
            logger.warning("knowledge_not_kept: %s", error)
            return self._opened(self._folder)

    def _last_good(self) -> KnowledgeBase:
        """Without a good copy: what the folder says all the same, if only it can be read."""
        place = published.last(self._folder, self._cache_folder)
        try:
            return self._opened(place or self._folder)
        except KnowledgeError:
            return self._opened(self._folder)

    def _opened(self, place: Path) -> KnowledgeBase:
        self._served = published.digest(place)
        return published.open_copy(place, self._cache_folder)

    def _refuse(self, faults: tuple[Fault, ...]) -> None:
        if faults != self.faults:
            shown = "; ".join(map(str, faults[:_SHOWN]))
            logger.warning("knowledge_refused: %d faults, flask kb lint shows all: %s", len(faults), shown)
        self.faults = faults

    def _stamp(self) -> tuple[tuple[str, int, int, int, int], ...]:
        """What tells that a file has changed without reading it."""
        stats = [(str(path), path.stat()) for path in published.files(self._folder)]
        return tuple((name, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for name, one in stats)
