"""What a text means after an answer: 要带什么, 那户口呢, 出国的话呢. Whether it stands alone is decided here, too."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from knowledge import intents
from knowledge.deciding import LIKELY, Decider, cases_in, hit_of
from knowledge.decisions import Answer, Decision, Hit
from knowledge.entry import CASES, Entry
from knowledge.ranking import Ranker
from knowledge.scoring import Thresholds
from knowledge.text import STOP, fold
from knowledge.tokens import Segmenter

_STANDS_ALONE = 0.88
_NOT_UNLIKELY = -0.85
_OUTSIDE = 0.4
_FAR_OUTSIDE = 1.3
_SURE, _LEARNT = 0.95, 0.9
_RATHER_SURE, _RATHER_LEARNT = 0.8, 0.6
_SAYS_LITTLE = 4
_NAMED = 2
_STRANGE = 0.34
_FITS = 0.85
_CASES = frozenset(CASES)


class Follower:
    """Reads texts behind the entry that was answered last. Safe to share between threads."""

    def __init__(
        self,
        find_entry: Callable[[str], Entry | None],
        segmenter: Segmenter,
        ranker: Ranker,
        decider: Decider,
        thresholds: Thresholds,
    ) -> None:
        self._find_entry = find_entry
        self._segmenter = segmenter
        self._ranker = ranker
        self._decider = decider
        self._thresholds = thresholds

    def follow(self, plain: str, last: Entry) -> Decision | None:
        """What `plain` means as a question about the entry answered last; None where it stands alone.

        It is ranked twice: alone, and behind the last title as if both had been said in one breath.
        """
        if self._decider.is_exact(plain):
            return None
        framed = intents.without_frame(plain)
        words = self._segmenter.cut(framed).words
        facets = intents.facets(framed)
        cases = cases_in(last, framed, words)
        if facets and not self._decider.says(intents.without_facets(framed)) and not self._names_another(words, last):
            return Answer((replace(hit_of(last, 1.0), facets=facets, cases=cases, follow_up=True),))
        if not facets and (other := self._only_subject(words)):
            instead = self._instead(last, other)
            if instead is not None or other not in _CASES:
                return instead
        best = self._behind(framed, last, case=not facets and self._is_case(words))
        if best is None:
            return None
        if best.topic == last.topic:
            return Answer((replace(hit_of(last, best.score), facets=facets, cases=cases, follow_up=True),))
        return Answer((self._decider.detailed(best, framed),)) if best.score >= self._thresholds.answer else None

    def _behind(self, framed: str, last: Entry, *, case: bool) -> Hit | None:
        """What a text means behind the last topic, which may be that topic; None where it stands alone."""
        alone = self._ranker.rank(framed)
        leans = intents.leans(framed) and not self._is_sure(alone, last, framed if case else "")
        if not leans and (self._is_learnt(alone) if case else self._stands_alone(framed, last, alone)):
            return None
        both = self._ranker.rank(fold(last.title) + STOP + framed)
        if leans:
            return self._leaning(last, alone, both, case=case)
        if case:
            return self._sibling(last, alone, LIKELY) or both[0]
        fits = max((hit.score for hit in both if hit.topic == last.topic), default=0.0)
        return both[0] if max(fits, both[0].score) >= _FITS else None

    def _leaning(self, last: Entry, alone: Sequence[Hit], both: Sequence[Hit], *, case: bool) -> Hit:
        """What a text means that cannot stand alone (考研的呢): the area's own topic for it, or the last one."""
        sibling = self._sibling(last, alone, _NOT_UNLIKELY) if case else None
        best = both[0] if both and _area(both[0].topic) == _area(last.topic) else hit_of(last, 0.0)
        return replace(sibling or best, score=self._thresholds.answer)

    def _is_case(self, words: Sequence[str]) -> bool:
        """Whether a text only names a situation (出国的话呢)."""
        telling = {word for word in words if self._ranker.tells(word)}
        return len(telling) <= _NAMED and bool(telling & _CASES)

    def _sibling(self, last: Entry, alone: Sequence[Hit], likely: float) -> Hit | None:
        """The last area's own topic for a case (出国呢, after 档案放哪), where there is one."""
        near = [hit for hit in alone if _area(hit.topic) == _area(last.topic) and hit.topic != last.topic]
        return near[0] if near and near[0].parts["learned"] > likely else None

    def _stands_alone(self, framed: str, last: Entry, alone: Sequence[Hit]) -> bool:
        """Whether a text is a question of its own, or none of ours: sure by itself, or long, or strange."""
        if self._is_sure(alone, last):
            return True
        telling = [word for word in self._segmenter.cut(framed).terms if self._ranker.tells(word)]
        if len(telling) > 1 and self._is_learnt(alone, sure=_RATHER_SURE, lead=_RATHER_LEARNT):
            return True
        if len(telling) > _SAYS_LITTLE or self._ranker.strange(telling) > _STRANGE * len(telling):
            return True
        lead = alone[0].parts["outside"] - alone[0].parts["learned"] if alone else 0.0
        return lead > (_FAR_OUTSIDE if intents.facets(framed) else _OUTSIDE)

    def _is_sure(self, alone: Sequence[Hit], last: Entry, case: str = "") -> bool:
        """Whether a text is surely of another topic; one that only names a `case`, if it names a subject as well."""
        sure = bool(alone) and alone[0].topic != last.topic and alone[0].score >= _STANDS_ALONE
        return sure and (not case or self._names_another(self._segmenter.cut(case).words, last))

    def _is_learnt(self, alone: Sequence[Hit], sure: float = _SURE, lead: float = _LEARNT) -> bool:
        """Whether a text by itself is what was learnt of a topic, and far from what is none of ours."""
        if not alone or alone[0].score < sure:
            return False
        return alone[0].parts["learned"] - alone[0].parts["outside"] >= lead

    def _names_another(self, words: Sequence[str], last: Entry) -> bool:
        """Whether a text has a subject that the last title has not (不填去向行吗, after 报到证怎么补)."""
        title = fold(last.title)
        others = (one for one in words if one not in title and one not in _CASES and not intents.facets(one))
        return any(map(self._ranker.is_subject, others))

    def _only_subject(self, words: Sequence[str]) -> str:
        """The subject of a text that says nothing else (那户口呢), or nothing."""
        telling = {word for word in words if self._ranker.tells(word)}
        subject = next(iter(telling), "") if len(telling) == 1 else ""
        return subject if subject and self._ranker.is_subject(subject) else ""

    def _instead(self, last: Entry, subject: str) -> Decision | None:
        """The last title's question about another subject (那户口呢, after 档案怎么转)."""
        title = self._segmenter.cut(fold(last.title)).words
        rest = "".join(word for word in title if not self._ranker.is_subject(word))
        decision = self._decider.decide(subject + rest)
        if not isinstance(decision, Answer) or decision.topic == last.topic:
            return None
        twin = self._find_entry(f"{_area(decision.topic)}.{last.topic.partition('.')[2]}")
        if twin is not None:
            return Answer((hit_of(twin, decision.score),))
        return decision if subject not in _CASES else None


def _area(topic: str) -> str:
    return topic.partition(".")[0]
