"""The distress lexicon in memory: terms, patterns, guards. bot.safety.lexicon reads it; nothing is judged here.

A Lexicon is immutable and safe to share between threads; to change it, load another and swap the reference.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import ahocorasick

from bot.safety.models import Level
from bot.safety.text import Normaliser, Rewriting


class Kind(StrEnum):
    """What sort of saying a signal is; guards name the kinds they silence.

    WISH: somebody wants it. MENTION: the thing is named, perhaps in a title or a thesis. ACT: it is done or being done.
    MOOD: how somebody feels. CUE: a circumstance, of weight only beside another signal. HARMLESS: a fixed phrase that
    silences what it contains (死活, 想死你了).
    """

    WISH = "wish"
    MENTION = "mention"
    ACT = "act"
    MOOD = "mood"
    CUE = "cue"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a matched term or pattern says. `other` marks what can only be said of another person."""

    category: str
    level: Level
    kind: Kind
    other: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """A gap pattern: a second look, taken only when one of its `needs` is in the text."""

    expression: re.Pattern[str]
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Guard:
    """A context that lowers a hit to `lowers_to`. All given expressions must agree; `unless` vetoes.

    `before` must end where the hit begins, `after` must begin where it ends; `sentence` and `unless` look at the whole
    sentence around it, `whole` at the whole text. With `hit` only hits whose own words match count.
    """

    name: str
    kinds: frozenset[Kind]
    lowers_to: Level
    hit: re.Pattern[str] | None = None
    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    sentence: re.Pattern[str] | None = None
    whole: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Persons:
    """Expressions that tell whether a hit is about the writer or about another person."""

    other: re.Pattern[str]
    self_: re.Pattern[str]
    reported: re.Pattern[str]
    not_subject: re.Pattern[str]
    after: re.Pattern[str]
    worry: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Found:
    """A term or pattern where it stands in the plain text."""

    start: int
    end: int
    meaning: Meaning
    is_term: bool


@dataclass(frozen=True)
class Lexicon:
    """Everything `assess` needs to know. bot.safety.lexicon.load_lexicon makes it."""

    normalise: Normaliser
    terms: Mapping[str, Meaning]
    patterns: Sequence[tuple[frozenset[str], Pattern]]
    guards: Mapping[Kind, tuple[Guard, ...]]
    persons: Persons
    _automaton: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_automaton", _automaton(self.terms, self.patterns))

    def find(self, text: str) -> list[Found]:
        """All terms and patterns in a plain text, in its order; terms inside other terms are left out."""
        terms: list[Found] = []
        wanted: set[int] = set()
        for last, (length, meaning, numbers) in self._automaton.iter(text):
            if meaning is not None:
                terms.append(Found(last - length + 1, last + 1, meaning, is_term=True))
            wanted.update(numbers)
        if not wanted and not terms:
            return []
        found = list(_outermost(terms)) if len(terms) > 1 else terms
        for number in sorted(wanted):
            pattern = self.patterns[number][1]
            found += [
                Found(match.start(), match.end(), pattern.meaning, is_term=False)
                for match in pattern.expression.finditer(text)
            ]
        found.sort(key=lambda hit: (hit.start, hit.end))
        return found


def build_lexicon(
    *,
    rewritings: Sequence[Rewriting],
    terms: Mapping[str, Meaning],
    patterns: Sequence[tuple[frozenset[str], Pattern]],
    guards: Sequence[Guard],
    persons: Persons,
) -> Lexicon:
    """A lexicon of these parts. Raises re.error if the rewritings do not compile together."""
    by_kind = {kind: tuple(guard for guard in guards if kind in guard.kinds) for kind in Kind}
    return Lexicon(Normaliser(rewritings), dict(terms), tuple(patterns), by_kind, persons)


def _automaton(terms: Mapping[str, Meaning], patterns: Sequence[tuple[frozenset[str], Pattern]]) -> Any:
    words: dict[str, tuple[Meaning | None, set[int]]] = {term: (meaning, set()) for term, meaning in terms.items()}
    for number, (needs, _) in enumerate(patterns):
        for need in needs:
            words.setdefault(need, (None, set()))[1].add(number)
    automaton = ahocorasick.Automaton()
    for word, (meaning, numbers) in words.items():
        automaton.add_word(word, (len(word), meaning, tuple(numbers)))
    automaton.make_automaton()
    return automaton


def _outermost(terms: list[Found]) -> Iterator[Found]:
    """The terms that lie in no longer term: by start, the longer first, one that reaches no further lies inside."""
    reach = -1
    for hit in sorted(terms, key=lambda hit: (hit.start, -hit.end)):
        if hit.end > reach:
            reach = hit.end
            yield hit
