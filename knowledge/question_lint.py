"""What is wrong with the texts to learn from: said twice, claimed by two topics, or copied from the evaluation."""

from collections.abc import Iterator
from pathlib import Path

from knowledge.evaluation import EvaluationError, read_questions
from knowledge.loader import Fault, Library, Place
from knowledge.text import normalise

_ANYBODY_S = 5
"""So short a follow-up (要带什么) is everybody's: it may be learnt and measured."""


def question_faults(library: Library, folder: Path) -> Iterator[Fault]:
    """Faults of questions/*.tsv and talk/*.tsv, and of all texts that are also in a file of `folder`/evaluation."""
    owners: dict[str, tuple[str, Place]] = {}
    variants = {
        normalise(text): (entry.topic, entry.id) for entry in library.entries for text in (entry.title, *entry.variants)
    }
    asked: dict[str, Place] = {}
    for topic, texts in library.questions.items():
        for text, place in zip(texts, library.question_places[topic], strict=True):
            plain = normalise(text)
            asked[plain] = place
            owner, (path, line) = owners.setdefault(plain, (topic, place))
            if (path, line) != place:
                said = "已经写过" if owner == topic else f"已经是 {owner} 的问法"
                yield Fault(*place, f"“{text}”{said}（{path}:{line}）")
            entry_topic, entry_id = variants.get(plain, (topic, ""))
            if entry_topic != topic:
                yield Fault(*place, f"“{text}”是条目 {entry_id} 的问法，不能也是 {topic} 的")
    for entry in library.entries:
        for text in (entry.title, *entry.variants):
            asked[normalise(text)] = library.places[entry.id]
    yield from _said_twice(library)
    for one, place in zip(library.talk, library.talk_places, strict=True):
        plain = normalise(one.text)
        if not one.after or len(plain) > _ANYBODY_S:
            asked.setdefault(plain, place)
    yield from _leaks(asked, folder / "evaluation")


def _said_twice(library: Library) -> Iterator[Fault]:
    """The same text after the same topic."""
    owners: dict[tuple[str, str], Place] = {}
    for one, place in zip(library.talk, library.talk_places, strict=True):
        path, line = owners.setdefault((one.after, normalise(one.text)), place)
        if (path, line) != place:
            yield Fault(*place, f"“{one.text}”接在同一条后面已经写过（{path}:{line}）")


def _leaks(asked: dict[str, Place], folder: Path) -> Iterator[Fault]:
    """What is learnt and measured by the same text measures nothing."""
    for path in sorted(folder.glob("*.jsonl")):
        try:
            questions = read_questions(path)
        except (EvaluationError, OSError, UnicodeDecodeError) as error:
            yield Fault(f"evaluation/{path.name}", 0, f"读不出来：{error}")
            continue
        for plain in dict.fromkeys(normalise(question.text) for question in questions):
            if plain in asked:
                yield Fault(
                    *asked[plain], f"“{plain}”也是评测句（evaluation/{path.name}），学过的句子量不出什么，换一个评测句"
                )
