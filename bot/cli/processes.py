"""Several parts of the product as processes of one command: forked, so that each shares what was read before."""

import ctypes
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

_STOP_S = 15
_LOOK_S = 0.2
_WHEN_THE_PARENT_DIES = 1  # PR_SET_PDEATHSIG of Linux' prctl(2)

Part = Callable[[], object]


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn, in this process, with an application that is ready: its workers are forked from it."""

    def __init__(self, app: Flask, options: Mapping[str, Any]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """See gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """See gunicorn."""
        return self._app


def supervise(parts: Sequence[Part]) -> int:
    """Runs each part in its own process until a signal or until one of them ends; none is left when this returns.

    No thread may run yet: it would not come along. Gives the exit code: 0 after a signal.
    """
    forking = multiprocessing.get_context("fork")
    processes = [forking.Process(target=_run, args=[part, os.getpid()]) for part in parts]
    for process in processes:
        process.start()
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    while not stopping and all(process.is_alive() for process in processes):
        time.sleep(_LOOK_S)
    ended = [process.exitcode for process in processes if not process.is_alive()]
    _stop_all(processes)
    if stopping:
        click.echo("已停止。")
        return 0
    click.echo(f"有一个进程自己退出了（{ended}），已经全部停止；原因见上面的日志。", err=True)
    return 1


def _run(part: Part, parent: int) -> None:
    os.setsid()  # Ctrl-C is for the parent, which stops the parts in order
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_WHEN_THE_PARENT_DIES, signal.SIGTERM)
    if os.getppid() == parent:
        part()


def _stop_all(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        if process.is_alive():
            process.terminate()
    deadline = time.monotonic() + _STOP_S
    for process in processes:
        process.join(max(0.1, deadline - time.monotonic()))
        if process.is_alive() and process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
