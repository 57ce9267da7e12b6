"""`python -m knowledge FOLDER CACHE`: publishes what the folder says, in a process of its own beside one that serves.

Faults are printed as JSON, a list of [file, line, message], and the exit code is 1.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from knowledge.loader import KnowledgeError
from knowledge.published import publish

_NICE = 10
_LOOK_S = 0.5


def main(arguments: Sequence[str]) -> int:
    """Gives way to processes that serve, and ends with the one that started it."""
    folder, cache_folder = map(Path, arguments)
    os.nice(_NICE)
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    try:
        publish(folder, cache_folder)
    except KnowledgeError as error:
        sys.stdout.write(json.dumps([[fault.path, fault.line, fault.message] for fault in error.faults]))
        return 1
    return 0


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)  # nothing is lost: what is unfinished is a draft


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
