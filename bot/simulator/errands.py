"""Work that the platforms do after they have answered, such as reporting the result of a template message."""

import queue
import threading
from collections.abc import Callable

import structlog

_HANDS = 4
logger = structlog.get_logger(__name__)


class Errands:
    """Runs errands on a few daemon threads, started at the first one, which end with close()."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._lock = threading.Condition()
        self._open = 0
        self._hands: list[threading.Thread] = []

    def run(self, errand: Callable[[], object]) -> None:
        """Runs `errand` soon, on another thread."""
        with self._lock:
            self._open += 1
            if len(self._hands) < min(_HANDS, self._open):
                hand = threading.Thread(target=self._work, name="simulator-errands", daemon=True)
                self._hands.append(hand)
                hand.start()
        self._queue.put(errand)

    def wait(self, timeout_s: float = 30) -> bool:
        """Waits until every errand is done; False if some are not after `timeout_s` real seconds."""
        with self._lock:
            return self._lock.wait_for(lambda: self._open == 0, timeout_s)

    def close(self) -> None:
        """Ends the threads after what is queued."""
        with self._lock:
            hands, self._hands = self._hands, []
        for _ in hands:
            self._queue.put(None)

    def _work(self) -> None:
        while (errand := self._queue.get()) is not None:
            try:
                errand()
            except Exception:
                logger.exception("simulator_errand_failed")
            finally:
                with self._lock:
                    self._open -= 1
                    self._lock.notify_all()
