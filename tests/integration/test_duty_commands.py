"""`flask rota`, `flask drill`, `flask audit` and `flask doctor`, as somebody at the command line meets them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from support.world import ROOT, STAFF, settings_for

from bot.bootstrap import Application
from bot.cli import register_commands
from bot.clock import FakeClock
from bot.doctor import examine
from bot.migrations import upgrade
from bot.staff.models import Role, Staff

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def application(tmp_path: Path, clock: FakeClock) -> Iterator[Application]:
    settings = settings_for(f"sqlite:///{tmp_path / 'c.db'}", "http://127.0.0.1:9")
    made = Application(settings=settings, clock=clock, root=ROOT, folder=tmp_path)
    upgrade(made.database, ROOT)
    with made.database.write() as session:
        made.directory.replace_all(session, STAFF)
    yield made
    made.database.dispose()


@pytest.fixture
def run(application: Application) -> Run:
    app = Flask("commands")
    app.extensions["lixiao"] = application
    register_commands(app)

    def _run(*words: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=list(words))
        return result.exit_code, result.output

    return _run


def file(folder: Path, *lines: str) -> str:
    path = folder / "f.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return str(path)


def test_rotations_stand_ins_and_gaps(run: Run, tmp_path: Path) -> None:
    assert "没有值班表" in run("rota", "show")[1]
    turns = "轮值,学院,开始,结束,起始日期,每班天数,日子,顺序"
    _, said = run("rota", "import", file(tmp_path, turns, "全天,,08:00,08:00,2027-06-01,1,每天,T1;T2"))
    assert "导入 1 个轮值" in said
    assert "今后 14 天没有空班" in said
    assert "2027 年的放假安排还没有" in said
    stand_ins = "开始时间,结束时间,原工号,代班工号,学院"
    _, said = run("rota", "import", file(tmp_path, stand_ins, "2027-06-10 08:00,2027-06-10 12:00,T2,,"))
    assert "空班：06-10 08:00 到 06-10 12:00" in said
    code, said = run("rota", "show", "--days", "3")
    assert code == 0
    assert "06-09 08:00 到 06-10 08:00　T1 王老师　全校" in said
    assert "06-10 12:00 到 06-11 00:00　T2 刘老师　全校" in said


def test_a_swap_at_the_command_line(run: Run, tmp_path: Path) -> None:
    turns = "轮值,学院,开始,结束,起始日期,每班天数,日子,顺序"
    run("rota", "import", file(tmp_path, turns, "夜班,,18:00,08:00,2027-06-07,1,每天,T1;T2"))
    assert "没有开始的班" in run("rota", "swap", "T1", "2027-06-08", "T2", "2027-06-10")[1]
    assert "应写成 2027-06-18" in run("rota", "swap", "T1", "明天", "T2", "2027-06-10")[1]
    assert "S1 已发给两位老师" in run("rota", "swap", "T1", "2027-06-09", "T2", "2027-06-10")[1]
    assert "S2 已生效" in run("rota", "swap", "T1", "2027-06-09", "T2", "2027-06-10", "--agreed")[1]
    assert "06-09 18:00 到 06-10 08:00　T2" in run("rota", "show")[1]


def test_a_bad_file_changes_nothing(run: Run, tmp_path: Path) -> None:
    code, said = run("rota", "import", file(tmp_path, "开始时间,结束时间,原工号,代班工号,学院", "x,y,T1,T2,"))
    assert code == 1
    assert "什么都没有导入" in said


def test_a_drill_at_the_command_line(run: Run) -> None:
    assert "还没有演练过" in run("drill", "report")[1]
    assert "没有辅导员在学院" in run("drill", "run", "--college", "文学院", "--yes")[1]
    assert "演练 A1 已发出：体育教育学院" in run("drill", "run", "--yes")[1]
    assert "体育教育学院　1 次，0 次有人接" in run("drill", "report")[1]


def test_an_audit_without_a_worker_fails(run: Run) -> None:
    code, said = run("audit")
    assert (code, said.strip()) == (1, "worker: has never run (flask worker)")


def test_the_doctor_knows_who_cannot_be_reached_and_by_what(application: Application) -> None:
    application.__dict__["knowledge"] = None
    found = {one.name: one for one in examine_some(application)}
    assert found["联系方式"].ok
    assert found["通知方式"].words.startswith("企业微信 → 群机器人")
    assert found["准时"].ok
    with application.database.write() as session:
        application.directory.replace_all(
            session, [*STAFF, Staff("T9", "无法联系", Role.PSYCHOLOGY, phone="13800000000")]
        )
    found = {one.name: one for one in examine_some(application)}
    assert not found["联系方式"].ok
    assert "T9" in found["联系方式"].words


def examine_some(application: Application) -> Iterator:
    """The checks up to the knowledge, which this school has not."""
    for finding in examine(application):
        yield finding
        if finding.name == "准时":
            return


def test_the_report_has_an_address_for_those_who_read_it(application: Application, run: Run) -> None:
    with application.database.write() as session:
        application.directory.replace_all(session, [*STAFF, Staff("A1", "管理员", Role.ADMIN)])
    code, said = run("safety", "link", "A1")
    assert code == 0
    with application.database.read() as session:
        assert application.reports.open(session, said.strip().rpartition("/")[2]).reader == "管理员"
    code, said = run("safety", "link", STAFF[0].staff_no)
    assert (code, "心理中心" in said, "http" in said) == (1, True, False)
    code, said = run("safety", "link", "nobody")
    assert (code, "flask staff import" in said) == (1, True)
