"""The story of an alert: nobody can change it, and it can be read and taken away as a table."""

import csv
import io
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.world import World

from bot.cli.alerts import alerts

GOODBYE = "=东西都送人了，今晚天台见"


@pytest.fixture
def told(world: World) -> World:
    """An alert that was told, taken, noted and closed."""
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.tick()
    wang = world.phone("王老师").expects(card="红色 A1")
    wang.presses("我来处理")
    wang.writes("跟进 A1 已经通过电话")
    wang.writes("已处理 A1 已转介")
    world.tick()
    return world


def run(world: World, *arguments: str) -> str:
    app = Flask(__name__)
    app.extensions["lixiao"] = world.application
    app.cli.add_command(alerts)
    result = app.test_cli_runner().invoke(args=["alerts", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("statement", ["UPDATE alert_log SET actor = 'x'", "DELETE FROM alert_log"])
def test_the_database_itself_refuses_to_change_the_log(told: World, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), told.application.database.write() as session:
        session.execute(text(statement))
    assert "触发" in run(told, "show", "A1")


def test_the_story_says_who_was_told_when_by_what_and_how_it_ended(told: World) -> None:
    lines = run(told, "show", "a1").splitlines()
    events = [line.split("　")[1] for line in lines]
    assert events.count("通知") == 2
    assert events.count("送到平台") == 2
    assert [one for one in events if one not in ("通知", "送到平台")] == [
        "触发",
        "接手",
        "告诉学生有人看到",
        "跟进记录",
        "仍在处理",
        "结束",
    ]
    assert any("通知　王老师（T1）　企业微信，第 1 次，新警报" in line for line in lines)
    assert any("结束　王老师（T1）　已转介，企业微信文字" in line for line in lines)
    assert "天台" not in "\n".join(lines)
    with_words = run(told, "show", "A1", "--words")
    assert "天台" in with_words
    assert "已经通过电话" in with_words


def test_it_can_be_taken_away_as_a_table_that_no_spreadsheet_runs(told: World, tmp_path: Path) -> None:
    table = list(csv.reader(io.StringIO(run(told, "export", "A1", "--words"))))
    assert table[0] == ["编号", "时间", "事件", "谁", "经过"]
    assert {row[0] for row in table[1:]} == {"A1"}
    assert not any(cell.startswith("=") for row in table for cell in row)
    file = tmp_path / "alerts.csv"
    assert "导出 1 条警报" in run(told, "export", "--output", str(file))
    assert len(file.read_text(encoding="utf-8-sig").splitlines()) == len(table)


def test_the_list_has_what_is_open(told: World) -> None:
    assert run(told, "list") == "没有。\n"
    assert "A1　红色　学生本人" in run(told, "list", "--all")
    assert "已结束：已转介" in run(told, "list", "--all")
    told.student("赵同学").writes("我不想活了")
    assert "A2　橙色" in run(told, "list")
    assert "没有人接" in run(told, "list")


@pytest.mark.parametrize("number", ["A9", "abc", "A", "9" * 30])
def test_a_number_that_is_none_says_how_to_write_it(told: World, number: str) -> None:
    app = Flask(__name__)
    app.extensions["lixiao"] = told.application
    app.cli.add_command(alerts)
    result = app.test_cli_runner().invoke(args=["alerts", "show", number])
    assert result.exit_code == 1
    assert "A" in result.output
