"""The distress rule on tables of cases: level, subject, spans, and what earlier texts add."""

from pathlib import Path

import pytest

from bot.safety.assessment import assess
from bot.safety.lexicon import load_lexicon
from bot.safety.models import CALM, Level

CASES = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / "safety_cases.tsv").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
LEXICON = load_lexicon()


def level_of(text, *recent):
    return assess(text, recent, LEXICON).level


@pytest.mark.parametrize(("expected", "kind", "text"), CASES, ids=[f"{kind}-{text}" for _, kind, text in CASES])
def test_each_kind_of_saying_has_its_level(expected, kind, text):
    """The level of every line of the table, negatives included."""
    assert assess(text, (), LEXICON).level.word == expected


def test_the_table_is_half_negative():
    """A table of alarms alone would reward a rule that always alarms."""
    negative = [case for case in CASES if case[0] == "none"]
    assert len(CASES) >= 150
    assert 0.4 <= len(negative) / len(CASES) <= 0.6


@pytest.mark.parametrize(
    "text",
    [
        "我室友说不想活了",
        "室友跟我说想死",
        "我朋友想自杀怎么办",
        "我室友失恋了，昨晚说不想活了",
        "怎么劝想自杀的朋友",
        "她最近总是自残，我很害怕",
        "我弟弟割腕了",
        "隔壁宿舍的同学要跳楼",
        "我担心他想不开",
        "同学微信跟我说他撑不下去了",
        "发现闺蜜手上有自残的痕迹，怎么帮她",
    ],
)
def test_a_worry_about_another_person_alarms_and_is_about_the_other(text):
    assessment = assess(text, (), LEXICON)
    assert assessment.alarms
    assert assessment.subject == "other"


@pytest.mark.parametrize(
    "text",
    [
        "男朋友和我分手，我总是想自杀",
        "室友都孤立我，我想死",
        "我妈骂我，我不想活了",
        "爸妈天天吵架，不想活了",
        "她走了，我也不想活了",
        "对不起爸妈，我要走了，来世再见",
        "我跟室友说我想死，她没当回事",
        "父母离婚后我一直自残",
        "想死，但是又放不下爸妈",
        "室友说不想活了，其实我也不想活了",
    ],
)
def test_people_in_the_story_do_not_take_the_danger_from_the_writer(text):
    assessment = assess(text, (), LEXICON)
    assert assessment.alarms
    assert assessment.subject == "self"


@pytest.mark.parametrize(
    ("text", "written"),
    [("老师，我想自.杀", "想自.杀"), ("嗯……好想紫砂", "好想紫砂"), ("不 想 活 了", "不 想 活 了"), ("我想死", "想死")],
)
def test_a_signal_points_at_what_was_written(text, written):
    """The span is of the student's own text, whatever was undone to read it."""
    spans = {text[signal.start : signal.end] for signal in assess(text, (), LEXICON).signals}
    assert written in spans


def test_one_signal_says_what_why_and_how_grave():
    assessment = assess("东西都送人了，今晚天台见", (), LEXICON)
    assert assessment.level is Level.RED
    assert {"告别", "时间", "地点"} <= set(assessment.labels)
    assert assessment.labels[0] == "告别"


def test_nothing_said_is_calm():
    assert assess("档案怎么转", (), LEXICON) == CALM
    assert assess("", (), LEXICON) == CALM


class TestWithEarlierTexts:
    def test_a_word_sent_in_pieces_is_read_as_one(self):
        assert level_of("杀", "我想", "自") is Level.ORANGE
        assert level_of("活了", "我不想") is Level.ORANGE

    def test_pieces_that_were_whole_before_do_not_alarm_twice(self):
        assert level_of("嗯", "我想死") is Level.NONE

    def test_a_place_after_a_wish_is_red(self):
        assert level_of("我在天台") is Level.NONE
        assert level_of("我在天台", "不想活了") is Level.RED

    def test_a_time_after_a_wish_is_red(self):
        assert level_of("就今晚吧", "活着没意思") is Level.RED

    def test_a_wish_with_a_place_after_a_wish_is_red(self):
        assert level_of("我想死，江边好冷", "撑不下去了") is Level.RED

    def test_heavy_text_upon_heavy_text_is_orange(self):
        assert level_of("好崩溃", "今天又哭了，好绝望") is Level.YELLOW
        assert level_of("好崩溃", "看不到未来", "好绝望") is Level.ORANGE

    def test_another_persons_wish_makes_no_plan_of_an_evening_out(self):
        assert level_of("今晚几点关门", "我室友说不想活了") is Level.NONE

    def test_earlier_texts_never_lower(self):
        assert level_of("我今晚就去跳楼", "哈哈哈", "开玩笑的") is Level.RED


def test_a_long_text_of_nothing_but_alarms_is_still_seen():
    assert level_of("想死" * 2000) >= Level.ORANGE
