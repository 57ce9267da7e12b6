"""`flask kb`: ask, measure and check the knowledge. Needs the knowledge folder and nothing else of the bot."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import AppGroup

import knowledge
from bot.clock import Clock, SystemClock
from knowledge import published
from knowledge.base import KnowledgeBase
from knowledge.decisions import Answer, Context, Decision, Suggestions
from knowledge.evaluation import EvaluationError, Figures, Outcome, evaluate, figures, read_questions
from knowledge.explaining import explain, explain_fully
from knowledge.handbook import handbook
from knowledge.lint import lint as lint_folder
from knowledge.loader import KnowledgeError, Library, load
from knowledge.rendering import render
from knowledge.tokens import private_cache_folder

_DEFAULT_ZONE = "Asia/Shanghai"
_SHOWN_MISSES = 40

kb = AppGroup("kb", help="知识库：提问、评测、检查。")


@kb.command("ask", help="照学生看到的样子回答 TEXT，并说明判断的依据。")
@click.argument("text", required=False)
@click.option("--jsonl", is_flag=True, help="从标准输入逐行读 {id, text, conversation}，逐行回答。")
@click.option("--explain", "explained", is_flag=True, help="再说明每个分数由哪些部分组成、哪些字词最起作用。")
def ask(text: str | None, *, jsonl: bool, explained: bool) -> None:
    """Print the answer as the student reads it, and the decision; with --jsonl a row a line."""
    if jsonl and explained:
        message = "--explain 只用于一个问题，不和 --jsonl 一起用"
        raise click.UsageError(message)
    if jsonl == (text is not None):
        message = "给一个问题，或者用 --jsonl 从标准输入读，二者选一"
        raise click.UsageError(message)
    base = _open_base()
    if jsonl:
        for answer in answer_lines(sys.stdin, base, _today()):
            click.echo(json.dumps(answer, ensure_ascii=False))
        return
    asked = text or ""
    decision = base.ask(asked)
    click.echo(render(decision, base, _today()))
    click.echo(f"\n── {explain_fully(asked, decision, base) if explained else explain(decision)}")


@kb.command("eval", help="用标注好的问题 FILE 评测，按类给出数字。")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def evaluate_file(file: Path, *, as_json: bool) -> None:
    """Print figures by kind, and what was missed."""
    try:
        questions = read_questions(file)
    except EvaluationError as error:
        raise click.ClickException(str(error)) from error
    outcomes = evaluate(_open_base(), questions)
    if as_json:
        click.echo(json.dumps(_as_json(figures(outcomes), outcomes), ensure_ascii=False, indent=2))
        return
    click.echo("类别\t句数\t一次答对\t三选之内\t没有回答\t答错")
    for row in figures(outcomes):
        click.echo(f"{row.kind}\t{row.count}\t{row.at_one:.1%}\t{row.at_three:.1%}\t{row.refusal:.1%}\t{row.wrong:.1%}")
    missed = [outcome for outcome in outcomes if not outcome.first]
    for outcome in missed[:_SHOWN_MISSES]:
        got = " ".join(outcome.got) or "—"
        click.echo(
            f"{outcome.decision}\t{outcome.score:.2f}\t{outcome.question.text}\t应 {outcome.question.topic}\t得 {got}"
        )
    if len(missed) > _SHOWN_MISSES:
        click.echo(f"… 还有 {len(missed) - _SHOWN_MISSES} 句，用 --json 看全部")


@kb.command("lint", help="检查条目：列出错误（带文件和行号）与提示；有错误时退出码为 1。")
def lint() -> None:
    """Print faults and notes of the entries; exit 1 where there is a fault."""
    report = lint_folder(_folder(), _today())
    for fault in report.faults:
        click.echo(f"错误 {fault}")
    for note in report.notes:
        click.echo(f"提示 {note}")
    click.echo(f"{len(report.faults)} 处错误，{len(report.notes)} 条提示")
    if report.faults:
        raise click.exceptions.Exit(1)


@kb.command("handbook", help="把全部条目写成一页可打印的 HTML：FILE，不写就是 handbook.html，- 是标准输出。")
@click.argument("file", default="handbook.html", type=click.Path(dir_okay=False, allow_dash=True))
def write_handbook(file: str) -> None:
    """Write the whole knowledge as one page to print."""
    library = _readable()
    page = handbook(library.entries, library.school, _today())
    with click.open_file(file, "w", encoding="utf-8") as written:
        written.write(page)
    if file != "-":
        click.echo(f"{len(library.entries)} 条写进 {file}，用浏览器打开再打印")


def answer_lines(lines: Iterable[str], base: KnowledgeBase, today: date) -> Iterator[dict[str, Any]]:
    """One answer per input line, in order. Lines of one `conversation` are its turns; a bad line gives an error row."""
    contexts: dict[str, Context] = {}
    now = SystemClock().now()
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            identifier, text = row["id"], row["text"]
            conversation = row.get("conversation")
            if not isinstance(text, str):
                message = "text 应是文字"
                raise TypeError(message)  # noqa: TRY301 - one place turns every bad line into an error row
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            yield {"id": None, "error": f"这一行读不懂：{type(error).__name__} {error}"}
            continue
        key = None if conversation is None else json.dumps(conversation, sort_keys=True)
        context = contexts.get(key) if key else None
        decision = base.ask(text, context)
        if key:
            contexts[key] = base.remember(decision, context, now)
        yield {"id": identifier, **as_row(decision, base, today)}


def as_row(decision: Decision, base: KnowledgeBase, today: date) -> dict[str, Any]:
    """A decision as scripts read it: decision, topic, score, answer, suggestions, and topics where two were asked."""
    row: dict[str, Any] = {"decision": "none", "topic": None, "score": round(decision.score, 4)}
    shown: Iterable[Any] = ()
    if isinstance(decision, Answer):
        row |= {"decision": "answer", "topic": decision.topic}
        if len(decision.hits) > 1:
            row["topics"] = list(decision.topics)
        shown = base.related(decision)
    elif isinstance(decision, Suggestions):
        row["decision"] = "suggest"
        shown = decision.hits
    row["answer"] = render(decision, base, today)
    row["suggestions"] = [{"topic": one.topic, "title": one.title} for one in shown]
    return row


def _folder() -> Path:
    return Path(current_app.config.get("KNOWLEDGE_DIR") or knowledge.DATA)


def _open_base() -> KnowledgeBase:
    """The knowledge as it is now; what has been published with just this content is opened in a third of the time."""
    cache = Path(current_app.config.get("KNOWLEDGE_CACHE_DIR") or private_cache_folder())
    with suppress(OSError, KnowledgeError):  # a copy that somebody spoiled: the folder itself says it all
        if (place := published.find(_folder(), cache)) is not None:
            return published.open_copy(place, cache)
    return knowledge.base_of(_readable(), cache_folder=cache)


def _readable() -> Library:
    try:
        return load(_folder())
    except KnowledgeError as error:
        lines = "\n".join(f"· {fault}" for fault in error.faults)
        message = f"知识库有 {len(error.faults)} 处错误，先用 flask kb lint 检查：\n{lines}"
        raise click.ClickException(message) from error


def _today() -> date:
    clock: Clock = current_app.extensions.get("clock") or SystemClock()
    zone = current_app.config.get("SCHOOL_TIMEZONE") or _DEFAULT_ZONE
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _as_json(rows: list[Figures], outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "figures": [
            {
                "kind": row.kind, "count": row.count, "accuracy_at_1": row.at_one, "accuracy_at_3": row.at_three,
                "refusal_rate": row.refusal, "wrong_answer_rate": row.wrong,
            }
            for row in rows
        ],
        "missed": [
            {
                "text": outcome.question.text, "topic": outcome.question.topic, "kind": outcome.question.kind,
                "decision": outcome.decision, "got": list(outcome.got), "score": round(outcome.score, 4),
            }
            for outcome in outcomes
            if not outcome.first
        ],
    }  # fmt: skip
