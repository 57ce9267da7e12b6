"""Ours beside the search engines one would use instead, over the same entries and questions, in one run.

    .venv/bin/python benchmarks/knowledge.py [--no-speed]

Needs bm25s, tantivy and scikit-learn beside the product's own requirements (the product needs none of them). Every rival
gets each question as a document of its own topic, those that are not ours included; or each topic as one document,
answers and all. Which of the two, whether it reads texts as we normalise them, and whether a follow-up is asked behind the
turn before, and from which score on it answers: whatever gives it most right answers on tune.jsonl. A second table has
the rivals at the threshold at which they answer as few questions out of scope on tune.jsonl as we do. All figures are
of test.jsonl; what is out of scope is right if it is not answered (we may ask back, a rival may not).
"""

import argparse
import importlib
import importlib.util
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import jieba
import numpy as np

import knowledge
from knowledge.base import KnowledgeBase
from knowledge.entry import OUT_OF_SCOPE
from knowledge.evaluation import Question, evaluate, read_questions
from knowledge.loader import Library, load
from knowledge.text import normalise
from knowledge.tokens import Segmenter

SETS = knowledge.DATA / "evaluation"
SINGLE = ("plain", "fragment", "voice", "typo", "homophone", "pinyin", "traditional")
KINDS = (*SINGLE, "near", "far", "double", "ambiguous", "follow_up")
ENTRIES = 1000
Search = Callable[[str], list[tuple[str, float]]]
"""A text to topics and scores, best first."""


def bm25s_search(texts: Sequence[str], topics: Sequence[str]) -> Search:
    bm25s = importlib.import_module("bm25s")
    index = bm25s.BM25()
    index.index([jieba.lcut(text) for text in texts], show_progress=False)

    def search(text: str) -> list[tuple[str, float]]:
        known = [word for word in jieba.lcut(text) if word in index.vocab_dict]
        return best(index.get_scores(known), topics) if known else []

    return search


def tantivy_search(texts: Sequence[str], topics: Sequence[str]) -> Search:
    tantivy = importlib.import_module("tantivy")
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="whitespace")
    builder.add_unsigned_field("at", stored=True)
    schema = builder.build()
    index = tantivy.Index(schema)
    writer = index.writer(num_threads=1)
    for at, text in enumerate(texts):
        writer.add_document(tantivy.Document(text=words(text), at=at))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def search(text: str) -> list[tuple[str, float]]:
        terms = [tantivy.Query.term_query(schema, "text", word) for word in words(text).split()]
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])
        hits = searcher.search(query, 60).hits
        found: dict[str, float] = {}
        for score, address in hits:
            found.setdefault(topics[searcher.doc(address)["at"][0]], score)
        return list(found.items())

    return search


def tfidf_search(texts: Sequence[str], topics: Sequence[str]) -> Search:
    learnt = importlib.import_module("sklearn.feature_extraction.text").TfidfVectorizer(
        analyzer="char", ngram_range=(1, 2), sublinear_tf=True
    )
    documents = learnt.fit_transform(texts).T.tocsr()
    return lambda text: best((learnt.transform([text]) @ documents).toarray()[0], topics)


RIVALS = {"bm25s + jieba": bm25s_search, "tantivy + jieba": tantivy_search, "字符 TF-IDF": tfidf_search}


def words(text: str) -> str:
    return " ".join(jieba.lcut(text.lower()))


def best(scores: np.ndarray, topics: Sequence[str]) -> list[tuple[str, float]]:
    found: dict[str, float] = {}
    for at in np.argsort(-scores, kind="stable")[:60]:
        if scores[at] > 0:
            found.setdefault(topics[at], float(scores[at]))
    return list(found.items())


def documents(library: Library, *, by_topic: bool) -> tuple[list[str], list[str]]:
    """Texts and their topics."""
    pairs = [(entry.topic, text) for entry in library.entries for text in (entry.title, *entry.variants)]
    pairs += [(entry.topic, rumour.claim) for entry in library.entries for rumour in entry.rumours]
    pairs += [(topic, text) for topic, texts in library.questions.items() for text in texts]
    if by_topic:
        pairs += [
            (entry.topic, text)
            for entry in library.entries
            for text in (entry.short, *entry.facets.values(), *entry.cases.values())
        ]
        topics = sorted({topic for topic, _ in pairs})
        return [" ".join(text for of, text in pairs if of == topic) for topic in topics], topics
    return [text for _, text in pairs], [topic for topic, _ in pairs]


Judged = dict[str, tuple[float, float]]
"""By kind: the share that was right at once, and the share that was answered wrongly."""


def judge(question: Question, got: list[tuple[str, float]], threshold: float) -> tuple[bool, bool]:
    """Right at once and wrong, for a rival. It is taken to know how many topics are asked for: as many are looked at."""
    topics = [topic for topic, score in got if score >= threshold]
    right = {question.topic, *question.also}
    answered = bool(topics) and topics[0] != OUT_OF_SCOPE
    if question.topic == OUT_OF_SCOPE:
        return not answered, answered
    if question.kind == "double":
        return right <= set(topics[:2]), answered and not right & set(topics[:2])
    if question.kind == "ambiguous":
        return (answered and topics[0] in right) or right <= set(topics[:3]), answered and not right & set(topics[:3])
    return answered and topics[0] in right, answered and topics[0] not in right


def shares(rows: Sequence[tuple[str, bool, bool]]) -> Judged:
    def share(kinds: Sequence[str]) -> tuple[float, float]:
        of = [row for row in rows if row[0] in kinds]
        return float(np.mean([row[1] for row in of])), float(np.mean([row[2] for row in of]))

    return {kind: share([kind]) for kind in KINDS} | {"single": share(SINGLE), "out": share(["near", "far"])}


How = tuple[bool, bool, bool]
"""One document a topic, normalised, a follow-up behind the turn before."""


def rival(build: Callable[..., Search], library: Library, answered: float) -> tuple[tuple[Judged, str], ...]:
    """A rival's figures on test.jsonl with what is best for it on tune.jsonl, and what that is.

    First with the threshold that is best for it, then with the one at which it answers what is out of scope as seldom as
    `answered` says.
    """
    best_of: list[tuple[float, How, float, Search] | None] = [None, None]
    tune = read_questions(SETS / "tune.jsonl")
    allowed = int(answered * sum(one.topic == OUT_OF_SCOPE for one in tune))
    for by_topic, plain in itertools.product((False, True), repeat=2):
        texts, topics = documents(library, by_topic=by_topic)
        search = build([normalise(text) for text in texts] if plain else texts, topics)
        alone = [ask(search, one, (by_topic, plain, False)) for one in tune]
        for behind in (False, True):
            how = (by_topic, plain, behind)
            got = [
                ask(search, one, how) if behind and one.after else hits for one, hits in zip(tune, alone, strict=True)
            ]
            tops = [hits[0] for one, hits in zip(tune, got, strict=True) if one.topic == OUT_OF_SCOPE and hits]
            outside = sorted((score for topic, score in tops if topic != OUT_OF_SCOPE), reverse=True)
            as_seldom = outside[allowed] * (1 + 1e-9) if len(outside) > allowed else 0.0
            scores = [hits[0][1] for hits in got if hits]
            tried = ([0.0, *np.quantile(scores, np.arange(0, 1, 0.01)).tolist()], [as_seldom])
            for at, thresholds in enumerate(tried):
                for threshold in thresholds:
                    right = np.mean([judge(one, hits, threshold)[0] for one, hits in zip(tune, got, strict=True)])
                    if (found := best_of[at]) is None or right > found[0]:
                        best_of[at] = (float(right), how, threshold, search)
    return tuple(figures_of(*found) for found in best_of if found is not None)


def figures_of(_right: float, how: How, threshold: float, search: Search) -> tuple[Judged, str]:
    """A rival's figures on test.jsonl, and the way it was asked."""
    rows = [(one.kind, *judge(one, ask(search, one, how), threshold)) for one in read_questions(SETS / "test.jsonl")]
    names = (
        "一个主题一篇" if how[0] else "一句一篇",
        "读我们整理过的" if how[1] else "读原文",
        "追问连着上一句问" if how[2] else "追问单独问",
    )
    return shares(rows), "，".join((*names, f"阈值 {threshold:.3f}"))


def ask(search: Search, question: Question, how: How) -> list[tuple[str, float]]:
    _, plain, behind = how
    text = "，".join((*question.after[-1:], question.text)) if behind else question.text
    return search(normalise(text) if plain else text)


def ours(base: KnowledgeBase, name: str) -> Judged:
    outcomes = evaluate(base, read_questions(SETS / f"{name}.jsonl"))
    return shares(
        [
            (one.question.kind, not one.wrong if one.question.topic == OUT_OF_SCOPE else one.first, one.wrong)
            for one in outcomes
        ]
    )


def compare(library: Library, base: KnowledgeBase) -> None:
    answered = ours(base, "tune")["out"][1]
    counts = [one.kind for one in read_questions(SETS / "test.jsonl")]
    mine = ours(base, "test")
    rivals = {name: rival(build, library, answered) for name, build in RIVALS.items()}
    titles = ("对手的阈值是在 tune.jsonl 上答对最多的", f"对手在 tune.jsonl 上答了的无关句不多于我们的 {answered:.1%}")
    for at, title in enumerate(titles):
        print(f"test.jsonl {len(counts)} 句；{title}\n")
        show({"离校小助手": mine} | {name: found[at][0] for name, found in rivals.items()}, counts)
        print("\n" + "\n".join(f"{name}：{found[at][1]}" for name, found in rivals.items()) + "\n")


def show(table: dict[str, Judged], counts: Sequence[str]) -> None:
    """Prints a table by kind."""
    print("| 一次答对 | 句数 | " + " | ".join(table) + " |\n|---|---|" + "---|" * len(table))
    for kind in KINDS:
        print(
            f"| {kind} | {counts.count(kind)} | " + " | ".join(f"{row[kind][0]:.1%}" for row in table.values()) + " |"
        )
    singles = sum(kind in SINGLE for kind in counts)
    print(f"| 单句合计 | {singles} | " + " | ".join(f"{row['single'][0]:.1%}" for row in table.values()) + " |")
    print(f"| 单句答错 | {singles} | " + " | ".join(f"{row['single'][1]:.1%}" for row in table.values()) + " |")
    outside = counts.count("near") + counts.count("far")
    print(f"| 无关的答了 | {outside} | " + " | ".join(f"{row['out'][1]:.1%}" for row in table.values()) + " |")


def thousand(library: Library) -> Library:
    """ENTRIES entries of the same topics: each topic's questions are dealt out among finer entries of it."""
    own: dict[str, list[str]] = {}
    first = {}
    for entry in library.entries:
        own.setdefault(entry.topic, []).extend((entry.title, *entry.variants))
        first.setdefault(entry.topic, entry)
    for topic, further in library.questions.items():
        if topic in own:
            own[topic] += further
    size = sum(map(len, own.values())) / ENTRIES
    dealt = {topic: max(1, round(len(texts) / size)) for topic, texts in own.items()}
    largest = max(dealt, key=lambda topic: dealt[topic])
    dealt[largest] += ENTRIES - sum(dealt.values())
    entries = tuple(
        replace(
            first[topic], id=f"{topic}/made{part}", title=texts[part], variants=tuple(texts[part + count :: count]),
            related=(), rumours=(),
        )
        for topic, texts in own.items()
        for count in [dealt[topic]]
        for part in range(count)
    )  # fmt: skip
    return replace(library, entries=entries, questions={OUT_OF_SCOPE: library.questions[OUT_OF_SCOPE]})


def speed(base: KnowledgeBase, label: str) -> None:
    """Each text once, so that nothing is remembered; processor time beside, for a machine that has other work."""
    for one in read_questions(SETS / "tune.jsonl")[:200]:
        base.ask(one.text)
    wall, cpu = [], []
    for text in dict.fromkeys(one.text for one in read_questions(SETS / "test.jsonl")):
        start, worked = time.perf_counter(), time.thread_time()
        base.ask(text)
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((time.thread_time() - worked) * 1000)
    for name, times in (("过了", wall), ("处理器用了", cpu)):
        p50, p99 = np.percentile(times, (50, 99))
        print(f"{label}：{len(times)} 句，{name} p50 {p50:.2f} ms，p99 {p99:.2f} ms，最慢 {max(times):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-speed", action="store_true", help="不测 1,000 条时的速度（要再学一遍）")
    arguments = parser.parse_args()
    missing = [name for name in ("bm25s", "tantivy", "sklearn") if importlib.util.find_spec(name) is None]
    library = load(knowledge.DATA)
    base = knowledge.base_of(library)
    if missing:
        print("没有对手可比，先装：.venv/bin/pip install bm25s tantivy scikit-learn（产品自己不需要）\n")
    else:
        compare(library, base)
    print()
    base = knowledge.base_of(library)  # one that remembers nothing
    speed(base, f"现在的 {len(base.entries)} 条、{len({entry.topic for entry in library.entries})} 个主题")
    if arguments.no_speed:
        return
    large = thousand(library)
    made = KnowledgeBase.build(
        large.entries,
        large.school,
        questions=large.questions,
        talk=large.talk,
        segmenter=Segmenter(large.dictionary, large.synonyms),
    )
    asked = sum(1 + len(entry.variants) for entry in large.entries)
    print(f"造出来的 {len(large.entries)} 条：把现有的 {asked} 句问法分给同一批主题下更细的条目，没有新的主题和说法")
    speed(made, f"{len(large.entries)} 条")


if __name__ == "__main__":
    main()
