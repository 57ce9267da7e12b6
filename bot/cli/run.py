"""`flask worker`, and `flask serve`: web and worker together in the foreground, for one machine."""

from collections.abc import Callable
from typing import Any, cast

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from bot.bootstrap import Application
from bot.cli.current import current_application, shown_errors
from bot.cli.processes import WebServer, supervise
from bot.migrations import is_current, upgrade

_SIMULATOR_THREADS = 48  # the phone page keeps connections open, and callbacks call back


@click.command("worker")
@with_appcontext
@shown_errors
def worker() -> None:
    """投递、追警报、到点发提醒。可以同时开几个；Ctrl-C 或 SIGTERM 会做完手上的再停。"""
    application = current_application()
    if not is_current(application.database, application.root):
        message = "数据库结构不是最新的，请先运行 flask db upgrade"
        raise click.ClickException(message)
    _work(application)


@click.command("serve")
@with_appcontext
@shown_errors
def serve() -> None:
    """升级数据库，启动网页服务和 worker；Ctrl-C 一起停。"""
    app = cast("Any", current_app)._get_current_object()  # noqa: SLF001 - Flask's documented way to the object itself
    raise SystemExit(serve_all(current_application(), lambda _: app))


def serve_all(application: Application, make_web: Callable[[Application], Flask]) -> int:
    """Runs web and worker until a signal comes, with a database of the newest schema. Returns the exit code.

    The knowledge is read once, before the processes part.
    """
    upgrade(application.database, application.root)
    if application.simulated:
        application.seed_demonstration()
    if not application.has_learnt:
        click.echo("正在学习知识库，只有内容变了才要这样，一般十几秒…")
    app = make_web(application)
    application.database.dispose()  # a connection cannot be shared
    _announce(application)
    return supervise([WebServer(app, _web_options(application)).run, lambda: _work(application)])


def _work(application: Application) -> None:
    process = application.worker()
    process.stop_on_signals()
    process.run()
    application.inbox.close()


def _web_options(application: Application) -> dict[str, Any]:
    server = application.settings.server
    simulated = application.simulated
    return {
        "bind": f"{server.host}:{server.port}",
        "workers": 1 if simulated else server.workers,  # the simulator's state is in one process
        "threads": _SIMULATOR_THREADS if simulated else server.threads,
        "worker_class": "gthread",
        "graceful_timeout": 2 if simulated else 10,  # the phone page keeps a stream open for ever
        "timeout": 60,
        "loglevel": "warning",
        "control_socket_disable": True,
    }


def _announce(application: Application) -> None:
    settings = application.settings
    click.echo(f"{settings.school.name}离校小助手　{settings.public_url}")
    if application.simulated:
        click.echo(f"手机页面（模拟微信和企业微信）　{settings.public_url}/simulator/")
        click.echo("没有配置微信账号，正在用模拟器；正式使用见 docs/operation.md。")
    else:
        click.echo(f"微信服务器地址填　{settings.public_url}/wechat")
        click.echo(f"企业微信接收消息地址填　{settings.public_url}/wecom")
    click.echo("Ctrl-C 停止。")
