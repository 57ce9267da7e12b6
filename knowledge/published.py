"""Published states of a knowledge folder: copies that were checked and learnt, which no later edit can spoil.

People edit the folder; processes serve the copy. So all of them serve the same, an edit with faults changes nothing,
and a process that starts while the folder has faults serves the last good copy.
"""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path

from knowledge import artifact, base_of, learn_library
from knowledge.artifact import alone
from knowledge.base import KnowledgeBase
from knowledge.lint import lint
from knowledge.loader import KnowledgeError, load

_READ = (".yaml", ".tsv", ".txt")
"""What the loader reads, by how its name ends."""

_KEPT = 2
_KEY = "model.key"
"""The name of the model that was learnt from a copy, in the copy."""


def files(folder: Path) -> list[Path]:
    """The files of which the knowledge of `folder` is made."""
    return sorted(path for path in folder.rglob("*") if path.suffix in _READ and path.is_file())


def digest(folder: Path) -> str:
    """A name for what the folder's files say, and for the code that judges them. Raises OSError."""
    sealed = hashlib.sha256()
    code = Path(__file__).parent
    for top, paths in ((folder, files(folder)), (code, sorted(code.glob("*.py")))):
        for path in paths:
            content = path.read_bytes()
            sealed.update(os.fsencode(f"{path.relative_to(top)}\0{len(content)}\0"))
            sealed.update(content)
    return sealed.hexdigest()[:24]


def find(folder: Path, cache_folder: Path) -> Path | None:
    """The copy of exactly what the folder says now, if it has been published. Raises OSError."""
    place = cache_folder / f"{_family(folder)}{digest(folder)}"
    if not os.access(place, os.R_OK | os.X_OK):
        return None
    with suppress(OSError):  # somebody else's
        os.utime(place)
    return place


def last(folder: Path, cache_folder: Path) -> Path | None:
    """The copy of this folder that was published or opened last."""
    return next(iter(_copies(folder, cache_folder)), None)


def publish(folder: Path, cache_folder: Path) -> Path:
    """Checks, learns and keeps what the folder says now; gives the copy. Whoever comes second waits and finds it.

    Raises KnowledgeError with every fault of form and content, and OSError where no copy can be kept.
    """
    with alone(cache_folder / "publish.lock"):
        for left_over in cache_folder.glob("copy-*/"):  # of a process that died
            shutil.rmtree(left_over, ignore_errors=True)
        copy = Path(tempfile.mkdtemp(prefix="copy-", dir=cache_folder))
        try:
            return _publish(folder, copy, cache_folder)
        finally:
            shutil.rmtree(copy, ignore_errors=True)


def open_copy(place: Path, cache_folder: Path) -> KnowledgeBase:
    """The knowledge of a published copy, without reading again what it was learnt from; or of any folder, with that.

    Raises KnowledgeError and OSError.
    """
    with suppress(OSError):
        if (model := artifact.find(cache_folder, (place / _KEY).read_text(encoding="ascii"))) is not None:
            return base_of(load(place, examples=False), cache_folder=cache_folder, model=model)
    return base_of(load(place), cache_folder=cache_folder)


def _publish(folder: Path, copy: Path, cache_folder: Path) -> Path:
    for path in files(folder):
        target = copy / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    place = cache_folder / f"{_family(folder)}{digest(copy)}"
    if place.is_dir():
        os.utime(place)
        return place
    if faults := lint(copy, date.min).faults:
        raise KnowledgeError(faults)
    (copy / _KEY).write_text(learn_library(load(copy), cache_folder=cache_folder), encoding="ascii")
    copy.rename(place)
    os.utime(place)
    for old in _copies(folder, cache_folder)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def _family(folder: Path) -> str:
    """How the copies of this folder are called; several folders may share a cache."""
    return f"good-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]}-"


def _copies(folder: Path, cache_folder: Path) -> list[Path]:
    """The copies of this folder, the one that was published last first."""
    return sorted(cache_folder.glob(f"{_family(folder)}*/"), key=lambda place: place.stat().st_mtime, reverse=True)
