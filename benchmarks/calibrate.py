"""Finds the numbers of knowledge/scoring.py again: `.venv/bin/python benchmarks/calibrate.py`.

The weights: a logistic regression over the parts of the best topic of each single question of tune.jsonl; what is to be
told is whether that topic is right (for what is not ours it never is). The thresholds: what tune.jsonl gets at each.
Only tune.jsonl is read. Takes a minute; numpy only.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

import knowledge
from knowledge import scoring
from knowledge.base import KnowledgeBase
from knowledge.entry import OUT_OF_SCOPE
from knowledge.evaluation import Question, evaluate, read_questions
from knowledge.loader import load
from knowledge.scoring import Thresholds
from knowledge.tokens import Segmenter, private_cache_folder

NOT_SINGLE = {"double", "ambiguous", "follow_up"}
RIDGE = 0.1
STEPS = 50


def parts_and_labels(base: KnowledgeBase, questions: list[Question]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The names of the parts; a row of parts for each question; whether the best topic is right."""
    rows, labels = [], []
    for question in questions:
        hits = base.rank(question.text)
        if hits:
            rows.append(hits[0].parts)
            labels.append(question.topic != OUT_OF_SCOPE and hits[0].topic in {question.topic, *question.also})
    names = list(rows[0])
    return names, np.array([[row[name] for name in names] for row in rows]), np.array(labels, dtype=float)


def regress(parts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Bias and weights of the likeliest chances (Newton's method); the weights are held small by RIDGE, the bias free."""
    rows = np.hstack([np.ones((len(parts), 1)), parts])
    ridge = np.diag([0.0] + [RIDGE] * parts.shape[1])
    found = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        chances = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (chances - labels) + ridge @ found
        bend = (rows * (chances * (1 - chances))[:, None]).T @ rows + ridge
        found -= np.linalg.solve(bend, slope)
    return found


def main() -> None:
    library = load(knowledge.DATA)
    cache = private_cache_folder()
    segmenter = Segmenter(library.dictionary, library.synonyms, cache_folder=cache)

    def opened(thresholds: Thresholds) -> KnowledgeBase:
        return KnowledgeBase.build(
            library.entries, library.school, questions=library.questions, talk=library.talk, segmenter=segmenter,
            thresholds=thresholds, model_folder=cache,
        )  # fmt: skip

    questions = [one for one in read_questions(knowledge.DATA / "evaluation/tune.jsonl") if one.kind not in NOT_SINGLE]
    names, parts, labels = parts_and_labels(opened(Thresholds()), questions)
    found = regress(parts, labels)
    now = scoring.shares(dict.fromkeys(names, 1.0))
    print(f"tune.jsonl：{len(labels)} 句，最像的主题对了 {labels.mean():.1%}\n")
    print("部分\t现在的\t算出来的")
    for name, value in zip(["bias", *names], found, strict=True):
        print(f"{name}\t{now[name]:.2f}\t{value:.2f}")
    chances = 1 / (1 + np.exp(-(found[0] + parts @ found[1:])))
    print("\n机会说得准不准（用算出来的）：说的 → 真的对的")
    for low in np.arange(0, 1, 0.2):
        inside = (chances >= low) & (chances < low + 0.2 + (low > 0.7))
        if inside.any():
            print(f"{chances[inside].mean():.2f} → {labels[inside].mean():.2f}（{inside.sum()} 句）")
    print("\n阈值\t一次答对\t三选之内\t答错\t无关的没有回答\t无关的答了")
    ours = [one for one in questions if one.topic != OUT_OF_SCOPE]
    others = [one for one in questions if one.topic == OUT_OF_SCOPE]
    for answer in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7):
        base = opened(Thresholds(answer=answer))
        got, refused = evaluate(base, ours), evaluate(base, others)
        print(
            f"{answer:.2f}\t{np.mean([one.first for one in got]):.1%}\t{np.mean([one.within_three for one in got]):.1%}"
            f"\t{np.mean([one.wrong for one in got]):.1%}\t{np.mean([one.refused for one in refused]):.1%}"
            f"\t{np.mean([one.wrong for one in refused]):.1%}"
        )


if __name__ == "__main__":
    main()
