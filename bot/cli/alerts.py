"""`flask alerts`: which are open, the whole story of one, and all of it as a table."""

import csv
import io
from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from bot.bootstrap import Application
from bot.cli.current import current_application, shown_errors
from bot.escalation import answers, messages
from bot.escalation.records import AlertRecord
from bot.escalation.timeline import Moment, story

alerts = AppGroup("alerts", help="警报：还开着的、一条的经过、导出。")
_HEADER = ("编号", "时间", "事件", "谁", "经过")
_STATES = {"triggered": "没有人接", "acknowledged": "处理中", "resolved": "已结束"}
_WORDS = click.option("--words", is_flag=True, help="带上学生和老师写的话（只给需要知道的人看）。")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="连已经结束的一起。")
@click.option("--limit", default=50, show_default=True, help="最多显示多少条。")
@shown_errors
def list_alerts(*, everything: bool, limit: int) -> None:
    """还没有结束的警报，急的在前。不显示学生的话。"""
    application = current_application()
    query = (
        select(AlertRecord).order_by(AlertRecord.state.desc(), AlertRecord.level.desc(), AlertRecord.id).limit(limit)
    )
    if not everything:
        query = query.where(AlertRecord.state != "resolved")
    with application.database.read() as session:
        found = session.scalars(query).all()
        for alert in found:
            owner = application.directory.find(session, alert.acknowledged_by)
            click.echo(_line(application, alert, owner.name if owner else alert.acknowledged_by))
    if not found:
        click.echo("没有。")


@alerts.command("show")
@click.argument("number")
@_WORDS
@shown_errors
def show(number: str, *, words: bool) -> None:
    """一条警报的全部经过：谁在什么时候被怎样通知，谁接手，怎样结束。"""
    application = current_application()
    for moment in _stories(application, [_number(number)], words=words):
        who = f"　{moment.who}" if moment.who else ""
        click.echo(f"{_local(application, moment.at)}　{moment.event}{who}　{moment.text}".rstrip())


@alerts.command("export")
@click.argument("numbers", nargs=-1)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="写进这个 CSV 文件，不写就显示在屏幕上。"
)
@_WORDS
@shown_errors
def export(numbers: tuple[str, ...], *, output: Path | None, words: bool) -> None:
    """把警报的经过导出成 CSV（编号,时间,事件,谁,经过）。不写编号就是全部。"""
    application = current_application()
    with application.database.read() as session:
        chosen = [_number(one) for one in numbers] or list(
            session.scalars(select(AlertRecord.id).order_by(AlertRecord.id))
        )
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(_HEADER)
    moments = _stories(application, chosen, words=words)
    for one in moments:
        cells = (f"A{one.alert_id}", _local(application, one.at), one.event, one.who, one.text)
        writer.writerow([_harmless(cell) for cell in cells])
    if output is None:
        click.echo(table.getvalue(), nl=False)
        return
    output.write_text(table.getvalue(), encoding="utf-8-sig", newline="")
    click.echo(f"导出 {len(chosen)} 条警报、{len(moments)} 行到 {output}。")


def _stories(application: Application, numbers: list[int], *, words: bool) -> list[Moment]:
    found = []
    with application.database.read() as session:
        for number in numbers:
            if session.get(AlertRecord, number) is None:
                raise click.ClickException(f"没有警报 A{number}，flask alerts list --all 可看全部。")
            found += story(session, number, directory=application.directory, cipher=application.cipher, words=words)
    return found


def _line(application: Application, alert: AlertRecord, owner: str) -> str:
    state = _STATES.get(alert.state, alert.state)
    if alert.state == "resolved":
        state = f"{state}：{answers.code_name(alert.closing_code)}"
    elif owner:
        state = f"{owner} {state}"
    due = f"　下一步 {_local(application, alert.next_notice_at)}" if alert.next_notice_at else ""
    return (
        f"A{alert.id}　{messages.level_name(alert.level)}　{messages.subject_name(alert.about)}　"
        f"{messages.contact_name(alert.contact)}　{_local(application, alert.triggered_at)}　"
        f"{alert.message_count} 条　通知 {alert.rounds} 次　{state}{due}"
    )


def _number(word: str) -> int:
    digits = word.strip().upper().removeprefix("A")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):  # noqa: PLR2004 - as many as a number has
        raise click.ClickException(f"“{word}”不是警报编号，请写成 A12 这样。")
    return int(digits)


def _local(application: Application, at: datetime) -> str:
    return f"{at.astimezone(application.settings.school.zone):%Y-%m-%d %H:%M:%S}"


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet takes for text: what a student wrote must not become a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
