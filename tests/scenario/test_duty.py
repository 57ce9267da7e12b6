"""A week of duty: hand-overs, gaps in the morning, swaps that both agree to, copies of the night."""

from collections.abc import Callable
from datetime import date, datetime, time

import pytest
from support.world import STAFF, ZONE, World

from bot.errors import UserFacingError
from bot.escalation.duty_notices import NightCopies
from bot.escalation.rota_files import Planned
from bot.escalation.rotation import Override, Rotation, Shift
from bot.staff.models import Role, Staff

GOODBYE = "东西都送人了，今晚天台见"
WANG, LIU = STAFF
TURNS = Rotation("夜班", "", ("T1", "T2"), date(2027, 6, 7), time(18), time(8), turn_days=1)
ALL_DAY = Rotation("全天", "", ("T1",), date(2027, 6, 1), time(8), time(8))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """June 2027: the 8th is a Tuesday, and now is its noon."""
    return datetime(2027, 6, day, hour, minute, tzinfo=ZONE)


def plan(world: World, *rows: Rotation | Override | Shift) -> None:
    with world.application.database.write() as session:
        world.application.rota.plan(
            session,
            Planned(
                shifts=tuple(row for row in rows if isinstance(row, Shift)),
                rotations=tuple(row for row in rows if isinstance(row, Rotation)),
                overrides=tuple(row for row in rows if isinstance(row, Override)),
            ),
        )


def staff(world: World, *people: Staff) -> None:
    with world.application.database.write() as session:
        world.application.directory.replace_all(session, people)


@pytest.fixture
def quiet_mornings(build_world: Callable[..., World]) -> World:
    """A world in which nobody of student affairs or administration is told of gaps: they have no robot."""
    return build_world(rota={"report_at": "23:59"})


def test_who_begins_a_shift_reads_what_is_open(quiet_mornings: World) -> None:
    world = quiet_mornings
    plan(world, TURNS)
    world.go_to(at(8, 17, 58))
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="红色 A1")
    world.phone("王老师").presses("我来处理")
    world.go_to(at(8, 18))
    world.phone("刘老师").expects(text="您从现在起值班，到 6月9日 08:00")
    assert "A1 红色 6月8日 17:58　王老师在处理" in world.simulator.members["liu"].messages[-1].text
    world.go_to(at(8, 18, 30))
    assert world.phone("刘老师").unread() == []


def test_each_shift_is_handed_over_once_also_late(quiet_mornings: World) -> None:
    world = quiet_mornings
    plan(world, TURNS)
    world.go_to(at(9, 18, 30))
    world.phone("王老师").expects(text="没有未结束的警报")
    world.go_to(at(9, 19))
    world.go_to(at(11, 21))
    world.no_other_messages()


def test_a_shift_into_which_another_of_the_same_person_leads_is_no_hand_over(quiet_mornings: World) -> None:
    world = quiet_mornings
    plan(world, Shift("T1", "", at(8, 8), at(8, 18)), Shift("T1", "体育教育学院", at(8, 18), at(9, 8)))
    world.go_to(at(8, 18))
    world.no_other_messages()


def test_gaps_are_told_to_student_affairs_every_morning_until_they_are_filled(world: World) -> None:
    office = Staff("S1", "学生处", Role.STUDENT_AFFAIRS, wecom_userid="liu")
    staff(world, WANG, office)
    plan(world, ALL_DAY, Override(0, at(10, 20), at(11, 8), "", "T1"))
    world.go_to(at(9, 8))
    world.phone("刘老师").expects(text="6月10日 20:00 到 6月11日 08:00")
    world.go_to(at(9, 15))
    world.no_other_messages()
    world.go_to(at(10, 8, 5))
    world.phone("刘老师").expects(text="没有人值班")
    plan(world, Override(0, at(10, 20), at(11, 8), "T1"))
    world.go_to(at(11, 9))
    world.no_other_messages()


def test_somebody_on_duty_without_any_way_is_told_of_too(world: World) -> None:
    office = Staff("S1", "学生处", Role.STUDENT_AFFAIRS, wecom_userid="liu")
    staff(world, Staff("T1", "王老师", Role.COUNSELOR), office)
    plan(world, ALL_DAY)
    world.go_to(at(9, 8))
    world.phone("刘老师").expects(text="王老师（T1）")
    world.no_other_messages()


def test_a_swap_needs_both_and_then_the_rota_has_it(quiet_mornings: World) -> None:
    world = quiet_mornings
    plan(world, TURNS)
    wang, liu = world.phone("王老师"), world.phone("刘老师")
    swaps = world.application.swaps
    with world.application.database.write() as session:
        assert swaps.ask(session, ("T2", date(2027, 6, 10)), ("T1", date(2027, 6, 11))) == 1
    world.tick()
    liu.expects(text="您的班 6月10日 18:00 到 6月11日 08:00，换 王老师 的班 6月11日 18:00 到 6月12日 08:00")
    wang.expects(text="同意换班 S1")
    assert "还等另一位老师" in wang.writes("同意换班 S1").reply
    wang.expects(text="还等")
    assert on_duty(world, at(10, 20)) == ["T2"], "one of the two is not both"
    assert "已生效" in liu.writes("同意换班s1").reply
    liu.expects(text="已生效。您现在值的是 6月11日 18:00 到 6月12日 08:00")
    world.tick()
    wang.expects(text="您现在值的是 6月10日 18:00 到 6月11日 08:00")
    assert (on_duty(world, at(10, 20)), on_duty(world, at(11, 20))) == (["T1"], ["T2"])
    assert "没有等您决定" in liu.writes("不同意换班 S1").reply
    liu.expects(text="没有等您决定")
    world.no_other_messages()


def test_one_refusal_ends_a_swap(quiet_mornings: World) -> None:
    world = quiet_mornings
    plan(world, TURNS)
    with world.application.database.write() as session:
        world.application.swaps.ask(session, ("T2", date(2027, 6, 10)), ("T1", date(2027, 6, 11)))
    world.tick()
    wang, liu = world.phone("王老师").expects(text="S1"), world.phone("刘老师").expects(text="S1")
    wang.writes("不同意换班 S1")
    wang.expects(text="王老师不同意")
    world.tick()
    liu.expects(text="王老师不同意")
    liu.writes("同意换班 S1")
    liu.expects(text="没有等您决定")
    assert on_duty(world, at(10, 20)) == ["T2"]


def test_a_rota_that_changed_meanwhile_is_not_swapped(quiet_mornings: World) -> None:
    world = quiet_mornings
    plan(world, TURNS)
    with world.application.database.write() as session:
        world.application.swaps.ask(session, ("T2", date(2027, 6, 10)), ("T1", date(2027, 6, 11)))
    world.tick()
    wang, liu = world.phone("王老师").expects(text="S1"), world.phone("刘老师").expects(text="S1")
    plan(world, Override(0, at(10, 18), at(11, 8), "T1", "T2"))
    wang.writes("同意换班 S1")
    wang.expects(text="还等")
    liu.writes("同意换班 S1")
    liu.expects(text="值班表已经变了")


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        (("T1", date(2027, 6, 8)), ("T1", date(2027, 6, 9)), "没有开始的班"),
        (("T2", date(2027, 6, 8)), ("T2", date(2027, 6, 10)), "换班要两个人"),
        (("T2", date(2027, 6, 8)), ("T1", date(2027, 6, 8)), "没有开始的班"),
    ],
)
def test_a_swap_that_cannot_be_says_why(
    quiet_mornings: World, first: tuple[str, date], second: tuple[str, date], fault: str
) -> None:
    plan(quiet_mornings, TURNS)
    with (
        pytest.raises(UserFacingError, match=fault),
        quiet_mornings.application.database.write() as session,
    ):
        quiet_mornings.application.swaps.ask(session, first, second)


def on_duty(world: World, moment: datetime) -> list[str]:
    with world.application.database.read() as session:
        return [one.staff_no for one in world.application.rota.on_duty(session, moment).people]


def test_staff_ask_who_is_on_duty(quiet_mornings: World) -> None:
    world = quiet_mornings
    liu = world.phone("刘老师")
    assert "没有值班表" in liu.writes("值班").reply
    liu.expects(text="王老师")
    plan(world, ALL_DAY)
    assert "现在值班：王老师" in liu.writes("谁值班？").reply


def test_the_class_counselor_has_a_copy_of_the_night_at_half_past_seven(build_world: Callable[..., World]) -> None:
    world = build_world(rota={"report_at": "23:59", "handover": False}, escalation={"red_stale_s": 86400})
    staff(world, WANG, Staff("T2", "刘老师", Role.COUNSELOR, wecom_userid="liu", classes=("2023级4班",)))
    plan(world, Rotation("夜班", "", ("T1",), date(2027, 6, 7), time(18), time(8)))
    app = world.application
    copies = NightCopies(
        app.database, clock=app.clock, rota=app.rota, alerts=app.alerts, reaching=app.reaching,
        class_of=lambda _session, _contact: "2023级4班",
    )  # fmt: skip
    world.go_to(at(8, 23))
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.tick()
    world.phone("王老师").expects(card="红色 A1").presses("我来处理")
    world.go_to(at(9, 7, 29))
    assert copies.tick().done == 0
    world.go_to(at(9, 7, 30))
    assert [copies.tick().done for _ in range(2)] == [1, 0]
    world.tick()
    world.phone("刘老师").expects(text="A1 红色 6月8日 23:00　王老师在处理")
    assert GOODBYE in world.simulator.members["liu"].messages[-1].text
    world.no_other_messages()
