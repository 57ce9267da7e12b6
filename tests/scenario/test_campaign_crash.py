"""kill -9 of the worker in the middle of a campaign: rows = audience, nobody lost, doubles only where listed."""

import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support import crashing, forked
from support.school import enrol, pupil, rows, send
from support.world import ROOT, LoopbackServer, settings_for, simulator_settings

from bot.bootstrap import Application
from bot.broadcast.records import RecipientRecord
from bot.clock import Chance, SystemClock
from bot.migrations import upgrade
from bot.outbox.dispatcher import ORDINARY_LANE
from bot.simulator.app import create_simulator_app
from bot.simulator.simulator import Simulator
from bot.simulator.window import ServiceWindow
from bot.students.contacts import Contact, save_contacts
from bot.students.profiles import Profiles
from bot.students.window import Window

TALKING, SILENT = 30, 6
POINTS: list[tuple[int | str, int]] = [  # the statement, or the send, and how many sends go well before
    *((number, 0) for number in (1, 8, 40, 100, 180, 260, 400)),
    ("sent", 0),
    ("send", 17),
    ("sent", 25),
]


class Bench:
    """The platform in this process, the worker that dies in another."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.platform = LoopbackServer()
        self.settings = settings_for(
            database_url,
            self.platform.url,
            outbox={"lease_s": 2, "first_retry_s": 0.2},
            reminders={"quiet_hours": "00:00-00:00"},
        )
        self.application = Application(settings=self.settings, clock=self.clock, root=ROOT, folder=folder)
        upgrade(self.application.database, ROOT)
        self.dispatcher = self.application.dispatcher(ORDINARY_LANE)
        self.loops = [self.application.reaper, self.application.campaign_runner, self.dispatcher]
        self.simulator = Simulator(
            simulator_settings(self.settings, "http://127.0.0.1:9"), self.clock, Chance(self.clock)
        )
        self.platform.app = create_simulator_app(self.simulator)
        self.phones = [self.simulator.student(f"学生{n}", following=True) for n in range(TALKING + SILENT)]
        self.refill()
        people = [pupil(n, contact=phone.openid) for n, phone in enumerate(self.phones)]
        enrol(self.application.database, Profiles(self.application.cipher), people, self.clock.now())

    def refill(self) -> None:
        """Those who talk have just written, as far as both sides know; no month's mass send is used."""
        now = self.clock.now()
        window = Window(now + timedelta(hours=47), 5, 0)
        contacts = []
        for number, phone in enumerate(self.phones):
            talks = number < TALKING
            phone.window = ServiceWindow().message_came(now) if talks else ServiceWindow()
            contacts.append(Contact(phone.openid, "wechat", now, now, window=window if talks else Window()))
        with self.application.database.write() as session:
            save_contacts(session, contacts)

    def die(self, at: int | str, after: int) -> int | None:
        """A worker carries out what is due until it dies; its exit code."""
        plan = {
            "database": self.settings.database.url,
            "platform": self.platform.url,
            "folder": str(self.folder),
            "at": at,
            "after": after,
        }
        process = forked.start_ready(crashing.campaign, plan)
        process.join(60)
        return process.exitcode

    def recover(self, campaign: int) -> None:
        """A healthy worker takes over when the dead one's lease has run out."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for loop in self.loops:
                loop.tick()
            with self.application.database.read() as session:
                of_it = RecipientRecord.campaign_id == campaign
                left = of_it & RecipientRecord.state.in_(("waiting", "gathered", "queued"))
                total = session.scalar(select(func.count()).select_from(RecipientRecord).where(of_it))
                if total and not session.scalar(select(func.count()).select_from(RecipientRecord).where(left)):
                    return
            threading.Event().wait(0.1)
        raise AssertionError("rows are left open")

    def close(self) -> None:
        self.dispatcher.close()
        self.application.database.dispose()
        self.simulator.close()
        self.platform.close()


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(database_url, tmp_path / "var")
    yield made
    made.close()


@pytest.mark.timeout(400)
def test_kill_the_worker_anywhere_in_a_campaign(bench: Bench) -> None:
    died = 0
    for number, (at, after) in enumerate(POINTS):
        bench.refill()
        text = f"第{number}次通知"
        campaign = send(bench.application, text, use_mass=number < 3, urgent=True)
        died += bench.die(at, after) == -signal.SIGKILL
        bench.recover(campaign)
        with bench.application.database.read() as session:
            ledger = rows(session, campaign)
        assert len(ledger) == len({row.contact for row in ledger.values()}) == TALKING + SILENT, at
        for row in ledger.values():
            got = bench.simulator.students[row.contact].answers.count(text)
            if row.state == "held":
                assert got == 0, (at, row.person)
                continue
            assert row.state in ("sent", "delivered"), (at, row.person, row.state)
            assert got >= 1, (at, row.person)
            assert got == 1 or row.doubtful, (at, row.person)
    assert died == len(POINTS)
