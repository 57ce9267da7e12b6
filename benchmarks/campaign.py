"""20,000 personal messages: how fast beside a bare loop of requests, with alerts in between, and with workers killed.

    .venv/bin/python benchmarks/campaign.py                      20,000 students, both databases
    .venv/bin/python benchmarks/campaign.py --students 2000

The emulator answers each call after 50 ms. The bare loop sends the same messages with the same number of connections
and stores nothing. Then two workers share a campaign, each with half of the connections, while alerts enter; and in
another campaign, while students write, a worker or the web process is killed with SIGKILL twenty times. Afterwards the ledger must have a row for each
student, everybody the message, and whoever has it twice must be listed as doubtful.
"""

import argparse
import logging
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import psutil
import requests
from flask import request
from servers import ROOT, postgresql
from sqlalchemy import func, select
from support import crashing, forked
from support.school import enrol, pupil, send
from support.world import LoopbackServer, settings_for, simulator_settings

from bot.bootstrap import Application
from bot.broadcast.records import CampaignRecord, RecipientRecord
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, SystemClock
from bot.conversation.records import InboundRecord
from bot.logs import configure_logs
from bot.migrations import upgrade
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Priority
from bot.simulator.app import create_simulator_app
from bot.simulator.simulator import Simulator
from bot.simulator.window import ServiceWindow
from bot.staff.models import Role, Staff
from bot.students.contacts import Contact, save_contacts
from bot.students.profiles import Profiles
from bot.students.window import Window

ANSWER_S = 0.05
CONNECTIONS = 32
ALERT_EVERY_S = 1.0
KILLS = 20
MEMBERS = 20
STAFF = Staff("T1", "王老师", Role.ADMIN, wecom_userid="member0")


def settings(database_url: str, platform: str, connections: int) -> Any:
    return settings_for(
        database_url,
        platform,
        outbox={"concurrency": connections, "lease_s": 10},
        reminders={"quiet_hours": "00:00-00:00", "enabled": False},
    )


def work(plan: dict[str, Any], say: Any) -> None:
    """A worker of the product, until it is killed."""
    from support import warm  # noqa: PLC0415 - reads for seconds, once for all workers

    configure_logs("error")
    own = settings(plan["database"], plan["platform"], plan["connections"])
    worker = warm.application(own, Path(plan["folder"])).worker()
    worker.stop_on_signals()
    say("ready")
    worker.run()


def serve(plan: dict[str, Any], say: Any) -> None:
    """The web process of the product, until it is killed."""
    configure_logs("error")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    crashing.web(plan, say)


class School:
    """A platform that answers slowly, and so many students who have just written to it."""

    def __init__(self, database_url: str, folder: Path, students: int) -> None:
        self.clock = SystemClock()
        self.folder = folder
        self.students = students
        self.platform = LoopbackServer()
        self.settings = settings(database_url, self.platform.url, CONNECTIONS)
        self.application = Application(settings=self.settings, clock=self.clock, root=ROOT, folder=folder)
        upgrade(self.application.database, ROOT)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        callback = f"http://127.0.0.1:{self.port}"
        self.simulator = Simulator(simulator_settings(self.settings, callback), self.clock, Chance(self.clock))
        for number in range(MEMBERS):  # WeCom takes thirty messages a minute for one person
            self.simulator.add_member(f"member{number}")
        with self.application.database.write() as session:
            self.application.directory.replace_all(session, [STAFF])
        self.arrived: dict[str, float] = {}
        app = create_simulator_app(self.simulator)
        app.before_request(self._slow)
        self.platform.app = app
        self.phones = [self.simulator.student(f"学生{number}", following=True) for number in range(students)]
        people = [pupil(number, contact=phone.openid) for number, phone in enumerate(self.phones)]
        enrol(self.application.database, Profiles(self.application.cipher), people, self.clock.now())
        self.all_write()

    def _slow(self) -> None:
        data = request.get_data()
        at = data.find(b"ALERT-")
        if at >= 0:
            self.arrived.setdefault(data[at : at + 10].decode(), time.perf_counter())
        time.sleep(ANSWER_S)

    def all_write(self) -> None:
        """Every window is open, and nothing of it is used."""
        now = self.clock.now()
        window = Window(now + timedelta(hours=47), 5, 0)
        for phone in self.phones:
            phone.window = ServiceWindow().message_came(now)
        contacts = [Contact(phone.openid, "wechat", now, now, window=window) for phone in self.phones]
        with self.application.database.write() as session:
            save_contacts(session, contacts)

    def send(self, text: str) -> int:
        """An urgent campaign to everybody, approved by a second person; its number."""
        campaign = send(self.application, text, urgent=True)
        with self.application.database.write() as session:
            self.application.campaigns.approve(session, campaign, STAFF.staff_no)
        return campaign

    def start_web(self) -> ForkServerProcess:
        """The web process; the platform's callbacks go to it."""
        return forked.start_ready(serve, self._plan | {"port": self.port, "at": None})

    def start_worker(self) -> ForkServerProcess:
        """One of two workers, which share the connections."""
        return forked.start_ready(work, self._plan | {"connections": CONNECTIONS // 2})

    @property
    def _plan(self) -> dict[str, Any]:
        return {
            "database": self.settings.database.url,
            "platform": self.platform.url,
            "folder": str(self.folder),
        }

    def is_over(self, campaign: int) -> bool:
        of_it = select(func.count()).select_from(RecipientRecord).where(RecipientRecord.campaign_id == campaign)
        waiting = of_it.where(RecipientRecord.state.in_(("waiting", "gathered", "queued")))
        with self.application.database.read() as session:
            has_begun = session.get_one(CampaignRecord, campaign).started_at is not None
            return has_begun and session.scalar(waiting) == 0

    def raise_alert(self, number: int) -> tuple[str, float]:
        key = f"ALERT-{number:04d}"
        message = OutboundMessage(Source.WECOM, f"member{number % MEMBERS}", TextContent(key))
        with self.application.database.write() as session:
            self.application.outbox.enqueue(session, message, priority=Priority.SAFETY, subject="bench")
        return key, time.perf_counter()

    def close(self) -> None:
        self.application.database.dispose()
        self.simulator.close()
        self.platform.close()


def bare(school: School) -> float:
    """Messages a second of a loop that only sends, by as many connections."""
    address = f"{school.settings.wechat.api_base_url}/cgi-bin/message/custom/send"
    token = requests.get(
        f"{school.settings.wechat.api_base_url}/cgi-bin/token",
        params={
            "grant_type": "client_credential",
            "appid": school.settings.wechat.app_id,
            "secret": school.settings.wechat.app_secret.get_secret_value(),
        },
        timeout=5,
    ).json()["access_token"]
    mine = threading.local()
    phones = school.phones[: max(200, school.students // 5)]

    def post(openid: str) -> int:
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
        body = f'{{"touser": "{openid}", "msgtype": "text", "text": {{"content": "通知"}}}}'.encode()
        answer = mine.session.post(address, params={"access_token": token}, data=body, timeout=5)
        return int(answer.json()["errcode"])

    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        codes = Counter(pool.map(post, [phone.openid for phone in phones]))
    assert codes == {0: len(phones)}, codes
    return len(phones) / (time.perf_counter() - start)


def throughput(name: str, school: School) -> None:
    """A campaign by two workers, alerts in between."""
    before = bare(school)
    school.all_write()
    workers = [school.start_worker() for _ in range(2)]
    campaign = school.send("明天上午九点发毕业证")
    start = time.perf_counter()
    alerts: dict[str, float] = {}
    memory: list[float] = []
    while not school.is_over(campaign):
        key, at = school.raise_alert(len(alerts))
        alerts[key] = at
        memory.append(max(psutil.Process(one.pid).memory_info().rss for one in workers) / 2**20)
        time.sleep(ALERT_EVERY_S)
    seconds = time.perf_counter() - start
    time.sleep(2)
    for one in workers:
        one.terminate()
        one.join(30)
    school.all_write()
    after = bare(school)
    rate, loop = school.students / seconds, statistics.mean((before, after))
    waits = sorted((school.arrived[key] - at) * 1e3 for key, at in alerts.items() if key in school.arrived)
    print(
        f"{name:10} {school.students} in {seconds:.0f} s: {rate:.0f}/s, {rate / loop:.2f} of the bare loop ({loop:.0f}/s)\n"
        f"{'':10} alerts meanwhile: {len(waits)} of {len(alerts)} arrived, p50 {waits[len(waits) // 2]:.0f} ms,"
        f" p99 {waits[int(len(waits) * 0.99) - 1]:.0f} ms\n"
        f"{'':10} a worker's memory: {memory[len(memory) // 10]:.0f} MB at the start, {memory[-1]:.0f} MB at the end"
    )
    verify(school, campaign, "明天上午九点发毕业证")


class Chat(threading.Thread):
    """Students who write while the campaign runs; the platform tries each message three times."""

    def __init__(self, school: School, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.school, self.chance = school, chance
        self.over = threading.Event()
        self.written: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    def run(self) -> None:
        while not self.over.wait(0.2):
            phone = self.chance.choice(self.school.phones)
            self.written[phone.openid] += 1
            self.answered[phone.openid] += phone.writes("档案怎么转").status == "answered"

    def verify(self) -> None:
        """What was answered is stored once, and nothing is stored twice."""
        with self.school.application.database.read() as session:
            query = select(InboundRecord.contact, func.count()).group_by(InboundRecord.contact)
            stored = Counter(dict(session.execute(query).tuples().all()))
        for openid, count in self.written.items():
            assert self.answered[openid] <= stored[openid] <= count, openid
        print(f"{'':10} students wrote {self.written.total()} times meanwhile, {self.answered.total()} were answered")


def kills(name: str, school: School, chance: random.Random) -> None:
    """The same with a worker or the web process killed every now and then, twenty times."""
    school.all_write()
    text = "宿舍今晚检修电路"
    web = school.start_web()
    workers = [school.start_worker() for _ in range(2)]
    chat = Chat(school, chance)
    chat.start()
    campaign = school.send(text)
    pause = school.students / 250 / KILLS
    killed: Counter[str] = Counter()
    while not school.is_over(campaign):
        if killed.total() < KILLS:
            time.sleep(chance.uniform(0.5, 1.5) * pause)
            if killed.total() % 4 == 3:
                web.kill()
                web.join()
                killed["web"] += 1
                web = school.start_web()
                continue
            doomed = workers.pop(chance.randrange(2))
            doomed.kill()
            doomed.join()
            killed["worker"] += 1
            workers.append(school.start_worker())
        else:
            time.sleep(0.5)
    chat.over.set()
    chat.join(20)
    for one in (*workers, web):
        one.terminate()
        one.join(30)
    print(f"{name:10} killed before the end: {dict(killed)}")
    chat.verify()
    verify(school, campaign, text)


def verify(school: School, campaign: int, text: str) -> None:
    """Rows = audience, nobody without it, doubles only where listed."""
    got = {phone.openid: sum(bubble.text == text for bubble in phone.bubbles) for phone in school.phones}
    with school.application.database.read() as session:
        of_it = RecipientRecord.campaign_id == campaign
        ledger = session.scalars(select(RecipientRecord.contact).where(of_it)).all()
        sent = session.scalar(
            select(func.count()).select_from(RecipientRecord).where(of_it, RecipientRecord.state == "sent")
        )
        doubtful = set(
            session.scalars(
                select(DeliveryRecord.recipient).where(
                    DeliveryRecord.subject == f"campaign:{campaign}", DeliveryRecord.doubtful
                )
            )
        )
    twice = {openid for openid, count in got.items() if count > 1}
    lost = [openid for openid, count in got.items() if count == 0]
    assert sorted(ledger) == sorted(got), "a row too many or too few"
    assert not lost, f"{len(lost)} have nothing"
    assert twice <= doubtful, f"{len(twice - doubtful)} have it twice and are not listed"
    print(
        f"{'':10} {len(ledger)} rows, {sent} sent, lost {len(lost)}, twice {len(twice)},"
        f" listed as doubtful {len(doubtful)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    configure_logs("error")
    folder = Path(tempfile.mkdtemp(prefix="lixiao-bench-"))
    print(f"the platform answers in {ANSWER_S * 1e3:.0f} ms; {CONNECTIONS} connections")
    with postgresql() as server:
        for name, url in (("SQLite", f"sqlite:///{folder / 'campaign.db'}"), ("PostgreSQL", server)):
            school = School(url, folder / name, arguments.students)
            throughput(name, school)
            kills(name, school, random.Random(arguments.seed))
            school.close()


if __name__ == "__main__":
    main()
