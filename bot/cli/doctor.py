"""`flask doctor`: what is wrong with this installation, and how to mend it."""

import click
from flask.cli import with_appcontext

from bot.cli.current import current_application, shown_errors
from bot.doctor import examine


@click.command("doctor")
@with_appcontext
@shown_errors
def doctor() -> None:
    """检查数据库、令牌、名单、值班、日历和 worker；有一项不好就以 1 退出。"""
    bad = 0
    for finding in examine(current_application()):
        click.echo(f"{'好' if finding.ok else '坏'}　{finding.name}：{finding.words}")
        bad += not finding.ok
    if bad:
        raise SystemExit(1)
