"""Two questions in one text: where it may be cut in two, and whether that was meant. Calibrated; pure.

docs/knowledge.md says how the numbers here were found and how to find them again.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from knowledge import intents
from knowledge.decisions import Hit
from knowledge.ranking import Ranker
from knowledge.text import STOP, sentences
from knowledge.tokens import Segmenter

_MANY = 3
_LONG = 20
_AND = frozenset(("和", "跟", "与", "及", "以及", "还有"))
_UNHEARD = -3.0
"""Below these log-odds of its second likeliest topic a text is not cut. On the tuning set that costs seven of 285 pairs
and saves four in ten readings of a side."""
BIAS = -2.9
WEIGHTS: Mapping[str, float] = {
    "whole": 0.45, "learned": 0.85, "asks": 0.98, "then_asks": 0.46, "likeliest": 0.13, "length": 0.6, "named": 0.84,
    "uncut": -0.28,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """One way to read a text as two questions: their texts, what each is most like, and the signs for it."""

    texts: tuple[str, str]
    topics: tuple[str, str]
    signs: Mapping[str, float]

    @property
    def weight(self) -> float:
        """The log-odds that just these two things are asked."""
        return BIAS + sum(WEIGHTS[name] * value for name, value in self.signs.items())


def find_pair(plain: str, ranker: Ranker, segmenter: Segmenter) -> list[tuple[Hit, str]]:
    """The two questions of two topics that `plain` asks, each with the text that asks it; nothing where it asks one.

    They are in their order where both sides ask; else what the whole is most like comes first, for the other may be
    mere background.
    """
    best = max(pairs(plain, ranker, segmenter), key=lambda pair: pair.weight, default=None)
    if best is None or best.weight <= 0:
        return []
    chance = 1 / (1 + math.exp(-best.weight))
    sides = [
        (replace(ranker.hit(text, topic), score=chance), text)
        for text, topic in zip(best.texts, best.topics, strict=True)
    ]
    both_ask = best.signs["asks"] and best.signs["then_asks"]
    return sides if both_ask or ranker.likeliest(plain)[0] != best.topics[1] else sides[::-1]


def pairs(plain: str, ranker: Ranker, segmenter: Segmenter) -> list[Pair]:
    """Each way to read `plain`, normalised and spelt, as two questions of two topics; and as both at once."""
    whole = ranker.likeliest(plain)
    if len(whole) < 2 or ranker.likeness(plain, whole[1])[0] < _UNHEARD:  # noqa: PLR2004 - two topics
        return []
    found = []
    for texts, named in _cuts(plain, ranker, segmenter):
        topics = (ranker.likeliest(texts[0])[0], ranker.likeliest(texts[1])[0])
        if topics[0] != topics[1]:
            found.append(Pair(texts, topics, _signs(plain, texts, topics, ranker) | {"named": named}))
    uncut = (whole[0], whole[1])
    return [*found, Pair((plain, plain), uncut, _signs(plain, (plain, plain), uncut, ranker) | {"uncut": 1.0})]


def _signs(plain: str, texts: tuple[str, str], topics: tuple[str, str], ranker: Ranker) -> dict[str, float]:
    """The signs for a pair.

    How much the whole is like the less likely topic; how much its side is; whether each side asks; whether the whole is
    most like one of them; how long they are.
    """
    return {
        "whole": min(ranker.likeness(plain, *topics)),
        "learned": min(ranker.likeness(text, topic)[0] for text, topic in zip(texts, topics, strict=True)),
        "asks": intents.asks(texts[0]),
        "then_asks": intents.asks(texts[1]),
        "likeliest": ranker.likeliest(plain)[0] in topics,
        "length": sum(min(len(text), _LONG) for text in texts) / 10,
    }


def _cuts(plain: str, ranker: Ranker, segmenter: Segmenter) -> Iterator[tuple[tuple[str, str], bool]]:
    """Each way to read a text as two, and whether that is by two subjects that it names for one question."""
    clauses = intents.clauses(plain)
    for at in range(1, len(clauses)):
        sides = (STOP.join(clauses[:at]), STOP.join(clauses[at:]))
        if all(_may_ask(side, ranker, surely=len(clauses) > _MANY) for side in sides):
            yield sides, False
    for texts in _named_last(clauses, ranker, segmenter):
        yield texts, True
    together = (_named_together(plain, segmenter.cut(clause).words, ranker) for clause in sentences(plain))
    for texts in islice(chain.from_iterable(together), _MANY):
        yield texts, True


def _may_ask(text: str, ranker: Ranker, *, surely: bool) -> bool:
    """Whether a side is worth reading: it says something; of a long story's sides only what is a question."""
    return ranker.says(text) and (not surely or intents.asks(text))


def _named_last(clauses: Sequence[str], ranker: Ranker, segmenter: Segmenter) -> Iterator[tuple[str, str]]:
    """A question, and the same about the subject named last (户口能留两年吗，档案呢)."""
    last = [word for word in segmenter.cut(clauses[-1]).words if ranker.tells(word)] if len(clauses) > 1 else []
    if len(last) != 1 or not ranker.is_subject(last[0]) or intents.facets(clauses[-1]):
        return
    for clause in reversed(clauses[:-1]):
        words = segmenter.cut(clause).words
        subject = next((word for word in words if ranker.is_subject(word) and word != last[0]), None)
        if subject is not None:
            yield STOP.join(clauses[:-1]), "".join(words).replace(subject, last[0], 1)
            return


def _named_together(plain: str, words: Sequence[str], ranker: Ranker) -> Iterator[tuple[str, str]]:
    """One question about two subjects (档案和户口怎么转), once about each; two beside each other may be one name."""
    for at in range(1, len(words)):
        gap = words[at] in _AND and at + 1 < len(words)
        first, second = words[at - 1], words[at + gap]
        if first == second or not ranker.is_subject(first) or not ranker.is_subject(second):
            continue
        if gap or not any(ranker.knows(hit.entry_id, (first, second)) for hit in ranker.rank(plain)[:1]):
            before, after = "".join(words[: at - 1]), "".join(words[at + gap + 1 :])
            yield before + first + after, before + second + after
