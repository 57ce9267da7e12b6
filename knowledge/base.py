"""The knowledge base: entries in, decisions out. Ranking and thresholds; no files, no texts for students."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from knowledge import intents
from knowledge.decisions import Abstain, Answer, Context, Decision, Hit, Suggestions
from knowledge.entry import Entry, School
from knowledge.ranking import Ranker, distinct, merge, phrases
from knowledge.scoring import Thresholds, Verdict, judge
from knowledge.text import STOP, fold, normalise, sentences, strip_fillers
from knowledge.tokens import Segmenter, Words

_SUGGESTED = 3
_AHEAD = 0.15
_BROAD = 4
_CLAUSES = 8
_REMEMBERED = 512
_SMALL_TALK = "meta."
_AND = frozenset(("和", "跟", "与", "及", "以及", "还有"))


class KnowledgeBase:
    """An immutable set of entries that can be asked. Safe to share between threads; replace it whole to publish."""

    def __init__(
        self, entries: Sequence[Entry], school: School, segmenter: Segmenter, ranker: Ranker, thresholds: Thresholds
    ) -> None:
        """Use `build`."""
        self.entries = {entry.id: entry for entry in entries}
        self.school = school
        self._segmenter = segmenter
        self._ranker = ranker
        self._thresholds = thresholds
        self._exact = _exact_phrases(entries)
        self._decide = lru_cache(maxsize=_REMEMBERED)(self._decide_alone)

    @classmethod
    def build(
        cls,
        entries: Iterable[Entry],
        school: School | None = None,
        *,
        segmenter: Segmenter | None = None,
        thresholds: Thresholds | None = None,
    ) -> "KnowledgeBase":
        """A base over `entries`, in whatever order they come; ready to answer when this returns.

        Without `segmenter` one is made without a domain dictionary, which takes about 0.7 s.
        """
        ordered = sorted(entries, key=lambda entry: entry.id)
        segmenter = segmenter or Segmenter()
        return cls(ordered, school or School(), segmenter, Ranker(ordered, segmenter), thresholds or Thresholds())

    def find_entry(self, entry_id: str) -> Entry | None:
        """The entry with this id, or the first of that topic."""
        entry = self.entries.get(entry_id)
        return entry or next((found for found in self.entries.values() if found.topic == entry_id), None)

    def get_entry(self, entry_id: str) -> Entry:
        """The entry with this id, or the first of that topic. Raises KeyError."""
        entry = self.find_entry(entry_id)
        if entry is None:
            raise KeyError(entry_id)
        return entry

    def ask(self, text: str, context: Context | None = None, *, now: datetime | None = None) -> Decision:
        """What to say to `text`. Never raises, whatever the text is.

        `context` is what `remember` returned for the same conversation; with `now` it is forgotten after 30 minutes.
        """
        folded = fold(text)
        plain = strip_fillers(folded)
        context = (context or Context()).at(now)
        if context.suggestions and (picked := intents.number(plain)):
            return self._pick(picked, context)
        last = self.entries.get(context.topic) or (self.find_entry(context.topic) if context.topic else None)
        if last is not None and (followed := self._follow_up(plain, last)):
            return followed
        decision = self._decide(plain)
        if isinstance(decision, Abstain) and plain != folded:
            polite = self._decide(folded)
            return polite if isinstance(polite, Answer) and polite.topic.startswith(_SMALL_TALK) else decision
        return decision

    def remember(self, decision: Decision, previous: Context | None, now: datetime) -> Context:
        """The context after `decision`: nothing found leaves the previous one as it was."""
        if isinstance(decision, Abstain):
            return previous or Context()
        if isinstance(decision, Suggestions):
            return Context(previous.topic if previous else "", tuple(hit.entry_id for hit in decision.hits), now)
        related = tuple(entry.id for entry in self.related(decision))
        return Context(decision.hits[-1].entry_id, related, now)

    def related(self, answer: Answer) -> tuple[Entry, ...]:
        """Up to three entries to go on with after an answer, in the order of their numbers."""
        answered = {hit.entry_id for hit in answer.hits}
        ids = dict.fromkeys(other for hit in answer.hits for other in self.entries[hit.entry_id].related)
        found = (self.find_entry(other) for other in ids if other not in answered)
        return tuple(entry for entry in found if entry is not None)[:_SUGGESTED]

    def _pick(self, picked: int, context: Context) -> Decision:
        entries = [entry for entry in map(self.find_entry, context.suggestions) if entry is not None]
        if picked <= len(entries):
            return Answer((_hit(entries[picked - 1], 1.0),))
        return Suggestions(tuple(_hit(entry, 0.0) for entry in entries)) if entries else Abstain()

    def _follow_up(self, plain: str, last: Entry) -> Decision | None:
        """What `plain` means as a question about the entry answered last; None where it stands alone."""
        if plain.replace(STOP, "") in self._exact:
            return None
        framed = intents.without_frame(plain)
        words = self._segmenter.cut(framed).words
        anchors = [word for word in words if self._ranker.is_subject(word)]
        cases = _cases(last, framed, words)
        rest = self._segmenter.cut(intents.without_facets(framed)).words
        left = [word for word in rest if self._ranker.tells(word)]
        if not anchors:
            facets = intents.facets(framed)
            if facets and self._ranker.knows(last.id, left):
                return Answer((replace(_hit(last, 1.0), facets=facets, cases=cases, follow_up=True),))
            if cases or len(left) <= 2:  # noqa: PLR2004 - two words beyond the frame: 丢了怎么办, 出国的话呢
                return self._about(last, framed, cases=cases)
        elif len(anchors) == 1 and set(left) <= set(anchors) and not intents.facets(framed):
            return self._about(last, framed, instead=anchors[0])
        return None

    def _about(self, last: Entry, framed: str, *, cases: tuple[str, ...] = (), instead: str = "") -> Decision | None:
        """The question asked again with the last title's words; `instead` takes the place of the title's subject."""
        title = self._segmenter.cut(fold(last.title)).words
        subjects = [word for word in title if self._ranker.is_subject(word)]
        if instead:
            text = instead + "".join(word for word in title if word not in subjects)
            decision = self._decide(text)
            return decision if isinstance(decision, Answer) and decision.topic != last.topic else None
        if cases:
            return Answer((replace(_hit(last, 1.0), cases=cases, follow_up=True),))
        if not subjects or not framed:
            return None
        decision = self._decide(subjects[0] + framed)
        told = [word for word in self._segmenter.cut(framed).words if self._ranker.tells(word)]
        if told and isinstance(decision, Answer) and self._ranker.knows(decision.hit.entry_id, told):
            return decision
        return None

    def _decide_alone(self, plain: str) -> Decision:
        cut = self._segmenter.cut(plain)
        bare = self._bare_subject(cut)
        exact = None if bare else self._exact.get(plain.replace(STOP, ""))
        if exact is not None:
            hits = tuple(self._detailed(_hit(self.entries[entry_id], 1.0, variant=plain), plain) for entry_id in exact)
            return Answer(hits) if len(hits) == 1 else Suggestions(hits[:_SUGGESTED])
        ranked = self._ranker.rank(cut)
        if bare and (choice := self._choice(bare, ranked)):
            return choice
        parts = intents.clauses(plain)[:_CLAUSES]
        questions = [*parts, *self._joined(plain, ranked)] if len(parts) > 1 else self._joined(plain, ranked)
        if questions:
            cuts = [(part, self._segmenter.cut(part)) for part in questions]
            asked = [(part, self._ranker.rank(cut)) for part, cut in cuts if any(map(self._ranker.tells, cut.terms))]
            double = self._double(asked, ranked)
            if double is not None:
                return double
            if len(parts) > 1:
                ranked = merge(ranked, asked)
        return self._judge(ranked, plain)

    def _judge(self, ranked: Sequence[Hit], plain: str) -> Decision:
        if not ranked:
            return Abstain()
        topics = distinct(ranked)
        best = topics[0]
        following = topics[1].score if len(topics) > 1 else 0.0
        verdict = judge(best.score, following, best.parts["evidence"], best.parts["strange"], self._thresholds)
        if verdict is Verdict.ANSWER:
            return Answer((self._detailed(best, plain),))
        if verdict is Verdict.NONE:
            return Abstain(best.score, best)
        floor = max(self._thresholds.near * best.score, self._thresholds.suggest * 0.85)
        near = [hit for hit in topics if hit.score >= floor and (hit is best or hit.parts["evidence"] > 0)]
        return Suggestions(tuple(near[:_SUGGESTED]))

    def _bare_subject(self, cut: Words) -> str:
        """The subject of a text that says nothing else (档案, 户口呢), or nothing."""
        return cut.terms[0] if len(cut.terms) == 1 and self._ranker.is_subject(cut.terms[0]) else ""

    def _choice(self, subject: str, ranked: Sequence[Hit]) -> Suggestions | None:
        """What a bare subject may mean, where several topics' titles have it and none is far ahead.

        Of many topics the most general are offered: those with the shortest titles.
        """
        scores = {hit.entry_id: hit.score for hit in ranked}
        titled = [
            _hit(entry, scores.get(entry.id, 0.0))
            for entry in self.entries.values()
            if subject in self._segmenter.cut(fold(entry.title)).words
        ]
        if len({hit.topic for hit in titled}) >= _BROAD:
            return Suggestions(tuple(distinct(sorted(titled, key=lambda hit: len(hit.title)))[:_SUGGESTED]))
        near = distinct(sorted(titled, key=lambda hit: -hit.score))
        if len(near) > 1 and near[0].score - near[1].score < _AHEAD:
            return Suggestions(tuple(near[:_SUGGESTED]))
        return None

    def _double(self, asked: Sequence[tuple[str, Sequence[Hit]]], whole: Sequence[Hit]) -> Answer | None:
        """Two questions, each sure by itself and of another topic."""
        sure: dict[str, Hit] = {}
        for part, ranked in asked:
            decision = self._judge(ranked, part) if intents.asks(part) else None
            if isinstance(decision, Answer):
                sure.setdefault(decision.topic, decision.hit)
        if len(sure) < 2:  # noqa: PLR2004 - two questions
            return None
        hits = tuple(sure.values())[:2]
        if whole and whole[0].score > sum(hit.score for hit in hits) / 2:
            return None
        return Answer(hits)

    def _joined(self, plain: str, whole: Sequence[Hit]) -> list[str]:
        """The two questions of one that names two subjects (档案和户口怎么转), or nothing where one entry has both."""
        for clause in sentences(plain):
            words = self._segmenter.cut(clause).words
            for at in range(1, len(words)):
                gap = words[at] in _AND and at + 1 < len(words)
                first, second = words[at - 1], words[at + gap]
                if not (first != second and self._ranker.is_subject(first) and self._ranker.is_subject(second)):
                    continue
                if gap or not (whole and self._ranker.knows(whole[0].entry_id, (first, second))):
                    before, after = "".join(words[: at - 1]), "".join(words[at + gap + 1 :])
                    return [before + first + after, before + second + after]
        return []

    def _detailed(self, hit: Hit, plain: str) -> Hit:
        """The hit with the facets and cases that the question asks for and the entry has."""
        entry = self.entries[hit.entry_id]
        school = {"contact": entry.office, "when": entry.deadline}
        facets = tuple(facet for facet in intents.facets(plain) if facet in entry.facets or school.get(facet))
        return replace(hit, facets=facets, cases=_cases(entry, plain, self._segmenter.cut(plain).words))


def _hit(entry: Entry, score: float, *, variant: str = "") -> Hit:
    return Hit(entry.id, entry.topic, entry.title, score, {}, variant)


def _cases(entry: Entry, plain: str, words: Sequence[str]) -> tuple[str, ...]:
    return tuple(case for case in entry.cases if case in words or case in plain)


def _exact_phrases(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    owners: dict[str, dict[str, None]] = {}
    for entry in entries:
        for text in phrases(entry):
            owners.setdefault(normalise(text).replace(STOP, ""), {})[entry.id] = None
    return {phrase: tuple(ids) for phrase, ids in owners.items() if phrase}
