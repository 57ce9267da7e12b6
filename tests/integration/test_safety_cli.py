"""`flask safety` on a small Flask application."""

import json

import pytest
from flask import Flask

from bot.cli.safety import safety


@pytest.fixture
def run():
    app = Flask(__name__)
    app.cli.add_command(safety)
    runner = app.test_cli_runner()
    return lambda *arguments, **options: runner.invoke(args=["safety", *arguments], **options)


def triage(run, *lines):
    result = run("triage", "--jsonl", input="\n".join(lines) + "\n")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_triage_answers_each_line_in_order(run):
    answers = triage(
        run,
        '{"id": "a", "text": "档案怎么转"}',
        '{"id": 2, "text": "不想活了"}',
        '{"id": "c", "text": "东西都送人了，今晚天台见"}',
        '{"id": "d", "text": "最近好绝望"}',
    )
    assert [(answer["id"], answer["level"]) for answer in answers] == [
        ("a", "none"),
        (2, "orange"),
        ("c", "red"),
        ("d", "yellow"),
    ]
    assert answers[0]["signals"] == []
    assert answers[1]["signals"][0]["category"] == "wish_to_die"


def test_triage_goes_on_after_a_bad_line(run):
    answers = triage(
        run,
        "not json",
        "[1]",
        '{"id": "x"}',
        '{"id": "y", "text": 5}',
        '{"text": "没有编号"}',
        "",
        '{"id": "z", "text": "想死", "recent": [1, "嗯"]}',
    )
    assert [answer.get("id") for answer in answers] == [None, None, "x", "y", None, "z"]
    assert [("error" in answer) for answer in answers] == [True, True, True, True, False, False]


def test_triage_survives_hostile_text(run):
    answers = triage(
        run, json.dumps({"id": 1, "text": "\ud800\u0000 自杀"}), json.dumps({"id": 2, "text": "死" * 50_000})
    )
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[0]["level"] == "orange"


def test_triage_of_one_text(run):
    assert "orange" in run("triage", "我不想活了").output
    assert run("triage").exit_code == 2
    assert run("triage", "--jsonl", "text").exit_code == 2


def test_lint_finds_the_shipped_data_in_order(run):
    result = run("lint")
    assert result.exit_code == 0
    assert "没有问题" in result.output
