"""`flask menu`: the account's menu, from handlers/menu.py to the platform."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from flask.cli import AppGroup

from bot.bootstrap import Application
from bot.channel.errors import SendError
from bot.cli.current import current_application, shown_errors
from bot.wechat.menus import differences, find_faults, menu_lines, push_menu, read_menu

menu = AppGroup("menu", help="公众号的自定义菜单。")
P = ParamSpec("P")
R = TypeVar("R")


def _named_errors(function: Callable[P, R]) -> Callable[P, R]:
    """What the platform refuses becomes one line that says why."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except SendError as error:
            raise click.ClickException(f"菜单没有处理好：{_reason(error)}") from None

    return wrapper


def _reason(error: SendError) -> str:
    if error.code.lstrip("-").isdigit():  # the platform's own code comes with a sentence that says what to do
        return str(error)
    return f"平台没有正常答复（{error.code}）；检查网络和 wechat.api_base_url，再试一次"


def _connected() -> Application:
    application = current_application()
    if not application.settings.wechat.app_id:
        raise click.ClickException("还没有配置公众号：设置 wechat.app_id 和 wechat.app_secret")
    return application


@menu.command("push")
@shown_errors
@_named_errors
def push() -> None:
    """把 handlers/menu.py 里的菜单发到平台，再读回来核对。学生看到新菜单可能要几分钟。"""
    application = _connected()
    if faults := find_faults(application.menu):
        raise click.ClickException("菜单有问题，没有发：\n" + "\n".join(f"· {fault}" for fault in faults))
    if lines := push_menu(application.wechat, application.menu):
        raise click.ClickException("平台收下了，但读回来不一样：\n" + "\n".join(f"· {line}" for line in lines))
    click.echo("菜单已更新，读回来核对一致。")


@menu.command("diff")
@shown_errors
@_named_errors
def diff() -> None:
    """平台上的菜单和 handlers/menu.py 差在哪里；有差别以 1 结束。"""
    application = _connected()
    lines = differences(application.menu, read_menu(application.wechat))
    for line in lines:
        click.echo(line)
    if lines:
        click.echo("要让平台上的和这里一样：flask menu push")
        raise SystemExit(1)
    click.echo("一样。")


@menu.command("show")
@shown_errors
@_named_errors
def show() -> None:
    """平台上现在的菜单。"""
    lines = list(menu_lines(read_menu(_connected().wechat)))
    click.echo("\n".join(lines) if lines else "平台上还没有菜单。")
