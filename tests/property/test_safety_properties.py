"""What must hold of the distress rule for every text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.safety.assessment import assess
from bot.safety.lexicon import load_lexicon
from bot.safety.models import Level

LEXICON = load_lexicon()
RED = [
    "我明天就去自杀",
    "我想从楼顶跳下去",
    "遗书我已经写好了",
    "我刚吃了一整瓶安眠药",
    "永别了",
    "东西都送人了，今晚天台见",
]
NEUTRAL = [
    "今天天气不错",
    "我去食堂吃饭",
    "档案怎么转",
    "谢谢老师",
    "哈哈哈",
    "校园卡余额还有十二块",
    "明天要交材料",
    "好的",
    "室友在打游戏",
]
PIECES = "自杀残死活想不要没有我你他她了的去割腕楼跳药再见世界，。！？《》“” \n.😂zsxiahuo哈"
texts = st.one_of(st.text(max_size=80), st.text(alphabet=PIECES, max_size=60))


@given(texts, st.lists(texts, max_size=5))
@settings(deadline=None, max_examples=150)
def test_no_text_raises_and_signals_stay_inside_it(text, recent):
    assessment = assess(text, recent, LEXICON)
    assert assessment.level in Level
    for signal in assessment.signals:
        assert 0 <= signal.start <= signal.end <= len(text)


@given(texts, st.lists(texts, max_size=5))
@settings(deadline=None, max_examples=100)
def test_earlier_texts_never_lower_the_level(text, recent):
    assert assess(text, recent, LEXICON).level >= assess(text, (), LEXICON).level


@given(
    st.sampled_from(RED), st.lists(st.sampled_from(NEUTRAL), max_size=3), st.lists(st.sampled_from(NEUTRAL), max_size=3)
)
@settings(deadline=None, max_examples=100)
def test_small_talk_around_a_red_sentence_does_not_hide_it(sentence, before, after):
    text = "。".join([*before, sentence, *after])
    assert assess(text, (), LEXICON).level >= Level.ORANGE


@given(
    st.sampled_from(["自杀", "割腕", "自残"]),
    st.sampled_from([".", " ", "·", "*", "-", "😂", "\u200b", "。", "，", "/"]),
)
def test_a_separator_inside_a_word_does_not_hide_it(word, separator):
    assert assess(f"我想{word[0]}{separator}{word[1]}", (), LEXICON).alarms


@given(texts)
@settings(deadline=None, max_examples=80)
def test_the_same_text_is_judged_the_same(text):
    assert assess(text, (), LEXICON) == assess(text, (), LEXICON)
