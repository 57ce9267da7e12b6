"""`flask safety`: triage texts and check the data. Needs the data and nothing else of the bot."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click
from flask.cli import AppGroup

from bot.safety.assessment import assess
from bot.safety.hotlines import load_hotlines
from bot.safety.lexicon import load_lexicon
from bot.safety.lint import lint
from bot.safety.matching import Lexicon
from bot.safety.models import Assessment
from bot.safety.replies import load_replies

safety = AppGroup("safety", help="安全：判断文字里的危险信号，检查词库。")


@safety.command("triage", help="判断 TEXT 的级别：none、yellow、orange、red。")
@click.argument("text", required=False)
@click.option("--jsonl", is_flag=True, help="从标准输入逐行读 {id, text}，逐行写出级别和信号。")
def triage(text: str | None, *, jsonl: bool) -> None:
    """Prints the level of TEXT, or of each line of standard input."""
    if jsonl == (text is not None):
        message = "给一段文字，或者用 --jsonl 从标准输入读，二者选一"
        raise click.UsageError(message)
    lexicon = load_lexicon()
    if not jsonl:
        assessment = assess(text or "", (), lexicon)
        click.echo(f"{assessment.level.word}（{assessment.level.label}）　{'、'.join(assessment.labels)}")
        return
    with click.open_file("-", encoding="utf-8", errors="replace") as lines:
        for line in triage_lines(lines, lexicon):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


@safety.command("lint", help="检查词库、热线和回复；有问题则逐条列出并以 1 结束。")
def lint_data() -> None:
    """Prints every fault of the data; exit code 1 if there is one."""
    lexicon = load_lexicon()
    faults = lint(lexicon)
    for fault in faults:
        click.echo(fault)
    if faults:
        sys.exit(1)
    filled = [line for line in load_hotlines().lines if line.is_filled_in]
    click.echo(
        f"没有问题：{len(lexicon.terms)} 个词、{len(lexicon.patterns)} 个模式、{len(filled)} 条热线、"
        f"{len(load_replies())} 段回复"
    )


def triage_lines(lines: Iterable[str], lexicon: Lexicon) -> Iterator[str]:
    """One JSON object a line, in the order of `lines`; a line that is none gives an error and the next goes on."""
    for line in lines:
        if line.strip():
            yield json.dumps(_answer(line, lexicon), ensure_ascii=False)


def _answer(line: str, lexicon: Lexicon) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return {"id": None, "error": "不是一行 JSON"}
    if not isinstance(request, dict) or not isinstance(request.get("text"), str):
        known = request.get("id") if isinstance(request, dict) else None
        return {"id": known, "error": "要有 id 和文字 text"}
    recent = [text for text in request.get("recent") or () if isinstance(text, str)]
    return {"id": request.get("id"), **_as_json(assess(request["text"], recent, lexicon))}


def _as_json(assessment: Assessment) -> dict[str, Any]:
    signals = [
        {
            "category": signal.category,
            "label": signal.label,
            "term": signal.term,
            "level": signal.level.word,
            "span": [signal.start, signal.end],
            "subject": signal.subject,
        }
        for signal in assessment.signals
    ]
    return {"level": assessment.level.word, "subject": assessment.subject, "signals": signals}
