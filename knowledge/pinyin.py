"""How words sound: a syllable for each character, and Latin letters read as the words they spell. No meaning yet."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

Syllables = Mapping[str, str]
"""Each Chinese character's commonest reading in plain letters (档 → dang, 女 → nv)."""

_LATIN = re.compile(r"[a-z]+")
_ALIKE = ((re.compile(r"^([zcs])h"), r"\1"), (re.compile(r"([aei])ng$"), r"\1n"))
_LONGEST_WORD = 24
_LONGEST_RUN = 60
_UNKNOWN_SYLLABLE = -16.0
_SHORT_FORM = 5
_WORD_COST = 2.0


def read_syllables() -> dict[str, str]:
    """The readings of all common characters, from pypinyin's table. Takes 0.2 s, so the trained model keeps them."""
    from pypinyin.constants import PINYIN_DICT  # noqa: PLC0415 - 55 MB that only the training needs

    return {
        chr(code): _plain(readings.partition(",")[0])
        for code, readings in PINYIN_DICT.items()
        if 0x4E00 <= code <= 0x9FFF  # noqa: PLR2004 - the block of common Chinese characters
    }


@cache
def coarse(syllable: str) -> str:
    """The syllable with what many speakers do not tell apart made one (zh and z, ang and an)."""
    for pattern, alike in _ALIKE:
        syllable = pattern.sub(alike, syllable)
    return syllable


@dataclass(frozen=True, slots=True)
class Spelling:
    """Reads dangan as 档案 and byz as 毕业证: what Latin letters may stand for, learnt from the questions.

    `words` maps letters to a word and its log probability, `short` initials to a word; `kept` are real Latin words
    (ems, offer), `syllables` what a syllable may be.
    """

    words: Mapping[str, tuple[str, float]]
    short: Mapping[str, str]
    kept: frozenset[str]
    syllables: frozenset[str]

    @classmethod
    def learn(
        cls, counts: Mapping[str, int], texts: Iterable[str], subjects: Iterable[str], readings: Syllables
    ) -> "Spelling":
        """From how often each word occurs in the example questions `texts`; `subjects` may be shortened."""
        whole = sum(counts.values()) or 1
        words: dict[str, tuple[str, float]] = {}
        for word, count in sorted(counts.items()):
            if count < 2 or not all(character in readings for character in word):  # noqa: PLR2004 - once may be a slip
                continue
            letters = "".join(readings[character] for character in word)
            known = words.get(letters)
            likely = math.log(count / whole)
            if known is None or likely > known[1]:
                words[letters] = (word, likely)
        short: dict[str, tuple[str, int]] = {}
        for word in sorted(subjects):
            count = counts.get(word, 0)
            if len(word) < 2 or count < _SHORT_FORM or not all(character in readings for character in word):  # noqa: PLR2004
                continue
            initials = "".join(readings[character][0] for character in word)
            if initials not in short or count > short[initials][1]:
                short[initials] = (word, count)
        latin = Counter(run for text in texts for run in _LATIN.findall(text))
        kept = frozenset(run for run, count in latin.items() if count > 1 and run not in words)
        shortened = {initials: word for initials, (word, _) in short.items()}
        return cls(words, shortened, kept, frozenset(readings.values()))

    def read(self, plain: str) -> str:
        """`plain` with its Latin runs as words where they spell some; others stay."""
        if plain.isascii() and not plain.isalpha() and not _LATIN.search(plain):
            return plain
        return _LATIN.sub(lambda run: self._word(run[0]), plain)

    def _word(self, run: str) -> str:
        if run in self.kept or len(run) > _LONGEST_RUN:
            return run
        spelt = self._segment(run)
        if spelt is None or (len(run) <= _SHORT_FORM and run in self.short and None in spelt):
            return self.short.get(run, run)
        return "".join(word or "" for word in spelt) or run

    def _segment(self, run: str) -> list[str | None] | None:
        """The likeliest words that together are spelt `run`, None for a syllable of no known word."""
        best: list[tuple[float, int, str | None] | None] = [(0.0, 0, None)] + [None] * len(run)
        for start in range(len(run)):
            here = best[start]
            if here is None:
                continue
            for end in range(start + 1, min(len(run), start + _LONGEST_WORD) + 1):
                letters = run[start:end]
                known = self.words.get(letters)
                if known is not None:
                    word, likely = known[0], known[1] - _WORD_COST
                elif letters in self.syllables:
                    word, likely = None, _UNKNOWN_SYLLABLE
                else:
                    continue
                there = best[end]
                if there is None or here[0] + likely > there[0]:
                    best[end] = (here[0] + likely, start, word)
        if best[-1] is None:
            return None
        words: list[str | None] = []
        at = len(run)
        while at > 0:
            step = best[at]
            assert step is not None  # noqa: S101 - every step of the way that reached the end
            words.append(step[2])
            at = step[1]
        return words[::-1]


def _plain(reading: str) -> str:
    letters = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(character for character in letters if not unicodedata.combining(character))
