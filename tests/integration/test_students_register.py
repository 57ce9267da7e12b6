"""`flask students import` and `export` on both databases: all or nothing, twice is once, and nobody's phone is lost."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import event, update

from bot.bootstrap import Application
from bot.cli.students import students as commands
from bot.clock import FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.settings import Settings
from bot.students.importing import Listing, read_students
from bot.students.models import Student
from bot.students.profiles import Profiles
from bot.students.records import StudentRecord
from bot.students.register import Register

DATA_KEY = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4="
FIRST = ["2023001,李同学,甲学院,13800000001,校队", "2023002,王同学,甲学院,,", "2023003,赵同学,乙学院,,"]
Run = Callable[..., Result]
Listed = Callable[..., str]


@pytest.fixture
def application(database: Database, clock: FakeClock, tmp_path: Path) -> Application:
    """The real one, on the test's database."""
    settings = Settings().with_values(
        security={"secret_key": "s" * 40, "data_keys": (DATA_KEY,)},
        database={"url": database.url.render_as_string(hide_password=False)},
    )
    made = Application(settings=settings, clock=clock, root=tmp_path, folder=tmp_path)
    made.__dict__["database"] = database
    return made


@pytest.fixture
def run(application: Application) -> Run:
    app = Flask(__name__)
    app.extensions["lixiao"] = application
    app.cli.add_command(commands)
    return lambda *words, said=None: app.test_cli_runner().invoke(
        args=["students", *map(str, words)], input=said, catch_exceptions=False
    )


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    def make(rows: Sequence[str], header: str = "学号,姓名,学院,手机号,标签") -> str:
        path = tmp_path / "students.csv"
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return str(path)

    return make


@pytest.fixture
def known(application: Application) -> Callable[[], list[Student]]:
    """Everybody in the list."""
    return application.register.everybody


Known = Callable[[], list[Student]]


def bind(database: Database, student_no: str, contact: str) -> None:
    with database.write() as session:
        session.execute(update(StudentRecord).where(StudentRecord.student_no == student_no).values(contact=contact))


def test_a_list_is_imported_and_says_how_many(run: Run, listed: Listed, known: Known):
    result = run("import", listed(FIRST))
    assert "新增 3 人，更新 0 人，没有变化 0 人。" in result.output
    assert [(one.student_no, one.name, one.college) for one in known()] == [
        ("2023001", "李同学", "甲学院"),
        ("2023002", "王同学", "甲学院"),
        ("2023003", "赵同学", "乙学院"),
    ]
    assert (known()[0].phone, known()[0].tags) == ("13800000001", ("校队",))


def test_the_same_list_twice_changes_nothing_and_says_so(run: Run, listed: Listed, database: Database):
    run("import", listed(FIRST))
    before = dump(database)
    result = run("import", listed(FIRST))
    assert result.output.strip() == "没有变化：表里的 3 人和名单里一样。"
    assert dump(database) == before  # not even sealed anew


def dump(database: Database) -> list[tuple[object, ...]]:
    with database.read() as session:
        table = StudentRecord.__table__
        return [tuple(row) for row in session.execute(table.select().order_by(table.c.student_no))]


def test_a_bad_row_keeps_the_whole_list_out(run: Run, listed: Listed, known: Known):
    run("import", listed(FIRST))
    result = run("import", listed([*FIRST, "2023004,新同学,乙学院,,", "2023005,,乙学院,,", ",钱,乙学院,,"]))
    assert result.exit_code == 1
    assert "有 2 处问题，什么都没有导入" in result.output
    assert "第 6 行：姓名要填" in result.output
    assert "第 7 行：学号要填" in result.output
    assert len(known()) == 3


def test_a_later_list_updates_and_keeps_who_is_missing(run: Run, listed: Listed, known: Known, database: Database):
    run("import", listed(FIRST))
    bind(database, "2023001", "o-li")
    result = run("import", listed(["2023001,李明,甲学院", "2023009,新同学,乙学院"], header="学号,姓名,学院"))
    assert "新增 1 人，更新 1 人，没有变化 0 人。" in result.output
    assert "另有 2 人不在这份表里，都保留着；要删掉他们，加 --replace。" in result.output
    li = known()[0]
    assert (li.name, li.phone, li.tags, li.contact) == ("李明", "13800000001", ("校队",), "o-li")
    assert len(known()) == 4


def test_an_empty_cell_empties(run: Run, listed: Listed, known: Known):
    run("import", listed(FIRST))
    run("import", listed(["2023001,李同学,甲学院,,"]))
    assert (known()[0].phone, known()[0].tags) == ("", ())


def test_replace_asks_first_and_removes_who_is_missing(run: Run, listed: Listed, known: Known, database: Database):
    run("import", listed(FIRST))
    bind(database, "2023002", "o-wang")
    refused = run("import", "--replace", listed(FIRST[:1]), said="n\n")
    assert "要删除 2 名不在表里的学生，其中 1 人绑定了微信" in refused.output
    assert refused.exit_code == 1
    assert len(known()) == 3
    agreed = run("import", "--replace", listed(FIRST[:1]), said="y\n")
    assert "删除 2 人" in agreed.output
    assert [one.student_no for one in known()] == ["2023001"]
    again = run("import", "--replace", "--yes", listed(FIRST[:1]))
    assert again.output.strip() == "没有变化：表里的 1 人和名单里一样。"


def test_columns_that_are_not_ours_are_named(run: Run, listed: Listed):
    result = run("import", listed(["1,王,甲,田径"], header="学号,姓名,学院,专业"))
    assert "不认识的列，没有导入：专业" in result.output


def test_an_import_that_breaks_on_the_way_leaves_nothing(
    database: Database, clock: FakeClock, cipher: Cipher, listed: Listed
):
    """The last statement fails, as it would when the process is killed: not one student is there."""
    register = Register(database, clock, Profiles(cipher))

    def fail(*_: object) -> None:
        raise InterruptedError

    changes = register.compare(read_students(Path(listed(FIRST))))
    event.listen(database.engine, "commit", fail)
    with pytest.raises(InterruptedError):
        register.apply(changes)
    event.remove(database.engine, "commit", fail)
    assert register.everybody() == []


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_what_is_exported_can_be_imported(run: Run, listed: Listed, tmp_path: Path, name: str):
    run("import", listed(FIRST))
    assert "导出 3 人" in run("export", tmp_path / name).output
    assert "没有变化：表里的 3 人" in run("import", tmp_path / name).output
    assert run("export", tmp_path / "none" / name).exit_code == 1


def test_ten_thousand_come_with_progress(database: Database, clock: FakeClock, cipher: Cipher):
    register = Register(database, clock, Profiles(cipher))
    crowd = [Student(f"{number:06}", f"同学{number}", "甲学院", tags=("校队",)) for number in range(10_000)]
    listing = Listing(crowd, frozenset({"学号", "姓名", "学院", "标签"}))
    steps: list[int] = []
    register.apply(register.compare(listing), progress=steps.append)
    assert sum(steps) == 10_000
    assert len(steps) == 20
    assert register.compare(listing).unchanged == 10_000


def test_status_counts_by_college(run: Run, listed: Listed, database: Database):
    assert "名单是空的" in run("status").output
    run("import", listed(FIRST))
    bind(database, "2023001", "o-li")
    assert set(run("status").output.splitlines()) == {
        "甲学院　2 人，已绑定 1 人",
        "乙学院　1 人，已绑定 0 人",
        "一共 3 人，已绑定 1 人。",
    }


def test_students_are_removed_by_number_or_all_of_them(run: Run, listed: Listed, known: Known):
    run("import", listed(FIRST))
    assert "一个也没有删：999" in run("remove", "2023001", "999", "--yes").output
    assert run("remove", "2023001", said="n\n").exit_code == 1
    assert len(known()) == 3
    assert "删掉了 1 人" in run("remove", "2023001", "2023001", said="y\n").output
    assert [one.student_no for one in known()] == ["2023002", "2023003"]
    for words in ((), ("2023002", "--all")):
        assert "请写出学号，或用 --all" in run("remove", *words).output
    assert "删掉了 2 人" in run("remove", "--all", "--yes").output
    assert known() == []
