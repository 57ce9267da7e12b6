"""`flask demo load` on both databases: every state is there, nothing leaves, and it never mixes with a real school."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select
from support.standing import StandingBase

import knowledge as packaged
from bot.beats import beat
from bot.bootstrap import Application
from bot.cli.demo import demo
from bot.clock import FakeClock
from bot.db import Database
from bot.demonstration.summary import summarise
from bot.development import DEMONSTRATION_STAFF
from bot.escalation.records import AlertLogRecord
from bot.outbox.records import DeliveryRecord
from bot.settings import Settings
from bot.staff.models import Role
from bot.students.importing import Listing
from bot.students.models import Student
from knowledge.base import KnowledgeBase

DATA_KEY = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4="
NOWHERE = "http://127.0.0.1:9/"  # nothing listens there: whatever would be sent fails
ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return packaged.open_base()


@pytest.fixture
def build(database: Database, clock: FakeClock, tmp_path: Path) -> Callable[..., Application]:
    """The real application of a development machine, with other settings or none."""

    def make(*, simulated: bool = True, **sections: dict[str, object]) -> Application:
        settings = Settings().with_values(
            security={"secret_key": "s" * 40, "data_keys": (DATA_KEY,)},
            wechat={"app_id": "wx0123456789abcdef", "api_base_url": NOWHERE},
            wecom={"corp_id": "ww0123456789abcdef", "api_base_url": NOWHERE, "robot_webhooks": (NOWHERE,)},
            escalation={"heartbeat_url": NOWHERE},
            **sections,
        )
        made = Application(settings=settings, clock=clock, root=ROOT, folder=tmp_path, simulated=simulated)
        made.__dict__["database"] = database
        return made

    return make


def runner(application: Application) -> Run:
    app = Flask(__name__)
    app.extensions["lixiao"] = application
    app.cli.add_command(demo)
    return lambda *options: app.test_cli_runner().invoke(args=["demo", "load", *options])


def enrol_somebody(application: Application) -> None:
    somebody = Student("2023001", "李同学", "体育教育学院")
    register = application.register
    register.apply(register.compare(Listing([somebody], frozenset({"学号", "姓名", "学院"}))))


def names(application: Application) -> set[str]:
    return {one.student_no for one in application.register.everybody()}


@pytest.mark.timeout(600)
def test_a_school_lives_through_a_week(build, database, clock, knowledge):
    """One load, looked at from all sides: it is the real code that takes most of a minute's tests."""
    application = build()
    application.__dict__["knowledge"] = StandingBase(knowledge)
    enrol_somebody(application)
    with database.write() as session:
        application.directory.replace_all(session, DEMONSTRATION_STAFF)
    run = runner(application)

    refused = run("--students", "60", "--days", "7")
    assert refused.exit_code == 1
    assert "已经有 1 名学生或教职工，演示数据没有装" in refused.output
    assert names(application) == {"2023001"}

    loaded = run("--students", "60", "--days", "7", "--yes-replace")
    assert loaded.exit_code == 0, loaded.output
    assert "学生 60 人，已绑定" in loaded.output
    assert "make run" in loaded.output
    assert "2023001" not in names(application)

    with database.read() as session:
        found = summarise(session, clock.now())
        newest = session.scalar(select(func.max(AlertLogRecord.at)))
        unsent = set(session.scalars(select(DeliveryRecord.code).where(DeliveryRecord.code != "")))
        today = application.rota.on_duty(session, clock.now())
        gaps = application.rota.gaps(session, clock.now())
        events = set(session.scalars(select(AlertLogRecord.event)))
    assert found.students == 60
    assert 25 <= found.bound < found.contacts <= 42
    assert set(found.staff) == {role.value for role in Role}
    assert set(found.alerts) == {"triggered", "acknowledged", "handled", "false_alarm"}
    assert set(found.cases) == {"open", "replied", "closed"}
    assert {"open", "used", "closed"} <= set(found.windows)
    assert {"sent", "held"} <= set(found.reminders)
    assert found.reminder_runs > 0
    assert found.opted_out > 0
    assert found.unfollowed > 0
    assert {"triggered", "notified", "acknowledged", "resolved", "listed", "confirmed", "call_asked"} <= events
    assert "rota_gap" not in events
    assert newest is not None
    assert newest <= clock.now()
    assert unsent == set()  # nothing was tried at the addresses where nobody listens
    assert not set(found.deliveries) & {"failed", "sending"}
    assert [person.name for person in today.people] == ["王老师（演示）"]
    assert gaps == []

    again = run("--students", "60", "--days", "7")
    assert again.exit_code == 1
    assert "--yes-replace" in again.output
    with database.read() as session:
        assert summarise(session, clock.now()) == found


def test_production_has_no_demonstration(build):
    application = build(server={"mode": "production"})
    for options in ((), ("--yes-replace",)):
        result = runner(application)(*options)
        assert result.exit_code == 1
        assert "生产环境" in result.output
    assert names(application) == set()


def test_where_accounts_of_a_platform_are_configured_there_is_none(build):
    application = build(simulated=False)
    result = runner(application)("--yes-replace")
    assert result.exit_code == 1
    assert "真的平台" in result.output
    assert names(application) == set()


def test_while_a_worker_runs_there_is_none(build, database, clock):
    """A worker would send what the demonstration only pretends to send."""
    application = build()
    with database.write() as session:
        beat(session, "worker", clock.now())
    result = runner(application)()
    assert result.exit_code == 1
    assert "先停下 make run" in result.output
    assert names(application) == set()
