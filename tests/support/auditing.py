"""A worker process of the product, with its auditor, that works until it is killed.

Run as `python -m support.auditing` with a JSON plan in the environment variable AUDITING_PLAN: database, platform,
folder, heartbeat, and hangs: the name of a loop whose tick never returns, or empty. Prints `ready`.
"""

import json
import os
import sys
import threading
from pathlib import Path

from support.world import ROOT, settings_for

from bot.bootstrap import Application
from bot.clock import SystemClock
from bot.ticker import TickReport


def main() -> None:
    """Works until it is killed."""
    plan = json.loads(os.environ["AUDITING_PLAN"])
    settings = settings_for(plan["database"], plan["platform"], escalation={"heartbeat_url": plan["heartbeat"]})
    application = Application(settings=settings, clock=SystemClock(), root=ROOT, folder=Path(plan["folder"]))
    application.__dict__["duty_loops"] = ()
    for loop in application.loops:
        if loop.ticker.name == plan["hangs"]:
            loop.ticker.tick = hang  # type: ignore[method-assign]
    application.__dict__["loops"] = tuple(loop for loop in application.loops if not loop.leader_only)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    application.worker().run()


def hang() -> TickReport:
    """Never comes back."""
    threading.Event().wait()
    return TickReport()


if __name__ == "__main__":
    main()
