"""`flask reminders`: what goes out when, and one of them now."""

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors

reminders = AppGroup("reminders", help="毕业季提醒。")


@reminders.command("list")
@shown_errors
def list_series() -> None:
    """每个系列、下次发送的时间、还缺什么。"""
    application = current_application()
    service = application.reminders
    zone, now = application.settings.school.zone, application.clock.now()
    for one in service.series:
        missing = service.schedule.missing_day(one)
        following = service.schedule.following(one, now)
        when = f"{following.astimezone(zone):%Y-%m-%d %H:%M}" if following else "不再发送"
        if missing:
            when = f"缺日期 {missing}【请学校填写】，见 knowledge/data/school/calendar.yaml"
        click.echo(f"{one.key:24} {one.topic}　{one.title}　{when}")
    if not application.settings.reminders.enabled:
        click.echo("注意：reminders.enabled 是 false，不会自动发送。")


@reminders.command("run")
@click.argument("key")
@shown_errors
def run_series(key: str) -> None:
    """现在就把系列 KEY 发给所有没有退订的关注者；48 小时内没说过话的先保留，等他们下次说话时给出。"""
    application = current_application()
    if not application.reminders.run_now(key):
        known = "、".join(one.key for one in application.reminders.series)
        message = f"没有系列 {key}。有：{known}"
        raise click.ClickException(message)
    click.echo("已开始，由 worker 发送；flask outbox list 可看结果。")
