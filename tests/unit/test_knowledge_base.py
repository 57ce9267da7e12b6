"""Asking: normalising, choosing between entries, abstaining, two questions, follow-ups. Sample entries of its own."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from knowledge import intents
from knowledge.base import KnowledgeBase
from knowledge.decisions import Abstain, Answer, Context, Suggestions
from knowledge.entry import OUT_OF_SCOPE, Dictionary, Entry, Example, KeyDate, Office, Rumour, School, Source
from knowledge.rendering import BYTE_LIMIT, Paragraph, fit, render
from knowledge.text import fold, normalise
from knowledge.tokens import Segmenter

TODAY = date(2027, 6, 6)
NOW = datetime(2027, 6, 6, 4, 0, tzinfo=UTC)


def entry(entry_id: str, title: str, variants: str, **overrides) -> Entry:
    """A sound entry; `variants` are separated by spaces."""
    given = {
        "short": f"{title}：按学校通知办。", "facets": {"how": "1. 先登记。\n2. 再等通知。", "materials": "身份证。"},
        "sources": (Source("教学厅〔2023〕5号", "2023", "A", ("依据",)),), "owner": "就业指导部门",
        "last_verified": date(2026, 11, 20), "valid_until": date(2027, 8, 31),
    }  # fmt: skip
    return Entry(id=entry_id, title=title, variants=tuple(variants.split()), **(given | overrides))


ENTRIES = [
    entry(
        "archive.transfer", "档案怎么转", "档案转出去怎么弄 我的档案会自动寄走吗 档案什么时候寄 档案转递流程",
        related=("archive.where", "hukou.move_out"), deadline="close", office="career",
        cases={"升学": "凭调档函寄出。", "出国": "一般转回户籍地。"},
    ),
    entry("archive.where", "档案该放哪", "档案放哪里 没工作档案放在哪 私企不收档案存哪 档案去哪个人才中心"),
    entry("hukou.move_out", "户口怎么迁出", "户口怎么转走 迁户口要什么 户口从学校迁回老家 户口迁移手续", office="household"),
    entry("cert.collect", "毕业证怎么领", "毕业证什么时候发 去哪领毕业证 毕业证能代领吗 学位证怎么拿"),
    entry("cert.lost", "毕业证丢了怎么补", "毕业证遗失 毕业证丢了能补办吗 毕业证书弄丢怎么办 学位证丢了"),
    entry("meta.chat/hello", "打招呼", "你好 您好 在吗 早上好", short="你好，我是离校小助手。", facets={}, sources=()),
]  # fmt: skip
SCHOOL = School(
    {"career": Office("career", "就业指导部门"), "household": Office("household", "户籍窗口", phone="010-1")},
    {"close": KeyDate("close", "去向登记截止", date(2027, 6, 18))},
)
DICTIONARY = Dictionary(
    ("档案", "户口", "毕业证", "学位证"), ("转", "寄", "放", "领", "补", "迁出", "升学", "遗失", "代办")
)
NOT_OURS = (
    "今天天气怎么样", "食堂好吃吗", "借书证丢了怎么补", "借书证在哪里办", "四六级什么时候考", "身份证在哪里补", "饭卡丢了",
    "讲个笑话", "几点开门", "选课怎么选", "宿舍几点熄灯", "驾照过期了怎么补", "1加1等于几", "嗯嗯嗯", "aaaa", "谁最帅",
)  # fmt: skip
TALK = [
    Example(text, (topic,), topic)
    for topic in ("archive.transfer", "hukou.move_out")
    for text in ("出国的话呢", "考研的呢", "我是升学的", "要是升学呢", "多久能好")
] + [
    Example("毕业证怎么领，档案放哪里", ("cert.collect", "archive.where"), ""),
    Example("户口迁移手续，档案转递流程", ("hukou.move_out", "archive.transfer"), ""),
]
SYNONYMS = {"档案": ("党案",), "遗失": ("丢", "丢了", "弄丢"), "升学": ("考研",), "迁出": ("迁",), "代办": ("代领",)}


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return Segmenter(DICTIONARY, SYNONYMS, cache_folder=tmp_path_factory.mktemp("jieba"))


@pytest.fixture(scope="module")
def base(segmenter):
    return KnowledgeBase.build(ENTRIES, SCHOOL, questions={OUT_OF_SCOPE: NOT_OURS}, talk=TALK, segmenter=segmenter)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("檔案怎麼轉？", "档案怎么转"),
        ("老师您好，请问一下档案怎么转呀😭😭谢谢老师", "档案怎么转"),
        ("ＯＦＦＥＲ　怎么　办", "offer怎么办"),
        ("档案怎么转 户口往哪迁", "档案怎么转，户口往哪迁"),
        ("档 案 怎 么 转", "档案怎么转"),
        ("2019届的 报到证丢了", "2019届的，报到证丢了"),
        ("查学信网 chsi 上的学历", "查学信网chsi上的学历"),
        ("1️⃣", "1"),
        ("你好", "你好"),
        ("档案、户口", "档案和户口"),
        ("\ud800\x00档案\x07", "档案"),
        ("", ""),
    ],
)
def test_one_form_for_what_people_write(text, expected):
    """Width, script, marks, emoji and politeness make no difference; a text of nothing but politeness stays."""
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("档案怎么转", "archive.transfer"),
        ("老师，我的党案要怎么转出去呢", "archive.transfer"),
        ("没工作的话我的档案应该放在哪里", "archive.where"),
        ("我想把户口迁回老家去", "hukou.move_out"),
        ("毕业证被我弄丢了，还能补吗", "cert.lost"),
        ("我是今年毕业的本科生，在外地实习，想问一下毕业证什么时候发给我们", "cert.collect"),
        ("早上好！", "meta.chat"),
    ],
)
def test_a_question_in_other_words_finds_its_entry(base, text, topic):
    decision = base.ask(text)
    assert isinstance(decision, Answer)
    assert decision.topic == topic


@pytest.mark.parametrize(
    "text",
    [
        "今天天气怎么样",
        "怎么办",
        "学校",
        "借书证丢了怎么补",
        "食堂几点开",
        "？？？",
        "",
        "在哪办",
        "什么时候",
        "怎么补",
    ],
)
def test_no_evidence_is_not_answered(base, text):
    """No answer hangs on a common word, and a facet without a subject asks nothing."""
    assert not isinstance(base.ask(text), Answer)


def test_two_entries_with_the_same_phrase_are_both_offered(segmenter):
    """Where two entries claim one phrase, the student chooses."""
    twins = [entry("a.one", "档案甲", "档案呢"), entry("b.two", "档案乙", "档案呢")]
    decision = KnowledgeBase.build(twins, segmenter=segmenter).ask("档案呢")
    assert isinstance(decision, Suggestions)
    assert {hit.topic for hit in decision.hits} == {"a.one", "b.two"}


def test_suggestions_never_show_a_topic_twice(segmenter):
    """Finer entries of one topic are one suggestion."""
    finer = [
        entry("a.one/x", "档案转甲", "档案转"),
        entry("a.one/y", "档案转乙", "档案转走"),
        entry("b.two", "档案转丙", "档案转去"),
    ]
    decision = KnowledgeBase.build(finer, segmenter=segmenter).ask("档案要转一下子呢那样")
    hits = decision.hits if not isinstance(decision, Abstain) else ()
    assert len({hit.topic for hit in hits}) == len(hits) > 0


@pytest.mark.parametrize("text", ["档案怎么转？户口怎么迁？", "档案怎么转，还有户口怎么迁出", "档案和户口怎么转"])
def test_two_questions_in_one_message_both_get_answers(base, text):
    decision = base.ask(text)
    assert isinstance(decision, Answer)
    assert decision.topics == ("archive.transfer", "hukou.move_out")
    shown = render(decision, base, TODAY)
    assert "【档案怎么转】" in shown
    assert "【户口怎么迁出】" in shown


@pytest.mark.parametrize(
    ("said", "then", "topic", "facets"),
    [
        ("档案怎么转", "要带什么", "archive.transfer", ("materials",)),
        ("档案怎么转", "在哪办", "archive.transfer", ("where",)),
        ("户口怎么迁出", "能代办吗", "hukou.move_out", ("agent",)),
        ("户口怎么迁出", "多少钱", "hukou.move_out", ("cost",)),
        ("户口怎么迁出", "逾期会怎样", "hukou.move_out", ("late",)),
        ("档案怎么转", "那户口呢", "hukou.move_out", ()),
        ("毕业证怎么领", "丢了怎么办", "cert.lost", ()),
        ("档案怎么转", "升学的话呢", "archive.transfer", ()),
        ("档案怎么转", "毕业证在哪领", "cert.collect", ()),
    ],
)
def test_follow_ups_are_about_what_was_answered_last(base, said, then, topic, facets):
    context = base.remember(base.ask(said), None, NOW)
    decision = base.ask(then, context, now=NOW)
    assert isinstance(decision, Answer)
    assert decision.topic == topic
    if facets:
        assert decision.hit.facets == facets


@pytest.mark.parametrize("text", ["1", "１", "一", "第一个", "选1", "①", "1️⃣", "我选第一个", "一号"])
def test_a_number_picks_a_suggestion(base, text):
    decision = base.ask(text, Context("", ("cert.lost", "archive.where"), NOW), now=NOW)
    assert isinstance(decision, Answer)
    assert decision.topic == "cert.lost"


def test_a_number_beyond_the_list_shows_it_again_and_none_without_a_list(base):
    again = base.ask("9", Context("", ("cert.lost",), NOW), now=NOW)
    assert isinstance(again, Suggestions)
    assert [hit.topic for hit in again.hits] == ["cert.lost"]
    assert render(again, base, TODAY).splitlines()[0] == "你问的是这个吗？是就回复数字 1："
    assert isinstance(base.ask("1"), Abstain)


def test_after_an_answer_numbers_are_its_related_entries(base):
    context = base.remember(base.ask("档案怎么转"), None, NOW)
    assert base.ask("2", context, now=NOW).topic == "hukou.move_out"


def test_context_is_forgotten_after_half_an_hour(base):
    context = base.remember(base.ask("档案怎么转"), None, NOW)
    assert isinstance(base.ask("要带什么", context, now=NOW + timedelta(minutes=30)), Answer)
    assert not isinstance(base.ask("要带什么", context, now=NOW + timedelta(minutes=31)), Answer)


def test_nothing_found_leaves_the_context(base):
    context = base.remember(base.ask("档案怎么转"), None, NOW)
    assert base.remember(Abstain(), context, NOW + timedelta(minutes=1)) == context


def test_an_unrelated_entry_changes_no_winner(base, segmenter):
    questions = [text for one in ENTRIES for text in one.variants]
    more = KnowledgeBase.build(
        [*ENTRIES, entry("canteen.hours", "食堂几点开门", "食堂开饭 早餐供应 午餐窗口")], SCHOOL, segmenter=segmenter
    )
    assert [base.ask(text) for text in questions] == [more.ask(text) for text in questions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("要带什么材料", ("materials",)), ("在哪办", ("where",)), ("什么时候截止", ("when",)), ("要多久", ("when",)),
        ("收费吗", ("cost",)), ("能让室友帮我办吗", ("agent",)), ("不办会怎么样", ("late",)), ("找谁", ("contact",)),
        ("怎么查进度", ("check",)), ("在哪办要带什么", ("where", "materials")), ("今天天气", ()),
    ],
)  # fmt: skip
def test_facets_asked_for(text, expected):
    assert intents.facets(normalise(text)) == expected


def test_the_bubble_says_first_what_matters(base):
    """Short answer, steps, deadline counted from today, source with its month, numbers to go on with."""
    shown = render(base.ask("档案怎么转"), base, TODAY)
    order = [
        "档案怎么转：按学校通知办。",
        "你要做的：\n1. 先登记。",
        "去向登记截止还有 12 天（6月18日）。",
        "2026-11 核对",
        "回复数字：1 档案该放哪",
    ]
    places = [shown.index(text) for text in order]
    assert places == sorted(places)
    assert "以学校通知为准" in shown  # the office's blanks


def test_what_the_school_has_filled_in_is_shown(base):
    shown = render(base.ask("户口怎么迁出"), base, TODAY)
    assert "找谁：户籍窗口 · 010-1" in shown


def test_one_rumour_is_corrected_where_there_is_room(segmenter):
    """The one that the student quoted comes before all else that may go; another only where nothing has to go for it."""
    rumours = (Rumour("档案可以自己带走", "不能。"), Rumour("档案两年就死", "没有这回事。"))
    told = KnowledgeBase.build([replace(ENTRIES[0], rumours=rumours), *ENTRIES[1:]], SCHOOL, segmenter=segmenter)
    shown = render(told.ask("档案怎么转"), told, TODAY)
    assert "\n\n常见误传：“档案可以自己带走”——不能。\n\n" in shown
    assert "两年" not in shown
    assert "常见误传：“档案两年就死”——没有这回事。" in render(told.ask("听说档案两年就死了"), told, TODAY)
    long = replace(ENTRIES[0], rumours=rumours, facets={"how": "步" * 400, "where": "处" * 200})
    full = KnowledgeBase.build([long], SCHOOL, segmenter=segmenter)
    assert "误传" not in render(full.ask("档案怎么转"), full, TODAY)
    assert "处" in render(full.ask("档案怎么转"), full, TODAY)


def test_a_follow_up_without_its_facet_says_so(base):
    context = base.remember(base.ask("户口怎么迁出"), None, NOW)
    shown = render(base.ask("多少钱", context, now=NOW), base, TODAY)
    assert "“多少钱”这一点我没有核对过的说法，以学校通知为准" in shown


@pytest.mark.parametrize(
    ("overrides", "said"),
    [({"valid_until": date(2027, 6, 5)}, "已经过期"), ({"last_verified": None}, "还没有人核对过")],
)
def test_expired_or_unverified_is_never_answered_silently(segmenter, overrides, said):
    stale = KnowledgeBase.build([replace(ENTRIES[0], **overrides)], SCHOOL, segmenter=segmenter)
    assert said in render(stale.ask("档案怎么转"), stale, TODAY)


def test_a_bubble_drops_whole_paragraphs_least_important_first():
    """Nothing is cut inside; rank 0 outlives all others."""
    paragraphs = [Paragraph("短" * 100, 0), Paragraph("步" * 300, 1), Paragraph("例" * 400, 5), Paragraph("源" * 20, 2)]
    shown = fit(paragraphs)
    assert shown == f"{paragraphs[0].text}\n\n{paragraphs[1].text}\n\n{paragraphs[3].text}"
    assert len(shown.encode()) <= BYTE_LIMIT


def test_small_talk_is_short(base):
    assert render(base.ask("你好"), base, TODAY) == "你好，我是离校小助手。"


def test_folding_reads_at_most_two_thousand_characters():
    assert len(fold("档" * 5000)) == 2000
