"""`flask reminders`: what goes out when and to whom, one of them now, and the checks of their texts."""

from datetime import datetime, timedelta

import click
import yaml
from flask.cli import AppGroup

from bot.bootstrap import Application
from bot.cli.current import current_application, shown_errors
from bot.reminders.lint import lint
from bot.reminders.preview import day_lines, month_lines, step_lines
from bot.reminders.series import Series
from bot.safety.hotlines import load_hotlines

reminders = AppGroup("reminders", help="毕业季提醒。")


@reminders.command("list")
@click.option("--days", default=60, show_default=True, type=click.IntRange(1, 800), help="往后看几天。")
@shown_errors
def list_series(days: int) -> None:
    """今后哪天发什么、发给多少人，哪些跟着环节走，还缺什么日期。"""
    application = current_application()
    service, now = application.reminders, application.clock.now()
    planned = [(one.at, one.series) for one in service.planned(now, now + timedelta(days=days))]
    click.echo(f"今后 {days} 天：")
    for line in day_lines(planned, service.audiences(), application.settings.school.zone):
        click.echo(line)
    if not planned:
        click.echo("  没有。")
    click.echo("跟着环节走：")
    for line in step_lines(service.series):
        click.echo(line)
    for key, titles in _missing(application).items():
        click.echo(
            f"缺日期 {key}【请学校填写】，见 knowledge/data/school/calendar.yaml；这几次不发：{'、'.join(titles)}"
        )
    caps = application.settings.reminders
    click.echo(
        f"每位同学一天最多 {caps.most_per_day} 条、七天最多 {caps.most_per_week} 条；有没关的红色、橙色警报的不发。"
    )
    if not caps.enabled:
        click.echo("注意：reminders.enabled 是 false，不会自动发送。")


@reminders.command("preview")
@click.option("--month", required=True, type=click.IntRange(1, 12), help="哪个月。")
@click.option("--year", type=click.IntRange(2000, 2100), help="哪一年；不写就是最近的这个月。")
@shown_errors
def preview(month: int, year: int | None) -> None:
    """一个月的日历：哪天几点发什么。"""
    application = current_application()
    zone = application.settings.school.zone
    today = application.clock.now().astimezone(zone)
    year = year or today.year + (month < today.month)
    start = datetime(year, month, 1, tzinfo=zone) - timedelta(seconds=1)
    planned = application.reminders.planned(start, start + timedelta(days=32))
    shown = [(one.at, one.series) for one in planned if one.at.astimezone(zone).month == month]
    for line in month_lines(shown, year, month, zone):
        click.echo(line)
    for key, titles in _missing(application).items():
        click.echo(f"缺日期 {key}，日历上没有：{'、'.join(titles)}")


@reminders.command("run")
@click.argument("key")
@click.option("--dry-run", is_flag=True, help="只看会发给多少人、多少人不发和原因，什么都不发。")
@shown_errors
def run_series(key: str, *, dry_run: bool) -> None:
    """现在就把系列 KEY 发给没有退订的关注者；48 小时内没说过话的先保留，等他们下次说话时给出。"""
    application = current_application()
    series = application.reminders.find(key)
    if series is None:
        known = "、".join(one.key for one in application.reminders.series)
        message = f"没有系列 {key}。有：{known}"
        raise click.ClickException(message)
    if dry_run:
        _rehearse(application, series)
        return
    application.reminders.run_now(key)
    click.echo("已开始，由 worker 发送；免打扰时段里会等到早上。flask outbox list 可看结果。")


@reminders.command("lint")
@shown_errors
def lint_series() -> None:
    """检查提醒的文案：字数、条数、来源、号码、日期；有问题则逐条列出并以 1 结束。"""
    application = current_application()
    folder = application.root / application.settings.knowledge.folder
    days = yaml.safe_load((folder / "school" / "calendar.yaml").read_text(encoding="utf-8"))
    season = application.season
    quiet = application.settings.reminders.quiet
    faults = lint(season, numbers=load_hotlines().numbers, days=set(days), quiet=quiet)
    for fault in faults:
        click.echo(fault)
    if faults:
        raise SystemExit(1)
    click.echo(f"没有问题：{len(season.series)} 个系列，{sum(len(one.texts) for one in season.series)} 条文案")


def _rehearse(application: Application, series: Series) -> None:
    counts = application.reminders.rehearse(series.key)
    click.echo(f"{series.title}（{series.topic}），现在发的话：")
    for verdict, count in sorted(counts.items(), key=lambda pair: (pair[0].way, pair[0].reason)):
        label = {"queued": "发出", "held": "先留着", "skipped": "不发"}[verdict.way.value]
        click.echo(f"  {label}　{count} 人　{verdict.reason.words}")
    opted_out = application.reminders.audiences()[series.key][1]
    click.echo(f"  不发　{opted_out} 人　退订了这个话题\n什么都没有发。")


def _missing(application: Application) -> dict[str, list[str]]:
    """The key dates that are blank, and the titles of what waits for them."""
    found: dict[str, list[str]] = {}
    for one in application.reminders.series:
        if key := application.reminders.schedule.missing_day(one):
            found.setdefault(key, []).append(one.title)
    return found
