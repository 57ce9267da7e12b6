"""Whatever is switched on and whatever fails: words of distress are stored as an alert, and the counselors are told."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, make_url, select
from support.packs import edit, write_pack
from support.world import StudentPhone, World

from bot.conversation.records import ConversationRecord
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.maintenance import switch_on
from bot.outbox import store
from bot.outbox.dispatcher import SAFETY_LANE
from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from bot.staff.records import StaffRecord
from bot.students.records import StudentRecord
from handlers.routers import ROUTERS
from knowledge.living import LivingBase

GOODBYE = "东西都送人了，今晚天台见"
HEAVY = "最近好绝望"
QUESTION = "档案怎么转"


def planted(*_: object, **__: object) -> Any:
    message = "planted"
    raise RuntimeError(message)


def everybody_is_told(world: World, student: StudentPhone, card: str = "红色 A1") -> None:
    """There is one alert, it is the student's, each counselor has its card once, and its log names no student."""
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card=card)
        assert world.phone(name).unread() == []
    with world.application.database.read() as session:
        alert = session.scalars(select(AlertRecord)).one()
        assert (alert.contact, alert.message_count) == (student.chat.openid, 1)
        log = session.scalars(select(AlertLogRecord)).all()
    assert {"triggered", "notified"} <= {one.event for one in log}
    assert student.chat.openid not in str([(one.actor, one.detail) for one in log])


def take_over(world: World) -> None:
    with world.application.database.write() as session:
        session.scalars(select(ConversationRecord)).one().taken_over_by = "T1"


def maintain(world: World) -> None:
    with world.application.database.write() as session:
        switch_on(session, now=world.clock.now())
    world.advance(seconds=3, step=timedelta(seconds=3))


def flood(world: World) -> None:
    student = world.student("李同学")
    for _ in range(4):
        student.writes("在吗")
    student.read += len(student.unread())


SWITCHES: dict[str, tuple[Callable[[World], None], ...]] = {
    "flood": (flood,),
    "takeover": (take_over,),
    "maintenance": (maintain,),
    "all of them": (maintain, flood, take_over),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_no_switch_stands_in_the_way(build_world: Callable[..., World], name: str) -> None:
    world = build_world(limits={"messages_per_minute": 1})
    student = world.student("李同学")
    for switch in SWITCHES[name]:
        switch(world)
    student.writes(GOODBYE)
    student.expects("谢谢你告诉我", "120")
    everybody_is_told(world, student)


def test_wechat_down_costs_no_alert_and_no_reply(world: World) -> None:
    """The reply goes with the callback; the cards go by WeCom."""
    student = world.student("李同学")
    world.simulator.faults.add("wechat", http_status=502, times=None)
    student.writes(GOODBYE)
    student.expects("谢谢你告诉我", "120")
    everybody_is_told(world, student)


def test_a_folder_with_faults_serves_what_was_good_and_hears_everything(world: World, tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack")
    living = LivingBase(folder, cache_folder=tmp_path / "cache")
    edit(folder, "title:", "titel:")
    living.look()
    living.look()
    assert living.faults
    world.application.knowledge.base = living.current()  # a StandingBase
    world.application.knowledge.faults = living.faults
    living.close()
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("谢谢你告诉我", "120")
    everybody_is_told(world, student)


class _BrokenBase:
    ask = staticmethod(planted)
    school = None


@pytest.mark.parametrize(("words", "level"), [(GOODBYE, "red"), (HEAVY, "yellow")])
def test_knowledge_that_raises_costs_an_answer_and_never_an_alert(world: World, words: str, level: str) -> None:
    student = world.student("李同学")
    whole = world.application.knowledge.current()
    world.application.knowledge.base = _BrokenBase()  # a StandingBase
    student.writes(QUESTION)
    student.expects("没能答上来")
    student.writes(words)
    assert "没能答上来" not in student.expects("我是程序")
    world.application.knowledge.base = whole  # reminders look at its calendar
    with world.application.database.read() as session:
        assert session.scalars(select(AlertRecord.level)).all() == [level]
    if level == "red":
        everybody_is_told(world, student)


def test_a_bug_in_every_handler_costs_no_alert_of_any_level(build_world: Callable[..., World]) -> None:
    def broken(turn: Turn, _services: Services) -> Reply | None:
        return planted() if turn.words else None

    world = build_world(handlers=(broken, *ROUTERS))
    heavy, student = world.student("王同学"), world.student("李同学")
    heavy.writes(HEAVY)
    heavy.expects("我是程序")
    student.writes(GOODBYE)
    student.expects("谢谢你告诉我", "120")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A")
    with world.application.database.read() as session:
        assert sorted(session.scalars(select(AlertRecord.level))) == ["red", "yellow"]
    world.no_other_messages()


@pytest.mark.parametrize(("words", "part"), [("我走了，别找我", "120"), (QUESTION, "接收单位")])
def test_an_assessment_that_raises_is_an_alert_whatever_was_written(world: World, words: str, part: str) -> None:
    student = world.student("李同学")
    world.application.assess._judge = planted  # the lexicon's own bug
    student.writes(words)
    student.expects(part)
    everybody_is_told(world, student, card="橙色 A1")


def test_a_slow_database_is_not_waited_for_and_the_alert_follows(build_world: Callable[..., World]) -> None:
    """The platform hears `success` in time; alert, cards and reply come once when the statements go through."""
    world = build_world(limits={"answer_within_s": 2})
    student = world.student("李同学")
    gate = threading.Event()

    def slow(*_: object) -> None:
        gate.wait(20)

    engine = world.application.database.engine
    event.listen(engine, "before_cursor_execute", slow)
    done = student.writes(GOODBYE)
    assert (done.status, done.tries) == ("empty", 1)
    assert world.application.spool.waiting() == 1
    gate.set()
    event.remove(engine, "before_cursor_execute", slow)
    everybody_is_told(world, student)
    student.expects("谢谢你告诉我", "120")
    assert world.application.spool.waiting() == 0
    world.no_other_messages()


LOCKS = {
    "sqlite": "import sqlite3; c = sqlite3.connect({place!r}, isolation_level=None); c.execute('BEGIN IMMEDIATE')",
    "postgresql": "import psycopg; c = psycopg.connect({place!r}); c.execute('LOCK TABLE conversations, alerts')",
}


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Another process holds the database's lock."""
    url = make_url(database_url)
    kind = url.get_backend_name()
    place = url.database if kind == "sqlite" else url.set(drivername="postgresql").render_as_string(hide_password=False)
    program = f"{LOCKS[kind].format(place=place)}; print('locked', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            process.kill()


def test_a_database_locked_by_another_process_only_delays_the_alert(
    build_world: Callable[..., World], database_url: str
) -> None:
    world = build_world(limits={"answer_within_s": 2})
    student = world.student("李同学")
    with locked(database_url):
        done = student.writes(GOODBYE)
        assert (done.status, done.tries) == ("empty", 1)
        assert world.application.spool.waiting() == 1
    everybody_is_told(world, student)
    student.expects("谢谢你告诉我", "120")
    world.no_other_messages()


def test_a_dispatcher_that_dies_with_the_cards_in_hand_is_replaced(world: World) -> None:
    """It has claimed them and sent nothing; when its lease has run out, another one sends each of them once."""
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("120")
    now = world.clock.now()
    with world.application.database.write() as session:
        claimed = store.claim(
            session,
            owner="dead",
            priorities=SAFETY_LANE,
            limit=10,
            now=now,
            lease_until=now + timedelta(seconds=world.application.settings.outbox.lease_s),
        )
    assert len(claimed) == 2
    world.tick()
    assert world.phone("王老师").unread() == world.phone("刘老师").unread() == []
    world.advance(seconds=70, step=timedelta(seconds=10))
    everybody_is_told(world, student)


def test_names_that_no_key_opens_cost_no_alert(world: World) -> None:
    """A data key was taken out too early: the counselors are told by userid, and read a number for a name."""
    student = world.student("李同学", college="体育教育学院")
    with world.application.database.write() as session:
        for person in session.scalars(select(StaffRecord)):
            person.name = person.phone = person.email = b"sealed with another key"
        session.scalars(select(StudentRecord)).one().name = b"sealed with another key"
    student.writes(GOODBYE)
    student.expects("谢谢你告诉我", "120")
    world.tick()
    for name in ("王老师", "刘老师"):
        assert "学号 S001" in str(world.phone(name).expects(card="红色 A1").card)
