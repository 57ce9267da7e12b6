"""Writing undone: width, case, traditional characters, separators inside words, look-alikes. No meaning is judged here.

The result keeps, for each character, where it stood in the original, so that a signal can point at what was written.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from opencc import OpenCC

_ODD = "\x00"  # stands for what is dropped: dots, dashes, emoji, zero-width characters, stray controls
_CLAUSE = {
    ",": "，",
    "?": "？",
    "!": "！",
    ";": "；",
    ":": "：",
    "｡": "。",
    "\t": " ",
    "\r": "\n",
    "\u3000": " ",
    "「": "“",
    "『": "“",
    "」": "”",
    "』": "”",
    "〈": "《",
    "〉": "》",
    "…": " ",
    "⋯": " ",
}
_ODD_ASCII = "._-~^|/\\+=#@&%$*'`<>"
_ODD_CATEGORIES = frozenset({"So", "Sk", "Sm", "Sc", "Cf", "Cc", "Cs", "Co", "Mn", "Me", "Pc", "Pd"})
# what opencc leaves, or decides by the neighbours; and the emoji that stand for a word
_VARIANTS = {"著": "着", "妳": "你", "祂": "他", "乾": "干", "💀": "死", "☠": "死", "⚰": "死", "🪦": "死"}
_SPACED = re.compile(r"(?:(?<=[\s，。！？；：、])|^)[一-鿿](?: [一-鿿])+(?=[\s，。！？；：、]|$)")
_LAST_MAPPED = 0x20000
_CJK = range(0x3400, 0xA000)
_AS_THEY_ARE = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xAC00, 0xD7A4), range(0x17000, 0x18D09))
"""Ideographs, Hangul and Tangut: half of all characters, letters that NFKC and lower case leave alone (Unicode 15)."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """One way of hiding a word: where `pattern` stands, `means` is meant. The pattern has no groups of its own.

    `hint` holds characters of which at least one is in whatever the pattern matches.
    """

    pattern: str
    means: str
    hint: str


class Normaliser:
    """Brings a text to the one form that the lexicon is written in. Immutable and safe to share."""

    def __init__(self, rewritings: Sequence[Rewriting]) -> None:
        """Raises re.error if the patterns do not compile together."""
        self._table = _character_table()
        self._means = {f"r{i}": rewriting.means for i, rewriting in enumerate(rewritings)}
        parts = (f"(?P<r{i}>{rewriting.pattern})" for i, rewriting in enumerate(rewritings))
        self._rewriting = re.compile("|".join(parts)) if rewritings else None
        self._by_hint = [(frozenset(rewriting.hint), re.compile(rewriting.pattern)) for rewriting in rewritings]
        self._hints = frozenset().union(*(hint for hint, _ in self._by_hint))

    def __call__(self, raw: str) -> "PlainText":
        """The text in plain form. Never raises, whatever the characters."""
        text = raw.translate(self._table)
        offsets: list[int] | None = None
        if _ODD in text:
            offsets = [i for i, character in enumerate(text) if character != _ODD]
            text = text.replace(_ODD, "")
        if " " in text:
            text, offsets = _cut(text, offsets, _single_spaces(text))
        present = self._hints.intersection(text)
        if present and any(not hint.isdisjoint(present) and pattern.search(text) for hint, pattern in self._by_hint):
            text, offsets = self._rewrite(text, offsets)
        return PlainText(text, offsets)

    def _rewrite(self, text: str, offsets: list[int] | None) -> tuple[str, list[int]]:
        before = offsets if offsets is not None else list(range(len(text)))
        pieces: list[str] = []
        after: list[int] = []
        position = 0
        for match in self._rewriting.finditer(text) if self._rewriting else ():
            means = self._means[match.lastgroup or ""]
            pieces += [text[position : match.start()], means]
            after += before[position : match.start()]
            # the meaning's first character points at the first of what was written, its last at the last
            last = match.end() - 1
            after += [before[min(match.start() + i, last)] for i in range(len(means) - 1)] + [before[last]]
            position = match.end()
        return "".join(pieces) + text[position:], after + before[position:]


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text in plain form. `offsets` is None when every character stands where it stood."""

    text: str
    offsets: list[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where [start, end) of the plain text stood in the original."""
        if self.offsets is None:
            return start, end
        if start >= end or end > len(self.offsets):
            return 0, 0
        return self.offsets[start], self.offsets[end - 1] + 1


def _single_spaces(text: str) -> list[int]:
    """Positions of spaces that stand between single characters, as in 不 想 活 了."""
    return [i for match in _SPACED.finditer(text) for i in range(match.start(), match.end()) if text[i] == " "]


def _cut(text: str, offsets: list[int] | None, positions: list[int]) -> tuple[str, list[int] | None]:
    if not positions:
        return text, offsets
    gone = set(positions)
    before = offsets if offsets is not None else list(range(len(text)))
    kept = [i for i in range(len(text)) if i not in gone]
    return "".join(text[i] for i in kept), [before[i] for i in kept]


def _changing_ranges() -> Iterator[range]:
    """All codes below _LAST_MAPPED that may need an entry."""
    start = 0
    for untouched in _AS_THEY_ARE:
        yield range(start, untouched.start)
        start = untouched.stop
    yield range(start, _LAST_MAPPED)


@cache
def _character_table() -> dict[int, str]:
    """One character to one character, so that offsets hold: NFKC, lower case, simplified, clause marks, odd ones."""
    table: dict[int, str] = {}
    for code in itertools.chain.from_iterable(_changing_ranges()):
        character = chr(code)
        if 0x61 <= code <= 0x7A or character in "\n “”":  # noqa: PLR2004 - a to z, the bulk of Latin text
            continue
        plain = unicodedata.normalize("NFKC", character).lower()
        plain = plain if len(plain) == 1 else character
        plain = _CLAUSE.get(plain, plain)
        if plain in _ODD_ASCII or (unicodedata.category(plain) in _ODD_CATEGORIES and plain != "\n"):
            plain = _ODD
        if plain != character:
            table[code] = plain
    cjk = [chr(code) for code in _CJK]
    simplified = OpenCC("t2s").convert("\n".join(cjk)).split("\n")
    table |= {ord(old): new for old, new in zip(cjk, simplified, strict=True) if old != new and len(new) == 1}
    return table | {ord(old): new for old, new in _VARIANTS.items()}
