"""Distress on our own set, by kind: ours beside a floor of 14 words, our terms without rules, and a trained classifier.

The set was written by somebody who had not read the lexicon. Its halves are told apart by a hash of the text; rules were
written looking at half A only, so half B is the honest figure. Run: .venv/bin/python benchmarks/safety.py

Other files may be named, of JSON lines with a text and a level, or a PsySUICIDE label, or nothing (everyday talk); with
--show every alarm that nothing in the file justifies is printed, to be read.
"""

import hashlib
import json
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bot.safety.assessment import assess  # noqa: E402 - after the path is set
from bot.safety.lexicon import load_lexicon  # noqa: E402
from bot.safety.matching import Kind  # noqa: E402
from bot.safety.models import Level  # noqa: E402

OWN = ROOT / "bot" / "safety" / "data" / "evaluation" / "own.jsonl"
FLOOR = (
    "自杀", "自残", "割腕", "跳楼", "轻生", "不想活", "想死",
    "活不下去", "遗书", "结束生命", "了结自己", "安眠药", "烧炭", "上吊",
)  # fmt: skip
ROUNDS = 5  # every message is timed so often, and the quickest counts: the machine is shared

NEWTON_STEPS = 12  # it has settled after eight

Floats = np.ndarray[Any, np.dtype[np.float64]]
Predict = Callable[[list["Row"]], list[bool]]


@dataclass(frozen=True)
class Row:
    """One text with what a counselor would want: told now (red, orange) or not."""

    text: str
    kind: str
    alarm: bool

    @property
    def half(self) -> str:
        return "A" if hashlib.sha1(self.text.encode()).digest()[0] % 2 == 0 else "B"


def read_rows(path: Path) -> list[Row]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [Row(row["text"], row.get("kind", ""), alarm) for row in rows if (alarm := should_alarm(row)) is not None]


def should_alarm(row: dict[str, str]) -> bool | None:
    """What the file says; None for what is left out (PsySUICIDE's aggression without a wish to die)."""
    if "level" in row:
        return Level.from_word(row["level"]) >= Level.ORANGE
    label = row.get("label", "无关")
    if "无关" in label:
        return False
    return None if all("攻击" in part for part in label.split("|")) else True


def ours() -> Predict:
    lexicon = load_lexicon()
    return lambda rows: [assess(row.text, (), lexicon).alarms for row in rows]


def any_word(words: Iterable[str]) -> Predict:
    return lambda rows: [any(word in row.text for word in words) for row in rows]


def terms_without_rules() -> list[str]:
    """Every term that alarms by itself: no context, no patterns, no undoing of evasion."""
    quiet = (Kind.HARMLESS, Kind.CUE, Kind.PART)
    return [
        term
        for term, meaning in load_lexicon().terms.items()
        if meaning.level >= Level.ORANGE and meaning.kind not in quiet
    ]


def classifier(rows: list[Row]) -> list[bool]:
    """Character 1- to 3-grams, logistic regression; each half is judged by a model trained on the other."""
    said: dict[str, bool] = {}
    for half in "AB":
        known = [row for row in rows if row.half != half]
        asked = [row for row in rows if row.half == half]
        weigh = tf_idf([row.text for row in known])
        answers = logistic(weigh(known), np.array([row.alarm for row in known], float), weigh(asked))
        said |= {row.text: bool(answer) for row, answer in zip(asked, answers, strict=True)}
    return [said[row.text] for row in rows]


def grams(text: str) -> Counter[str]:
    text = text.lower()
    return Counter(text[i : i + size] for size in (1, 2, 3) for i in range(len(text) - size + 1))


def tf_idf(texts: list[str]) -> Callable[[list[Row]], Floats]:
    """Weighs texts by the grams that two of `texts` have: sublinear counts, smooth idf, unit length."""
    found = Counter(gram for text in texts for gram in grams(text))
    columns = {gram: i for i, gram in enumerate(sorted(gram for gram, count in found.items() if count > 1))}
    idf = np.array([math.log((1 + len(texts)) / (1 + found[gram])) + 1 for gram in columns])

    def weigh(rows: list[Row]) -> Floats:
        counts = np.zeros((len(rows), len(columns)))
        for i, row in enumerate(rows):
            for gram, count in grams(row.text).items():
                if gram in columns:
                    counts[i, columns[gram]] = 1 + math.log(count)
        weights = counts * idf
        return weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)

    return weigh


def logistic(known: Floats, alarm: Floats, asked: Floats, *, strength: float = 10.0) -> Floats:
    """Which of `asked` alarm: L2-penalised logistic regression by Newton's method, one weight for each known row."""
    size = len(known)
    kernel, ones = known @ known.T, np.ones(size)
    weights, bias = np.zeros(size), 0.0
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-(kernel @ weights + bias)))
        slope = np.maximum(chance * (1 - chance), 1e-9)
        target = kernel @ weights + bias + (alarm - chance) / slope
        system = np.block(
            [[kernel + np.diag(1 / (strength * slope)), ones[:, None]], [ones[None, :], np.zeros((1, 1))]]
        )
        *found, bias = np.linalg.solve(system, np.append(target, 0.0))
        weights = np.array(found)
    return asked @ known.T @ weights + bias > 0


def share(part: list[bool]) -> str:
    return f"{sum(part)}/{len(part)} {sum(part) / len(part):4.0%}" if part else "—"


def table(rows: list[Row], methods: dict[str, Predict], halves: str) -> None:
    said = {name: predict(rows) for name, predict in methods.items()}
    chosen = [i for i, row in enumerate(rows) if row.half in halves]
    print(f"| {len(chosen)} 条 | " + " | ".join(f"{name} 找到 | {name} 误报" for name in methods) + " |")
    print("|---|" + "---:|" * (2 * len(methods)))
    for kind in [*sorted({row.kind for row in rows}), "全部"]:
        here = [i for i in chosen if kind in (rows[i].kind, "全部")]
        cells = []
        for answers in said.values():
            cells.append(share([answers[i] for i in here if rows[i].alarm]))
            cells.append(share([answers[i] for i in here if not rows[i].alarm]))
        print(f"| {kind} | " + " | ".join(cells) + " |")


def speed(rows: list[Row]) -> None:
    lexicon = load_lexicon()
    quickest = [float("inf")] * len(rows)
    for _ in range(ROUNDS):
        for i, row in enumerate(rows):
            started = time.perf_counter()
            assess(row.text, (), lexicon)
            quickest[i] = min(quickest[i], time.perf_counter() - started)
    cuts = statistics.quantiles(quickest, n=100)
    print(f"每条消息：p50 {cuts[49] * 1e6:.0f} µs，p99 {cuts[98] * 1e6:.0f} µs，最长 {max(quickest) * 1e6:.0f} µs")


def summary(path: Path, *, show: bool) -> None:
    rows = read_rows(path)
    said = ours()(rows)
    found = [answer for row, answer in zip(rows, said, strict=True) if row.alarm]
    false = [row for row, answer in zip(rows, said, strict=True) if answer and not row.alarm]
    calm = len(rows) - len(found)
    print(f"{path.name}：找到 {share(found)}；误报 {len(false)}/{calm}，每千条 {1000 * len(false) / max(calm, 1):.2f}")
    for row in false if show else ():
        print(f"  {row.text}")


def main() -> None:
    paths = [Path(word) for word in sys.argv[1:] if word != "--show"]
    for path in paths:
        summary(path, show="--show" in sys.argv)
    if not paths:
        own_set()


def own_set() -> None:
    rows = read_rows(OWN)
    methods: dict[str, Predict] = {
        "规则": ours(),
        "14 词": any_word(FLOOR),
        "词表": any_word(terms_without_rules()),
        "分类器": classifier,
    }
    print("## B 半（写规则时没有看过）\n")
    table(rows, methods, "B")
    print("\n## A 半（写规则时看过，只作参考）\n")
    table(rows, methods, "A")
    print()
    speed(rows)


if __name__ == "__main__":
    main()
