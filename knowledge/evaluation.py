"""Measuring a knowledge base against labelled questions: right, suggested, refused, wrong; by kind. Prints nothing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from knowledge.base import KnowledgeBase
from knowledge.decisions import Answer, Context, Decision, Suggestions
from knowledge.entry import OUT_OF_SCOPE

_ANY_TIME = datetime(2027, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """A labelled line. `topic` is OUT_OF_SCOPE where nothing should be answered; `also` are other right topics.

    `kind` double means that both `topic` and `also` are asked. `after` are the turns said before, for follow-ups.
    """

    text: str
    topic: str
    also: tuple[str, ...] = ()
    kind: str = "plain"
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question got. `first`: right at once, as the first of two answers if there are two.

    `within_three`: right, or the second of two answers, or among the three offered by number.
    """

    question: Question
    decision: str
    got: tuple[str, ...]
    score: float
    first: bool
    within_three: bool
    refused: bool
    wrong: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of `count` questions, from 0 to 1. `refusal`: got nothing; `wrong`: got something else, confidently."""

    kind: str
    count: int
    at_one: float
    at_three: float
    refusal: float
    wrong: float


class EvaluationError(ValueError):
    """A line of the evaluation file cannot be read."""


def read_questions(path: Path) -> list[Question]:
    """The questions of a JSON-lines file. Raises EvaluationError naming the line."""
    questions = []
    for line, content in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
            also = row.get("also") or ()
            also = (also,) if isinstance(also, str) else tuple(also)
            topic = row["topic"] or OUT_OF_SCOPE
            questions.append(
                Question(
                    str(row["text"]), str(topic), also, str(row.get("kind") or "plain"), tuple(row.get("after") or ())
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f'{path}:{line} 应写成 {{"text":…,"topic":…}}：{error}'
            raise EvaluationError(message) from error
    return questions


def evaluate(base: KnowledgeBase, questions: Iterable[Question]) -> list[Outcome]:
    """Each question asked in a conversation of its own, in order."""
    outcomes = []
    for question in questions:
        decision = base.ask(question.text, context_after(base, question.after))
        offered = base.related(decision) if isinstance(decision, Answer) else ()
        outcomes.append(judge(question, decision, [entry.topic for entry in offered]))
    return outcomes


def context_after(base: KnowledgeBase, turns: Sequence[str]) -> Context | None:
    """What a conversation remembers after these turns of the student; None where there were none."""
    context: Context | None = None
    for turn in turns:
        context = base.remember(base.ask(turn, context), context, _ANY_TIME)
    return context


def judge(question: Question, decision: Decision, offered: Sequence[str] = ()) -> Outcome:
    """Whether a decision is right for its question; `offered` are the topics that an answer offers by number."""
    right = {question.topic, *question.also}
    if isinstance(decision, Answer):
        got = decision.topics
        if question.kind == "double":
            first = within = right <= set(got)
            wrong = not (set(got) & right)
        else:
            first = got[0] in right
            within = first or (question.topic != OUT_OF_SCOPE and bool(right & {*got, *offered}))
            wrong = not first
        return Outcome(question, "answer", got, decision.score, first, within, refused=False, wrong=wrong)
    if isinstance(decision, Suggestions):
        got = tuple(hit.topic for hit in decision.hits)
        out = question.topic == OUT_OF_SCOPE
        within = not out and bool(right & set(got))
        asked = question.kind == "ambiguous" and right <= set(got)
        return Outcome(question, "suggest", got, decision.score, asked, within, refused=False, wrong=False)
    refused_rightly = OUT_OF_SCOPE in right
    return Outcome(question, "none", (), decision.score, refused_rightly, refused_rightly, refused=True, wrong=False)


def figures(outcomes: Sequence[Outcome]) -> list[Figures]:
    """Figures over everything (kind 全部) and by kind, in order of first appearance."""
    kinds = dict.fromkeys(outcome.question.kind for outcome in outcomes)
    rows = [_figures("全部", outcomes)] if outcomes else []
    return rows + [_figures(kind, [outcome for outcome in outcomes if outcome.question.kind == kind]) for kind in kinds]


def _figures(kind: str, outcomes: Sequence[Outcome]) -> Figures:
    count = len(outcomes)

    def share(name: str) -> float:
        return sum(bool(getattr(outcome, name)) for outcome in outcomes) / count

    return Figures(kind, count, share("first"), share("within_three"), share("refused"), share("wrong"))
