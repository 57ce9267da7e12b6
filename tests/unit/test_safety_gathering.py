"""A goodbye in slight parts: what adds up, what does not."""

import pytest

from bot.safety.assessment import assess
from bot.safety.gathering import Gathering, Part, gather
from bot.safety.lexicon import load_lexicon
from bot.safety.models import Level

GATHERING = Gathering(
    category="goodbye",
    weights={"parting": 2, "apology": 2, "beyond": 3, "weary": 1},
    leaving=frozenset({"parting", "apology"}),
    grave=frozenset({"beyond", "weary"}),
    levels={Level.ORANGE: 5, Level.RED: 8},
    reach=20,
)
LEXICON = load_lexicon()


def parts(*names, step=4):
    return [Part(i * step, i * step + 2, name) for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("names", "level"),
    [
        ([], None),
        (["parting", "beyond"], Level.ORANGE),
        (["parting", "apology", "beyond", "weary"], Level.RED),
        (["parting", "parting", "parting", "weary"], None),
        (["parting", "apology"], None),
        (["beyond", "weary"], None),
    ],
)
def test_parts_count_once_and_need_both_a_leaving_and_something_grave(names, level):
    found = gather(parts(*names), GATHERING)
    assert (found.level if found else None) is level


def test_parts_that_stand_far_apart_do_not_add_up():
    assert gather(parts("parting", "beyond", step=30), GATHERING) is None


def test_the_stretch_is_the_heaviest_one():
    found = gather([Part(0, 2, "parting"), Part(50, 52, "apology"), Part(54, 56, "beyond")], GATHERING)
    assert found is not None
    assert (found.start, found.end) == (50, 56)


@pytest.mark.parametrize(
    "text",
    [
        "爸妈对不起，我爱你们，我真的太累了",
        "谢谢你们来过我的生命，我走了，要好好的",
        "欠的钱都还清了，可以安心离开了",
        "再见了各位，对不起，这次是真的撑不住了，我先走了",
    ],
)
def test_a_goodbye_that_no_single_word_gives_away_alarms(text):
    assert assess(text, (), LEXICON).alarms


@pytest.mark.parametrize(
    "text",
    [
        "老师对不起，我先走了，明天再来补材料",
        "谢谢老师，再见，祝您身体健康",
        "东西都收拾好了，明天搬家，太累了",
        "谢谢四年的室友们，毕业了，大家保重，再见",
        "《再见》这首歌里唱的世界真好",
        "对不起，我来晚了，好累",
        "晚安，世界和平",
    ],
)
def test_an_ordinary_leave_taking_does_not(text):
    assert not assess(text, (), LEXICON).alarms
