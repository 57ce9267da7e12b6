"""A worker process that says who leads: the product's worker and lease, with one leader's loop that leaves a trace.

Run as `python -m support.leading` with a JSON plan in the environment variable LEADING_PLAN: database, folder, and
trace, the file to which the leader's loop appends a line `pid moment` for each tick. The moment is the machine's
monotonic clock, the same for all processes. Prints `ready`, the worker's name in the lease, and works until killed.
"""

import json
import os
import sys
import time
from pathlib import Path

from support.world import ROOT, settings_for

from bot.bootstrap import Application
from bot.clock import SystemClock
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


def main() -> None:
    """Works until it is killed."""
    plan = json.loads(os.environ["LEADING_PLAN"])
    settings = settings_for(plan["database"], "http://127.0.0.1:9")
    application = Application(settings=settings, clock=SystemClock(), root=ROOT, folder=Path(plan["folder"]))
    application.__dict__["loops"] = (Loop(Trace(Path(plan["trace"])), rest_s=0.2, leader_only=True),)
    worker = application.worker()
    sys.stdout.write(f"ready {worker._lease._holder}\n")
    sys.stdout.flush()
    worker.run()


if __name__ == "__main__":
    main()
