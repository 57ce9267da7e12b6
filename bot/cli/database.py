"""`flask db`: the schema."""

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.migrations import is_current, upgrade

database = AppGroup("db", help="数据库：建表与升级。")


@database.command("upgrade")
@shown_errors
def upgrade_schema() -> None:
    """把数据库升级到最新结构（第一次运行时建表）。"""
    application = current_application()
    upgrade(application.database, application.root)
    click.echo("数据库结构是最新的。")


@database.command("check")
@shown_errors
def check_schema() -> None:
    """数据库结构不是最新时以 1 退出。"""
    application = current_application()
    if not is_current(application.database, application.root):
        message = "数据库结构不是最新的，请运行 flask db upgrade"
        raise click.ClickException(message)
    click.echo("数据库结构是最新的。")
