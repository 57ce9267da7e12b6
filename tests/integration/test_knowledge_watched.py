"""An operator sees that an edit of the knowledge is not served, and the reminders follow the calendar."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.packs import edit, write_pack
from support.standing import StandingBase
from support.world import ROOT, settings_for

from bot.bootstrap import Application
from bot.clock import FakeClock
from bot.doctor import examine
from bot.health import create_health_blueprint
from bot.migrations import upgrade
from knowledge import base_of
from knowledge.loader import Fault, load

FAULTS = tuple(Fault("national/archive.yaml", line, "不认识 titel") for line in range(2, 7))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = write_pack(tmp_path / "knowledge")
    (made / "school/calendar.yaml").write_text("close: {name: 截止, day: 2027-06-18}\n", encoding="utf-8")
    return made


@pytest.fixture
def application(tmp_path: Path, folder: Path, clock: FakeClock) -> Any:
    settings = settings_for(f"sqlite:///{tmp_path / 'test.db'}", "http://127.0.0.1:9")
    made = Application(settings=settings, clock=clock, root=ROOT, folder=tmp_path)
    made.__dict__["knowledge"] = StandingBase(base_of(load(folder), cache_folder=tmp_path))
    upgrade(made.database, ROOT)
    yield made
    made.database.dispose()


def finding(application: Application) -> tuple[bool, str]:
    return next((one.ok, one.words) for one in examine(application) if one.name == "知识库")


def metric(application: Application) -> str:
    app = Flask("health")
    app.register_blueprint(create_health_blueprint(application.vital))
    lines = app.test_client().get("/metrics").get_data(as_text=True).splitlines()
    return next(line for line in lines if line.startswith("lixiao_knowledge_faults "))


def test_all_is_well_while_the_newest_is_served(application: Application):
    assert finding(application) == (True, "2 个条目，是最新的")
    assert metric(application) == "lixiao_knowledge_faults 0.0"


def test_a_refused_edit_is_seen_with_file_and_line(application: Application):
    application.knowledge.faults = FAULTS
    ok, words = finding(application)
    assert not ok
    assert "5 处错误" in words
    assert "national/archive.yaml:2 不认识 titel" in words
    assert metric(application) == "lixiao_knowledge_faults 5.0"


def test_reminders_follow_the_calendar(application: Application, folder: Path, tmp_path: Path):
    days = application.reminders.schedule._days
    assert dict(days) == {"close": date(2027, 6, 18)}
    assert days.get("open") is None
    edit(folder, "2027-06-18", "2027-06-20", name="school/calendar.yaml")
    application.knowledge.base = base_of(load(folder), cache_folder=tmp_path)  # type: ignore[attr-defined]  # a standing one
    assert (days["close"], len(days)) == (date(2027, 6, 20), 1)
