"""`flask rota`: who is on duty, planned from files and shown."""

from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from bot.bootstrap import Application
from bot.cli.current import current_application, shown_errors
from bot.escalation import rota_store
from bot.escalation.rota_files import read_day, read_planned

rota = AppGroup("rota", help="值班表。")


@rota.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@shown_errors
def import_rota(file: Path) -> None:
    r"""导入值班表 FILE（CSV 或 XLSX），按表头认出是哪一种。

    \b
    班次：日期,开始,结束,工号,学院。表里出现的日期整天被替换，别的日期不动。
    轮值：轮值,学院,开始,结束,起始日期,每班天数,日子,顺序[,结束日期]。同名的被替换。
    代班：开始时间,结束时间,原工号,代班工号,学院。只填原工号是请假，只填代班工号是加班。
    """
    application = current_application()
    zone = application.settings.school.zone
    with application.database.read() as session:
        known = rota_store.active_numbers(session)
    planned = read_planned(file, zone=zone, known=known)
    with application.database.write() as session:
        application.rota.plan(session, planned)
    counts = ((len(planned.shifts), "班次"), (len(planned.rotations), "轮值"), (len(planned.overrides), "代班"))
    click.echo(f"导入 {'、'.join(f'{count} 个{word}' for count, word in counts if count)}。")
    with application.database.read() as session:
        _show_gaps(application, session)


@rota.command("show")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 60), help="从今天起看几天。")
@shown_errors
def show_rota(days: int) -> None:
    """今天起每天谁值班，代班和换班已经算进去；以及今后 14 天的空班。"""
    application = current_application()
    zone, now = application.settings.school.zone, application.clock.now()
    start = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    with application.database.read() as session:
        for shift in application.rota.duties(session, start, start + timedelta(days=days)):
            person = application.directory.find(session, shift.staff_no)
            name = person.name if person else "已停用"
            span = _span(shift.starts_at, shift.ends_at, zone)
            click.echo(f"{span}　{shift.staff_no} {name}　{shift.college or '全校'}")
        if not rota_store.is_planned(session):
            click.echo("没有值班表：警报发给全体辅导员。")
            return
        _show_gaps(application, session)


@rota.command("swap")
@click.argument("first_no")
@click.argument("first_day")
@click.argument("second_no")
@click.argument("second_day")
@click.option("--agreed", is_flag=True, help="两位老师已经当面同意，马上生效。")
@shown_errors
def swap_shifts(first_no: str, first_day: str, second_no: str, second_day: str, *, agreed: bool) -> None:
    """换班：FIRST_NO 在 FIRST_DAY 开始的班，和 SECOND_NO 在 SECOND_DAY 开始的班。

    两位老师各收到一条消息，都回“同意换班”才生效。
    """
    application = current_application()
    sides = (first_no, read_day(first_day)), (second_no, read_day(second_day))
    with application.database.write() as session:
        number = application.swaps.ask(session, *sides, agreed=agreed)
    click.echo(f"换班 S{number} 已生效。" if agreed else f"换班 S{number} 已发给两位老师，都同意后生效。")


def _show_gaps(application: Application, session: Session) -> None:
    zone, now = application.settings.school.zone, application.clock.now()
    gaps = application.rota.find_gaps(session, now)
    for gap in gaps:
        whom = f"（{gap.college}）" if gap.college else ""
        click.echo(f"空班{whom}：{_span(gap.starts_at, gap.ends_at, zone)}")
    if not gaps:
        click.echo("今后 14 天没有空班。")
    until = now.astimezone(zone).date() + timedelta(days=14)
    if not application.workdays.is_known(until):
        click.echo(
            f"注意：{until.year} 年的放假安排还没有，暂按周一到周五上班算；请填 rota.holidays 和 rota.workdays。"
        )


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    return f"{start.astimezone(zone):%m-%d %H:%M} 到 {end.astimezone(zone):%m-%d %H:%M}"
