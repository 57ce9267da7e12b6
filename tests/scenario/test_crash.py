"""kill -9 at every step of one message and of one delivery: nothing is lost, and what may be double is listed."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support import forked
from support.crashing import web, worker
from support.world import ROOT, STAFF, LoopbackServer, settings_for, simulator_settings

from bot.bootstrap import Application
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, SystemClock
from bot.conversation.records import InboundRecord
from bot.escalation.records import AlertRecord
from bot.migrations import upgrade
from bot.outbox import store
from bot.outbox.dispatcher import ORDINARY_LANE, SAFETY_LANE
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Priority
from bot.simulator.app import create_simulator_app
from bot.simulator.simulator import Simulator

GOODBYE = "东西都送人了，今晚天台见"
WEB_POINTS = [1, 2, 4, 6, 8, 10, 12, 14, 16, "reply"]
WORKER_POINTS = [1, 2, 3, 4, 5, 6, 8, 10, "send", "sent"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bench:
    """Platforms in this process, the bot in others."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.platform = LoopbackServer()
        self.settings = settings_for(database_url, self.platform.url, outbox={"lease_s": 1, "first_retry_s": 0.2})
        self.application = Application(settings=self.settings, clock=SystemClock(), root=ROOT, folder=folder)
        upgrade(self.application.database, ROOT)
        with self.application.database.write() as session:
            self.application.directory.replace_all(session, STAFF[:1])
        clock = SystemClock()
        callback = f"http://127.0.0.1:{self.port}"
        self.simulator = Simulator(simulator_settings(self.settings, callback), clock, Chance(clock))
        self.simulator.add_member("wang", "王老师")
        self.platform.app = create_simulator_app(self.simulator)
        self.processes: list[ForkServerProcess] = []

    def start(self, main: forked.Main, at: object) -> ForkServerProcess:
        """A process that is ready to serve, and will die at `at`."""
        plan = {
            "database": self.settings.database.url,
            "platform": self.platform.url,
            "port": self.port,
            "folder": str(self.folder),
            "at": at,
        }
        process = forked.start_ready(main, plan)
        self.processes.append(process)
        return process

    def finish_deliveries(self) -> None:
        """A healthy worker takes over when the dead one's lease has run out."""
        loops = [
            self.application.reaper,
            self.application.dispatcher(SAFETY_LANE),
            self.application.dispatcher(ORDINARY_LANE),
        ]
        end = time.monotonic() + 15
        while time.monotonic() < end:
            for loop in loops:
                loop.tick()
            with self.application.database.read() as session:
                open_ones = select(func.count()).where(DeliveryRecord.state.in_(("pending", "sending")))
                if session.scalar(open_ones.select_from(DeliveryRecord)) == 0:
                    return
            threading.Event().wait(0.1)
        raise AssertionError("deliveries are left open")

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()
        self.application.inbox.close()
        self.application.database.dispose()
        self.simulator.close()
        self.platform.close()


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(database_url, tmp_path / "var")
    yield made
    made.close()


@pytest.mark.timeout(300)
def test_kill_web_at_every_step_of_one_message(bench: Bench) -> None:
    """Whatever the point, the platform's next try, on another process, brings the one finished reply and one alert."""
    died = 0
    for number, at in enumerate(WEB_POINTS, start=1):
        student = bench.simulator.student(f"学生{number}", following=True)
        doomed = bench.start(web, at)

        def replace(_platform: str, attempt: int, doomed: ForkServerProcess = doomed) -> None:
            if attempt == 2:
                doomed.join(10)
                bench.start(web, None)

        bench.simulator.before_each_try(replace)
        done = student.writes(GOODBYE)
        assert done.status == "answered", (at, done)
        assert "120" in done.reply
        died += doomed.exitcode == -signal.SIGKILL
        with bench.application.database.read() as session:
            for record in (InboundRecord, AlertRecord):
                found = session.scalar(select(func.count()).where(record.contact == student.openid))
                assert found == 1, (at, record)
            alert = session.scalars(select(AlertRecord.id).where(AlertRecord.contact == student.openid)).one()
            cards = session.scalar(select(func.count()).where(DeliveryRecord.subject == f"alert:{alert}"))
            assert cards == 1, at
        for process in bench.processes:
            process.kill()
            process.join()
    assert died == len(WEB_POINTS)


@pytest.mark.timeout(300)
def test_kill_worker_at_every_step_of_one_delivery(bench: Bench) -> None:
    """Every message arrives; a second time only where the platform's answer was lost, and that is listed."""
    died = 0
    for number, at in enumerate(WORKER_POINTS, start=1):
        with bench.application.database.write() as session:
            bench.application.outbox.enqueue(
                session,
                OutboundMessage(Source.WECOM, "wang", TextContent(f"第{number}条")),
                priority=Priority.SAFETY if number % 2 else Priority.ORDINARY,
                subject=f"test:{number}",
            )
        process = bench.start(worker, at)
        process.join(30)
        died += process.exitcode == -signal.SIGKILL
        bench.finish_deliveries()
        bodies = [call.body for call in bench.simulator.journal.calls("wecom", "message/send")]
        sent = sum(f"第{number}条" in json.dumps(body, ensure_ascii=False) for body in bodies)
        with bench.application.database.read() as session:
            delivery = session.scalars(select(DeliveryRecord).where(DeliveryRecord.subject == f"test:{number}")).one()
            listed = {one.id for one in store.list_doubtful(session, limit=50)}
        assert sent >= 1, at
        assert delivery.state == "sent", at
        if sent > 1:
            assert delivery.id in listed, at
        shown = [one.text for one in bench.simulator.members["wang"].messages].count(f"第{number}条")
        assert shown == 1, at  # WeCom's own duplicate check swallows the second
    assert died == len(WORKER_POINTS)
