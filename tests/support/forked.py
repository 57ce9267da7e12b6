"""Processes of the bot that start at once: forked from one that has imported it and read its knowledge and word lists.

The product starts its own in the same way (bot/cli/processes.py); a fresh interpreter would take seconds each time.
"""

import os
from collections.abc import Callable
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from support.world import ROOT

Plan = dict[str, Any]
Main = Callable[[Plan, Callable[[object], None]], None]
"""What a process does: it calls its second argument once, when it is ready, with anything that the test wants to know."""

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["support.warm"])


def start(main: Main, plan: Plan) -> tuple[ForkServerProcess, Callable[[], Any]]:
    """A process that does `main(plan, say)`, and a call that waits for what it says when it is ready.

    It is killed when the test process ends. A process that dies before it is ready makes the wait an EOFError.
    """
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{ROOT}:{ROOT / 'tests'}"  # for the first, which all are forked from
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    hear, tell = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_run, args=(main, plan, tell), daemon=True)
    process.start()
    tell.close()
    return process, hear.recv


def start_ready(main: Main, plan: Plan) -> ForkServerProcess:
    """A process that does `main(plan, say)` and has said that it is ready."""
    process, ready = start(main, plan)
    assert ready() == "ready"
    return process


def _run(main: Main, plan: Plan, tell: Connection) -> None:
    main(plan, tell.send)
