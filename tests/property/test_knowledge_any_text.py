"""Whatever is written or learnt, the knowledge base decides; what has nothing to do with a question changes nothing."""

from datetime import UTC, date, datetime
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.base import KnowledgeBase
from knowledge.decisions import Abstain, Answer, Context, Suggestions
from knowledge.entry import OUT_OF_SCOPE, Dictionary, Entry, Source
from knowledge.rendering import BYTE_LIMIT, Paragraph, fit, render
from knowledge.text import fold, normalise
from knowledge.tokens import Segmenter

NOW = datetime(2027, 6, 6, tzinfo=UTC)
PHRASES = [
    "档案怎么转",
    "户口怎么迁",
    "毕业证丢了",
    "档案放哪",
    "怎么办",
    "在哪办",
    "1",
    "老师您好",
    "，",
    "还有",
    "和",
    "那",
    "呢",
    "😭",
    "dangan",
    "zmz",
    "ems",
    "擋案",
]


def _entry(entry_id: str, title: str, *variants: str) -> Entry:
    return Entry(
        entry_id, title, f"{title}。", {"how": "1. 问。"}, (Source("甲", "2023", "A", ("乙",)),), "丙",
        date(2026, 11, 1), date(2027, 8, 31), variants, related=("hukou.move_out", "archive.where"),
    )  # fmt: skip


ENTRIES = [
    _entry("archive.transfer", "档案怎么转", "档案转走", "档案寄到哪"),
    _entry("archive.where", "档案放哪", "档案存哪里", "档案该放哪儿"),
    _entry("hukou.move_out", "户口怎么迁", "户口迁回家", "迁户口要啥"),
    _entry("cert.lost", "毕业证丢了", "毕业证补办", "学位证丢了咋办"),
]


QUESTIONS = {
    "archive.transfer": ("档案啥时候动身", "转档案的快递谁来寄", "ems查得到档案吗"),
    OUT_OF_SCOPE: ("今天天气怎么样", "食堂几点开", "讲个笑话", "考研几号报名", "ems多少钱"),
}
ASKED = [variant for entry in ENTRIES for variant in (entry.title, *entry.variants)] + [
    "档案咋转走啊",
    "户口能迁回老家吗",
    "学位证补办",
    "党案存在哪里",
    "hukou怎么迁",
]


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    words = Dictionary(("档案", "户口", "毕业证"), ("转", "放", "迁"))
    return Segmenter(words, cache_folder=tmp_path_factory.mktemp("jieba"))


@pytest.fixture(scope="module")
def base(segmenter):
    return KnowledgeBase.build(ENTRIES, questions=QUESTIONS, segmenter=segmenter)


any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=200) | st.lists(
    st.sampled_from(PHRASES) | st.text(max_size=4), max_size=30
).map("".join)
any_context = st.none() | st.builds(
    Context,
    topic=st.sampled_from(["", "archive.transfer", "gone.topic"]),
    suggestions=st.lists(st.sampled_from(["cert.lost", "archive.where", "gone"]), max_size=3).map(tuple),
)


@given(text=any_text, context=any_context)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gets_a_decision_that_can_be_shown(base, text, context):
    """Surrogates, emoji and NUL included: a decision, a bubble of at most 2,048 bytes, a context for the next turn."""
    decision = base.ask(text, context, now=NOW)
    assert isinstance(decision, Answer | Suggestions | Abstain)
    assert 0 <= decision.score <= 1
    shown = render(decision, base, date(2027, 6, 6))
    assert 0 < len(shown.encode()) <= BYTE_LIMIT
    remembered = base.remember(decision, context, NOW)
    assert isinstance(base.ask("要带什么", remembered, now=NOW), Answer | Suggestions | Abstain)


@pytest.mark.parametrize(
    "unit", ["档", "\ud800", "\0", "😭", "档案怎么转，", "和", "转" * 7 + "？", "a1 ", "dangan", "z"]
)
def test_two_thousand_characters_get_a_decision(base, unit):
    text = (unit * 2000)[:2000]
    assert isinstance(base.ask(text), Answer | Suggestions | Abstain)


@given(text=any_text)
@settings(max_examples=100, deadline=None)
def test_normalising_twice_changes_nothing_more(text):
    """What is stored normalised can be compared with what is normalised now."""
    assert fold(fold(text)) == fold(text)
    assert normalise(text) or not fold(text)


def test_the_order_of_entries_does_not_matter(segmenter):
    questions = [
        *PHRASES,
        *(variant for entry in ENTRIES for variant in entry.variants),
        "档案和户口怎么转",
        "转",
        "户口呢",
    ]
    seen = {
        tuple(repr(base.ask(text)) for text in questions)
        for base in (
            KnowledgeBase.build(order, questions=QUESTIONS, segmenter=segmenter)
            for order in list(permutations(ENTRIES))[::5]
        )
    }
    assert len(seen) == 1


@given(
    words=st.lists(
        st.text(alphabet="猫狗鱼鸟汤饭菜茶酒灯", min_size=3, max_size=8), min_size=2, max_size=6, unique=True
    )
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_unrelated_entry_changes_no_winner(base, segmenter, words):
    """An entry that shares no character with a question takes no question from its topic."""
    more = [*ENTRIES, _entry("zoo.feeding", *words)]
    grown = KnowledgeBase.build(more, questions=QUESTIONS, segmenter=segmenter)
    for text in ASKED:
        before, after = base.ask(text), grown.ask(text)
        assert isinstance(before, Answer)
        assert isinstance(after, Answer)
        assert after.topics == before.topics


@given(learnt=st.lists(any_text, min_size=1, max_size=5), refused=st.lists(any_text, max_size=5), asked=any_text)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_learnt(segmenter, learnt, refused, asked):
    """Entries with nothing that can be compared in them, too: whoever writes them gets a base that answers."""
    entries = [_entry("odd.one", *learnt), *ENTRIES[:1]]
    odd = KnowledgeBase.build(entries, questions={OUT_OF_SCOPE: refused}, segmenter=segmenter)
    for text in (*learnt, *refused, asked):
        assert isinstance(odd.ask(text), Answer | Suggestions | Abstain)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=900), st.integers(1, 6)), max_size=8))
@settings(deadline=None)
def test_fitting_keeps_whole_paragraphs_in_order(rows):
    """What is kept is a subsequence; nothing kept is less important than everything dropped needed to be."""
    paragraphs = [
        Paragraph("短答", 0),
        *(Paragraph(text.replace("\n\n", "\n").strip("\n") or "字", rank) for text, rank in rows),
    ]
    shown = fit(paragraphs)
    assert shown.startswith("短答")
    assert len(shown.encode()) <= BYTE_LIMIT
    rest = iter([paragraph.text for paragraph in paragraphs])
    assert all(part in rest for part in shown.split("\n\n"))
