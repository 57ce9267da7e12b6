"""`flask safety`: triage texts, check the data, try new words, and report what counselors said of each rule."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.escalation.feedback import RuleCount, since_monday, weekly_counts
from bot.safety.assessment import assess
from bot.safety.hotlines import load_hotlines
from bot.safety.lexicon import load_lexicon
from bot.safety.lint import lint
from bot.safety.matching import Lexicon
from bot.safety.models import Assessment
from bot.safety.replies import load_replies
from bot.safety.trial import try_out

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


@safety.command("trial", help="试用：FILE 里的新词放到最近的消息上，看会多报什么；不会生效。")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="往回看几天。")
@shown_errors
def trial(file: Path, days: int) -> None:
    """Prints, without names or numbers, what the new terms would change. Nothing is stored and nothing alarms."""
    application = current_application()
    since = application.clock.now() - timedelta(days=days)
    with application.database.read() as session:
        outcome = try_out(session, application.cipher, load_lexicon(), load_lexicon(extra=(file,)), since)
    for change in outcome.changes:
        click.echo(f"{change.before.word} → {change.after.word}　{change.excerpt}　{change.rule}")
    click.echo(
        f"看了 {outcome.read} 条消息，级别会变的 {outcome.changed} 条，其中新报老师的 {outcome.new_alarms} 条。"
        "\n还没有生效：确认后把文件放进 bot/safety/data/lexicon/，运行 flask safety lint；几秒后就生效，不用重启。"
    )


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


@safety.command("report", help="每周每条规则：报了几次，老师说确实、已处理、误报各几次。")
@click.option("--weeks", default=4, show_default=True, type=click.IntRange(1, 60), help="往回看几周。")
@shown_errors
def report(weeks: int) -> None:
    """Prints the weeks, the latest first, and in each the least precise rule first."""
    application = current_application()
    zone = application.settings.school.zone
    since = since_monday(application.clock.now(), zone, weeks=weeks)
    with application.database.read() as session:
        counts = weekly_counts(session, since, zone)
    if not counts:
        click.echo(f"最近 {weeks} 周没有警报。")
        return
    shapes = {pattern.name: pattern.shown for pattern in load_lexicon().patterns}
    for line in report_lines(counts, shapes):
        click.echo(line)


@safety.command("link", help="报表网页的地址，给工号是 STAFF_NO 的老师一个人用。")
@click.argument("staff_no")
@shown_errors
def link(staff_no: str) -> None:
    """Prints the signed address of the report's page for one person."""
    application = current_application()
    with application.database.read() as session:
        person = application.directory.find(session, staff_no)
    if person is None:
        message = f"名单里没有工号 {staff_no}。flask staff import 导入之后再试。"
        raise click.ClickException(message)
    address = application.reports.link_for(person)
    if not address:
        message = f"{staff_no} 的角色看不到报表；学院领导、学生处、心理中心和管理员可以。"
        raise click.ClickException(message)
    click.echo(address)


def report_lines(counts: Iterable[RuleCount], shapes: Mapping[str, str]) -> Iterator[str]:
    """A heading a week and a line a rule; `shapes` shows what a pattern's name stands for."""
    week = None
    for one in counts:
        if one.week != week:
            week = one.week
            yield f"{week:%Y-%m-%d} 起的一周"
        precision = "  —" if one.precision is None else f"{one.precision:4.0%}"
        said = f"确实 {one.confirmed}、已处理 {one.handled}、误报 {one.false}"
        yield (
            f"  {precision}  报 {one.alerts}：{said}、未评 {one.unjudged}"
            f"　{one.label}　{one.rule}{'　' + shapes[one.rule] if one.rule in shapes else ''}"
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
            "rule": signal.rule,
        }
        for signal in assessment.signals
    ]
    return {"level": assessment.level.word, "subject": assessment.subject, "signals": signals}
