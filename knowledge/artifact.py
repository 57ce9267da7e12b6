"""Keeps a learnt model on disk, so that each content of the knowledge is learnt once a machine and opened in no time.

A model is a folder named for what it was learnt from. Its numbers are mapped into memory, shared by all processes.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.features import Vocabulary
from knowledge.model import Model, Texts
from knowledge.network import Network
from knowledge.pinyin import Spelling

_FORMAT = 5
_NETWORK = tuple(field.name for field in fields(Network))
_TEXTS = tuple(field.name for field in fields(Texts))
_VOCABULARY = ("characters", "sounds", "pairs")
_NUMBERS = ("rarity", "starts", "ids", "values")
_KEPT = 3


def key_of(*contents: object) -> str:
    """A name for everything that a model is learnt from; another content has another name."""
    sealed = hashlib.sha256(repr((_FORMAT, contents)).encode("utf-8", "surrogatepass"))
    for module in (
        "features.py",
        "intents.py",
        "jieba_words.py",
        "model.py",
        "network.py",
        "pinyin.py",
        "teaching.py",
        "text.py",
        "tokens.py",
        "training.py",
    ):
        sealed.update(Path(__file__).with_name(module).read_bytes())
    sealed.update(Path(__file__).with_name("data").joinpath("common.txt").read_bytes())
    return sealed.hexdigest()[:24]


def keep(folder: Path, key: str, learn: Callable[[], Model]) -> Model:
    """The model of this key from `folder`; if it is not there, it is learnt, once however many processes ask."""
    if (model := find(folder, key)) is not None:
        return model
    try:
        with alone(folder / "model.lock"):
            if (model := find(folder, key)) is None:
                model = learn()
                _save(model, _place(folder, key))
                _forget_old(folder)
    except OSError:  # a full disk, a folder of somebody else's: this process has its model all the same
        return model or learn()
    return find(folder, key) or model


def _place(folder: Path, key: str) -> Path:
    return folder / f"model-{key}"


def _save(model: Model, place: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=place.parent))
    try:
        for name, numbers in numbers_of(model).items():
            np.save(draft / f"{name}.npy", numbers, allow_pickle=False)
        spelling = model.spelling
        words: dict[str, Any] = {
            "topics": model.topics,
            "vocabulary": model.vocabulary.words,
            "before": model.before,
            "owned": model.owned,
            "words": {entry: sorted(known) for entry, known in model.words.items()},
            "spelling": [spelling.words, spelling.short, sorted(spelling.kept), sorted(spelling.syllables)],
        }
        (draft / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)  # one that could not be read; who has mapped its files keeps them
        draft.rename(place)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def find(folder: Path, key: str) -> Model | None:
    """The model of this key that is kept in `folder`; None where there is none, or what is there cannot be read."""
    place = _place(folder, key)
    try:
        words = json.loads((place / "words.json").read_text(encoding="utf-8"))
        numbers = {
            name: np.asarray(np.load(place / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in (*_NUMBERS, *_VOCABULARY, *_NETWORK, *_TEXTS)
        }
        spelt, short, latin, syllables = words["spelling"]
        os.utime(place)
    except (OSError, ValueError, KeyError, EOFError):
        return None
    return Model(
        topics=tuple(words["topics"]),
        vocabulary=Vocabulary(**{name: numbers[name] for name in _VOCABULARY}, words=words["vocabulary"]),
        before=words["before"],
        owned={entry: (first, last) for entry, (first, last) in words["owned"].items()},
        network=Network(**{name: numbers[name] for name in _NETWORK}),
        questions=Texts(**{name: numbers[name] for name in _TEXTS}),
        words={entry: frozenset(known) for entry, known in words["words"].items()},
        spelling=Spelling(
            {letters: (word, likely) for letters, (word, likely) in spelt.items()},
            short,
            frozenset(latin),
            frozenset(syllables),
        ),
        **{name: numbers[name] for name in _NUMBERS},
    )


def numbers_of(model: Model) -> dict[str, Any]:
    """All arrays of a model, by the names of their files."""
    parts = ((model, _NUMBERS), (model.vocabulary, _VOCABULARY), (model.network, _NETWORK), (model.questions, _TEXTS))
    return {name: getattr(part, name) for part, names in parts for name in names}


def _forget_old(folder: Path) -> None:
    """Only the models that were opened last are kept."""
    models = sorted(folder.glob("model-*/"), key=lambda place: place.stat().st_mtime, reverse=True)
    left_over = folder.glob("draft-*/")  # of a process that died; nobody else drafts while we are alone
    for place in (*models[_KEPT:], *left_over):
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go when it dies. Where no lock can be made nobody waits."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # a full disk, or one that is not ours to write: nothing will be kept either
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
