"""1,000 open alerts: deciding about all of them, and telling all of them at once, on both databases.

Run: .venv/bin/python benchmarks/escalation.py
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from servers import ROOT, postgresql
from sqlalchemy import delete, update
from support.world import settings_for

from bot.bootstrap import Application
from bot.clock import SystemClock
from bot.escalation.alerts import Worry
from bot.escalation.engine import EscalationTicker
from bot.escalation.records import AlertRecord
from bot.logs import configure_logs
from bot.migrations import upgrade
from bot.outbox.records import DeliveryRecord
from bot.staff.models import Role, Staff

ALERTS = 1_000
ROUNDS = 2
STAFF = [
    Staff("T1", "值班", Role.COUNSELOR, wecom_userid="t1"),
    Staff("T2", "副书记", Role.COLLEGE_LEAD, wecom_userid="t2"),
    Staff("T3", "学生处", Role.STUDENT_AFFAIRS, wecom_userid="t3"),
    Staff("T4", "心理中心", Role.PSYCHOLOGY, wecom_userid="t4"),
]


def main() -> None:
    configure_logs("error")
    folder = Path(tempfile.mkdtemp(prefix="lixiao-bench-"))
    with postgresql() as server:
        for name, url in (("SQLite", f"sqlite:///{folder / 'ladder.db'}"), ("PostgreSQL", server)):
            measure(name, url, folder)


def measure(name: str, url: str, folder: Path) -> None:
    application = Application(
        settings=settings_for(url, "http://127.0.0.1:9"), clock=SystemClock(), root=ROOT, folder=folder / name
    )
    upgrade(application.database, ROOT)
    with application.database.write() as session:
        application.directory.replace_all(session, STAFF)
    for start in range(0, ALERTS, 100):
        with application.database.write() as session:
            for number in range(start, start + 100):
                application.alerts.raise_alert(session, Worry(f"o{number}", "i", "话", "red", "self", ()))
    ticker = EscalationTicker(application.database, application.clock, application.alerts)
    taken_back(application, due_in=timedelta(minutes=-1), state="acknowledged")
    print(f"{name}: {ALERTS} open alerts")
    print(f"  decided, each being handled: {seconds(ticker, lambda: touched(application))}")
    print(f"  told, each a minute late:    {seconds(ticker, lambda: late(application, 1))}")
    print(f"  told, each an hour late:     {seconds(ticker, lambda: late(application, 60))}")
    application.database.dispose()


def seconds(ticker: EscalationTicker, prepare: Callable[[], None]) -> str:
    """The median time until nothing is due any more, and the processor's share of it: the machine may be shared."""
    taken: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        prepare()
        start, worked = time.perf_counter(), time.process_time()
        done = 0
        while count := ticker.tick().done:
            done += count
        taken.append((time.perf_counter() - start, time.process_time() - worked))
        assert done == ALERTS, done
    wall, cpu = (statistics.median(times) for times in zip(*taken, strict=True))
    return f"{wall:.2f} s (processor {cpu:.2f} s)"


def touched(application: Application) -> None:
    """Each alert is with somebody who gave a sign of life just now, and is to be looked at."""
    taken_back(application, due_in=timedelta(minutes=-1), state="acknowledged")


def late(application: Application, minutes: int) -> None:
    """Each alert is with nobody, and its next rung was due so long ago; what was sent before is gone."""
    with application.database.write() as session:
        session.execute(delete(DeliveryRecord))
    taken_back(application, due_in=timedelta(minutes=-minutes), state="triggered")


def taken_back(application: Application, *, due_in: timedelta, state: str) -> None:
    now = application.clock.now()
    with application.database.write() as session:
        session.execute(update(AlertRecord).values(state=state, next_notice_at=now + due_in, touched_at=now))


if __name__ == "__main__":
    main()
