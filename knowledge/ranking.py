"""Ranking entries by likeness to a question, and joining what its clauses say. Scores only; base.py decides."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from knowledge import intents
from knowledge.decisions import Hit
from knowledge.entry import Entry
from knowledge.index import Builder, Fields, top
from knowledge.scoring import WEIGHTS
from knowledge.text import fold, normalise
from knowledge.tokens import Segmenter, Words

_CANDIDATES = 5
_CLAUSE_SHARE = 0.6
_REMARK_SHARE = 0.45
_WHOLE_SHARE = 0.4
_STRAY_SHARE = 0.6
_PAIR_RARITY = 0.6
_W_COVERED, _W_NEAREST, _P_COVERED, _P_NEAREST = (
    WEIGHTS[name] for name in ("words_covered", "words_nearest", "pairs_covered", "pairs_nearest")
)


class Ranker:
    """Entries indexed by words and by character pairs. Immutable."""

    def __init__(self, entries: Sequence[Entry], segmenter: Segmenter) -> None:
        self._entries = tuple(entries)
        self._number = {entry.id: number for number, entry in enumerate(entries)}
        self._segmenter = segmenter
        words, pairs = Builder(segmenter.weight), Builder(lambda _: _PAIR_RARITY)
        for entry in entries:
            variants = [segmenter.cut(normalise(text)) for text in phrases(entry)]
            title = segmenter.cut(fold(entry.title))
            short = segmenter.cut(fold(entry.short))
            body = segmenter.cut(fold(" ".join((*entry.facets.values(), *entry.cases, *entry.cases.values()))))
            words.add(Fields(tuple(cut.terms for cut in variants), title.terms, short.terms, body.terms))
            pairs.add(Fields(tuple(cut.pairs for cut in variants), title.pairs, short.pairs, body.pairs))
        self._words, self._pairs = words.build(), pairs.build()

    def rank(self, cut: Words) -> list[Hit]:
        """The nearest entries, best first, each with the parts of its score."""
        words, pairs = self._words.weigh(cut.terms), self._pairs.weigh(cut.pairs)
        words_covered, pairs_covered = self._words.coverage(words), self._pairs.coverage(pairs)
        shares = [
            _W_COVERED * word + _P_COVERED * pair for word, pair in zip(words_covered, pairs_covered, strict=True)
        ]
        subjects = {word: self._segmenter.weight(word) for word in words if word in self._segmenter.subjects}
        telling = {word: self._segmenter.weight(word) for word in words if self.tells(word)}
        hits = []
        for number in top(shares, _CANDIDATES):
            words_nearest, variant = self._words.nearest(number, words)
            pairs_nearest, pairs_variant = self._pairs.nearest(number, pairs)
            score = shares[number] + _W_NEAREST * words_nearest + _P_NEAREST * pairs_nearest
            parts = {
                "words_covered": words_covered[number], "words_nearest": words_nearest,
                "pairs_covered": pairs_covered[number], "pairs_nearest": pairs_nearest,
                "evidence": self._words.evidence(number, subjects),
                "strange": self._words.strangeness(number, telling),
            }  # fmt: skip
            entry = self._entries[number]
            nearest = variant if words_nearest >= pairs_nearest else pairs_variant
            text = phrases(entry)[nearest] if nearest >= 0 else ""
            hits.append(Hit(entry.id, entry.topic, entry.title, score, parts, text))
        hits.sort(key=lambda hit: (-hit.score, hit.entry_id))
        return hits

    def tells(self, word: str) -> bool:
        """Whether a word says something about the matter: no function word, and not in every question here."""
        return self._segmenter.is_content(word)

    def is_subject(self, word: str) -> bool:
        """Whether a word names what a question is about, and some entry is asked by it."""
        return word in self._segmenter.subjects and self._words.knows(word)

    def knows(self, entry_id: str, words: Iterable[str]) -> bool:
        """Whether an entry's title or variants have all these words."""
        return self._words.covers(self._number[entry_id], words)


def merge(whole: Sequence[Hit], parts: Sequence[tuple[str, Sequence[Hit]]]) -> list[Hit]:
    """Each entry's best score over the whole text and its clauses.

    A clause that asks nothing counts less; an entry that knows none of the subjects which the whole text names, too.
    """
    wholes = {hit.entry_id: hit for hit in whole}
    best = dict(wholes)
    for part, ranked in parts:
        share = _CLAUSE_SHARE if intents.asks(part) else _REMARK_SHARE
        for hit in ranked:
            other = wholes.get(hit.entry_id)
            score = hit.score * share + (other.score * _WHOLE_SHARE if other else 0.0)
            if hit.entry_id not in best or score > best[hit.entry_id].score:
                evidence = max(hit.parts["evidence"], other.parts["evidence"] if other else 0.0)
                best[hit.entry_id] = replace(hit, score=score, parts={**hit.parts, "evidence": evidence})
    if any(hit.parts["evidence"] > 0 for hit in best.values()):
        best = {
            key: hit if hit.parts["evidence"] > 0 else replace(hit, score=hit.score * _STRAY_SHARE)
            for key, hit in best.items()
        }
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.entry_id))


def distinct(ranked: Sequence[Hit]) -> list[Hit]:
    """The best hit of each topic, best first."""
    best: dict[str, Hit] = {}
    for hit in ranked:
        best.setdefault(hit.topic, hit)
    return list(best.values())


def phrases(entry: Entry) -> tuple[str, ...]:
    """What an entry may be asked by: its title and its variants."""
    return (entry.title, *entry.variants)
