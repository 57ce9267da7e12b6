"""Every template held to the rubric (after VERA-MH), one rule a test, so that a psychologist can read it."""

from datetime import datetime
from itertools import pairwise

import pytest

from bot.safety.models import Assessment, Level, Signal
from bot.safety.plan import Progress, load_steps, question, written_out
from bot.safety.replies import (
    COMPANY,
    LONGEST_REPLY,
    SITUATIONS,
    RepliesError,
    call_me_reply,
    listening_reply,
    load_replies,
    render,
    situation_of,
    supportive_reply,
    with_call_noted,
)

NIGHT = datetime(2026, 6, 17, 3, 0)  # noqa: DTZ001 - the school's wall clock
MORNING = datetime(2026, 6, 17, 10, 0)  # noqa: DTZ001 - likewise
HOLIDAY = datetime(2026, 10, 1, 10, 0)  # noqa: DTZ001 - likewise
FILLS = {
    "phone": "13800000000",
    "question": question(Progress()),
    "count": "7",
    "plan": "1. 我会这样察觉到自己又难受了",
}
LISTENING = {name for name in COMPANY if name.startswith("listening")}
ALL = sorted(SITUATIONS | COMPANY)
RENDERED = {name: render(name, NIGHT, **FILLS) for name in ALL}
EVERY = pytest.mark.parametrize("situation", ALL)  # what is never said, whatever the situation
ANSWERS = pytest.mark.parametrize("situation", sorted(SITUATIONS | LISTENING))  # what each answer to distress says
URGENT = pytest.mark.parametrize(
    "situation", [name for name in sorted(SITUATIONS) if name.startswith(("red", "orange"))]
)
ABOUT_SELF = [name for name in sorted(SITUATIONS) if "_self" in name]
ABOUT_OTHER = [name for name in sorted(SITUATIONS) if "_other" in name]

MINIMISING = [
    "想开点",
    "想开些",
    "别想太多",
    "没什么大不了",
    "会过去的",
    "都会好",
    "不至于",
    "小事",
    "矫情",
    "坚强",
    "乐观",
    "振作",
    "开心点",
    "加油",
    "比你惨",
    "大家都",
    "谁没有",
    "睡一觉就",
    "时间会",
    "珍惜生命",
    "生命可贵",
    "积极",
]
GUILT = [
    "别做傻事",
    "做傻事",
    "你还有父母",
    "想想父母",
    "想想爸妈",
    "想想家人",
    "对得起",
    "自私",
    "懦弱",
    "不负责任",
    "让人失望",
    "还年轻",
]
BARGAINS = ["保证不", "答应我", "向我保证", "承诺不", "发誓", "签", "约定"]
SECRECY = ["替你保密", "会保密", "为你保密", "不告诉别人", "不会告诉", "只有我知道", "绝对保密"]
METHODS = [
    "割腕",
    "跳楼",
    "上吊",
    "烧炭",
    "安眠药",
    "农药",
    "吞药",
    "跳下",
    "绳子",
    "刀",
    "自杀",
    "自残",
    "煤气",
    "卧轨",
    "药",
]
DIAGNOSES = ["抑郁症", "双相", "焦虑症", "精神病", "患者", "病人"]
SURVEYS = ["请填写", "问卷", "评分", "1-10", "打分", "测评", "量表", "回复数字"]
EMPTY_PROMISES = ["一定会好", "马上就到", "一定能", "保证", "绝对"]


def forbid(situation, phrases):
    assert [phrase for phrase in phrases if phrase in RENDERED[situation]] == []


@EVERY
def test_no_minimising(situation):
    forbid(situation, MINIMISING)


@EVERY
def test_no_guilt(situation):
    forbid(situation, GUILT)


@EVERY
def test_no_bargain_for_a_promise(situation):
    forbid(situation, BARGAINS)


@EVERY
def test_no_promise_of_secrecy(situation):
    forbid(situation, SECRECY)


@EVERY
def test_no_method_is_named(situation):
    forbid(situation, METHODS)


@EVERY
def test_no_diagnosis(situation):
    forbid(situation, DIAGNOSES)


@EVERY
def test_no_survey_and_no_menu(situation):
    forbid(situation, SURVEYS)


@EVERY
def test_nothing_is_promised_that_nobody_can_keep(situation):
    forbid(situation, EMPTY_PROMISES)


@EVERY
def test_no_exclamation_marks_and_no_cheer(situation):
    forbid(situation, ["！", "!", "～", "~", "哈", "亲", "😊", "哦", "呢~"])


@ANSWERS
def test_says_that_it_is_a_program(situation):
    assert "我是程序" in RENDERED[situation]


@ANSWERS
def test_names_a_person_who_will_see_it(situation):
    assert any(person in RENDERED[situation] for person in ("值班老师", "辅导员"))


@ANSWERS
def test_names_a_line(situation):
    assert any(number in RENDERED[situation] for number in ("120", "110", "12356", "010-82951332"))


@ANSWERS
def test_offers_a_call_back(situation):
    assert "打给" in RENDERED[situation]


@URGENT
def test_grave_replies_name_emergency_numbers_and_an_open_line(situation):
    text = RENDERED[situation]
    assert "120" in text
    assert "110" in text
    assert "010-82951332" in text


@pytest.mark.parametrize("situation", [name for name in ABOUT_SELF if not name.endswith("_again")])
def test_begins_with_warmth_or_with_safety_never_with_a_list(situation):
    first = RENDERED[situation].split("\n")[0]
    assert "·" not in first
    assert not any(character.isdigit() for character in first)


@pytest.mark.parametrize("situation", sorted(name for name in SITUATIONS if not name.startswith("call_me")))
def test_leaves_the_door_open_with_a_question_or_an_invitation(situation):
    assert "？" in RENDERED[situation] or "告诉我" in RENDERED[situation] or "说" in RENDERED[situation][-40:]


@pytest.mark.parametrize("situation", [name for name in ABOUT_OTHER if not name.endswith("_again")])
def test_a_friend_hears_that_telling_was_right(situation):
    assert any(words in RENDERED[situation] for words in ("是对的", "不是多事", "很难得"))


@pytest.mark.parametrize("situation", ["red_other", "orange_other"])
def test_a_friend_is_told_what_not_to_promise_and_not_to_be_alone(situation):
    assert "不要答应替 TA 保密" in RENDERED[situation]
    assert "独处" in RENDERED[situation]


@EVERY
def test_is_one_bubble(situation):
    assert len(RENDERED[situation].encode()) <= LONGEST_REPLY


def test_the_longest_finished_plan_is_one_message_of_the_platform():
    longest = written_out(["很长的回答" * 30] * len(load_steps()))
    assert len(render("plan_done", MORNING, plan=longest).encode()) <= 2048


@EVERY
def test_says_who_will_see_it_wherever_the_student_is_invited_to_write_more(situation):
    """Honest about readers: the answers to distress, the start of the plan and the card of lines say who reads."""
    if situation in SITUATIONS | LISTENING | {"plan_start", "hotline_card"}:
        assert any(person in RENDERED[situation] for person in ("老师", "辅导员"))


@pytest.mark.parametrize(
    "situation", ["exercise_breathing", "exercise_senses", "plan_done", "plan_left", "hotline_card"]
)
def test_what_is_asked_for_ends_with_a_way_to_a_person(situation):
    assert any(number in RENDERED[situation] for number in ("120", "12356", "010-82951332"))


@pytest.mark.parametrize("step", [step.ask for step in load_steps()])
def test_no_step_of_the_plan_asks_for_a_method_or_a_promise(step):
    assert [phrase for phrase in METHODS + BARGAINS + MINIMISING if phrase in step] == []


@URGENT
@pytest.mark.parametrize("phone", ["13800000000", ""])
def test_a_number_in_the_message_takes_the_place_of_the_offer(situation, phone):
    """Who has left a number is not asked for one once more, and whoever only wants a call is asked for it once."""
    said = with_call_noted(RENDERED[situation], NIGHT, phone=phone)
    assert said.count("值班老师，请留意陌生来电" if phone else "请把手机号也发给我") == 1
    assert "打给我”和手机号" not in said
    assert "。。" not in said
    assert len(said.encode()) <= LONGEST_REPLY


@pytest.mark.parametrize("subject", ["self", "other"])
def test_listening_never_says_the_same_twice_in_a_row(subject):
    said = [listening_reply(subject, heard, NIGHT) for heard in range(8)]
    assert all(one != another for one, another in pairwise(said))


def test_what_a_student_wrote_is_never_filled_in():
    assert "{lines}" in render("plan_done", NIGHT, plan="{lines}")


@EVERY
def test_nothing_is_left_unfilled(situation):
    assert not set("{}【】") & set(RENDERED[situation])


def assessment(level, *categories, subject="self"):
    return Assessment(level, tuple(Signal(category, "", level) for category in categories), subject)


@pytest.mark.parametrize(
    ("given", "again", "situation"),
    [
        (assessment(Level.RED, "plan"), False, "red_self"),
        (assessment(Level.RED, "plan"), True, "red_self_again"),
        (assessment(Level.RED, "attempt"), False, "red_attempt_self"),
        (assessment(Level.RED, "threat_from_others"), False, "red_threat_self"),
        (assessment(Level.RED, "danger_now", subject="other"), False, "red_other"),
        (assessment(Level.ORANGE, "passive_wish"), False, "orange_self"),
        (assessment(Level.ORANGE, "passive_wish", subject="other"), True, "orange_other_again"),
        (assessment(Level.YELLOW, "distress"), False, "yellow_self"),
        (Assessment(), False, "yellow_self"),
    ],
)
def test_each_situation_has_its_words(given, again, situation):
    assert situation_of(given, again=again) == situation


@pytest.mark.parametrize("at", [NIGHT, MORNING, HOLIDAY])
def test_the_red_reply_has_a_line_at_every_hour(at):
    assert "24 小时" in supportive_reply(assessment(Level.RED, "plan"), at, again=False)


@pytest.mark.parametrize("at", [NIGHT, MORNING, HOLIDAY])
def test_the_card_of_lines_is_never_empty_and_never_shows_a_blank(at):
    """03:00, 10:00 and a holiday: 110 and 120 first, a line that answers day and night, nothing not filled in."""
    card = render("hotline_card", at)
    assert card.index("120 或 110") < card.index("24 小时")
    assert "【" not in card


@pytest.mark.parametrize("level", [Level.RED, Level.ORANGE, Level.YELLOW])
@pytest.mark.parametrize("subject", ["self", "other"])
def test_whoever_writes_again_does_not_hear_the_same_words(level, subject):
    given = assessment(level, subject=subject)
    first = supportive_reply(given, NIGHT, again=False).split("\n\n")
    second = supportive_reply(given, NIGHT, again=True).split("\n\n")
    assert first[0] != second[0]
    assert len(set(first) & set(second)) <= 1


def test_the_call_back_repeats_the_number():
    assert "13800000000" in call_me_reply(MORNING, phone="13800000000")
    assert "手机号" in call_me_reply(MORNING)


def test_a_missing_template_is_found_when_loading(tmp_path):
    path = tmp_path / "replies.yaml"
    path.write_text("red_self: 你好", encoding="utf-8")
    with pytest.raises(RepliesError, match="orange_self"):
        load_replies(path)
