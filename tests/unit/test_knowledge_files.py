"""Reading and checking a knowledge folder, and measuring with labelled lines: every fault with its file and line."""

from datetime import date
from pathlib import Path

import pytest

from knowledge.base import KnowledgeBase
from knowledge.decisions import Abstain, Answer, Hit, Suggestions
from knowledge.entry import Example
from knowledge.evaluation import EvaluationError, Question, evaluate, figures, judge, read_questions
from knowledge.lint import lint
from knowledge.loader import KnowledgeError, load, read
from knowledge.tokens import Segmenter

TODAY = date(2027, 6, 6)
SOUND = """\
- id: archive.transfer
  title: 档案怎么转
  short: 学校统一寄出。
  facets: {how: "1. 先登记。", when: 以学校通知为准。}
  cases: {升学: 凭调档函寄出。}
  rumours: [{claim: 自己带, truth: 不能。}]
  deadline: close
  office: career
  audience: [本科]
  sources: [{name: 教学厅, date: 2023, grade: A, supports: [依据]}]
  owner: 就业
  last_verified: 2026-11-20
  valid_until: 2027-08-31
  related: [archive.transfer/more]
  variants: [一档案, 二档案, 三档案, 四档案, 五档案, 六档案, 七档案, 八档案, 九档案, 十档案, 甲档案, 乙档案]
"""
FINER = SOUND.replace("archive.transfer/more", "archive.transfer").replace(
    "- id: archive.transfer\n", "- id: archive.transfer/more\n"
)
FINER = FINER.replace("档案怎么转", "档案转递细则").replace("档案,", "档案细,").replace("乙档案]", "乙档案细]")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A sound knowledge folder of two entries."""
    for name in ("national", "school"):
        (tmp_path / name).mkdir()
    (tmp_path / "national/archive.yaml").write_text(SOUND + FINER, encoding="utf-8")
    (tmp_path / "school/offices.yaml").write_text(
        "career: {name: 就业部门, phone: 【请学校填写】, place: 三楼, hours: ''}\n", encoding="utf-8"
    )
    (tmp_path / "school/calendar.yaml").write_text(
        "close: {name: 截止, day: 2027-06-18}\nother: {name: 别的, day: 【请学校填写】}\n", encoding="utf-8"
    )
    (tmp_path / "dictionary.txt").write_text("# 词\n档案 户口\n~ 转 寄\n", encoding="utf-8")
    (tmp_path / "synonyms.txt").write_text("档案 = 党案 当案 # 错字\n", encoding="utf-8")
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "national/archive.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_sound_folder_becomes_a_library(folder):
    library = load(folder)
    first = library.entries[0]
    assert (first.id, first.topic, library.entries[1].topic) == ("archive.transfer",) * 3
    assert first.sources[0].date == "2023"
    assert first.last_verified == date(2026, 11, 20)
    assert library.places["archive.transfer/more"] == ("national/archive.yaml", 16)
    assert library.dictionary.subjects == ("档案", "户口")
    assert library.dictionary.modifiers == ("转", "寄")
    assert library.synonyms == {"档案": ("党案", "当案")}
    assert library.school.calendar["close"].day == date(2027, 6, 18)


def test_blanks_are_notes_and_never_faults(folder):
    """What only the school can know may be empty."""
    report = lint(folder, TODAY)
    assert report.faults == ()
    notes = "\n".join(map(str, report.notes))
    assert "career 就业部门：电话、时间没有填" in notes
    assert "other 别的：没有填" in notes


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  title: 档案怎么转\n", "  titel: 档案怎么转\n", "national/archive.yaml:2 不认识 titel"),
        ("  title: 档案怎么转\n", "", "national/archive.yaml:1 archive.transfer 缺 title"),
        ("  short: 学校统一寄出。", "  short: 12", "national/archive.yaml:3 short 应是文字"),
        ("valid_until: 2027-08-31", "valid_until: 明年", "national/archive.yaml:13 valid_until 应写成"),
        ("variants: [一档案,", "variants: [1,", "national/archive.yaml:15 variants 应是一列文字"),
        ("grade: A, ", "", "national/archive.yaml:10 sources 有一项缺 grade"),
        (
            "archive.transfer/more\n  title",
            "archive.transfer\n  title",
            "national/archive.yaml:16 id archive.transfer 已在",
        ),
        ("  owner: 就业\n", "  owner: 就业\n  owner: 教务\n", "owner 写了两遍"),
        ("claim: 自己带, ", "", "rumours 有一项缺 claim"),
        ("- id: archive.transfer\n", "- id: [\n", "不是合格的 YAML"),
    ],
)
def test_faults_of_form_are_told_with_file_and_line(folder, old, new, said):
    edit(folder, old, new)
    with pytest.raises(KnowledgeError) as raised:
        load(folder)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{how:", "{hwo:", "facets 不认识 hwo"),
        ("short: 学校统一寄出。", f"short: {'长' * 121}", "short 有 121 字"),
        ("office: career", "office: nowhere", "office 不认识 nowhere"),
        ("deadline: close", "deadline: never", "deadline 不认识 never"),
        ("related: [archive.transfer/more]", "related: [archive.lost]", "related 里还没有这些条目：archive.lost"),
        ("一档案, 二档案,", "一档案, 一档案！,", "variants 去重后有 11 句"),
        ("grade: A", "grade: Z", "grade 是 Z"),
        ("audience: [本科]", "audience: [老师]", "audience 不认识 老师"),
        ("一档案细,", "一档案,", "“一档案”也是 archive.transfer 的问法"),
        ("when: 以学校通知为准。", f"when: {'长' * 500}", "facets.when 有 1500 字节"),
    ],
)
def test_faults_of_content_are_told(folder, old, new, said):
    edit(folder, old, new)
    assert said in "\n".join(map(str, lint(folder, TODAY).faults))


def test_all_faults_come_at_once_and_the_sound_rest_is_read(folder):
    edit(folder, "  title: 档案怎么转\n", "  titel: 甲\n")
    (folder / "school/calendar.yaml").write_text("close: {name: 截止, day: 六月}\n", encoding="utf-8")
    (folder / "synonyms.txt").write_text("档案\n", encoding="utf-8")
    reading = read(folder)
    assert {fault.path for fault in reading.faults} == {"national/archive.yaml", "school/calendar.yaml", "synonyms.txt"}
    assert [entry.id for entry in reading.library.entries] == ["archive.transfer/more"]


def test_expired_soon_expired_and_unverified_are_notes(folder):
    edit(folder, "last_verified: 2026-11-20", "last_verified:")
    notes = "\n".join(map(str, lint(folder, date(2027, 9, 1)).notes))
    assert "archive.transfer：还没有核对" in notes
    assert "有效期已过" in notes
    assert "有效期将到" in "\n".join(map(str, lint(folder, date(2027, 8, 1)).notes))


def test_no_entries_at_all_is_a_fault(tmp_path):
    assert [fault.message for fault in read(tmp_path).faults] == ["没有条目文件（*.yaml）"]


def write_questions(folder: Path, name: str, *lines: str) -> None:
    path = folder / "questions" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def faults(folder: Path) -> list[str]:
    return [str(fault) for fault in lint(folder, TODAY).faults]


def test_questions_keep_their_places(folder):
    write_questions(folder, "a.tsv", "# 说明", "archive.transfer\t档案啥时候动身", "", "out_of_scope\t今天天气")
    write_questions(folder, "b.tsv", "archive.transfer\t档案上路没")
    library = load(folder)
    assert library.questions == {"archive.transfer": ("档案啥时候动身", "档案上路没"), "out_of_scope": ("今天天气",)}
    assert library.question_places == {
        "archive.transfer": (("questions/a.tsv", 2), ("questions/b.tsv", 1)), "out_of_scope": (("questions/a.tsv", 4),),
    }  # fmt: skip
    assert faults(folder) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("archive.transfer\t老师，档案啥时候动身呀？", "“老师，档案啥时候动身呀？”已经写过（questions/a.tsv:1）"),
        ("out_of_scope\t档案啥时候动身", "已经是 archive.transfer 的问法（questions/a.tsv:1）"),
        ("out_of_scope\t二档案", "“二档案”是条目 archive.transfer 的问法，不能也是 out_of_scope 的"),
        ("out_of_scope\t档案转递细则", "是条目 archive.transfer/more 的问法"),
        ("archive.nothing\t档案呢", "没有主题 archive.nothing 的条目"),
        ("档案呢", "应写成 主题编号<TAB>问法"),
    ],
)
def test_faults_of_questions_are_told_with_file_and_line(folder, line, said):
    """A question is said once, and means one topic; politeness and marks make no other question of it."""
    write_questions(folder, "a.tsv", "archive.transfer\t档案啥时候动身", "archive.transfer\t一档案", line)
    (fault,) = faults(folder)
    assert fault.startswith("questions/a.tsv:3 ")
    assert said in fault


def write_talk(folder: Path, *lines: str) -> None:
    (folder / "talk").mkdir()
    (folder / "talk/a.tsv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_talk_keeps_its_places(folder):
    """What is said after an answer, and two questions in one text; who asks for no examples reads none."""
    write_talk(
        folder, "# 说明", "archive.transfer\t到没到咋看\tout_of_scope", "-\t两件事\tarchive.transfer+out_of_scope"
    )
    library = load(folder)
    assert library.talk == (
        Example("到没到咋看", ("out_of_scope",), "archive.transfer"),
        Example("两件事", ("archive.transfer", "out_of_scope")),
    )
    assert library.talk_places == (("talk/a.tsv", 2), ("talk/a.tsv", 3))
    assert faults(folder) == []
    assert load(folder, examples=False).talk == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("archive.transfer\t到没到咋看呀？\tout_of_scope", "已经写过（talk/a.tsv:1）"),
        ("archive.nothing\t到没到\tarchive.transfer", "没有主题 archive.nothing 的条目"),
        ("archive.transfer\t到没到\tarchive.nothing", "没有主题 archive.nothing 的条目"),
        ("out_of_scope\t到没到\tarchive.transfer", "上一条不能是 out_of_scope"),
        ("-\t四件事\tarchive.transfer+out_of_scope+archive.transfer+out_of_scope", "最多 3 个"),
        ("archive.transfer\t到没到", "应写成 上一条的主题"),
        ("-\t\tarchive.transfer", "应写成 上一条的主题"),
    ],
)
def test_faults_of_talk_are_told_with_file_and_line(folder, line, said):
    write_talk(folder, "archive.transfer\t到没到咋看\tout_of_scope", line)
    (fault,) = faults(folder)
    assert fault.startswith("talk/a.tsv:2 ")
    assert said in fault


def test_what_is_learnt_is_not_measured(folder):
    """A question or a variant that is also in an evaluation file is a fault, at the place of what is learnt."""
    write_questions(folder, "a.tsv", "archive.transfer\t档案啥时候动身")
    (folder / "evaluation").mkdir()
    (folder / "evaluation/test.jsonl").write_text(
        '{"text":"档案啥时候动身啊？","topic":"archive.transfer"}\n{"text":"二档案","topic":"archive.transfer"}\n'
        '{"text":"档案到哪儿了","topic":"archive.transfer"}\n',
        encoding="utf-8",
    )
    (folder / "evaluation/tune.jsonl").write_text("{}\n", encoding="utf-8")
    first, second, third = faults(folder)
    assert first.startswith("evaluation/tune.jsonl 读不出来")
    assert second.startswith("national/archive.yaml:1 “二档案”也是评测句（evaluation/test.jsonl）")
    assert third.startswith("questions/a.tsv:1 “档案啥时候动身”也是评测句")


def hits(*topics: str) -> tuple[Hit, ...]:
    return tuple(Hit(topic, topic, topic, 0.5) for topic in topics)


@pytest.mark.parametrize(
    ("question", "decision", "first", "three", "refused", "wrong"),
    [
        (Question("x", "a"), Answer(hits("a")), True, True, False, False),
        (Question("x", "a"), Answer(hits("b")), False, False, False, True),
        (Question("x", "a", ("b",)), Answer(hits("b")), True, True, False, False),
        (Question("x", "a"), Suggestions(hits("b", "a")), False, True, False, False),
        (Question("x", "a"), Abstain(), False, False, True, False),
        (Question("x", "out_of_scope"), Abstain(), True, True, True, False),
        (Question("x", "out_of_scope"), Suggestions(hits("a")), False, False, False, False),
        (Question("x", "out_of_scope"), Answer(hits("a")), False, False, False, True),
        (Question("x", "a"), Answer(hits("b", "a")), False, True, False, True),
        (Question("x", "a", ("b",), "double"), Answer(hits("a", "b")), True, True, False, False),
        (Question("x", "a", ("b",), "double"), Answer(hits("a")), False, False, False, False),
        (Question("x", "a", ("b",), "ambiguous"), Suggestions(hits("b", "a")), True, True, False, False),
    ],
)
def test_what_counts_as_right(question, decision, first, three, refused, wrong):
    outcome = judge(question, decision)
    assert (outcome.first, outcome.within_three, outcome.refused, outcome.wrong) == (first, three, refused, wrong)


def test_figures_by_kind(folder, tmp_path):
    library = load(folder)
    base = KnowledgeBase.build(
        library.entries,
        questions={"out_of_scope": ("今天天气怎么样", "讲个笑话")},
        segmenter=Segmenter(library.dictionary, cache_folder=tmp_path),
    )
    path = tmp_path / "lines.jsonl"
    path.write_text(
        '{"text":"档案怎么转","topic":"archive.transfer"}\n\n{"text":"今天天气","topic":null,"kind":"out"}\n'
        '{"text":"什么时候","topic":"archive.transfer","also":"a","after":["档案怎么转"],"kind":"follow"}\n',
        encoding="utf-8",
    )
    rows = figures(evaluate(base, read_questions(path)))
    assert [(row.kind, row.count, row.at_one, row.wrong) for row in rows] == [
        ("全部", 3, 1.0, 0.0), ("plain", 1, 1.0, 0.0), ("out", 1, 1.0, 0.0), ("follow", 1, 1.0, 0.0),
    ]  # fmt: skip
    path.write_text('{"text":"x","topic":"a"}\n[]\n', encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"lines\.jsonl:2"):
        read_questions(path)
