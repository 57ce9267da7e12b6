"""The knowledge base: entries in, decisions out. Ranking and thresholds; no files, no texts for students."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from knowledge import intents
from knowledge.artifact import keep, key_of
from knowledge.decisions import Abstain, Answer, Context, Decision, Hit, Suggestions
from knowledge.entry import CASES, Entry, School
from knowledge.ranking import Ranker, distinct, phrases
from knowledge.scoring import Thresholds, Verdict, judge
from knowledge.text import STOP, fold, normalise, sentences, strip_fillers
from knowledge.tokens import Segmenter, Words
from knowledge.training import learn, own_questions

_SUGGESTED = 3
_AHEAD = 0.15
_STANDS_ALONE = 0.88
_OUTSIDE = 0.4
_SAYS_LITTLE = 4
_NAMED = 2
_LIKELY = -0.7
_VERY_SURE = 0.9
_DOUBTLESS = 0.97
_SURE_ALONE = 0.8
_STRANGE = 0.34
_FITS = 0.85
_PLAIN = 0.5
_BOTH_SURE = 0.6
_BROAD = 4
_CLAUSES = 8
_REMEMBERED = 512
_SMALL_TALK = "meta."
_CASES = frozenset(CASES)
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
        self._title_words = {entry.id: frozenset(segmenter.cut(fold(entry.title)).words) for entry in entries}
        self._decide = lru_cache(maxsize=_REMEMBERED)(self._decide_alone)

    @classmethod
    def build(
        cls,
        entries: Iterable[Entry],
        school: School | None = None,
        *,
        questions: Mapping[str, Sequence[str]] | None = None,
        segmenter: Segmenter | None = None,
        thresholds: Thresholds | None = None,
        model_folder: Path | None = None,
    ) -> "KnowledgeBase":
        """A base over `entries`, in whatever order they come; ready to answer when this returns.

        `questions` are further questions by topic, those of OUT_OF_SCOPE to be refused. What is learnt from all of them
        (some seconds) is kept in `model_folder` if there is one. Without `segmenter` one is made without a domain
        dictionary, which takes about 0.7 s.
        """
        ordered = sorted(entries, key=lambda entry: entry.id)
        questions = questions or {}
        segmenter = segmenter or Segmenter()
        if model_folder is None:
            model = learn(ordered, questions, segmenter)
        else:
            asked = [(entry.id, own_questions(entry)) for entry in ordered]
            key = key_of(asked, sorted(questions.items()), segmenter.content)
            model = keep(model_folder, key, lambda: learn(ordered, questions, segmenter))
        ranker = Ranker(ordered, segmenter, model)
        return cls(ordered, school or School(), segmenter, ranker, thresholds or Thresholds())

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
        plain = self._ranker.spell(strip_fillers(folded))
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
        """Up to three entries to go on with after an answer, in the order of their numbers.

        First what may have been meant instead, then what the answered entries name as related.
        """
        answered = {hit.entry_id for hit in answer.hits}
        named = (other for hit in answer.hits for other in self.entries[hit.entry_id].related)
        found = (self.find_entry(other) for other in dict.fromkeys((*answer.others, *named)) if other not in answered)
        return tuple(entry for entry in found if entry is not None)[:_SUGGESTED]

    def rank(self, text: str) -> Sequence[Hit]:
        """The topics nearest to `text`, best first, with the parts of their scores; nothing is decided yet."""
        return self._ranker.rank(self._ranker.spell(normalise(text)))

    def why(self, text: str, topic: str) -> list[tuple[str, float]]:
        """The features of `text` that speak most for `topic`, with their shares of what was learnt, largest first."""
        return self._ranker.why(self._ranker.spell(normalise(text)), topic)

    def _pick(self, picked: int, context: Context) -> Decision:
        offered = [self.find_entry(one) for one in context.suggestions]
        if picked <= len(offered) and (chosen := offered[picked - 1]) is not None:
            return Answer((_hit(chosen, 1.0),))
        entries = [entry for entry in offered if entry is not None]  # one may have been taken back since
        return Suggestions(tuple(_hit(entry, 0.0) for entry in entries)) if entries else Abstain()

    def _follow_up(self, plain: str, last: Entry) -> Decision | None:
        """What `plain` means as a question about the entry answered last; None where it stands alone.

        It is ranked twice: alone, and behind the last title as if both had been said in one breath.
        """
        if plain.replace(STOP, "") in self._exact:
            return None
        framed = intents.without_frame(plain)
        words = self._segmenter.cut(framed).words
        facets = intents.facets(framed)
        cases = _cases(last, framed, words)
        if facets and not self._says(intents.without_facets(framed)):
            return Answer((replace(_hit(last, 1.0), facets=facets, cases=cases, follow_up=True),))
        if not facets and (other := self._only_subject(words)):
            return self._instead(last, other)
        best = self._behind(framed, last, case=not facets and self._is_case(words))
        if best is None:
            return None
        if best.topic == last.topic:
            return Answer((replace(_hit(last, best.score), facets=facets, cases=cases, follow_up=True),))
        return Answer((self._detailed(best, framed),)) if best.score >= self._thresholds.answer else None

    def _behind(self, framed: str, last: Entry, *, case: bool) -> Hit | None:
        """What a text means behind the last topic, which may be that topic; None where it stands alone."""
        alone = self._ranker.rank(framed)
        if not case and self._stands_alone(framed, last, alone):
            return None
        both = self._ranker.rank(fold(last.title) + STOP + framed)
        fits = max((hit.score for hit in both if hit.topic == last.topic), default=0.0)
        if case:
            return self._sibling(last, alone) or both[0]
        return both[0] if max(fits, both[0].score) >= _FITS else None

    def _is_case(self, words: Sequence[str]) -> bool:
        """Whether a text only names a situation (出国的话呢)."""
        telling = {word for word in words if self._ranker.tells(word)}
        return len(telling) <= _NAMED and bool(telling & _CASES)

    def _sibling(self, last: Entry, alone: Sequence[Hit]) -> Hit | None:
        """The last area's own topic for a case (出国呢, after 档案放哪), where there is one."""
        area = last.topic.partition(".")[0]
        near = [hit for hit in alone if hit.topic.partition(".")[0] == area and hit.topic != last.topic]
        return near[0] if near and near[0].parts["learned"] > _LIKELY else None

    def _stands_alone(self, framed: str, last: Entry, alone: Sequence[Hit]) -> bool:
        """Whether a text is a question of its own, or none of ours: sure by itself, or long, or strange."""
        if alone and alone[0].topic != last.topic and alone[0].score >= _STANDS_ALONE:
            return True
        telling = [word for word in self._segmenter.cut(framed).terms if self._ranker.tells(word)]
        if len(telling) > _SAYS_LITTLE or self._ranker.strange(telling) > _STRANGE * len(telling):
            return True
        lead = alone[0].parts["outside"] - alone[0].parts["learned"] if alone else 0.0
        return lead > _OUTSIDE and not intents.facets(framed)

    def _says(self, plain: str) -> bool:
        """Whether a text has a word that tells something; 怎么办 and 在哪 do not, without what was said before."""
        return any(map(self._ranker.tells, self._segmenter.cut(plain).terms))

    def _only_subject(self, words: Sequence[str]) -> str:
        """The subject of a text that says nothing else (那户口呢), or nothing."""
        telling = {word for word in words if self._ranker.tells(word)}
        subject = next(iter(telling), "") if len(telling) == 1 else ""
        return subject if subject and self._ranker.is_subject(subject) else ""

    def _instead(self, last: Entry, subject: str) -> Decision | None:
        """The last title's question about another subject (那户口呢, after 档案怎么转)."""
        title = self._segmenter.cut(fold(last.title)).words
        rest = "".join(word for word in title if not self._ranker.is_subject(word))
        decision = self._decide(subject + rest)
        if not isinstance(decision, Answer) or decision.topic == last.topic:
            return None
        twin = self.find_entry(f"{decision.topic.partition('.')[0]}.{last.topic.partition('.')[2]}")
        return Answer((_hit(twin, decision.score),)) if twin is not None else decision

    def _decide_alone(self, plain: str) -> Decision:
        cut = self._segmenter.cut(plain)
        bare = self._bare_subject(cut)
        exact = None if bare else self._exact.get(plain.replace(STOP, ""))
        if exact is not None:
            hits = tuple(self._detailed(_hit(self.entries[entry_id], 1.0, variant=plain), plain) for entry_id in exact)
            return Answer(hits) if len(hits) == 1 else Suggestions(hits[:_SUGGESTED])
        ranked = self._ranker.rank(plain)
        if not self._says(plain) and not (ranked and ranked[0].topic.startswith(_SMALL_TALK)):
            return Abstain()
        if bare and (choice := self._choice(bare, ranked)):
            return choice
        parts = intents.clauses(plain)[:_CLAUSES]
        if len(parts) < 2:  # noqa: PLR2004 - two questions
            parts = self._joined(plain, ranked)
        if double := self._double(parts, ranked):
            return double
        decision = self._judge(ranked, plain)
        return decision if isinstance(decision, Answer) else self._asked_in(parts) or decision

    def _asked_in(self, parts: Sequence[str]) -> Answer | None:
        """The one sure question of a text that tells much beside it."""
        decisions = [
            self._judge(self._ranker.rank(part), part) for part in parts if intents.asks(part) and self._says(part)
        ]
        sure = {one.topic: one for one in decisions if isinstance(one, Answer) and one.score >= _SURE_ALONE}
        return next(iter(sure.values())) if len(sure) == 1 else None

    def _judge(self, ranked: Sequence[Hit], plain: str) -> Decision:
        if not ranked:
            return Abstain()
        topics = distinct(ranked)
        best = topics[0]
        following = topics[1].score if len(topics) > 1 else 0.0
        verdict = judge(best.score, following, self._thresholds)
        if best.score < _VERY_SURE and not self._says(intents.without_facets(plain)):
            return Abstain(best.score, best)
        if verdict is Verdict.ANSWER:
            others = (hit for hit in topics[1:_SUGGESTED] if best.score < _DOUBTLESS and hit.parts["learned"] > _LIKELY)
            return Answer((self._detailed(best, plain),), tuple(hit.entry_id for hit in others))
        if verdict is Verdict.NONE:
            return Abstain(best.score, best)
        return Suggestions(tuple(topics[:_SUGGESTED]))

    def _bare_subject(self, cut: Words) -> str:
        """The subject of a text that says nothing else (档案, 户口呢), or nothing."""
        bare = len(cut.terms) == 1 and self._ranker.is_subject(cut.terms[0])
        return cut.terms[0] if bare and not intents.facets("".join(cut.words)) else ""

    def _choice(self, subject: str, ranked: Sequence[Hit]) -> Suggestions | None:
        """What a bare subject may mean, where several topics' titles have it and none is far ahead.

        Of many topics the most general are offered: those with the shortest titles.
        """
        scores = {hit.entry_id: hit.score for hit in ranked}
        titled = [
            _hit(entry, scores.get(entry.id, 0.0))
            for entry in self.entries.values()
            if subject in self._title_words[entry.id]
        ]
        if len({hit.topic for hit in titled}) >= _BROAD:
            return Suggestions(tuple(distinct(sorted(titled, key=lambda hit: len(hit.title)))[:_SUGGESTED]))
        near = distinct(sorted(titled, key=lambda hit: -hit.score))
        if len(near) > 1 and near[0].score - near[1].score < _AHEAD:
            return Suggestions(tuple(near[:_SUGGESTED]))
        return None

    def _double(self, parts: Sequence[str], whole: Sequence[Hit]) -> Answer | None:
        """Two questions of two topics in one text, in their order, cut where both are surest.

        Both must be seen in the whole text, and one of them be what it is most like.
        """
        seen = {hit.topic for hit in whole}
        pairs = [
            pair
            for at in range(1, len(parts))
            if (pair := self._pair(STOP.join(parts[:at]), STOP.join(parts[at:])))
            and whole[0].topic in (topics := {hit.topic for hit in pair})
            and len(topics & seen) == len(pair)
        ]
        return Answer(max(pairs, key=lambda pair: min(hit.score for hit in pair))) if pairs else None

    def _pair(self, first: str, second: str) -> tuple[Hit, ...]:
        """The hits of two sides of a text where both are sure, and each asks or plainly names its topic; or nothing."""
        sides = (first, second)
        if not any(map(intents.asks, sides)):
            return ()
        hits = [(side, hit) for side in sides for hit in self._ranker.rank(side)[:1]]
        sure = [
            self._detailed(hit, side)
            for side, hit in hits
            if hit.score >= _BOTH_SURE and (intents.asks(side) or hit.parts["learned"] >= _PLAIN)
        ]
        return tuple(sure) if len(sure) == len(sides) else ()

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
            owners.setdefault(text.replace(STOP, ""), {})[entry.id] = None
    return {phrase: tuple(ids) for phrase, ids in owners.items() if phrase}
