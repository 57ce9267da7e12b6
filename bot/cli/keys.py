"""`flask keys`: the data keys, and changing to a new one."""

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.keys import KeyChange

keys = AppGroup("keys", help="数据密钥：更换。")
_SHOWN = 20


@keys.command("status")
@shown_errors
def show_status() -> None:
    """还有多少行是用旧密钥加密的。"""
    application = current_application()
    waiting = KeyChange(application.database, application.cipher).waiting()
    for table, number in waiting.items():
        if number:
            click.echo(f"{table}　{number} 行")
    spooled = application.spool.waiting()
    if spooled:
        click.echo(f"磁盘上等着处理的消息 {spooled} 条：等 worker 处理完再去掉旧密钥。")
    if not any(waiting.values()) and not spooled:
        click.echo("全部是最新的密钥，旧密钥可以从 security.data_keys 里去掉了。")


@keys.command("rotate")
@shown_errors
def rotate() -> None:
    """用 security.data_keys 里的第一把密钥重新加密全部数据。

    先把新密钥写在最前面、旧密钥留在后面，重启所有服务，再运行这个命令。可以随时中断，再运行会接着做。
    """
    application = current_application()
    change = KeyChange(application.database, application.cipher)
    total = sum(change.waiting().values())
    if not total:
        click.echo("没有要重新加密的，全部是最新的密钥。")
        return
    with click.progressbar(length=total, label="重新加密") as bar:
        unreadable = change.run(bar.update)
    click.echo(f"重新加密了 {total - len(unreadable)} 行。")
    if unreadable:
        shown = "\n".join(f"· {row}" for row in unreadable[:_SHOWN])
        raise click.ClickException(
            f"有 {len(unreadable)} 行哪一把密钥都打不开，没有动。旧密钥是不是已经去掉了？放回去再运行一次：\n{shown}"
        )
    click.echo("再运行 flask keys status，显示全部最新以后，可以去掉旧密钥并重启。")
