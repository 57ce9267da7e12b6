"""Learns a model from entries, questions and talk. Deterministic; files are not its work."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from knowledge.entry import ANYTHING, OUT_OF_SCOPE, Entry, Example
from knowledge.features import features
from knowledge.intents import without_frame
from knowledge.model import Model, Texts, as_vector, behind, contexts
from knowledge.network import Floats, Vector, teach
from knowledge.pinyin import Spelling, Syllables, read_syllables
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

    Some 50 s for 75,000 texts on one core.
    """
    examples = _examples(entries, questions)
    readings = read_syllables()
    plain = [normalise(text) for text in examples.texts]
    raw = [segmenter.raw(text) for text in plain]
    cuts = [*map(segmenter.canonical, raw)]
    counted = [features(text, cut.terms, readings) for text, cut in zip(plain, cuts, strict=True)]
    said = sorted(set(talk))
    counted_talk = [_features_of(one, segmenter, readings) for one in said]
    vocabulary, rarity = _vocabulary([*counted, *counted_talk], examples.topics, len(entries))
    vectors = [as_vector(counts, vocabulary, rarity) for counts in counted]
    lessons: list[tuple[Vector, tuple[int, ...]]] = [
        (vector, (label,)) for vector, label in zip(vectors, examples.labels, strict=True)
    ]
    own = [at for span in examples.owned.values() for at in range(*span)]
    lessons += [lessons[at] for at in own] * (_OWN_COUNT - 1)
    lessons += _said_later(vectors, examples, vocabulary)
    for one, counts in zip(said, counted_talk, strict=True):
        vector = as_vector(counts, vocabulary, rarity)
        asked = tuple(map(examples.topics.index, one.topics))
        if one.after == ANYTHING:
            lessons += _said_anywhere(vector, one.text, asked, examples, vocabulary)
        else:
            lessons += [(behind(vector, one.after, vocabulary) if one.after else vector, asked)] * _TALK_COUNTS
    letters = [examples.texts[at].encode("utf-8", "surrogatepass") for at in own]
    ends = np.cumsum([last - first for first, last in examples.owned.values()]).tolist()
    return Model(
        topics=examples.topics,
        vocabulary=vocabulary,
        rarity=rarity,
        network=teach(
            [vector for vector, _ in lessons],
            [asked for _, asked in lessons],
            size=len(vocabulary),
            count=len(examples.topics),
            certain=min(vocabulary[name] for name in _said_before(examples.topics)),
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
        readings=readings,
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


def _features_of(example: Example, segmenter: Segmenter, readings: Syllables) -> Counter[str]:
    """The features of an example; what is said after an answer is read as following.py reads it."""
    plain = normalise(example.text)
    plain = without_frame(plain) if example.after else plain
    return features(plain, segmenter.cut(plain).terms, readings)


def _said_later(
    vectors: Sequence[Vector], examples: _Examples, vocabulary: Mapping[str, int]
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
                yield behind(vector, last, vocabulary), (label,)


def _said_anywhere(
    vector: Vector, text: str, asked: tuple[int, ...], examples: _Examples, vocabulary: Mapping[str, int]
) -> Iterator[tuple[Vector, tuple[int, ...]]]:
    """A text behind some of the topics: other ones for each text, the same each time. It asks `asked`, or of them."""
    numbers = [number for number, topic in enumerate(examples.topics) if topic != OUT_OF_SCOPE]
    thrown = np.random.default_rng([_SEED, *text.encode("utf-8", "surrogatepass")])
    for number in thrown.permutation(numbers)[:_ANYWHERE]:
        yield behind(vector, examples.topics[number], vocabulary), asked or (int(number),)


def _vocabulary(
    counted: Sequence[Mapping[str, int]], topics: Sequence[str], entries: int
) -> tuple[dict[str, int], Floats]:
    """Numbers for the features that three texts have (all, where there are few entries), and their rarity.

    After them those for what was said before.
    """
    spread = Counter(name for counts in counted for name in counts)
    rarest = _RAREST if entries > _RAREST * 10 else 1
    names = sorted(name for name, count in spread.items() if count >= rarest)
    whole = len(counted)
    rarity = [math.log((1 + whole) / (1 + spread[name])) + 1 for name in names]
    before = _said_before(topics)
    return (
        {name: at for at, name in enumerate((*names, *before))},
        np.array([*rarity, *(1.0 for _ in before)], dtype=np.float32),
    )


def _said_before(topics: Sequence[str]) -> list[str]:
    """The features of all that may have been answered before."""
    return sorted({name for topic in topics if topic != OUT_OF_SCOPE for name in contexts(topic)})
