"""Cutting normalised text into words with jieba, the domain's dictionary and its synonyms."""

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import jieba

from knowledge.entry import Dictionary
from knowledge.jieba_words import Cutter, general_words
from knowledge.text import STOP, normalise, sentences

_DOMAIN_FREQUENCY = 200_000
_REMEMBERED = 1024


def _common_words() -> tuple[frozenset[str], frozenset[str], dict[str, str]]:
    """Function words; words that nearly every question here has (~); question words with their canonical word (?)."""
    text = Path(__file__).with_name("data").joinpath("common.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    generic = frozenset(word for line in lines if line.startswith("~") for word in line[1:].split())
    questions: dict[str, str] = {}
    for line in lines:
        if line.startswith("?"):
            canonical, _, aliases = (part.strip() for part in line[1:].partition("="))
            questions |= dict.fromkeys((canonical, *aliases.split()), canonical)
    return frozenset(word for line in lines if line[:1] not in "~?" for word in line.split()), generic, questions


_FUNCTION_WORDS, _GENERIC_WORDS, _QUESTION_WORDS = _common_words()
_in_use: WeakValueDictionary[str, "Segmenter"] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Words:
    """A text cut up: canonical `words` in order; `terms`, the same without function words."""

    words: tuple[str, ...]
    terms: tuple[str, ...]


def private_cache_folder() -> Path:
    """A folder of this user's alone for jieba's cache, made if need be; a fresh one where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - "~" may not resolve
    folder = Path(base) / "lixiao-jieba"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="lixiao-jieba-"))


def _tokenizer(cache_folder: Path | None) -> Any:
    """A jieba tokenizer with jieba's words: those that a segmenter in use has, or what `general_words` gives."""
    jieba.setLogLevel(logging.WARNING)
    tokenizer = Cutter()
    if other := _in_use.get("newest"):
        tokenizer.FREQ, tokenizer.total = other.general(), other.total
    else:
        tokenizer.FREQ, tokenizer.total = general_words(cache_folder or private_cache_folder())
    tokenizer.initialized = True
    return tokenizer


class Segmenter:
    """Cuts text into canonical words. Ready when made: the dictionary is loaded in the constructor (0.2 s or more)."""

    def __init__(
        self,
        dictionary: Dictionary | None = None,
        synonyms: Mapping[str, Sequence[str]] | None = None,
        *,
        cache_folder: Path | None = None,
    ) -> None:
        """Words of `dictionary` are not cut apart; each alias of `synonyms` becomes its canonical word.

        `cache_folder` holds jieba's cache; it must not be writable by other users, because the cache is unmarshalled.
        Jieba's own words are read once a process, because that stops all its threads.
        """
        self._jieba = _tokenizer(cache_folder)
        self.total: int = self._jieba.total
        self._covered: dict[str, int | None] = {}
        self._canonical = dict(_QUESTION_WORDS)
        dictionary = dictionary or Dictionary()
        self.subjects = frozenset(dictionary.subjects)
        domain = {
            *self.subjects,
            *dictionary.modifiers,
            *(word for words in synonyms or () for word in words.split("+")),
        }
        for canonical, aliases in (synonyms or {}).items():
            for alias in aliases:
                self._canonical[normalise(alias)] = canonical
        self.content = (sorted(dictionary.subjects), sorted(dictionary.modifiers), sorted(self._canonical.items()))
        for word in domain | self._canonical.keys():
            self._add(word, _DOMAIN_FREQUENCY)
        for word in _FUNCTION_WORDS | _GENERIC_WORDS | _QUESTION_WORDS.keys():
            if len(word) > 1 and not self._jieba.FREQ.get(word):
                self._add(word)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._cut)
        _in_use["newest"] = self

    def cut(self, normalised: str) -> Words:
        """The words of a normalised text. The last few texts are remembered."""
        return self._remembered(normalised)

    def general(self) -> dict[str, int]:
        """Jieba's own words and their frequencies, without those of this dictionary and these synonyms."""
        words: dict[str, int] = dict(self._jieba.FREQ)
        for word, frequency in self._covered.items():
            if frequency is None:
                del words[word]
            else:
                words[word] = frequency
        return words

    def raw(self, normalised: str) -> list[str]:
        """The words as they were written, without synonyms."""
        return [word for word in self._jieba.cut(normalised, HMM=False) if word not in (STOP, " ")]

    def canonical(self, raw: Sequence[str]) -> Words:
        """The words of a text that was cut by `raw`."""
        found = [self._canonical.get(word, word) for word in raw]
        words = [word for each in found for word in each.split("+")] if "+" in "".join(found) else found
        return Words(tuple(words), tuple(word for word in words if word not in _FUNCTION_WORDS))

    def is_content(self, word: str) -> bool:
        """Whether a word says what a text is about: neither a function word nor one that every question here has."""
        return word not in _FUNCTION_WORDS and word not in _GENERIC_WORDS and word not in _QUESTION_WORDS

    def _add(self, word: str, frequency: int | None = None) -> None:
        """Makes a word of it; jieba notes a word's beginnings as well."""
        for end in range(1, len(word) + 1):
            self._covered.setdefault(word[:end], self._jieba.FREQ.get(word[:end]))
        self._jieba.add_word(word, frequency)

    def _cut(self, normalised: str) -> Words:
        """Call as `cut`, which remembers; sentences too, for a text may be read whole and in parts."""
        if STOP in normalised:
            parts = [self.cut(part) for part in sentences(normalised)]
            return Words(tuple(chain(*(part.words for part in parts))), tuple(chain(*(part.terms for part in parts))))
        return self.canonical(self.raw(normalised))
