"""Who watches the watchman: late alerts, dead workers and stuck loops are noticed, past the outbox, on both databases."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import Update, update
from support.relays import Gateway, Mailbox, http_gateway, mail_server
from support.world import ROOT, World, settings_for

from bot.beats import LOOP, BeatRecord, find_beats
from bot.bootstrap import Application
from bot.clock import FakeClock
from bot.db import Database
from bot.escalation.records import AlertRecord
from bot.staff.models import Role, Staff

GOODBYE = "东西都送人了，今晚天台见"


@pytest.fixture
def heartbeat() -> Iterator[Gateway]:
    with http_gateway() as made:
        yield made


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def world(build_world: Callable[..., World], heartbeat: Gateway, mailbox: Mailbox) -> World:
    return build_world(
        escalation={"heartbeat_url": f"{heartbeat.url}/beat"},
        email={"host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": "lixiao@example.edu"},
        audit={"alarm_emails": ("it@example.edu",)},
    )


def worry(world: World) -> None:
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")


def works(world: World) -> None:
    """A worker is there, as far as the database knows."""
    world.application.worker()._first_beat()


def make_late(world: World) -> None:
    """An alert whose step was due long ago: as if the engine had a bug."""
    with world.application.database.write() as session:
        session.execute(update(AlertRecord).values(next_notice_at=world.clock.now() - timedelta(seconds=90)))


def test_the_heartbeat_beats_as_long_as_all_is_well(world: World, heartbeat: Gateway, mailbox: Mailbox) -> None:
    works(world)
    worry(world)
    world.tick()
    before = len(heartbeat.calls)
    assert world.application.auditor.audit() == []
    assert len(heartbeat.calls) == before + 1
    assert mailbox.mails == []


def test_a_late_alert_stops_the_heartbeat_and_calls_the_operators(
    world: World, heartbeat: Gateway, mailbox: Mailbox
) -> None:
    works(world)
    worry(world)
    world.tick()
    make_late(world)
    before = len(heartbeat.calls)
    for _ in range(2):
        assert [fault.word for fault in world.application.auditor.audit()] == ["late"]
    assert len(heartbeat.calls) == before
    assert mailbox.recipients == ["it@example.edu"], "once in ten minutes"
    assert "A1 该通知却没有通知" in mailbox.mails[0].get_content()
    assert GOODBYE[:3] not in mailbox.mails[0].get_content()
    world.phone("群").expects(text="报警")
    world.clock.advance(timedelta(minutes=10))
    works(world)
    world.application.auditor.audit()
    assert len(mailbox.mails) == 2


def test_a_fault_that_is_put_right_at_once_is_no_alarm(world: World, heartbeat: Gateway, mailbox: Mailbox) -> None:
    """A worker comes back after an hour: it is late, and in the next moment it is not."""
    worry(world)
    world.clock.advance(timedelta(hours=1))
    auditor = world.application.auditor
    before = len(heartbeat.calls)
    auditor.tick()
    assert (len(heartbeat.calls), mailbox.mails) == (before, [])
    world.tick()
    world.clock.advance(timedelta(seconds=30))
    auditor.tick()
    assert len(heartbeat.calls) > before
    assert mailbox.mails == []


def test_a_fault_that_lasts_is_one(world: World, mailbox: Mailbox) -> None:
    worry(world)
    world.clock.advance(timedelta(minutes=2))
    for _ in range(2):
        world.application.auditor.tick()
        world.clock.advance(timedelta(seconds=30))
    assert len(mailbox.mails) == 1


def test_without_any_way_the_alarm_does_not_break_the_audit(build_world: Callable[..., World]) -> None:
    world = build_world(wecom={"robot_webhooks": ()})
    assert [str(fault) for fault in world.application.auditor.audit()] == ["worker: has never run (flask worker)"]


def test_readyz_and_metrics_tell_it_too(world: World) -> None:
    works(world)
    assert requests.get(f"{world.bot_url}/readyz", timeout=5).status_code == 200
    worry(world)
    world.tick()
    make_late(world)
    answer = requests.get(f"{world.bot_url}/readyz", timeout=5)
    assert (answer.status_code, answer.json()["faults"]) == (503, ["alert A1: late for 90 s"])
    text = requests.get(f"{world.bot_url}/metrics", timeout=5).text
    assert "lixiao_audit_faults 1.0" in text
    assert 'lixiao_loop_silence_seconds{loop="escalation"} 0.0' in text


def test_an_alert_that_reaches_nobody_is_in_readyz_and_metrics(build_world: Callable[..., World]) -> None:
    world = build_world(wecom={"robot_webhooks": ()})
    with world.application.database.write() as session:
        world.application.directory.replace_all(session, [Staff("T9", "无法联系", Role.COUNSELOR)])
    works(world)
    worry(world)
    world.tick()
    answer = requests.get(f"{world.bot_url}/readyz", timeout=5)
    assert answer.json()["faults"] == ["alert A1: nobody can be reached"]
    assert "lixiao_unreached_alerts 1.0" in requests.get(f"{world.bot_url}/metrics", timeout=5).text


@contextmanager
def worker_process(
    database_url: str, folder: Path, heartbeat: Gateway, *, hangs: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    plan = {"database": database_url, "platform": "http://127.0.0.1:9", "folder": str(folder), "heartbeat": heartbeat.url, "hangs": hangs}  # fmt: skip
    environment = {**os.environ, "AUDITING_PLAN": json.dumps(plan), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "support.auditing"], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"ready")
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_until(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def update_beat(name: str, at: datetime) -> Update:
    return update(BeatRecord).where(BeatRecord.name == name).values(at=at)


def later(database_url: str, folder: Path, heartbeat: Gateway, by: timedelta) -> Application:
    """The same school as another process sees it, some time from now."""
    settings = settings_for(database_url, "http://127.0.0.1:9", escalation={"heartbeat_url": heartbeat.url})
    return Application(settings=settings, clock=FakeClock(datetime.now(UTC) + by), root=ROOT, folder=folder)  # noqa: TID251 - the worker process has the machine's clock


def test_kill_the_worker_and_the_heartbeat_stops(
    database: Database, database_url: str, tmp_path: Path, heartbeat: Gateway
) -> None:
    with worker_process(database_url, tmp_path, heartbeat) as process:
        wait_until(lambda: bool(heartbeat.calls))
        process.kill()
        process.wait()
        beats = len(heartbeat.calls)
        application = later(database_url, tmp_path, heartbeat, timedelta(seconds=40))
        assert [fault.about for fault in application.auditor.audit()] == ["worker"]
        assert len(heartbeat.calls) == beats
        application.database.dispose()


def test_a_stuck_loop_of_a_living_worker_is_seen(
    database: Database, database_url: str, tmp_path: Path, heartbeat: Gateway
) -> None:
    with worker_process(database_url, tmp_path, heartbeat, hangs="escalation"):

        def seen() -> dict[str, datetime]:
            with database.read() as session:
                return find_beats(session)

        wait_until(lambda: LOOP + "reaper" in seen())
        first = seen()
        wait_until(lambda: seen()[LOOP + "reaper"] > first[LOOP + "reaper"])
        assert seen()[LOOP + "escalation"] == first[LOOP + "escalation"]
        stuck_since = first[LOOP + "escalation"]
        application = later(database_url, tmp_path, heartbeat, timedelta())
        application.clock.advance(stuck_since + timedelta(seconds=100) - application.clock.now())  # type: ignore[attr-defined]
        with database.write() as session:  # the others go on until then
            others = {name: application.clock.now() for name in ("reaper", "auditor")}
            for name, at in others.items():
                session.execute(update_beat(LOOP + name, at))
            session.execute(update_beat("worker", application.clock.now()))
        assert "loop escalation" in [fault.about for fault in application.auditor.look()]
        assert "loop reaper" not in [fault.about for fault in application.auditor.look()]
        application.database.dispose()
