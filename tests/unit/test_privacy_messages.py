"""What a student reads of what is stored: everything that is there, nothing that is not, a phone that is masked."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channel.text import BYTE_LIMIT, split_text
from bot.privacy.messages import confirm, erased, stored
from bot.privacy.models import Open, Stock
from bot.students.models import Student

ZONE = ZoneInfo("Asia/Shanghai")
SINCE = datetime(2027, 6, 7, 17, 0, tzinfo=UTC)  # the 8th in Beijing
LI = Student("2023001", "李同学", "甲学院", phone="13800004567")


def told(stock: Stock) -> str:
    return stored(stock, ZONE, school="首都体育学院", days=180)


def test_somebody_of_whom_nothing_is_known():
    text = told(Stock(since=SINCE))
    for part in (
        "2027年6月8日起有",
        "没有绑定，这里不知道你是谁",
        "0 条",
        "最多存 180 天",
        "我是程序，不是真人",
        "删除我的数据",
    ):
        assert part in text
    for absent in ("找老师】", "关心记录", "安全计划", "退订】", "提醒】", "订阅】", "None", "手机号 "):
        assert absent not in text


def test_everything_that_there_is():
    stock = Stock(
        since=SINCE,
        student=LI,
        messages=12,
        oldest=SINCE,
        deliveries=3,
        plan_steps=2,
        opt_outs=("反诈",),
        reminders=9,
        allowed=2,
        open=Open((4, 7), (2,)),
        closed_alerts=1,
        closed_cases=5,
        erasing=True,
    )
    text = told(stock)
    for part in (
        "学号 2023001",
        "姓名 李同学",
        "消息和我的回答 12 条，最早 2027年6月8日",
        "发给你的消息 3 条",
        "写到第 2 步",
        "【退订】反诈",
        "【提醒】哪天给过你哪条，9 行",
        "还没用的 2 次",
        "A4、A7：你说过的话让老师担心",
        "已结束的 1 条",
        "C2 还没办完；办完的 5 件",
        "学院、班级和姓名",
        "删除正在进行",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("phone", "shown"), [("13800004567", "138****4567"), ("1234567", "*******"), ("01012345678", "010****5678")]
)
def test_a_phone_is_masked(phone: str, shown: str):
    text = told(Stock(since=SINCE, student=Student("1", "王", "甲", phone=phone)))
    assert f"手机号 {shown}" in text
    assert phone not in text


@given(st.text(max_size=80), st.lists(st.text(min_size=1, max_size=20), max_size=30))
def test_any_profile_comes_in_bubbles_that_the_platform_takes(name: str, tags: list[str]):
    student = Student("1" * 40, name, name, class_name=name, dorm=name, tags=tuple(tags))
    bubbles = split_text(told(Stock(since=SINCE, student=student)))
    assert 1 <= len(bubbles) <= 5  # the platform's window allows five
    assert all(len(bubble.encode("utf-8", "replace")) <= BYTE_LIMIT for bubble in bubbles)


def test_deleting_says_what_goes_and_what_stays():
    nothing = confirm(Stock(since=SINCE))
    assert "绑定\n" not in nothing.split("会留着")[0]
    assert "A" not in nothing
    everything = confirm(Stock(since=SINCE, student=LI, plan_steps=1, closed_cases=1, open=Open((4,), (2,))))
    goes, stays = everything.split("会留着")
    for part in ("你写的话和我的回答", "和学号的绑定", "安全计划", "已办完的诉求"):
        assert part in goes
    for part in ("A4", "C2", "学校名单里的资料", "退订的选择", "确认删除"):
        assert part in stays


def test_somebody_who_is_worried_about_hears_that_people_are_there():
    assert "老师还在关心你" in erased(Open((4,)))
    assert "老师还在关心你" not in erased(Open((), (2,)))
    for text in (erased(Open((4,))), confirm(Stock(since=SINCE, open=Open((4,))))):
        assert "！" not in text
