"""The knowledge that ships: it lints, it answers the labelled questions, and `flask kb` shows it, without the rest of the bot."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask

import knowledge
from bot.cli.kb import kb
from knowledge.decisions import Answer, Context, Suggestions
from knowledge.evaluation import OUT_OF_SCOPE, evaluate, read_questions
from knowledge.lint import lint
from knowledge.loader import load
from knowledge.published import find, open_copy, publish
from knowledge.rendering import BYTE_LIMIT, render
from knowledge.scoring import Thresholds
from knowledge.text import normalise
from knowledge.tokens import private_cache_folder

SETS = knowledge.DATA / "evaluation"
TOPICS = {
    "archive.transfer", "archive.where", "archive.query", "archive.self_carry", "archive.keep_school",
    "archive.content", "archive.lost", "archive.study", "archive.abroad", "archive.change", "hukou.move_out",
    "hukou.stay", "hukou.permit", "hukou.permit_problem", "hukou.where", "hukou.use", "hukou.beijing",
    "baodao.cancelled", "baodao.old", "destination.register", "destination.change", "destination.types",
    "tripartite.sign", "tripartite.breach", "tripartite.contract", "job.recommend_form", "job.fresh_status",
    "job.unemployed", "job.subsidy", "job.guidance", "job.labor_contract", "job.grassroots", "job.startup",
    "job.report", "party.transfer", "party.where", "party.letter", "party.delay", "party.probation",
    "party.abroad", "league.transfer", "league.where", "league.system", "league.party_member", "league.delay",
    "loan.confirm", "loan.repay", "loan.interest", "loan.early", "loan.overdue", "loan.study",
    "aid.grassroots", "army.enlist", "dorm.checkout", "dorm.deadline", "dorm.deposit", "dorm.luggage",
    "library.return", "library.thesis", "card.balance", "card.disable", "finance.fees", "leave.process",
    "leave.agent", "leave.incomplete", "leave.ceremony", "leave.student_id", "cert.collect", "cert.lost",
    "cert.error", "cert.verify", "cert.transcript", "form.register", "study.delay", "study.jieye",
    "study.requirement", "insurance.medical", "insurance.social", "psych.help", "psych.crisis",
    "fraud.telecom", "fraud.loan", "fraud.mlm", "fraud.job", "fraud.card", "safety.emergency",
    "safety.conduct", "alumni.service", "support.hardship", "contact.office", "meta.chat",
}  # fmt: skip
SINGLE = ("plain", "fragment", "voice", "typo", "homophone", "pinyin", "traditional")


NOW = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def base():
    """What ships, learnt once on this machine: all test processes find it in the user's own cache folder."""
    cache = private_cache_folder()
    return open_copy(find(knowledge.DATA, cache) or publish(knowledge.DATA, cache), cache)


@pytest.fixture(scope="session")
def outcomes(base):
    """What the questions kept for testing get. Nothing was chosen by them: thresholds come from tune.jsonl."""
    return evaluate(base, read_questions(SETS / "test.jsonl"))


@pytest.fixture
def run():
    """Runs `flask kb …` of an app that has nothing else."""
    app = Flask("alone")
    app.cli.add_command(kb)
    return lambda *words, said=None: app.test_cli_runner().invoke(args=["kb", *words], input=said)


def share(outcomes, what: str, *kinds: str) -> float:
    """The share of the outcomes of these kinds that are `what`."""
    of_kind = [outcome for outcome in outcomes if outcome.question.kind in kinds]
    return sum(bool(getattr(outcome, what)) for outcome in of_kind) / len(of_kind)


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


def test_the_labelled_questions_are_none_that_were_learnt(base):
    """A question that an entry or a questions file holds word for word measures nothing."""
    learnt = {normalise(text) for entry in base.entries.values() for text in (entry.title, *entry.variants)}
    learnt |= {normalise(text) for texts in load(knowledge.DATA).questions.values() for text in texts}
    labelled = {normalise(one.text) for name in ("tune", "test") for one in read_questions(SETS / f"{name}.jsonl")}
    assert sorted(labelled & learnt) == []


def test_the_labelled_questions_are_of_every_kind_and_topic(outcomes):
    kinds = Counter(outcome.question.kind for outcome in outcomes)
    assert kinds.keys() == {*SINGLE, "near", "far", "double", "ambiguous", "follow_up"}
    assert kinds["near"] + kinds["far"] >= 125
    asked = {
        topic
        for name in ("tune", "test")
        for one in read_questions(SETS / f"{name}.jsonl")
        for topic in (one.topic, *one.also)
    }
    assert asked >= TOPICS


def test_single_questions(outcomes):
    """Measured on 2026-11-26: 97.7% right at once, 99.6% among the three offered, 1.2% answered wrongly."""
    assert share(outcomes, "first", *SINGLE) >= 0.95
    assert share(outcomes, "within_three", *SINGLE) >= 0.98
    assert share(outcomes, "wrong", *SINGLE) <= 0.025


def test_what_is_not_ours_is_not_answered(outcomes):
    """Measured on 2026-11-26: 0.5% of what is near and 2.5% of what is far were answered."""
    assert share(outcomes, "wrong", "near") <= 0.03
    assert share(outcomes, "wrong", "far") <= 0.03
    assert share(outcomes, "refused", "near", "far") >= 0.9


def test_several_questions_vague_ones_and_follow_ups(outcomes):
    """Measured on 2026-11-26: both questions answered 91.4%, vague ones asked back 75.4%, follow-ups right 96.4%."""
    assert share(outcomes, "first", "double") >= 0.8
    assert share(outcomes, "first", "ambiguous") >= 0.7
    assert share(outcomes, "first", "follow_up") >= 0.92


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("宿舍押金怎么退 学位服几号还", ("dorm.deposit", "leave.ceremony")),
        ("户口能在学校留两年吗，档案呢", ("hukou.stay", "archive.keep_school")),
        ("我没签单位，档案和党组织关系怎么转", ("archive.transfer", "party.transfer")),
        ("毕业证丢了，学信网上怎么查学历", ("cert.lost", "cert.verify")),
    ],
)
def test_two_questions_are_both_answered_in_their_order(base, text, topics):
    assert base.ask(text).topics == topics


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("毕业证已经领了，现在想知道档案怎么转", "archive.transfer"),
        ("论文没过，说要再读一年，怎么申请延毕", "study.delay"),
        ("毕业生开店有补贴吗", "job.startup"),
    ],
)
def test_what_is_told_beside_a_question_is_not_answered(base, text, topic):
    assert base.ask(text).topics == (topic,)


@pytest.mark.parametrize("text", ["档案和户口", "档案户口", "档案怎么转，户口呢，", "档案怎么转 户口吗 "])
def test_a_text_of_endless_questions_is_read_in_few_ways(base, text):
    """Each way costs two looks at the whole text: a message of two thousand characters must not take seconds."""
    assert len(base.pairs(text * 500)) <= 11


@pytest.mark.parametrize("text", ["过期了怎么办", "写错了", "往哪儿转"])
def test_a_question_that_names_nothing_is_asked_back(base, text):
    assert isinstance(base.ask(text), Suggestions)


@pytest.mark.parametrize("text", ["今天天气怎么样", "食堂好吃吗", "科目二怎么练"])
def test_a_remark_about_something_else_is_no_follow_up(base, text):
    assert not isinstance(base.ask(text, base.remember(base.ask("档案怎么转"), None, NOW)), Answer)


def test_a_laugh_is_greeted_at_most(base):
    decision = base.ask("哈哈哈", base.remember(base.ask("档案怎么转"), None, NOW))
    assert not isinstance(decision, Answer) or decision.topics == ("meta.chat",)


def test_what_is_more_like_none_of_ours_is_not_answered(base):
    """However far ahead of our other topics the likeliest one is; small talk may be answered all the same."""
    foreign = [one.text for one in read_questions(SETS / "tune.jsonl") if one.kind in ("near", "far")]
    answered = [decision.hit for text in foreign if isinstance(decision := base.ask(text), Answer)]
    scored = [hit for hit in answered if hit.parts and hit.topic != "meta.chat"]
    assert not [hit for hit in scored if hit.parts["outside"] > hit.parts["learned"]]
    above = [base.rank(text)[0] for text in foreign if base.rank(text)]
    assert [hit for hit in above if hit.score > Thresholds().answer and hit.parts["outside"] > hit.parts["learned"]]


@pytest.mark.parametrize("text", ["嘿嘿", "呵呵", "哈哈", "嘎嘎"])
def test_small_talk_is_never_offered_alone(base, text):
    """“1. 打个招呼” helps nobody."""
    decision = base.ask(text)
    assert not isinstance(decision, Suggestions) or {hit.topic for hit in decision.hits} != {"meta.chat"}


@pytest.mark.parametrize(
    ("said", "then", "topic"),
    [
        ("档案怎么转", "考研的呢", "archive.study"),
        ("贷款怎么还", "考研的呢", "loan.study"),
        ("党组织关系怎么转", "没找到工作的呢", "party.where"),
        ("团关系怎么转", "当兵的呢", "league.transfer"),
        ("档案放哪", "没工作的呢", "archive.where"),
        ("毕业证怎么领", "辅修的呢", "cert.collect"),
        ("户口怎么迁", "出国的话", "archive.abroad"),
        ("党组织关系怎么转", "团员的呢", "league.transfer"),
    ],
)
def test_half_a_question_is_about_what_was_answered_last(base, said, then, topic):
    assert base.ask(then, base.remember(base.ask(said), None, NOW)).hits[0].topic == topic


@pytest.mark.parametrize(
    "then",
    [
        "几点开门",
        "在哪办",
        "多少钱",
        "电话多少",
        "逾期了会怎样",
        "能代办吗",
        "可以邮寄吗",
        "网上能办吗",
        "中午休息吗",
        "要盖章吗",
        "不办会怎么样",
    ],
)
def test_what_everybody_asks_next_is_about_what_was_answered(base, then):
    """Measured on 2026-11-26: behind 98% to 100% of the topics, each of these."""
    topics = {topic for topic in TOPICS if not topic.startswith(("meta.", "psych."))}
    answers = {topic: base.ask(then, Context(topic)) for topic in topics}
    right = {topic for topic, said in answers.items() if isinstance(said, Answer) and said.topic == topic}
    assert len(right) >= 0.96 * len(topics), sorted(topics - right)


def test_a_subject_alone_is_asked_for_like_what_was_answered_last(base):
    """那户口呢 by itself leaves a choice of three."""
    answered = base.ask("那户口呢", Context("archive.transfer"))
    assert isinstance(answered, Answer)
    assert answered.topic == "hukou.move_out"
    assert isinstance(base.ask("那户口呢"), Suggestions)


@pytest.mark.parametrize(
    ("said", "then", "topic"),
    [
        ("毕业证怎么领", "党员要出国", "party.abroad"),
        ("三方协议丢了怎么办", "结业换毕业证", "study.jieye"),
        ("报到证丢了怎么补", "不登记去向可以吗", "destination.register"),
        ("户口怎么迁", "缓派去哪签字，能缓几年", "archive.keep_school"),
        ("团关系怎么转", "户籍证明怎么开", "hukou.use"),
    ],
)
def test_a_question_of_its_own_is_answered_whatever_was_asked_before(base, said, then, topic):
    assert base.ask(then, base.remember(base.ask(said), None, NOW)).hits[0].topic == topic


def test_what_was_asked_before_costs_few_questions_their_answer(base):
    """Each labelled question behind another one. Measured on 2026-11-26: 92.0% right alone, 91.4% so."""
    asked = [one for one in read_questions(SETS / "test.jsonl") if one.kind in SINGLE]
    behind = [replace(one, after=(asked[(at * 7 + 3) % len(asked)].text,)) for at, one in enumerate(asked)]
    assert share(evaluate(base, behind), "first", *SINGLE) >= 0.89


def test_ask_prints_the_bubble_and_the_decision(run):
    result = run("ask", "档案怎么转")
    assert result.exit_code == 0
    assert "你要做的：" in result.output
    assert "── answer 1.00" in result.output


def test_ask_can_explain_itself(run):
    """The parts of the score, the nearest question, and the features that spoke for and against."""
    explained = run("ask", "--explain", "我人在外地，档案能寄回老家不").output
    for part in ("得分由来（对数几率）：", "起点", "最像的一句：“", "最支持它的：", "最反对它的："):
        assert part in explained
    assert "一模一样" in run("ask", "--explain", "档案怎么转").output
    assert "最像的一句" not in run("ask", "档案怎么转").output
    assert run("ask", "--explain", "食堂今天吃什么").exit_code == 0
    assert run("ask", "--explain", "--jsonl").exit_code == 2


def test_the_handbook_has_every_entry(run, base, tmp_path):
    path = tmp_path / "手册.html"
    result = run("handbook", str(path))
    assert f"{len(base.entries)} 条写进 {path}" in result.output
    html = path.read_text(encoding="utf-8")
    assert html.count("<article ") == len(base.entries)
    assert run("handbook", "-").output == html


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
    decisions = [row.get("decision") for row in rows]
    assert decisions[:4] + decisions[5:] == ["answer", "none", None, "answer", "answer", None]
    assert decisions[4] in {"none", "suggest"}  # nothing was said before in that conversation
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
    assert app.test_cli_runner().invoke(args=["kb", "handbook", "-"]).exit_code == 1
    broken = app.test_cli_runner().invoke(args=["kb", "lint"])
    assert broken.exit_code == 1
    assert "没有条目文件" in broken.output
    asked = app.test_cli_runner().invoke(args=["kb", "ask", "档案怎么转"])
    assert asked.exit_code == 1
    assert "flask kb lint" in asked.output
