"""Curated answers for graduates: entries, index, decision, rendering. Stands alone: imports nothing of the bot."""

from pathlib import Path

from knowledge.base import KnowledgeBase, keep_model
from knowledge.loader import Library, load
from knowledge.model import Model
from knowledge.tokens import Segmenter, private_cache_folder

DATA = Path(__file__).with_name("data")
"""The packaged knowledge folder."""


def open_base(folder: Path = DATA, *, cache_folder: Path | None = None) -> KnowledgeBase:
    """The knowledge of `folder`, ready to answer. Raises KnowledgeError.

    It takes about a second, and a minute more where the folder's content has not been learnt yet on this machine.
    `cache_folder` is where jieba's cache and what was learnt are kept; it should be private to this user.
    """
    return base_of(load(folder), cache_folder=cache_folder)


def base_of(library: Library, *, cache_folder: Path | None = None, model: Model | None = None) -> KnowledgeBase:
    """A library, ready to answer; with the `model` that was learnt from it, if there is one."""
    cache_folder = cache_folder or private_cache_folder()
    return KnowledgeBase.build(
        library.entries,
        library.school,
        questions=library.questions,
        talk=library.talk,
        segmenter=Segmenter(library.dictionary, library.synonyms, cache_folder=cache_folder),
        model_folder=cache_folder,
        model=model,
    )


def learn_library(library: Library, *, cache_folder: Path) -> str:
    """Learns what a library says, if this machine has not yet; the name of what was learnt."""
    segmenter = Segmenter(library.dictionary, library.synonyms, cache_folder=cache_folder)
    key, _ = keep_model(library.entries, library.questions, segmenter, library.talk, cache_folder)
    return key
