"""Learns a model from entries and questions: a linear separator for each topic. Deterministic; files are not its work.

Each topic gets the weights that tell its questions from all others with the largest margin (a support vector machine
with squared hinge loss, solved by dual coordinate descent: Hsieh et al., ICML 2008), for all topics in the same pass.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from knowledge.entry import Entry
from knowledge.features import features
from knowledge.model import Floats, Integers, Model, Vector, as_vector
from knowledge.pinyin import Spelling, read_syllables
from knowledge.text import normalise
from knowledge.tokens import Segmenter

_RAREST = 3
_SOFTNESS = 0.5
_ROUNDS = 6
_SEED = 7
_SETTLED = 1e-6
_COMMONEST, _FEW = 0.03, 50


def learn(entries: Sequence[Entry], questions: Mapping[str, Sequence[str]], segmenter: Segmenter) -> Model:
    """A model of `entries` and of further `questions` by topic. Some 25 s for 36,000 questions on one core."""
    examples, owned = _examples(entries, questions)
    plain = [normalise(text) for _, text in examples]
    cuts = [segmenter.cut(text) for text in plain]
    readings = read_syllables()
    counted = [features(text, cut.terms, readings) for text, cut in zip(plain, cuts, strict=True)]
    vocabulary, rarity = _vocabulary(counted, len(entries))
    vectors = [as_vector(counts, vocabulary, rarity) for counts in counted]
    topics = sorted({topic for topic, _ in examples})
    labels = np.array([topics.index(topic) for topic, _ in examples], dtype=np.int32)
    starts, rows, values = _by_feature(vectors, len(vocabulary), most=int(_COMMONEST * len(vectors)) + _FEW)
    raw = Counter(word for text in plain for word in segmenter.raw(text))
    topic_starts = np.searchsorted(labels, np.arange(len(topics) + 1)).astype(np.int32)
    parts = np.array(
        sorted({*topic_starts[:-1].tolist(), *(at for span in owned.values() for at in span if at < len(examples))}),
        dtype=np.int32,
    )
    return Model(
        topics=tuple(topics),
        vocabulary=vocabulary,
        rarity=rarity,
        weights=separate(vectors, labels, len(topics), len(vocabulary)).astype(np.float16),
        starts=starts,
        rows=rows.astype(np.min_scalar_type(len(vectors))),
        values=values.astype(np.float16),
        topic_starts=topic_starts,
        parts=parts,
        topic_parts=np.searchsorted(parts, topic_starts[:-1]).astype(np.int32),
        owned=owned,
        questions=tuple(text for _, text in examples),
        words={
            entry.id: frozenset(word for at in range(*owned[entry.id]) for word in cuts[at].words) for entry in entries
        },
        readings=readings,
        spelling=Spelling.learn(raw, plain, segmenter.subjects, readings),
    )


def own_questions(entry: Entry) -> tuple[str, ...]:
    """What an entry itself is asked by: its title, its variants, and the rumours it corrects."""
    return (entry.title, *entry.variants, *(rumour.claim for rumour in entry.rumours))


def separate(vectors: Sequence[Vector], labels: Integers, topics: int, size: int) -> Floats:
    """Weights (features x topics) that give a topic's vectors more than 1 and all others less than -1, where it can be.

    Each vector's multipliers are improved in turn, a few rounds in a fixed random order.
    """
    weights = np.zeros((size, topics), dtype=np.float32)
    multipliers = np.zeros((len(vectors), topics), dtype=np.float32)
    sides = 2 * np.eye(topics, dtype=np.float32) - 1
    ridge = 1 / (2 * _SOFTNESS)
    order = np.random.default_rng(_SEED)
    for _ in range(_ROUNDS):
        for at in order.permutation(len(vectors)):
            ids, values = vectors[at].ids, vectors[at].values
            if not len(ids):
                continue
            side = sides[labels[at]]
            before = multipliers[at]
            slope = side * (values @ weights[ids]) - 1 + ridge * before
            after = np.maximum(before - slope / (1 + ridge), 0)
            step = (after - before) * side
            multipliers[at] = after
            moved = np.nonzero(np.abs(step) > _SETTLED)[0]
            if len(moved):
                weights[ids[:, None], moved] += values[:, None] * step[moved]
    return weights


def _examples(
    entries: Sequence[Entry], questions: Mapping[str, Sequence[str]]
) -> tuple[list[tuple[str, str]], dict[str, tuple[int, int]]]:
    """All (topic, question) pairs by topic: first each entry's own, then the topic's; and where an entry's own are."""
    by_topic: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.id):
        by_topic.setdefault(entry.topic, []).append(entry)
    examples: list[tuple[str, str]] = []
    owned: dict[str, tuple[int, int]] = {}
    for topic in sorted({*by_topic, *questions}):
        for entry in by_topic.get(topic, ()):
            first = len(examples)
            examples += [(topic, text) for text in own_questions(entry)]
            owned[entry.id] = (first, len(examples))
        examples += [(topic, text) for text in sorted(questions.get(topic, ()))]
    return examples, owned


def _vocabulary(counted: Sequence[Mapping[str, int]], entries: int) -> tuple[dict[str, int], Floats]:
    """Numbers for the features that more than one question has (all, where there are few entries), and their rarity."""
    spread = Counter(name for counts in counted for name in counts)
    rarest = _RAREST if entries > _RAREST * 10 else 1
    names = sorted(name for name, count in spread.items() if count >= rarest)
    whole = len(counted)
    rarity = np.array([math.log((1 + whole) / (1 + spread[name])) + 1 for name in names], dtype=np.float32)
    return {name: at for at, name in enumerate(names)}, rarity


def _by_feature(vectors: Sequence[Vector], size: int, *, most: int) -> tuple[Integers, Integers, Floats]:
    """The vectors' values by feature: where each feature's part starts, the vectors' numbers, the values.

    A feature that more than `most` vectors have is left out: it tells nothing, and costs the most time.
    """
    ids = np.concatenate([vector.ids for vector in vectors])
    rows = np.repeat(np.arange(len(vectors), dtype=np.int32), [len(vector.ids) for vector in vectors])
    values = np.concatenate([vector.values for vector in vectors])
    rare = np.bincount(ids, minlength=size)[ids] <= most
    ids, rows, values = ids[rare], rows[rare], values[rare]
    order = np.argsort(ids, kind="stable")
    starts = np.searchsorted(ids[order], np.arange(size + 1)).astype(np.int32)
    return starts, rows[order], values[order]
