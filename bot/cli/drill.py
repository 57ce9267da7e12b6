"""`flask drill`: exercises through the real path, and how long it took until somebody had them."""

from datetime import timedelta

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.escalation.drills import summarise
from bot.escalation.reports import spoken
from bot.staff.models import Role

drill = AppGroup("drill", help="演练：真的发出去，清楚地标明【演练】，不涉及任何学生。")


@drill.command("run")
@click.option("--college", default="", help="只演练这个学院；不写就是每个有辅导员的学院各一次。")
@click.option("--yes", is_flag=True, help="不再询问。")
@shown_errors
def run_drill(college: str, *, yes: bool) -> None:
    """马上发一次演练警报。有人接，或过了 30 分钟，自动结束。"""
    application = current_application()
    with application.database.read() as session:
        counselors = application.directory.with_role(session, Role.COUNSELOR)
    colleges = sorted({person.college for person in counselors})
    if college and college not in colleges:
        message = f"没有辅导员在学院“{college}”。有：{'、'.join(filter(None, colleges)) or '（名单里没有辅导员）'}"
        raise click.ClickException(message)
    chosen = [college] if college else colleges or [""]
    if not yes:
        named = "、".join(one or "不分学院" for one in chosen)
        click.confirm(f"会给值班老师发 {len(chosen)} 条演练警报（{named}），继续吗？", abort=True)
    with application.database.write() as session:
        for one in chosen:
            number = application.drills.start(session, one)
            click.echo(f"演练 A{number} 已发出：{one or '不分学院'}")
    click.echo("过后运行 flask drill report 看多久有人接。")


@drill.command("report")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3650), help="看最近几天。")
@shown_errors
def report_drills(days: int) -> None:
    """每个学院演练了几次、几次有人接、多久有人接。"""
    application = current_application()
    since = application.clock.now() - timedelta(days=days)
    with application.database.read() as session:
        summaries = summarise(application.drills.report(session, since=since))
    for one in summaries:
        times = (
            f"　最快 {spoken(one.fastest)}　中位 {spoken(one.middle)}　最慢 {spoken(one.slowest)}" if one.taken else ""
        )
        click.echo(f"{one.college or '不分学院'}　{one.drills} 次，{one.taken} 次有人接{times}")
    if not summaries:
        click.echo("还没有演练过：flask drill run")
