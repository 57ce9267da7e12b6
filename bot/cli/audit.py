"""`flask audit`: whether everybody is told on time, for cron on this or another machine."""

import click
from flask.cli import with_appcontext

from bot.cli.current import current_application, shown_errors


@click.command("audit")
@with_appcontext
@shown_errors
def audit() -> None:
    """检查警报是不是都准时（最多晚 60 秒）、worker 在不在动。

    都好：呼叫 escalation.heartbeat_url。不好：绕过发件箱，直接发群机器人和 audit.alarm_emails，以 1 退出。
    """
    faults = current_application().auditor.audit()
    for fault in faults:
        click.echo(str(fault))
    if faults:
        raise SystemExit(1)
    click.echo("一切准时。")
