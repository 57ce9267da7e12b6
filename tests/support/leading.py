"""A worker process that says who leads: the product's worker and lease, with one leader's loop that leaves a trace.

Its plan: database, folder, and trace, the file to which the leader's loop appends a line `pid moment` for each tick.
The moment is the machine's monotonic clock, the same for all processes. See support/forked.py.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.world import settings_for

from bot.ticker import TickReport
from bot.worker import Loop


class Trace:
    """Only the leader leaves lines."""

    name = "trace"

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)  # each line is one write at the file's end, whoever else writes

    def tick(self) -> TickReport:
        """One more line."""
        self._file.write(f"{os.getpid()} {time.monotonic_ns()}\n".encode())
        return TickReport()


def lead(plan: dict[str, Any], say: Callable[[object], None]) -> None:
    """Works until it is killed. Says its name in the lease."""
    from support import warm  # noqa: PLC0415 - reads for seconds; whoever starts such processes does it once for all

    application = warm.application(settings_for(plan["database"], "http://127.0.0.1:9"), Path(plan["folder"]))
    application.__dict__["loops"] = (Loop(Trace(Path(plan["trace"])), rest_s=0.2, leader_only=True),)
    worker = application.worker()
    say(worker._lease._holder)
    worker.run()
