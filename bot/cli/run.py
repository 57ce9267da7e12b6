"""`flask worker`, and `flask serve`: web and worker together in the foreground, for one machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import click
from flask.cli import with_appcontext

from bot.bootstrap import Application
from bot.cli.current import current_application, shown_errors
from bot.migrations import is_current, upgrade

_STOP_S = 15
_LOOK_S = 0.2
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
    process = application.worker()
    process.stop_on_signals()
    process.run()
    application.inbox.close()


@click.command("serve")
@with_appcontext
@shown_errors
def serve() -> None:
    """升级数据库，启动网页服务和 worker；Ctrl-C 一起停。"""
    raise SystemExit(serve_all(current_application()))


def serve_all(application: Application) -> int:
    """Runs web and worker until a signal comes, with a database of the newest schema. Returns the exit code."""
    upgrade(application.database, application.root)
    if application.simulated:
        application.seed_demonstration()
    application.database.dispose()
    if not application.has_learnt:  # here nobody is impatient; gunicorn kills a worker that does not start in time
        click.echo("正在学习知识库，只有内容变了才要这样，一般十几秒…")
        _ = application.knowledge
    _announce(application)
    return _supervise([_web_command(application), [sys.executable, "-m", "flask", "worker"]])


def _web_command(application: Application) -> list[str]:
    server = application.settings.server
    simulated = application.simulated
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "app:create_app()",
        f"--bind={server.host}:{server.port}",
        f"--workers={1 if simulated else server.workers}",  # the simulator's state is in one process
        f"--threads={_SIMULATOR_THREADS if simulated else server.threads}",
        "--worker-class=gthread",
        f"--graceful-timeout={2 if simulated else 10}",  # the phone page keeps a stream open for ever
        "--timeout=60",
        "--log-level=warning",
        "--no-control-socket",
    ]


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


def _supervise(commands: Sequence[list[str]]) -> int:
    """Runs the commands until a signal or until one of them ends; none is left when this returns."""
    root = os.environ.get("FLASK_RUN_FROM_CLI", "")
    environment = {"MALLOC_ARENA_MAX": "2", **os.environ, "FLASK_RUN_FROM_CLI": root or "true"}
    processes = [subprocess.Popen(command, env=environment, start_new_session=True) for command in commands]  # noqa: S603 - our own commands
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    while not stopping and all(process.poll() is None for process in processes):
        time.sleep(_LOOK_S)
    ended = [process.returncode for process in processes if process.returncode is not None]
    _stop_all(processes)
    if stopping:
        click.echo("已停止。")
        return 0
    click.echo(f"有一个进程自己退出了（{ended}），已经全部停止；原因见上面的日志。", err=True)
    return 1


def _stop_all(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + _STOP_S
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
