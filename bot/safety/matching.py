"""The distress lexicon in memory: terms, patterns, guards. bot.safety.lexicon reads it; nothing is judged here.

A Lexicon is immutable and safe to share between threads; to change it, load another and swap the reference.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import ahocorasick

from bot.safety.gathering import Gathering, Part, gather
from bot.safety.models import Level
from bot.safety.text import Normaliser, Rewriting

PARTS_RULE = "parts"  # the name of the rule that adds up parts
_FEW = 16  # looking for more words than this costs as much as trying the expression
_SHOWN = 48
_MOST_PARTS = 120  # a text of nothing but goodbyes is not read to its end


class Kind(StrEnum):
    """What sort of saying a signal is; guards name the kinds they silence.

    WISH: somebody wants it. MENTION: the thing is named, perhaps in a title or a thesis. ACT: it is done or being done.
    MOOD: how somebody feels. CUE: a circumstance, of weight only beside another signal. PART: a slight part of a
    goodbye, of weight only with others (bot.safety.gathering). HARMLESS: a fixed phrase that silences what it contains
    (死活, 想死你了).
    """

    WISH = "wish"
    MENTION = "mention"
    ACT = "act"
    MOOD = "mood"
    CUE = "cue"
    PART = "part"
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
    """A gap pattern. It is tried only on texts that have a word of each of its `demands` (bot.safety.literals)."""

    name: str
    expression: re.Pattern[str]
    meaning: Meaning
    demands: tuple[frozenset[str], ...]

    @property
    def shown(self) -> str:
        """The beginning of the expression, for a person who wants to know which one it is."""
        words = self.expression.pattern
        return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"

    def may_match(self, text: str) -> bool:
        """False if the text lacks what the expression cannot do without. The first demand is the automaton's work."""
        return all(any(word in text for word in demand) for demand in self.demands[1:] if len(demand) <= _FEW)


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
    """What stands in the plain text at [start, end), and the rule that found it: a term, or a pattern's name."""

    start: int
    end: int
    meaning: Meaning
    rule: str


@dataclass(frozen=True)
class Lexicon:
    """Everything `assess` needs to know. bot.safety.lexicon.load_lexicon makes it."""

    normalise: Normaliser
    terms: Mapping[str, Meaning]
    patterns: Sequence[Pattern]
    guards: Mapping[Kind, tuple[Guard, ...]]
    persons: Persons
    gathering: Gathering
    _automaton: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_automaton", _automaton(self.terms, self.patterns))

    def find(self, text: str) -> list[Found]:
        """All that a plain text says, in its order, without terms inside other terms; of parts only what they make."""
        terms: list[Found] = []
        parts: list[Found] = []
        wanted: set[int] = set()
        for last, (length, meaning, numbers) in self._automaton.iter(text):
            if meaning is not None:
                hits = parts if meaning.kind is Kind.PART else terms
                start = last - length + 1
                hits.append(Found(start, last + 1, meaning, text[start : last + 1]))
            wanted.update(numbers)
        if not wanted and not terms and not parts:
            return []
        found = list(_outermost(terms)) if len(terms) > 1 else terms
        for number in sorted(wanted):
            pattern = self.patterns[number]
            if not pattern.may_match(text):
                continue
            hits = parts if pattern.meaning.kind is Kind.PART else found
            hits += [
                Found(match.start(), match.end(), pattern.meaning, pattern.name)
                for match in pattern.expression.finditer(text)
            ]
        if parts:
            found += self._gathered(parts, terms)
        found.sort(key=lambda hit: (hit.start, hit.end))
        return found

    def _gathered(self, parts: list[Found], terms: Sequence[Found]) -> Iterator[Found]:
        """What the parts together say, without those inside a harmless phrase (拜拜肉, 世界杯)."""
        harmless = [term for term in terms if term.meaning.kind is Kind.HARMLESS]
        standing = [
            Part(part.start, part.end, part.meaning.category)
            for part in sorted(parts, key=lambda part: part.start)[:_MOST_PARTS]
            if not any(phrase.start <= part.start and part.end <= phrase.end for phrase in harmless)
        ]
        together = gather(standing, self.gathering)
        if together is not None:
            meaning = Meaning(self.gathering.category, together.level, Kind.ACT)
            yield Found(together.start, together.end, meaning, PARTS_RULE)


def build_lexicon(
    *,
    rewritings: Sequence[Rewriting],
    terms: Mapping[str, Meaning],
    patterns: Sequence[Pattern],
    guards: Sequence[Guard],
    persons: Persons,
    gathering: Gathering,
) -> Lexicon:
    """A lexicon of these parts. Raises re.error if the rewritings do not compile together."""
    by_kind = {kind: tuple(guard for guard in guards if kind in guard.kinds) for kind in Kind}
    return Lexicon(Normaliser(rewritings), dict(terms), tuple(patterns), by_kind, persons, gathering)


def _automaton(terms: Mapping[str, Meaning], patterns: Sequence[Pattern]) -> Any:
    words: dict[str, tuple[Meaning | None, set[int]]] = {term: (meaning, set()) for term, meaning in terms.items()}
    for number, pattern in enumerate(patterns):
        for word in pattern.demands[0]:
            words.setdefault(word, (None, set()))[1].add(number)
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
