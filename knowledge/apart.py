"""Publishing in a process of its own, so that a process that serves keeps its time. The other end is __main__.py."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from knowledge.loader import Fault

_ROOT = Path(__file__).resolve().parents[1]

Publish = Callable[[Path, Path], tuple[Fault, ...]]
"""Publishes a folder to a cache folder, and tells what is wrong with it. Raises OSError where it cannot."""


def publish_apart(folder: Path, cache_folder: Path) -> tuple[Fault, ...]:
    """Runs `python -m knowledge`, which gives way to others and ends with this process."""
    command = [sys.executable, "-m", "knowledge", str(folder.resolve()), str(cache_folder.resolve())]
    done = subprocess.run(command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)  # noqa: S603 - our own command
    if done.returncode == 0:
        return ()
    try:
        return tuple(Fault(path, line, message) for path, line, message in json.loads(done.stdout))
    except ValueError as error:
        message = f"python -m knowledge ended with {done.returncode}"
        raise OSError(message) from error
