"""The knowledge that ships: it lints, it answers the labelled questions, and `flask kb` shows it, without the rest of the bot."""

import json
import time
from datetime import date

import pytest
from flask import Flask

import knowledge
from bot.cli.kb import kb
from knowledge.decisions import Answer
from knowledge.evaluation import OUT_OF_SCOPE, evaluate, figures, read_questions
from knowledge.lint import lint
from knowledge.rendering import BYTE_LIMIT, render
from knowledge.text import normalise

SETS = knowledge.DATA / "evaluation"
TOPICS = {
    "archive.transfer", "archive.where", "archive.query", "archive.self_carry", "archive.keep_school",
    "archive.content", "archive.lost", "archive.study", "archive.abroad", "archive.change",
    "hukou.move_out", "hukou.stay", "hukou.permit", "baodao.cancelled", "baodao.old",
    "destination.register", "destination.change", "destination.types", "tripartite.sign", "tripartite.breach",
    "party.transfer", "party.where", "league.transfer", "league.where", "loan.confirm",
    "loan.repay", "dorm.checkout", "cert.collect", "cert.lost", "leave.process",
    "leave.agent", "psych.help", "psych.crisis", "fraud.telecom", "fraud.loan",
    "fraud.job", "contact.office", "meta.chat",
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return knowledge.open_base(cache_folder=tmp_path_factory.mktemp("jieba"))


@pytest.fixture
def run(tmp_path_factory):
    """Runs `flask kb …` of an app that has nothing else."""
    app = Flask("alone")
    app.config["KNOWLEDGE_CACHE_DIR"] = str(tmp_path_factory.getbasetemp() / "kb-cli")
    (tmp_path_factory.getbasetemp() / "kb-cli").mkdir(exist_ok=True)
    app.cli.add_command(kb)
    return lambda *words, said=None: app.test_cli_runner().invoke(args=["kb", *words], input=said)


def share(base, name: str):
    outcomes = evaluate(base, read_questions(SETS / f"{name}.jsonl"))
    missed = [f"{one.question.text} → {one.decision} {one.got}" for one in outcomes if not one.first]
    return {row.kind: row for row in figures(outcomes)}, "\n".join(missed)


def test_the_packaged_entries_have_no_faults():
    assert [str(fault) for fault in lint(knowledge.DATA, date(2026, 12, 1)).faults] == []


def test_every_topic_has_an_entry_and_fits_a_bubble(base):
    assert {entry.topic for entry in base.entries.values()} >= TOPICS
    for entry in base.entries.values():
        decision = base.ask(entry.title)
        assert isinstance(decision, Answer), entry.title
        assert decision.hit.entry_id == entry.id
        shown = render(decision, base, date(2027, 6, 6))
        assert len(shown.encode()) <= BYTE_LIMIT
        assert shown.startswith(entry.short)
        assert not entry.sources or "核对" in shown


def test_the_labelled_questions_are_not_copied_from_the_entries(base):
    """A question that an entry holds word for word measures nothing."""
    phrases = {normalise(text) for entry in base.entries.values() for text in (entry.title, *entry.variants)}
    questions = [question for question in read_questions(SETS / "plain.jsonl") if question.kind == "plain"]
    copied = [question.text for question in questions if normalise(question.text) in phrases]
    assert len(copied) <= len(questions) * 0.06, copied


def test_students_questions_are_answered_at_once(base):
    rows, missed = share(base, "plain")
    assert rows["plain"].at_one >= 0.9, missed
    assert rows["short"].at_one >= 0.95, missed
    assert rows["noisy"].at_one >= 0.8, missed
    assert rows["全部"].at_three >= 0.95, missed
    assert rows["全部"].wrong <= 0.03, missed


def test_what_is_not_ours_is_refused(base):
    rows, missed = share(base, "out_of_scope")
    assert rows["全部"].refusal >= 0.95, missed
    assert rows["全部"].wrong <= 0.03, missed


def test_several_questions_and_follow_ups(base):
    rows, missed = share(base, "several")
    assert rows["double"].at_one >= 0.9, missed
    rows, missed = share(base, "follow_up")
    assert rows["全部"].at_one >= 0.9, missed


def test_an_answer_takes_well_under_a_millisecond(base):
    """The median over all labelled questions, none asked before; the bound leaves room for a busy machine."""
    times = []
    for question in read_questions(SETS / "plain.jsonl"):
        start = time.perf_counter()
        base.ask(question.text + "？")
        times.append(time.perf_counter() - start)
    assert sorted(times)[len(times) // 2] < 0.0015


def test_ask_prints_the_bubble_and_the_decision(run):
    result = run("ask", "档案怎么转")
    assert result.exit_code == 0
    assert "你要做的：" in result.output
    assert "── answer 1.00" in result.output


def test_jsonl_keeps_order_ids_and_conversations(run):
    """A bad line gives an error row and the rest goes on; two questions in one text have `topics`."""
    lines = (
        '{"id": 1, "text": "户口怎么迁出", "conversation": "a"}\n'
        '{"id": "x", "text": "今天天气怎么样"}\n'
        "{oops\n"
        '{"id": 2, "text": "要带什么", "conversation": "a"}\n'
        '{"id": 3, "text": "要带什么", "conversation": "b"}\n'
        '{"id": 4, "text": "档案怎么转？户口怎么迁？"}\n'
        '{"id": 5, "text": 7}\n'
    )
    rows = [json.loads(line) for line in run("ask", "--jsonl", said=lines).output.splitlines()]
    assert [row["id"] for row in rows] == [1, "x", None, 2, 3, 4, None]
    assert [row.get("decision") for row in rows] == ["answer", "none", None, "answer", "none", "answer", None]
    assert rows[3]["topic"] == rows[0]["topic"] == "hukou.move_out"
    assert rows[5]["topics"] == ["archive.transfer", "hukou.move_out"]
    assert rows[1]["topic"] is None
    assert set(rows[0]) == {"id", "decision", "topic", "score", "answer", "suggestions"}
    assert rows[0]["suggestions"][0].keys() == {"topic", "title"}
    assert "error" in rows[2]


def test_eval_prints_figures(run, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text(
        f'{{"text":"档案怎么转","topic":"archive.transfer"}}\n{{"text":"红烧肉怎么做","topic":"{OUT_OF_SCOPE}"}}\n',
        encoding="utf-8",
    )
    report = json.loads(run("eval", str(path), "--json").output)
    assert report["figures"][0] == {
        "kind": "全部", "count": 2, "accuracy_at_1": 1.0, "accuracy_at_3": 1.0, "refusal_rate": 0.5, "wrong_answer_rate": 0.0,
    }  # fmt: skip
    assert "一次答对" in run("eval", str(path)).output
    path.write_text("no\n", encoding="utf-8")
    result = run("eval", str(path))
    assert result.exit_code == 1
    assert "lines.jsonl:1" in result.output


def test_lint_exits_with_one_only_for_faults(run, tmp_path):
    result = run("lint")
    assert result.exit_code == 0, result.output
    assert "以学校通知为准" in result.output
    app = Flask("broken")
    app.config["KNOWLEDGE_DIR"] = tmp_path
    app.cli.add_command(kb)
    broken = app.test_cli_runner().invoke(args=["kb", "lint"])
    assert broken.exit_code == 1
    assert "没有条目文件" in broken.output
    asked = app.test_cli_runner().invoke(args=["kb", "ask", "档案怎么转"])
    assert asked.exit_code == 1
    assert "flask kb lint" in asked.output
