"""The broadcast commands as an operator types them: what they print, and what they refuse and why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask.testing import FlaskCliRunner
from support.school import enrol, pupil
from support.standing import StandingBase
from support.world import ROOT, settings_for

from bot.bootstrap import Application
from bot.clock import FakeClock
from bot.db import Database
from bot.staff.models import Role, Staff
from bot.students.contacts import Contact, save_contacts
from bot.students.profiles import Profiles
from bot.web import create_web

Run = Callable[..., Result]


@pytest.fixture
def run(database: Database, clock: FakeClock, tmp_path: Path) -> Run:
    """Runs `flask broadcast …` in a school of 60 bound students of one college and 5 of another, all silent."""
    settings = settings_for(database.url.render_as_string(hide_password=False), "http://127.0.0.1:9")
    application = Application(settings=settings, clock=clock, root=ROOT, folder=tmp_path, seed=7)
    application.__dict__["database"] = database
    application.__dict__["knowledge"] = StandingBase(None)  # type: ignore[arg-type]  # nobody asks anything here
    with database.write() as session:
        application.directory.replace_all(session, [Staff("T9", "赵老师", Role.ADMIN, wecom_userid="zhao")])
        now = clock.now()
        save_contacts(session, [Contact(f"o{n}", "wechat", now, now) for n in range(60)])
    enrol(database, Profiles(application.cipher), [pupil(n, contact=f"o{n}") for n in range(60)], clock.now())
    enrol(database, Profiles(application.cipher), [pupil(n, college="管理学院") for n in range(60, 65)], clock.now())
    runner: FlaskCliRunner = create_web(application).test_cli_runner()
    return lambda *arguments, **more: runner.invoke(args=["broadcast", *arguments], **more)


def test_a_notice_from_the_draft_to_the_report(run: Run) -> None:
    sent = run("send", "--text", "明天拍毕业照", "--college", "体育教育", "--yes", "--by", "T1")
    assert sent.exit_code == 0, sent.output
    for part in ("学院=体育教育　共 60 人", "现在送达 60 人：群发接口 60", "群发编号：G1（草稿", "approve 1 --by"):
        assert part in sent.output
    assert "批准自己" in run("approve", "1", "--by", "T1").output or run("approve", "1", "--by", "T1").exit_code == 1
    assert run("approve", "G1", "--by", "T9").output == "G1 已批准，等待发送。\n"
    assert "G1　等待发送" in run("list").output
    assert "明天拍毕业照" in run("show", "1").output
    assert run("pause", "1").output.startswith("G1 已暂停")
    assert run("resume", "1").output == "G1 继续发送。\n"
    assert run("cancel", "1").output == "已取消，0 人不会再收到。\n"
    assert "已取消" in run("report", "1").output


def test_few_people_need_no_second_one_and_programs_get_json(run: Run) -> None:
    sent = run("send", "--text", "少数人", "--college", "管理学院", "--yes", "--json")
    answer = json.loads(sent.output)
    assert answer["audience"] == 5
    assert answer["state"] == "scheduled"
    assert answer["unreachable"] == {"not_bound": 5}


def test_no_means_that_nothing_is_stored(run: Run) -> None:
    asked = run("send", "--text", "再想想", input="n\n")
    assert "共 65 人" in asked.output
    assert "没有发" in asked.output
    assert run("list").output == "还没有群发过。\n"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("send", "--text", "x", "--segment", "学校=首体"), "不认识字段“学校”"),
        (("send", "--text", "x", "--college", "哲学院", "--yes"), "现在没有人"),
        (("send", "--text", "x", "--template", "notice"), "broadcast.templates"),
        (("send", "--text", "x", "--at", "明天"), "2027-06-10 09:00"),
        (("show", "99"), "没有群发 G99"),
        (("show", "abc"), "编号应是 G3"),
        (("approve", "1", "--by", "T9"), "没有群发 G1"),
        (("safety-report", "1"), "不是平安通知"),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(run: Run, arguments: tuple[str, ...], fault: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert fault in result.output
    assert "Traceback" not in result.output


def test_ways_and_count(run: Run) -> None:
    assert run("count", "--segment", "学院=管理 or 绑定=是").output == "学院=管理 or 绑定=是：65 人\n"
    assert "群发接口：今天还能发 1,000,000 人" in run("ways").output
    assert run("wake", "template").output == "这条路没有停用。\n"


def test_a_safety_notice_shows_its_words_before_it_goes(run: Run) -> None:
    issued = run("safety", "--text", "今晚有雷暴", "--college", "管理学院", "--response", "Shelter", "--yes")
    assert issued.exit_code == 0, issued.output
    for part in ("【平安通知】今晚有雷暴", "就地躲避", "我已安全", "平安通知编号：G1", "safety-report 1"):
        assert part in issued.output
    assert "对象 0 人" in run("safety-report", "1").output
    assert run("safety", "--text", "x", "--severity", "Bad").exit_code == 2
