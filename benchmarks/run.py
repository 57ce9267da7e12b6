"""`make bench`: the full path against a bare echo in the same run, alerts under a full queue, start, memory."""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from accounts import environment, write_requests
from servers import ROOT, THREADS, WORKERS, gunicorn, postgresql, workers_memory_mb, wrk
from sqlalchemy import func, insert, select
from support.world import LoopbackServer, settings_for, simulator_settings

from bot.bootstrap import Application
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, SystemClock
from bot.conversation.records import InboundRecord
from bot.db import Database
from bot.migrations import upgrade
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Priority
from bot.simulator.app import create_simulator_app
from bot.simulator.simulator import Simulator

SECONDS = 3
SLICES = 8
QUEUED = 20_000
ALERTS = 100


def main() -> None:
    if shutil.which("wrk") is None:
        raise SystemExit("没有 wrk：apt install wrk")
    folder = Path(tempfile.mkdtemp(prefix="lixiao-bench-"))
    print(
        f"gunicorn gthread, {WORKERS} workers x {THREADS} threads, wrk -c50, {SLICES} x {SECONDS} s each, sealed both ways"
    )
    with postgresql() as server:
        for name, url in (("SQLite", f"sqlite:///{folder / 'bench.db'}"), ("PostgreSQL", server)):
            throughput(name, url, folder)
        first_answer(folder)
        for name, url in (("SQLite", f"sqlite:///{folder / 'queue.db'}"), ("PostgreSQL", server)):
            alerts_under_load(name, url, folder)


def throughput(name: str, url: str, folder: Path) -> None:
    """The full path and the echo in turns: the machine's mood changes within seconds, and both have the same then."""
    database = Database(url)
    upgrade(database, ROOT)
    settings = environment(url, folder / "var")
    rates: dict[str, list[float]] = {"echo": [], "lixiao": []}
    worst: dict[str, dict[str, float]] = {}
    with gunicorn("app:create_app()", settings) as (ours, master), gunicorn("echo:create_app()", settings) as (echo, _):
        for number in range(-1, SLICES):  # the first of each is for warming up
            for what, address in (("echo", echo), ("lixiao", ours)):
                requests = folder / f"requests-{name}-{what}-{number}"
                write_requests(requests, 2_500 * SECONDS)
                one = wrk(address, requests, seconds=SECONDS)
                requests.unlink()
                if number >= 0:
                    rates[what].append(one["per_second"])
                    worst[what] = {key: max(value, worst.get(what, {}).get(key, 0)) for key, value in one.items()}
        memory, share = workers_memory_mb(master)
    for what, measured in rates.items():
        figures = worst[what]
        print(
            f"{name:10} {what:6} {statistics.mean(measured):6.0f}/s ({min(measured):.0f} to {max(measured):.0f}); the worst"
            f" slice: p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms, bad {figures['bad']:.0f}"
        )
    with database.read() as session:
        stored = session.scalar(select(func.count()).select_from(InboundRecord))
    database.dispose()
    ratios = [mine / bare for mine, bare in zip(rates["lixiao"], rates["echo"], strict=True)]
    print(
        f"{name:10} ratio {sum(rates['lixiao']) / sum(rates['echo']):.2f} of the echo (slices {min(ratios):.2f} to"
        f" {max(ratios):.2f}); {stored} messages stored; worker {memory:.0f} MB (its share {share:.0f})"
    )


def first_answer(folder: Path) -> None:
    """From the moment that the server is up: the first question of all."""
    url = f"sqlite:///{folder / 'first.db'}"
    database = Database(url)
    upgrade(database, ROOT)
    database.dispose()
    requests = folder / "first"
    write_requests(requests, 2)
    path, body = requests.read_text().splitlines()[1].split("\t")
    with gunicorn("app:create_app()", environment(url, folder / "var"), workers=1) as (address, _):
        started = time.perf_counter()
        with urllib.request.urlopen(f"{address}{path}", body.encode(), timeout=10) as answer:
            size = len(answer.read())
        print(f"first answer after boot: {(time.perf_counter() - started) * 1e3:.0f} ms ({size} bytes)")


def alerts_under_load(name: str, url: str, folder: Path) -> None:
    """Alerts enter while 20,000 ordinary deliveries wait; from the commit to the platform."""
    database = Database(url)
    upgrade(database, ROOT)
    database.dispose()
    platform = LoopbackServer()
    clock = SystemClock()
    settings = settings_for(url, platform.url)
    simulator = Simulator(simulator_settings(settings, "http://127.0.0.1:9"), clock, Chance(clock))
    simulator.room.strict = False
    for number in range(400):
        simulator.add_member(f"member{number}")
    arrived: dict[str, float] = {}
    app = create_simulator_app(simulator)

    @app.before_request
    def note() -> None:
        from flask import request  # noqa: PLC0415 - only here

        data = request.get_data()
        at = data.find(b"ALERT-")
        if at >= 0:
            arrived.setdefault(data[at : at + 10].decode(), time.perf_counter())

    platform.app = app
    var = folder / f"var-{name}"
    bot = Application(settings=settings, clock=clock, root=ROOT, folder=var)
    fill_queue(bot)
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"], cwd=ROOT, env=bench_environment(url, var, platform.url)
    )
    try:
        enqueued: dict[str, float] = {}
        while not simulator.journal.calls("wecom", "message/send"):
            time.sleep(0.1)
        for number in range(ALERTS):
            key = f"ALERT-{number:04d}"
            with bot.database.write() as session:
                message = OutboundMessage(Source.WECOM, f"member{number}", TextContent(key))
                bot.outbox.enqueue(session, message, priority=Priority.SAFETY, subject="bench")
            enqueued[key] = time.perf_counter()
            time.sleep(0.15)
        end = time.monotonic() + 20
        while len(arrived) < ALERTS and time.monotonic() < end:
            time.sleep(0.1)
        waits = sorted((arrived[key] - enqueued[key]) * 1e3 for key in enqueued if key in arrived)
        with bot.database.read() as session:
            waiting = session.scalar(
                select(func.count()).select_from(DeliveryRecord).where(DeliveryRecord.state == "pending")
            )
        print(
            f"{name:10} alert out: p50 {waits[len(waits) // 2]:.0f} ms  p99 {waits[int(len(waits) * 0.99) - 1]:.0f} ms"
            f"  {len(waits)} of {ALERTS} arrived, {waiting} ordinary deliveries still waiting"
        )
    finally:
        worker.terminate()
        worker.wait(30)
        bot.database.dispose()
        simulator.close()
        platform.close()


def bench_environment(url: str, var: Path, platform: str) -> dict[str, str]:
    settings = settings_for(url, platform)
    return environment(url, var, platform) | {
        "LIXIAO_WECOM__SECRET": settings.wecom.secret.get_secret_value(),
        "LIXIAO_WECOM__CORP_ID": settings.wecom.corp_id,
        "LIXIAO_REMINDERS__ENABLED": "false",
    }


def fill_queue(bot: Application) -> None:
    """20,000 ordinary messages, due now."""
    now = bot.clock.now()
    rows = []
    for number in range(QUEUED):
        delivery_id = bot.chance.new_id()
        rows.append({
            "id": delivery_id, "channel": "wecom", "recipient": f"member{100 + number % 300}", "subject": "bench",
            "priority": int(Priority.ORDINARY), "state": "pending",
            "content": bot.cipher.seal(f'{{"kind": "text", "text": "普通通知 {number}"}}', row=f"deliveries:{delivery_id}"),
            "dedup_key": None, "not_before": now, "expires_at": None, "holdable": False, "attempts": 0,
            "doubtful": False, "lease_owner": "", "code": "", "platform_id": "", "created_at": now,
        })  # fmt: skip
    with bot.database.write() as session:
        session.connection().execute(insert(DeliveryRecord.__table__), rows)


if __name__ == "__main__":
    main()
