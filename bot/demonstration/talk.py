"""What the demonstration's people say: data/talk.yaml as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent / "data" / "talk.yaml"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens so long after the beginning of its story: `what` is says, staff or presses."""

    after: timedelta
    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Story:
    """One student and the staff: at a share of the season and an hour, or so long before its end."""

    steps: tuple[Step, ...]
    when: float = 0.0
    at: str = ""
    ago: timedelta | None = None
    bound: bool = True


@dataclass(frozen=True, slots=True)
class Talk:
    """All of the file. A question may have a second one that follows it."""

    questions: tuple[tuple[str, ...], ...]
    odd: tuple[str, ...]
    clicks: tuple[str, ...]
    opt_outs: tuple[str, ...]
    stories: tuple[Story, ...]
    cases: tuple[Story, ...]


def read_talk(path: Path = DATA) -> Talk:
    """The file as values. It is ours, so a fault in it is a bug and raises whatever it raises."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Talk(
        questions=tuple(tuple(one) for one in data["questions"]),
        odd=tuple(data["odd"]),
        clicks=tuple(data["clicks"]),
        opt_outs=tuple(data["opt_outs"]),
        stories=_stories(data["stories"]),
        cases=_stories(data["cases"]),
    )


def _stories(items: Sequence[Mapping[str, Any]]) -> tuple[Story, ...]:
    return tuple(
        Story(
            steps=tuple(Step(timedelta(minutes=after), what, words) for after, what, words in item["steps"]),
            when=item.get("when", 0.0),
            at=item.get("at", ""),
            ago=timedelta(minutes=item["ago"]) if "ago" in item else None,
            bound=item.get("bound", True),
        )
        for item in items
    )
