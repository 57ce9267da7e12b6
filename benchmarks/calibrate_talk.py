"""Finds the numbers of knowledge/doubles.py and readings.py again: `.venv/bin/python benchmarks/calibrate_talk.py`.

Two questions in one text: a logistic regression over the signs of each way to cut a text of tune.jsonl in two; what is
to be told is whether just these two were asked (in single questions never). Follow-ups: of all that each may mean, the
right ones are made likeliest (a conditional logit); beside those of tune.jsonl there are its single questions, each
behind an entry of another topic, at a third of the weight (what is none of ours at a tenth: it is rare there). Only
tune.jsonl is read. Takes a minute; numpy only.
"""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from calibrate import NOT_SINGLE, regress

import knowledge
from knowledge import doubles, readings
from knowledge.base import KnowledgeBase
from knowledge.entry import OUT_OF_SCOPE, Entry
from knowledge.evaluation import Question, context_after, read_questions
from knowledge.tokens import private_cache_folder

SEED = 3
SWITCHES, STRANGERS = 0.35, 0.1
NEAR = 0.3
RIDGE = 0.1
STEPS = 30


def show(title: str, now: Mapping[str, float], found: Sequence[float]) -> None:
    """Prints each sign's weight as it is and as it was found."""
    print(f"\n{title}\n记号\t现在的\t算出来的")
    for (name, value), other in zip(now.items(), found, strict=True):
        print(f"{name}\t{value:.2f}\t{other:.2f}")


def calibrate_doubles(base: KnowledgeBase, questions: Sequence[Question]) -> None:
    """Finds and prints the bias and weights of doubles.py."""
    rows, labels = [], []
    for question in questions:
        asked = {question.topic, *question.also} if question.kind == "double" else set()
        for pair in base.pairs(question.text) if question.kind != "follow_up" else ():
            rows.append([float(pair.signs.get(name, 0.0)) for name in doubles.WEIGHTS])
            labels.append(set(pair.topics) == asked)
    found = regress(np.array(rows), np.array(labels, dtype=float))
    show(f"两问一句：{len(rows)} 种切法", {"bias": doubles.BIAS} | dict(doubles.WEIGHTS), found.tolist())


def turns(base: KnowledgeBase, questions: Sequence[Question]) -> Iterator[tuple[Question, Entry, float]]:
    """Each follow-up with what was answered before; each single question behind another topic's entry."""
    thrown = random.Random(SEED)
    entries = list(base.entries.values())
    for question in questions:
        if question.kind == "follow_up":
            before = context_after(base, question.after)
            if before is not None and before.topic:
                yield question, base.get_entry(before.topic), 1.0
        elif question.kind not in NOT_SINGLE:
            area = readings.area(question.topic)
            others = [entry for entry in entries if entry.topic not in {question.topic, *question.also}]
            near = [entry for entry in others if readings.area(entry.topic) == area]
            last = thrown.choice(near if near and thrown.random() < NEAR else others)
            yield question, last, STRANGERS if question.topic == OUT_OF_SCOPE else SWITCHES


def calibrate_follow_ups(base: KnowledgeBase, questions: Sequence[Question]) -> None:
    """Finds (Newton's method) and prints the weights of readings.py."""
    names = list(readings.WEIGHTS)
    cases = []
    for question, last, weight in turns(base, questions):
        found = base.readings(question.text, last)
        right = np.array([reading.topic in {question.topic, *question.also} for reading in found])
        if right.any():
            signs = np.array([[float(reading.signs.get(name, 0.0)) for name in names] for reading in found])
            cases.append((signs, right, weight))
    weights = np.zeros(len(names))
    for _ in range(STEPS):
        slope, bend = RIDGE * weights, RIDGE * np.eye(len(names))
        for signs, right, weight in cases:
            chances = np.exp(signs @ weights - (signs @ weights).max())
            chances /= chances.sum()
            wanted = chances * right / (chances * right).sum()
            mean = chances @ signs
            slope += weight * (mean - wanted @ signs)
            bend += weight * ((signs * chances[:, None]).T @ signs - np.outer(mean, mean))
        weights -= np.linalg.solve(bend, slope)
    likeliest = [right[(signs @ weights).argmax()] for signs, right, weight in cases if weight == 1.0]
    show(f"追问：{len(likeliest)} 句，最可能的对了 {np.mean(likeliest):.1%}", readings.WEIGHTS, weights.tolist())


def main() -> None:
    """Both, on tune.jsonl."""
    base = knowledge.open_base(cache_folder=private_cache_folder())
    questions = [
        question
        for question in read_questions(knowledge.DATA / "evaluation/tune.jsonl")
        if question.kind != "double" or question.topic != OUT_OF_SCOPE
    ]
    calibrate_doubles(base, questions)
    calibrate_follow_ups(base, questions)


if __name__ == "__main__":
    main()
