"""What one text by itself asks: an answer, two answers, a choice, or nothing. Thresholds; no conversation, no files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import starmap

from knowledge import intents
from knowledge.decisions import Abstain, Answer, Decision, Hit, Suggestions
from knowledge.doubles import find_pair
from knowledge.entry import Entry
from knowledge.ranking import Ranker, phrases
from knowledge.scoring import Thresholds, Verdict, judge
from knowledge.text import STOP, fold
from knowledge.tokens import Segmenter, Words

SUGGESTED = 3
"""How many entries are offered by number."""
SMALL_TALK = "meta."
LIKELY = -4.0
"""What was learnt of a topic speaks against it from here on."""
_AHEAD = 0.15
_VERY_SURE = 0.9
_DOUBTLESS = 0.99
_BROAD = 4
_REMEMBERED = 2048


class Decider:
    """Decides about single texts, normalised and spelt. Safe to share between threads."""

    def __init__(
        self, entries: Mapping[str, Entry], segmenter: Segmenter, ranker: Ranker, thresholds: Thresholds
    ) -> None:
        self._entries = entries
        self._segmenter = segmenter
        self._ranker = ranker
        self._thresholds = thresholds
        self._exact = _exact_phrases(tuple(entries.values()))
        self._title_words = {entry.id: frozenset(segmenter.cut(fold(entry.title)).words) for entry in entries.values()}
        self.decide = lru_cache(maxsize=_REMEMBERED)(self._decide)

    def is_exact(self, plain: str) -> bool:
        """Whether some entry is asked in these very words."""
        return plain.replace(STOP, "") in self._exact

    def detailed(self, hit: Hit, plain: str) -> Hit:
        """The hit by the entry that fits best, with the facets and cases that are asked for and that entry has."""
        return self._with_facets(self._ranker.fitted(hit, plain), plain)

    def _with_facets(self, hit: Hit, plain: str) -> Hit:
        entry = self._entries[hit.entry_id]
        school = {"contact": entry.office, "when": entry.deadline}
        facets = tuple(facet for facet in intents.facets(plain) if facet in entry.facets or school.get(facet))
        cases = cases_in(entry, plain, self._segmenter.cut(plain).words)
        return replace(hit, facets=facets, cases=cases)

    def _decide(self, plain: str) -> Decision:
        """Call as `decide`, which remembers."""
        cut = self._segmenter.cut(plain)
        bare = self._bare_subject(cut)
        exact = None if bare else self._exact.get(plain.replace(STOP, ""))
        if exact is not None:
            hits = tuple(
                self._with_facets(hit_of(self._entries[entry_id], 1.0, variant=plain), plain) for entry_id in exact
            )
            return Answer(hits) if len(hits) == 1 else Suggestions(hits[:SUGGESTED])
        ranked = self._ranker.rank(plain)
        if not self._ranker.says(plain) and not (ranked and ranked[0].topic.startswith(SMALL_TALK)):
            return self._offered(ranked, plain)
        if bare and ranked and self._is_broad(bare, ranked):
            return self._offered(ranked, plain)
        if pair := find_pair(plain, self._ranker, self._segmenter):
            return Answer(tuple(starmap(self.detailed, pair)))
        return self._said_outright(ranked, plain) or self._judge(ranked, plain)

    def _said_outright(self, ranked: Sequence[Hit], plain: str) -> Answer | None:
        """The one likely topic that a part of the text asks for in the very words of an entry."""
        asked = {
            entry_id: part
            for part in intents.clauses(plain)
            if part != plain and intents.asks(part)
            for entry_id in self._exact.get(part, ())
        }
        hits = [(hit_of(self._entries[entry_id], _VERY_SURE, variant=part), part) for entry_id, part in asked.items()]
        likely = {hit.topic for hit in ranked}
        return Answer((self._with_facets(*hits[0]),)) if len(hits) == 1 and hits[0][0].topic in likely else None

    def _judge(self, ranked: Sequence[Hit], plain: str) -> Decision:
        if ranked and self._verdict(ranked) is Verdict.ANSWER:
            best = ranked[0]
            if best.topic.startswith(SMALL_TALK) or self._ranker.says(intents.without_facets(plain)):
                others = _likely_others(ranked) if best.score < _DOUBTLESS else ()
                return Answer((self.detailed(best, plain),), tuple(hit.entry_id for hit in others))
        return self._offered(ranked, plain)

    def _offered(self, ranked: Sequence[Hit], plain: str) -> Suggestions | Abstain:
        """What a text may mean that is not answered, or says nothing of the matter by itself (过期了怎么办)."""
        if not ranked:
            return Abstain()
        near = [ranked[0], *_likely_others(ranked)]
        chat = all(hit.topic.startswith(SMALL_TALK) for hit in near)
        if chat or (self._verdict(ranked) is Verdict.NONE and not self._is_vague(ranked[0], plain)):
            return Abstain(ranked[0].score, self._ranker.fitted(ranked[0], plain))
        return Suggestions(tuple(self._ranker.fitted(hit, plain) for hit in near))

    def _is_vague(self, best: Hit, plain: str) -> bool:
        """Whether a text names nothing, but asks as those who leave ask (过期了怎么办)."""
        return best.parts["outside"] < 0 and not self._ranker.says(intents.without_facets(plain))

    def _verdict(self, ranked: Sequence[Hit]) -> Verdict:
        """What may be said; what is more like none of our topics than like the best of them is not answered."""
        best = ranked[0]
        verdict = judge(best.score, ranked[1].score if len(ranked) > 1 else 0.0, self._thresholds)
        foreign = best.parts["outside"] > best.parts["learned"] and not best.topic.startswith(SMALL_TALK)
        return Verdict.SUGGEST if verdict is Verdict.ANSWER and foreign else verdict

    def _bare_subject(self, cut: Words) -> str:
        """The subject of a text that says nothing else (档案, 户口呢), or nothing."""
        bare = len(cut.terms) == 1 and self._ranker.is_subject(cut.terms[0])
        return cut.terms[0] if bare and not intents.facets("".join(cut.words)) else ""

    def _is_broad(self, subject: str, ranked: Sequence[Hit]) -> bool:
        """Whether a bare subject leaves a choice: several topics' titles have it, and none is far ahead."""
        scores = {hit.topic: hit.score for hit in ranked}
        titled = {entry.topic for entry in self._entries.values() if subject in self._title_words[entry.id]}
        best, *others = sorted((scores.get(topic, 0.0) for topic in titled), reverse=True) or [0.0]
        return len(titled) >= _BROAD or (bool(others) and best - others[0] < _AHEAD)


def _likely_others(ranked: Sequence[Hit]) -> list[Hit]:
    """What may be offered beside the best: the next topics, but for those that what was learnt speaks against."""
    return [hit for hit in ranked[1:SUGGESTED] if hit.parts["learned"] > LIKELY]


def hit_of(entry: Entry, score: float, *, variant: str = "") -> Hit:
    """An entry as a hit that no ranking found."""
    return Hit(entry.id, entry.topic, entry.title, score, {}, variant)


def cases_in(entry: Entry, plain: str, words: Sequence[str]) -> tuple[str, ...]:
    """The entry's cases that a text names."""
    return tuple(case for case in entry.cases if case in words or case in plain)


def _exact_phrases(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    owners: dict[str, dict[str, None]] = {}
    for entry in entries:
        for text in phrases(entry):
            owners.setdefault(text.replace(STOP, ""), {})[entry.id] = None
    return {phrase: tuple(ids) for phrase, ids in owners.items() if phrase}
