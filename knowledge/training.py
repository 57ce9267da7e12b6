"""Learns a model from entries, questions and talk. Deterministic; files are not its work."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from knowledge.entry import ANYTHING, OUT_OF_SCOPE, Entry, Example
from knowledge.features import UNKNOWN, Vocabulary
from knowledge.intents import without_frame
from knowledge.model import Model, Texts, as_vector, behind, contexts
from knowledge.network import Floats, Integers, Vector
from knowledge.pinyin import Spelling, read_syllables
from knowledge.teaching import teach
from knowledge.text import normalise
from knowledge.tokens import Segmenter

_RAREST = 3
_SEED = 7
_SAID_LATER, _IN_THE_AREA = 0.3, 0.3
_OWN_COUNT, _TALK_COUNTS = 3, 2
_ANYWHERE = 16


@dataclass(frozen=True, slots=True)
class _Examples:
    """All questions by topic, each topic's one after another, first those of its entries; `owned` tells which."""

    topics: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[int, ...]
    owned: dict[str, tuple[int, int]]


def learn(
    entries: Sequence[Entry],
    questions: Mapping[str, Sequence[str]],
    segmenter: Segmenter,
    talk: Sequence[Example] = (),
) -> Model:
    """A model of `entries`, of further `questions` by topic and of `talk`, whatever their order.

    About a minute and a half for 85,000 texts on two cores.
    """
    examples = _examples(entries, questions)
    readings = read_syllables()
    plain = [normalise(text) for text in examples.texts]
    raw = [segmenter.raw(text) for text in plain]
    cuts = [*map(segmenter.canonical, raw)]
    said = sorted(set(talk))
    plain_talk = [_said(one) for one in said]
    cuts_talk = [segmenter.cut(text) for text in plain_talk]
    everything = Vocabulary.of_all(readings, chain(*(cut.terms for cut in (*cuts, *cuts_talk))))
    found = [everything.numbers(text, cut.terms) for text, cut in zip(plain, cuts, strict=True)]
    found_talk = [everything.numbers(text, cut.terms) for text, cut in zip(plain_talk, cuts_talk, strict=True)]
    numbers, rarity = _numbers([*found, *found_talk], everything.size, len(plain), len(entries))
    before = {name: at for at, name in enumerate(_said_before(examples.topics), len(rarity))}
    rarity = np.append(rarity, np.ones(len(before), dtype=np.float32))
    vectors = [as_vector(numbers.take(one).tolist(), rarity) for one in found]
    lessons: list[tuple[Vector, tuple[int, ...]]] = [
        (vector, (label,)) for vector, label in zip(vectors, examples.labels, strict=True)
    ]
    own = [at for span in examples.owned.values() for at in range(*span)]
    lessons += [lessons[at] for at in own] * (_OWN_COUNT - 1)
    lessons += _said_later(vectors, examples, before)
    for one, features in zip(said, found_talk, strict=True):
        vector = as_vector(numbers.take(features).tolist(), rarity)
        asked = tuple(map(examples.topics.index, one.topics))
        if one.after == ANYTHING:
            lessons += _said_anywhere(vector, one.text, asked, examples, before)
        else:
            lessons += [(behind(vector, one.after, before) if one.after else vector, asked)] * _TALK_COUNTS
    letters = [examples.texts[at].encode("utf-8", "surrogatepass") for at in own]
    ends = np.cumsum([last - first for first, last in examples.owned.values()]).tolist()
    return Model(
        topics=examples.topics,
        vocabulary=everything.renumbered(numbers),
        before=before,
        rarity=rarity,
        network=teach(
            [vector for vector, _ in lessons],
            [asked for _, asked in lessons],
            size=len(rarity),
            count=len(examples.topics),
            certain=len(rarity) - len(before),
        ),
        starts=np.cumsum([0, *(len(vectors[at].ids) for at in own)], dtype=np.int32),
        ids=np.concatenate([vectors[at].ids for at in own]).astype(np.intp),
        values=np.concatenate([vectors[at].values for at in own]),
        owned=dict(zip(examples.owned, pairwise((0, *ends)), strict=True)),
        questions=Texts(
            np.frombuffer(b"".join(letters), dtype=np.uint8), np.cumsum([*map(len, letters)], dtype=np.int32)
        ),
        words={
            entry.id: frozenset(word for at in range(*examples.owned[entry.id]) for word in cuts[at].words)
            for entry in entries
        },
        spelling=Spelling.learn(Counter(chain(*raw)), plain, segmenter.subjects, readings),
    )


def own_questions(entry: Entry) -> tuple[str, ...]:
    """What an entry itself is asked by: its title, its variants, and the rumours it corrects."""
    return (entry.title, *entry.variants, *(rumour.claim for rumour in entry.rumours))


def _examples(entries: Sequence[Entry], questions: Mapping[str, Sequence[str]]) -> _Examples:
    by_topic: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.id):
        by_topic.setdefault(entry.topic, []).append(entry)
    topics = tuple(sorted({*by_topic, *(topic for topic, texts in questions.items() if texts)}))
    texts: list[str] = []
    labels: list[int] = []
    owned: dict[str, tuple[int, int]] = {}
    for label, topic in enumerate(topics):
        for entry in by_topic.get(topic, ()):
            first = len(texts)
            texts += own_questions(entry)
            owned[entry.id] = (first, len(texts))
        texts += sorted(questions.get(topic, ()))
        labels += [label] * (len(texts) - len(labels))
    return _Examples(topics, tuple(texts), tuple(labels), owned)


def _said(example: Example) -> str:
    """The text of an example, normalised; what is said after an answer is read as following.py reads it."""
    plain = normalise(example.text)
    return without_frame(plain) if example.after else plain


def _said_later(
    vectors: Sequence[Vector], examples: _Examples, before: Mapping[str, int]
) -> Iterator[tuple[Vector, tuple[int, ...]]]:
    """Some of the questions once more, said after another topic was answered: they ask the same there."""
    thrown = np.random.default_rng(_SEED)
    others = [topic for topic in examples.topics if topic != OUT_OF_SCOPE]
    areas: dict[str, list[str]] = {}
    for topic in others:
        areas.setdefault(contexts(topic)[1], []).append(topic)
    for vector, label in zip(vectors, examples.labels, strict=True):
        if thrown.random() < _SAID_LATER:
            topic = examples.topics[label]
            near = areas.get(contexts(topic)[1], others) if thrown.random() < _IN_THE_AREA else others
            last = near[thrown.integers(len(near))]
            if last != topic:
                yield behind(vector, last, before), (label,)


def _said_anywhere(
    vector: Vector, text: str, asked: tuple[int, ...], examples: _Examples, before: Mapping[str, int]
) -> Iterator[tuple[Vector, tuple[int, ...]]]:
    """A text behind some of the topics: other ones for each text, the same each time. It asks `asked`, or of them."""
    numbers = [number for number, topic in enumerate(examples.topics) if topic != OUT_OF_SCOPE]
    thrown = np.random.default_rng([_SEED, *text.encode("utf-8", "surrogatepass")])
    for number in thrown.permutation(numbers)[:_ANYWHERE]:
        yield behind(vector, examples.topics[number], before), asked or (int(number),)


def _numbers(found: Sequence[Sequence[int]], size: int, questions: int, entries: int) -> tuple[Integers, Floats]:
    """New numbers, from 0, for those of `size` features that three texts have (all, if entries are few); their rarity.

    The others, and what comes last, become UNKNOWN.
    """
    each = np.fromiter(chain.from_iterable(map(set, found)), dtype=np.int32)
    spread = np.bincount(each + 1, minlength=size + 1)[1:]  # UNKNOWN is -1
    kept = spread >= (_RAREST if entries > _RAREST * 10 else 1)
    rarity = np.log((1 + questions) / (1 + spread[kept])) + 1
    return np.append(np.where(kept, kept.cumsum() - 1, UNKNOWN), UNKNOWN).astype(np.int32), rarity.astype(np.float32)


def _said_before(topics: Sequence[str]) -> list[str]:
    """The features of all that may have been answered before."""
    return sorted({name for topic in topics if topic != OUT_OF_SCOPE for name in contexts(topic)})
