"""A whole season against the platform's limits: the product itself, over HTTP, with the clock moved by hand.

    .venv/bin/python benchmarks/season.py                       1,000 students, 60 days: some five minutes
    .venv/bin/python benchmarks/season.py --students 10000      some forty minutes

Students write, fall silent, leave and come back; all reminders of the shipped season go out, and six campaigns, two
urgent ones among them, each ten minutes after its forecast. The emulator enforces the window of 48 hours and its
count, the day's and the month's limits, and answers 43004 for who does not follow. Afterwards nothing was refused for
window, count or quota; everybody of every audience has the message or is listed with a reason; the forecast was right
within one in a hundred; and neither the database nor the log has a name, a phone or words in the clear.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from sqlalchemy import func, select
from support.school import enrol, send
from support.world import STAFF, ZONE, World, open_world

import knowledge as packaged
from bot.broadcast.models import Draft
from bot.broadcast.reading import read_segment
from bot.broadcast.records import CampaignRecord, RecipientRecord
from bot.clock import FakeClock
from bot.logs import configure_logs
from bot.outbox.records import DeliveryRecord
from bot.reminders.records import ReminderGivenRecord, ReminderRunRecord
from bot.staff.models import Role, Staff
from bot.students.contacts import Contact, save_contacts
from bot.students.models import Student

START = datetime(2027, 5, 1, tzinfo=ZONE)
DAYS = 60
LEAVING = date(2027, 6, 25)
APPROVER = Staff("T9", "赵老师", Role.ADMIN, wecom_userid="zhao")
TEMPLATES = {"notice": {"id": "TPL-1", "fields": {"thing1": "{title}", "thing2": "{text}", "time3": "{date}"}}}
LIMITS = {45015, 45047, 45009, 45011, 45028, 45045}
"""Window, count, day, minute, a student's month: what a planner must never run into."""
LOST_EVENTS = 0.05
"""The share of unfollow events that never reach us."""
SECRET = "司徒"
"""In every name; and these in every message."""
WORDS = "我悄悄问一句"
NOTICE = "这是只给毕业生看的通知"
CAMPAIGNS = {
    4: (False, True),
    13: (False, False),
    22: (True, True),
    31: (False, False),
    40: (False, False),
    50: (True, False),
}
"""Day → urgent, with a template."""
QUESTIONS = ("档案怎么转", "户口要迁走吗", "什么时候发毕业证", "好的谢谢", "退宿要带什么")
COLOURS = {"window": "#4c78a8", "template": "#f58518", "mass": "#54a24b", "with an answer": "#b279a2"}


@dataclass
class Person:
    """A student's phone and habits."""

    chat: Any
    activity: float


@dataclass
class Season:
    """The days of one season, and what was counted."""

    world: World
    chance: random.Random
    people: list[Person]
    refused: Counter = field(default_factory=Counter)
    forecasts: list[dict] = field(default_factory=list)
    days: list[dict] = field(default_factory=list)
    reminders: dict = field(default_factory=dict)
    writes: int = 0
    silent: set = field(default_factory=set)

    def run(self, days: int) -> None:
        for day in range(days):
            for hour in range(24):
                self.world.go_to(START + timedelta(days=day, hours=hour))
                self._live(hour)
                if hour == 11 and day in CAMPAIGNS:
                    self._campaign(day, *CAMPAIGNS[day])
            self.days.append({"day": day, **self._sent_by_way()})

    def tick(self) -> None:
        """Everything that is due is done, however much it is."""
        while any(loop.ticker.tick().done for loop in self.world.application.loops):
            pass
        self.world.simulator.settle()

    def _live(self, hour: int) -> None:
        awake = 0.2 if hour < 7 else 1.0
        for one in self.people:
            draw = self.chance.random()
            if one.chat.following and draw < one.activity * awake / 60:
                self.writes += 1
                one.chat.writes(f"{WORDS}，{self.chance.choice(QUESTIONS)}")
            elif one.chat.following and draw > 1 - 0.00008:
                self._leaves(one)
            elif not one.chat.following and draw > 1 - 0.0004:
                one.chat.follow()

    def _leaves(self, one: Person) -> None:
        if self.chance.random() < LOST_EVENTS:
            one.chat.following = False
        else:
            one.chat.unfollow()

    def _campaign(self, day: int, urgent: bool, template: bool) -> None:
        application = self.world.application
        text = f"{NOTICE}，第 {day} 天。"
        more: dict[str, Any] = {"template": "notice", "title": "毕业通知"} if template else {}
        draft = Draft(text=text, segment=read_segment(""), author="测试", urgent=urgent, **more)
        with application.database.read() as session:
            said = application.campaigns.reckoning.forecast(session, draft)
        self.world.clock.advance(timedelta(minutes=10))  # until the second person has approved it
        self._live(11)
        campaign = send(application, text, urgent=urgent, **more)
        with application.database.write() as session:
            application.campaigns.approve(session, campaign, APPROVER.staff_no)
        self.tick()
        with application.database.read() as session:
            ledger = session.scalars(select(RecipientRecord).where(RecipientRecord.campaign_id == campaign)).all()
            audience = session.get_one(CampaignRecord, campaign).audience
        came = Counter(row.way for row in ledger if row.state in ("sent", "delivered"))
        states = Counter(row.state for row in ledger)
        assert len(ledger) == audience >= len(self.people)  # those on the list, and followers whom nobody knows
        assert not states.keys() - {"sent", "delivered", "held", "unreachable", "failed"}, states
        assert all(row.reason for row in ledger if row.state in ("unreachable", "failed"))
        told = {way.value: count for way, count in said.via.items() if count}
        gaps = [told.get(way, 0) - came[way] for way in told.keys() | came.keys()]
        gaps += [sum(said.held.values()) - states["held"], sum(said.unreachable.values()) - states["unreachable"]]
        self._check_phones(ledger, text, "毕业通知" if template else text)
        self.forecasts.append(
            {
                "day": day,
                "urgent": urgent,
                "said": told | {"held": sum(said.held.values()), "unreachable": sum(said.unreachable.values())},
                "came": dict(came) | dict(states),
                "off": round(max(map(abs, gaps)) / audience, 5),
            }
        )

    def _check_phones(self, ledger: Any, text: str, title: str) -> None:
        phones = {one.chat.openid: one.chat for one in self.people}
        for row in ledger:
            if row.state in ("sent", "delivered"):
                shown = [bubble.text for bubble in phones[row.contact].bubbles[-6:]]
                came = any(text in one or title in one for one in shown)
                counted = row.way == "mass" and "/" in row.reason  # the platform says how many, and names nobody
                assert came or counted, (row.way, row.contact, shown)

    def _sent_by_way(self) -> dict[str, int]:
        day_ago = self.world.clock.now() - timedelta(hours=24)
        query = (
            select(DeliveryRecord.channel, DeliveryRecord.holdable, DeliveryRecord.attempts, func.count())
            .where(DeliveryRecord.settled_at > day_ago, DeliveryRecord.state.in_(("sent", "delivered")))
            .group_by(DeliveryRecord.channel, DeliveryRecord.holdable, DeliveryRecord.attempts)
        )
        ways: Counter = Counter()
        with self.world.application.database.read() as session:
            for channel, _, attempts, count in session.execute(query):
                name = {"wechat": "window"}.get(channel, channel)
                ways["with an answer" if channel == "wechat" and not attempts else name] += count
            mass = select(func.count()).select_from(RecipientRecord)
            ways["mass"] = (
                session.scalar(mass.where(RecipientRecord.way == "mass", RecipientRecord.settled_at > day_ago)) or 0
            )
        return {way: ways[way] for way in COLOURS}


def plot(series: list[dict], path: Path) -> None:
    """Messages a day by way, as a small SVG that needs no library."""
    words = {"window": "48 小时窗口", "template": "模板消息", "mass": "群发接口", "with an answer": "随回答给出"}
    most = max([1, *(sum(day[way] for way in COLOURS) for day in series)])
    bars = []
    for day in series:
        top = 220.0
        for way, colour in COLOURS.items():
            height = 200 * day[way] / most
            top -= height
            bars.append(
                f'<rect x="{40 + day["day"] * 9}" y="{top:.1f}" width="8" height="{height:.1f}" fill="{colour}"/>'
            )
    keys = [
        f'<rect x="{40 + 130 * n}" y="245" width="10" height="10" fill="{colour}"/>'
        f'<text x="{54 + 130 * n}" y="254">{words[way]}</text>'
        for n, (way, colour) in enumerate(COLOURS.items())
    ]
    width = 60 + 9 * len(series)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(width, 580)} 265" font-family="sans-serif"'
        f' font-size="11"><text x="4" y="14">每天送出的条数，最多一天 {most:,}</text>{"".join(bars)}'
        f'<line x1="38" y1="220" x2="{width}" y2="220" stroke="#888"/>{"".join(keys)}</svg>\n',
        encoding="utf-8",
    )


def begin(world: World, students: int, chance: random.Random) -> Season:
    """Everybody is on the list; nearly all follow, and of those nearly all are bound."""
    people = [
        Person(world.simulator.add_student(f"学生{number}"), chance.choice([0.0, 0.01, 0.03, 0.1, 0.3]))
        for number in range(students)
    ]
    now = world.clock.now()
    enrolled, contacts = [], []
    for number, one in enumerate(people):
        follows = chance.random() < 0.93
        bound = follows and chance.random() < 0.96
        if follows:
            one.chat.start_following()
            contacts.append(Contact(one.chat.openid, "wechat", now, now))
        contact = one.chat.openid if bound else ""
        enrolled.append(
            Student(f"{number:06}", f"{SECRET}{number}", "体育教育学院", phone=f"1380{number:07}", contact=contact)
        )
    application = world.application
    with application.database.write() as session:
        save_contacts(session, contacts)
    enrol(application.database, application.profiles, enrolled, now)
    application.__dict__["key_days"] = {"leaving_day": LEAVING}  # the knowledge leaves it blank: it is the school's
    application.__dict__.pop("reminders")  # made with the blank
    season = Season(world, chance, people)
    world.tick = lambda **_: season.tick()  # type: ignore[method-assign]
    return season


def leaks(folder: Path, students: int) -> list[str]:
    """What should be nowhere in the clear, and is."""
    phone = f"1380{students - 1:07}"
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        found += [f"{path.name}: {one}" for one in (SECRET, WORDS, NOTICE, phone) if one.encode() in data]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lixiao-season-"))
    began = time.perf_counter()
    with (folder / "log").open("w", encoding="utf-8") as log:
        terminal, sys.stderr = sys.stderr, log
        configure_logs("info")
        try:
            season = simulate(folder, arguments)
        finally:
            sys.stderr = terminal
    in_the_clear = leaks(folder, arguments.students)
    result = {
        "students": arguments.students,
        "days": arguments.days,
        "messages of students": season.writes,
        "refused": {str(code): count for code, count in season.refused.items()},
        "campaigns": season.forecasts,
        "in the clear": in_the_clear,
        "seconds": round(time.perf_counter() - began),
    }
    print(json.dumps(result | {"reminders": season.reminders}, ensure_ascii=False, indent=1))
    if arguments.plot:
        plot(season.days, arguments.plot)
    assert not season.refused.keys() & LIMITS, season.refused
    assert all(one["off"] <= 0.01 for one in season.forecasts), "a forecast was wrong by more than one in a hundred"
    assert not in_the_clear, in_the_clear
    assert arguments.days < DAYS or not season.silent, f"never went out: {season.silent}"


def simulate(folder: Path, arguments: argparse.Namespace) -> Season:
    """The season, carried through and checked."""
    chance = random.Random(arguments.seed)
    sections = {
        "broadcast": {"templates": TEMPLATES},
        "staff": (*STAFF, APPROVER),
        "outbox": {"concurrency": 16},
    }
    clock = FakeClock(START)
    with open_world(
        f"sqlite:///{folder / 'season.db'}", folder / "var", clock, packaged.open_base(), **sections
    ) as world:
        season = begin(world, arguments.students, chance)
        season.run(arguments.days)
        season.tick()
        season.refused.update(world.simulator.journal.refused())
        with world.application.database.read() as session:
            ran = session.scalars(select(ReminderRunRecord.series)).all()
            given = session.execute(
                select(ReminderGivenRecord.outcome, ReminderGivenRecord.reason, func.count()).group_by(
                    ReminderGivenRecord.outcome, ReminderGivenRecord.reason
                )
            ).all()
            states = session.execute(select(DeliveryRecord.state, func.count()).group_by(DeliveryRecord.state)).all()
        dated = {one.key for one in world.application.season.series if len(one.steps) < len(one.rules)}
        season.silent.update(dated - set(ran))
        season.reminders.update(
            runs=len(ran),
            given={f"{outcome} {reason}".strip(): count for outcome, reason, count in given},
            deliveries={str(state): count for state, count in states},
        )
    return season


if __name__ == "__main__":
    main()
