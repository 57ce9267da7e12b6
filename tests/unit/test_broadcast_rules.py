"""The small rules of broadcasting: budgets of a day, templates' short fields, quiet hours, lateness, what it says."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.broadcast import messages
from bot.broadcast.budget import MASS_MOST, Used, Way, budgets_for, day_start, month_start, next_day, next_minute
from bot.broadcast.planner import Message, Recipient, forecast
from bot.broadcast.quiet import after_quiet, is_quiet
from bot.broadcast.safety_words import safety_words
from bot.broadcast.state import NeedsSecondPersonError, check_approver, is_too_late
from bot.broadcast.templates import Template, fill
from bot.channel.messages import MassContent, TemplateContent, content_from_json, content_to_json
from bot.students.window import Window

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2027, 6, 30, 23, 59, 30, tzinfo=ZONE)
QUIET = (time(22), time(8))


def test_the_platforms_days_and_months_are_beijings() -> None:
    utc = NOW.astimezone(ZoneInfo("UTC"))
    assert day_start(utc) == datetime(2027, 6, 30, tzinfo=ZONE)
    assert month_start(utc) == datetime(2027, 6, 1, tzinfo=ZONE)
    assert next_day(utc) == datetime(2027, 7, 1, tzinfo=ZONE)
    assert next_minute(utc) == datetime(2027, 7, 1, 0, 0, 1, tzinfo=ZONE)


def test_what_is_used_is_gone_and_a_share_is_kept() -> None:
    """The last two per cent of the day's templates, and the last mass call, are for urgent notices."""
    budgets = budgets_for("service", Used(template=97_999, mass_jobs=98))
    assert budgets.left[Way.TEMPLATE] == 2_001
    assert budgets.allows(Way.TEMPLATE, urgent=False)
    assert not budgets.spent(Way.TEMPLATE).allows(Way.TEMPLATE, urgent=False)
    assert budgets.spent(Way.TEMPLATE).allows(Way.TEMPLATE, urgent=True)
    assert budgets.left[Way.MASS] == 2 * MASS_MOST
    assert not budgets.spent(Way.MASS, MASS_MOST).allows(Way.MASS, urgent=False)
    assert budgets.spent(Way.MASS, MASS_MOST).allows(Way.MASS, urgent=True)


def test_a_subscription_account_has_one_mass_send_a_day_and_no_templates() -> None:
    budgets = budgets_for("subscription", Used())
    assert budgets.left[Way.MASS] == MASS_MOST
    assert budgets.allows(Way.MASS, urgent=False)
    assert not budgets.allows(Way.TEMPLATE, urgent=True)
    assert not budgets_for("subscription", Used(mass_jobs=1)).allows(Way.MASS, urgent=True)


def test_a_way_that_is_off_is_not_there() -> None:
    budgets = budgets_for("service", Used(), usable=frozenset({Way.WINDOW}))
    assert set(budgets.left) == {Way.WINDOW}
    assert not budgets.allows(Way.MASS, urgent=True)


def test_the_forecast_knows_that_a_mass_send_needs_two() -> None:
    budgets = budgets_for("service", Used(), usable=frozenset({Way.WINDOW, Way.MASS}))
    talking = Recipient("s:1", "o1", following=True, window=Window(NOW + timedelta(hours=1), 5, 0))
    silent = Recipient("s:2", "o2", following=True)
    said = forecast([talking, silent], Message(), budgets, NOW, a_second=10)
    assert (dict(said.via), dict(said.held)) == ({Way.WINDOW: 1}, {"window": 1})
    assert said.takes == timedelta(seconds=0.1)
    said = forecast([talking, silent, silent], Message(), budgets, NOW)
    assert dict(said.via) == {Way.WINDOW: 1, Way.MASS: 2}


@pytest.mark.parametrize(
    ("text", "shown", "whole"),
    [
        ("今晚八点停水", "今晚八点停水", True),
        ("一" * 20, "一" * 20, True),
        ("一" * 21, "回复任意文字看全文", False),
        ("第一行\n第二行", "回复任意文字看全文", False),
    ],
)
def test_a_template_has_the_text_or_says_how_to_get_it(text: str, shown: str, whole: bool) -> None:
    template = Template("notice", "TPL", False, {"thing1": "{title}", "thing2": "{text}", "time3": "{date}"}, 20)
    filled = fill(template, title="", text=text, at=NOW)
    values = dict(filled.content.values)
    assert values["thing2"] == shown
    assert filled.is_whole == whole
    assert all(len(value) <= 20 for value in values.values())
    assert values["time3"] == "2027-06-30 23:59"


def test_words_of_a_student_cannot_be_a_pattern() -> None:
    """A text that has {date} in it stays what it is."""
    template = Template("notice", "TPL", False, {"thing1": "{text}"}, 20)
    assert dict(fill(template, title="", text="写上{title}{date}", at=NOW).content.values) == {
        "thing1": "写上{title}{date}"
    }


@pytest.mark.parametrize(
    ("hour", "quiet", "then"),
    [(21, False, 21), (22, True, 8), (23, True, 8), (3, True, 8), (8, False, 8)],
)
def test_quiet_hours_go_over_midnight(hour: int, quiet: bool, then: int) -> None:
    moment = datetime(2027, 6, 8, hour, 0, tzinfo=ZONE)
    assert is_quiet(moment, QUIET, ZONE) == quiet
    later = after_quiet(moment, QUIET, ZONE)
    assert later.hour == then
    assert moment <= later <= moment + timedelta(hours=10)
    assert not is_quiet(moment, (time(8), time(8)), ZONE)


def test_late_is_later_than_the_misfire_window() -> None:
    window = timedelta(minutes=30)
    assert not is_too_late(NOW, NOW + window, window)
    assert is_too_late(NOW, NOW + window + timedelta(seconds=1), window)


@pytest.mark.parametrize(("author", "approver"), [("T1", "T1"), ("T1", " t1 "), ("T1", "")])
def test_nobody_approves_their_own(author: str, approver: str) -> None:
    with pytest.raises(NeedsSecondPersonError):
        check_approver(author, approver)


@pytest.mark.parametrize(
    "content",
    [TemplateContent("T", (("thing1", "停水"), ("time2", "今晚"))), MassContent(("o1", "o2"), "停水", "lixiao-1")],
)
def test_contents_come_back_from_the_outbox_as_they_went(content: TemplateContent | MassContent) -> None:
    assert content_from_json(content_to_json(content)) == content


def test_operators_read_words_and_codes() -> None:
    assert messages.pause_reason("template:45009") == "模板消息停用（平台返回 45009）"
    assert messages.pause_reason("wechat:45009") == "48 小时窗口停用（平台返回 45009）"
    assert messages.reason("not_bound") == "没有绑定微信"
    assert messages.reason("47001") == "平台返回 47001"
    assert messages.duration(timedelta(seconds=5)) == "不到 1 分钟"
    assert messages.duration(timedelta(minutes=5)) == "约 5 分钟"
    assert messages.duration(timedelta(hours=3)) == "约 3.0 小时"


def test_a_safety_notice_says_what_to_do_and_how_to_answer() -> None:
    text = safety_words("三楼漏气。", response="Evacuate", exercise=True, ask=True)
    assert text.startswith("【演练·平安通知】三楼漏气。")
    for part in ("撤离", "我已安全", "需要帮助", "110、119、120", "这是演练，不是真的"):
        assert part in text
    assert safety_words("没事了。", response="None", exercise=False, ask=False, mark="解除") == "【解除】没事了。"
