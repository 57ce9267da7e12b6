"""The simulator's rules: windows, tokens, quotas, faults, menus and XML."""

from datetime import timedelta
from typing import Any

import pytest
from support.platforms import settings

from bot.clock import Chance, FakeClock
from bot.simulator.codes import ApiRefusedError
from bot.simulator.errors import BrokenReplyError, ImpossibleActionError, ProductionRefusedError
from bot.simulator.faults import Faults
from bot.simulator.menus import Menu
from bot.simulator.quotas import Limit, Quotas
from bot.simulator.simulator import Simulator
from bot.simulator.state import State
from bot.simulator.tokens import TokenOffice
from bot.simulator.window import ServiceWindow
from bot.simulator.wire import read_xml, write_xml

CLICK = {"type": "click", "name": "问", "key": "ask"}


@pytest.fixture
def state(clock: FakeClock, chance: Chance) -> State:
    return State(clock, chance)


def refused(code: int) -> Any:
    """The block inside is refused with this code."""
    return pytest.raises(ApiRefusedError, match=f"^{code}$")


class TestWindow:
    def test_five_messages_in_48_hours_after_a_message(self, clock: FakeClock) -> None:
        window = ServiceWindow().message_came(clock.now())
        for left in (4, 3, 2, 1, 0):
            window = window.spent(clock.now())
            assert window.left(clock.now()) == left
        with refused(45047):
            window.spent(clock.now())
        later = clock.now() + timedelta(hours=48)
        assert window.closes_at(later) is None
        with refused(45015):
            window.spent(later)

    def test_three_in_a_minute_after_a_tap_and_beside_those_of_a_message(self, clock: FakeClock) -> None:
        now = clock.now()
        window = ServiceWindow().tap_came(now)
        assert window.left(now) == 3
        assert window.left(now + timedelta(seconds=60)) == 0
        both = window.message_came(now).spent(now)
        assert both.left(now) == 7
        assert both.left(now + timedelta(minutes=1)) == 5, "what closes first is used first"
        assert both.closes_at(now) == now + timedelta(hours=48)

    def test_nothing_may_be_sent_to_one_who_never_wrote(self, clock: FakeClock) -> None:
        with refused(45015):
            ServiceWindow().spent(clock.now())


class TestTokens:
    def test_a_stable_token_stays_until_five_minutes_before_its_end_and_both_are_good_then(
        self, state: State, clock: FakeClock
    ) -> None:
        office = TokenOffice(state, unknown_code=40001)
        first, life = office.stable()
        assert life == 7200
        clock.advance(timedelta(minutes=114))
        assert office.stable() == (first, 360)
        clock.advance(timedelta(minutes=2))
        second, _ = office.stable()
        assert second != first
        office.check(first)
        office.check(second)
        clock.advance(timedelta(minutes=4))
        with refused(42001):
            office.check(first)
        office.check(second)

    def test_the_old_interface_ends_the_token_before_but_not_the_stable_one(self, state: State) -> None:
        office = TokenOffice(state, unknown_code=40001)
        stable, (first, _), (second, _) = office.stable()[0], office.renew(), office.renew()
        with refused(40001):
            office.check(first)
        office.check(second)
        office.check(stable)

    def test_a_forced_one_ends_the_last_twenty_times_a_day_and_never_twice_in_30_seconds(
        self, state: State, clock: FakeClock
    ) -> None:
        office = TokenOffice(state, unknown_code=40001)
        last = office.stable()[0]
        for _ in range(20):
            forced = office.stable(force=True)[0]
            assert forced != last
            assert office.stable(force=True)[0] == forced
            with refused(40001):
                office.check(last)
            last = forced
            clock.advance(timedelta(seconds=31))
        with refused(45009):
            office.stable(force=True)
        clock.advance(timedelta(days=1))
        office.stable()
        office.stable(force=True)

    @pytest.mark.parametrize(("token", "code"), [(None, 41001), ("", 41001), ("short", 40014), ("80_" + "x" * 128, 7)])
    def test_each_bad_token_has_its_own_code(self, state: State, token: str | None, code: int) -> None:
        with refused(code):
            TokenOffice(state, unknown_code=7).check(token)

    def test_wecom_gives_the_same_token_until_its_end(self, state: State, clock: FakeClock) -> None:
        office = TokenOffice(state, unknown_code=40014)
        first = office.same()[0]
        clock.advance(timedelta(seconds=7199))
        assert office.same() == (first, 1)
        clock.advance(timedelta(seconds=1))
        assert office.same()[0] != first
        office.revoke_all()
        with refused(40014):
            office.check(first)


class TestQuotas:
    def test_a_day_is_beijings_and_a_minute_the_clocks(self, state: State, clock: FakeClock) -> None:
        quotas = Quotas(state, {"a": Limit(day=2), "b": Limit(minute=1)})
        quotas.charge("a")
        quotas.charge("a")
        with refused(45009):
            quotas.charge("a")
        assert quotas.used_today("a") == 2
        clock.advance(timedelta(hours=11, minutes=59))
        with refused(45009):
            quotas.charge("a")
        clock.advance(timedelta(minutes=1))
        quotas.charge("a")
        quotas.charge("b")
        with refused(45011):
            quotas.charge("b")
        clock.advance(timedelta(seconds=60))
        quotas.charge("b")

    def test_clearing_opens_the_day_again_ten_times_a_month(self, state: State, clock: FakeClock) -> None:
        quotas = Quotas(state, {"a": Limit(day=1), "clear_quota": Limit(month=10)})
        for _ in range(10):
            quotas.charge("clear_quota")
            quotas.clear_day()
            quotas.charge("a")
        with refused(48006):
            quotas.charge("clear_quota")
        clock.advance(timedelta(days=31))
        quotas.charge("clear_quota")

    def test_wecom_punishes_a_breach_for_60_seconds(self, state: State, clock: FakeClock) -> None:
        quotas = Quotas(state, {}, punishing=True)
        quotas.limit("message/send", minute=1)
        clock.advance(timedelta(seconds=50))
        quotas.charge("message/send")
        with refused(45009):
            quotas.charge("message/send")
        clock.advance(timedelta(seconds=59))
        with refused(45009):
            quotas.charge("message/send")
        clock.advance(timedelta(seconds=1))
        quotas.charge("message/send")


class TestFaults:
    def test_the_first_that_fits_is_met_as_often_as_planned(self, state: State) -> None:
        faults = Faults(state)
        faults.add("wechat", "message/custom", errcode=-1, times=2)
        faults.add("wechat", "", http_status=500, times=None)
        met = [faults.take("wechat", "message/custom/send") for _ in range(4)]
        assert [(one.errcode, one.http_status) for one in met if one] == [(-1, None)] * 2 + [(None, 500)] * 2
        assert faults.take("wecom", "message/send") is None
        assert len(faults.describe()) == 1
        faults.clear()
        assert faults.take("wechat", "token") is None

    @pytest.mark.parametrize(
        "plan",
        [
            {"host": "elsewhere", "drop": True},
            {"host": "wechat"},
            {"host": "wechat", "drop": True, "times": 0},
            {"host": "wechat", "delay_s": 1e9},
            {"host": "wechat", "delay_s": -1},
        ],
    )
    def test_a_fault_that_means_nothing_is_refused(self, state: State, plan: dict[str, Any]) -> None:
        with pytest.raises(ImpossibleActionError):
            Faults(state).add(**plan)


class TestMenus:
    @pytest.mark.parametrize(
        ("menu", "code"),
        [
            ({}, 40016),
            ({"button": []}, 40016),
            ({"button": [CLICK] * 4}, 40016),
            ({"button": [{"name": "更多", "sub_button": [CLICK] * 6}]}, 40023),
            ({"button": [{"type": "click", "key": "x"}]}, 40018),
            ({"button": [CLICK | {"name": "六个字的名字呀"}]}, 40018),
            ({"button": [CLICK | {"key": "k" * 129}]}, 40019),
            ({"button": [CLICK | {"type": "shout"}]}, 40015),
            ({"button": [{"type": "view", "name": "看"}]}, 40020),
        ],
    )
    def test_a_menu_that_the_platform_would_not_take_is_refused(self, menu: dict[str, Any], code: int) -> None:
        with refused(code):
            Menu({}).create(menu)

    def test_sub_buttons_are_one_level_deeper_in_the_self_menu(self) -> None:
        menu = Menu({})
        assert menu.as_self_menu() == {"is_menu_open": 0, "selfmenu_info": {"button": []}}
        menu.create({"button": [CLICK, {"name": "更多", "sub_button": [CLICK] * 5}]})
        buttons = menu.as_self_menu()["selfmenu_info"]["button"]
        assert buttons[1]["sub_button"]["list"] == [CLICK] * 5


class TestXml:
    @pytest.mark.parametrize("text", ["普通", "]]>", "a]]>b]]>c", "<b>&amp;</b>", "😀", "]]"])
    def test_every_text_comes_back_as_it_was(self, text: str) -> None:
        assert read_xml(write_xml({"Content": text, "MsgId": 3})) == {"Content": text, "MsgId": "3"}

    def test_what_no_xml_may_hold_is_left_out(self) -> None:
        assert read_xml(write_xml({"Content": "a\0b\x1fc\ufffe"})) == {"Content": "abc"}

    @pytest.mark.parametrize("text", ["", "text", "<xml>", "<other><a>1</a></other>", "<xml/>", b"\xff\xfe", "{}"])
    def test_what_is_not_a_reply_is_named_broken(self, text: str | bytes) -> None:
        with pytest.raises(BrokenReplyError):
            read_xml(text)


def test_message_ids_grow_even_when_the_clock_stands_and_fit_in_63_bits(state: State, clock: FakeClock) -> None:
    ids = [state.new_platform_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    clock.advance(timedelta(days=1))
    assert max(ids) < state.new_platform_id() < 2**63


def test_production_is_refused(clock: FakeClock, chance: Chance) -> None:
    with pytest.raises(ProductionRefusedError):
        Simulator(settings(), clock, chance, mode="production")


def test_students_are_the_same_people_after_a_restart(clock: FakeClock) -> None:
    first, second = (Simulator(settings(), clock, Chance(clock)) for _ in range(2))
    assert list(first.students) == list(second.students)
    assert [student.name for student in first.students.values()] == ["李同学", "王同学", "赵同学"]
    assert {len(openid) for openid in first.students} == {28}
    assert first.add_student("李同学").openid not in second.students
    assert first.student("李同学") is first.students[next(iter(second.students))]
