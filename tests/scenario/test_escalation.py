"""Somebody always comes: the ladder in the words of those who stand on it, and of the student at its foot."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select
from support.world import ZONE, World

from bot.escalation.records import AlertLogRecord, AlertRecord, FollowUpRecord
from bot.escalation.rota import Shift
from bot.staff.models import Role, Staff

GOODBYE = "东西都送人了，今晚天台见"
COLLEGE = "体育教育学院"
WANG = Staff("T1", "王老师", Role.COUNSELOR, college=COLLEGE, wecom_userid="wang")
LIU = Staff("T2", "刘老师", Role.COUNSELOR, college=COLLEGE, wecom_userid="liu")
ZHANG = Staff("T3", "张副书记", Role.COLLEGE_LEAD, college=COLLEGE, wecom_userid="zhang")
CHEN = Staff("T4", "陈老师", Role.STUDENT_AFFAIRS, wecom_userid="chen")
ZHOU = Staff("T5", "周老师", Role.PSYCHOLOGY, wecom_userid="zhou")
ADMIN = Staff("T6", "管理员", Role.ADMIN, wecom_userid="admin")
SCHOOL = (WANG, LIU, ZHANG, CHEN, ZHOU, ADMIN)
MINUTE = timedelta(minutes=1)

Build = Callable[..., World]


@pytest.fixture
def school(build_world: Build) -> World:
    """A school with somebody on each rung."""
    return build_world(staff=SCHOOL, reminders={"enabled": False}, rota={"holidays": ("2027-01-01",)})


def on_duty(world: World, person: Staff, hours: float = 1500) -> None:
    """Since this morning, so that no hand-over is due, and for longer than gaps are looked for."""
    now = world.clock.now().astimezone(ZONE)
    with world.application.database.write() as session:
        world.application.rota.replace(
            session, [Shift(person.staff_no, "", now - timedelta(hours=3), now + timedelta(hours=hours))]
        )


def cries(world: World, name: str = "李同学", words: str = GOODBYE) -> None:
    """The student writes, is answered, and everybody who is to be told at once has been told."""
    world.student(name).writes(words)
    world.student(name).expects("老师")
    world.tick()


def alert(world: World, number: int = 1) -> AlertRecord:
    with world.application.database.read() as session:
        return session.get_one(AlertRecord, number)


def log_of(world: World, number: int = 1) -> list[AlertLogRecord]:
    with world.application.database.read() as session:
        query = select(AlertLogRecord).where(AlertLogRecord.alert_id == number).order_by(AlertLogRecord.id)
        return list(session.scalars(query))


def reasons(world: World, event: str, number: int = 1) -> list[str]:
    return [line.detail.get("reason", "") for line in log_of(world, number) if line.event == event]


def all_read(world: World) -> None:
    for person in world.staff:
        world.phone(person.name)
    for phone in [*world.phones.values(), *world.students.values()]:
        phone.read += len(phone.unread())


def test_nobody_answers_for_five_minutes_so_the_college_leads_phone_rings(school: World) -> None:
    """Without a rota all counselors are on duty: the next who can be told anything new is the lead."""
    cries(school)
    for name in ("王老师", "刘老师"):
        assert "5 分钟内没有人处理会通知学院副书记" in school.phone(name).expects(card="红色 A1").card.text
    school.advance(minutes=5)
    school.phone("张副书记").expects(card="红色 A1").presses("我来处理")
    school.tick()
    for name in ("王老师", "刘老师"):
        school.phone(name).expects(text="A1 已由张副书记接手")
    school.student("李同学").expects("有老师看到你写的话了")
    school.advance(hours=1, step=5 * MINUTE)
    school.no_other_messages()


def test_the_ladder_is_climbed_rung_by_rung_and_then_again(school: World) -> None:
    on_duty(school, WANG)
    cries(school)
    for name in ("王老师", "刘老师", "张副书记", "陈老师", "周老师", "王老师", "刘老师"):
        school.phone(name).expects(card="红色 A1")
        school.advance(minutes=4, seconds=30)
        school.advance(seconds=30)
    assert reasons(school, "notified") == ["triggered", *["unanswered"] * 4, "repeat", "unanswered", "unanswered"]
    school.phone("张副书记").expects(card="红色 A1")
    school.no_other_messages()


def test_only_the_students_own_college_is_told_and_by_name(build_world: Build) -> None:
    """The others are told by the school's rungs only."""
    sun = Staff("T7", "孙老师", Role.COUNSELOR, college="管理学院", wecom_userid="sun")
    zhao = Staff("T8", "赵书记", Role.COLLEGE_LEAD, college="管理学院", wecom_userid="zhao")
    world = build_world(staff=(*SCHOOL, sun, zhao), reminders={"enabled": False})
    student = world.student("李同学", college="管理学院")
    student.writes(GOODBYE)
    student.expects("120")
    world.tick()
    assert "管理学院 李同学" in world.phone("孙老师").expects(card="红色 A1").card.title
    world.advance(minutes=5)
    world.phone("赵书记").expects(card="红色 A1")
    assert alert(world).college == "管理学院"
    world.no_other_messages()
    world.advance(minutes=5)
    world.phone("陈老师").expects(card="红色 A1")


def test_an_empty_rung_costs_no_time_and_the_administrator_hears_of_it(build_world: Build) -> None:
    world = build_world(staff=(WANG, CHEN, ADMIN))
    cries(world)
    world.phone("王老师").expects(card="红色 A1")
    world.advance(minutes=5)
    assert "前面应通知的学院副书记没有能联系到的人" in world.phone("陈老师").expects(card="红色 A1").card.text
    world.phone("管理员").expects(text="A1 应通知学院副书记")
    assert [line.detail["targets"] for line in log_of(world) if line.event == "step_empty"] == [["college_lead"]]
    world.no_other_messages()


def test_a_rung_that_wecom_cannot_reach_is_passed_at_once(school: World) -> None:
    """Not after five minutes: both counselors left WeCom, so the lead is told within the same moment."""
    for userid in ("wang", "liu"):
        del school.simulator.members[userid]
    cries(school)
    school.phone("张副书记").expects(card="红色 A1")
    school.phone("群").expects(text="卡片没有送达")
    assert reasons(school, "notified") == ["triggered", "triggered", "card_failed", "unreachable"]
    assert alert(school).next_notice_at == school.clock.now() + 5 * MINUTE


def test_who_took_it_and_is_silent_for_hours_does_not_have_it_any_more(school: World) -> None:
    on_duty(school, WANG)
    cries(school)
    school.phone("王老师").expects(card="红色 A1").presses("我来处理")
    school.tick()
    school.student("李同学").expects("有老师看到")
    school.advance(hours=3, minutes=30, step=10 * MINUTE)
    school.phone("王老师").expects(text="A1 还由您处理吗")
    school.advance(minutes=29)
    school.no_other_messages()
    school.advance(minutes=1)
    school.phone("王老师").expects(card="红色 A1")
    assert reasons(school, "unacknowledged") == ["stale"]
    assert reasons(school, "notified")[-1] == "stale"
    school.advance(minutes=5)
    school.phone("刘老师").expects(card="红色 A1")
    assert "记在您名下" in school.phone("刘老师").writes("收到 A1").reply
    school.tick()
    school.phone("刘老师").expects(text="记在您名下")
    school.phone("王老师").expects(text="A1 已由刘老师接手")
    school.no_other_messages()  # the student has heard it once


def test_who_says_that_he_still_has_it_keeps_it(school: World) -> None:
    on_duty(school, WANG)
    cries(school)
    school.phone("王老师").expects(card="红色 A1").presses("我来处理")
    for _ in range(3):
        school.advance(hours=3, minutes=30, step=30 * MINUTE)
        school.phone("王老师").expects(text="A1 还由您处理吗").writes("收到 A1")
        school.phone("王老师").expects(text="记在您名下")
    school.phone("王老师").writes("跟进 A1 已经陪他到校医院")
    school.phone("王老师").expects(text="已记到 A1")
    school.student("李同学").expects("有老师看到")
    school.advance(hours=3, step=30 * MINUTE)
    assert alert(school).state == "acknowledged"
    school.no_other_messages()


def test_red_needs_the_college_and_the_psychology_centre_where_the_school_says_so(build_world: Build) -> None:
    world = build_world(staff=SCHOOL, escalation={"two_parties_for_red": True})
    on_duty(world, WANG)
    cries(world)
    world.phone("王老师").expects(card="红色 A1").presses("我来处理")
    world.tick()
    world.phone("周老师").expects(card="红色 A1")
    world.student("李同学").expects("有老师看到")
    assert alert(world).state == "triggered"
    world.advance(minutes=5)
    world.phone("周老师").expects(card="红色 A1")
    world.phone("刘老师").writes("收到 A1")  # a second counselor is not the other party
    world.phone("刘老师").expects(text="已经由 王老师")
    world.phone("周老师").presses("我来处理")
    world.advance(hours=1, step=5 * MINUTE)
    assert alert(world).state == "acknowledged"
    world.no_other_messages()


def test_it_is_passed_on_to_a_colleague_who_must_take_it_himself(school: World) -> None:
    on_duty(school, WANG)
    cries(school)
    school.phone("王老师").expects(card="红色 A1").presses("我来处理")
    assert "没有找到“吴老师”" in school.phone("王老师").writes("转交 A1 吴老师").reply
    assert "已转给周老师" in school.phone("王老师").writes("转交 A1 周老师").reply
    school.tick()
    assert "王老师把它转给了您" in school.phone("周老师").expects(card="红色 A1").card.text
    school.student("李同学").expects("有老师看到")
    for text in ("没有找到", "已转给周老师"):
        school.phone("王老师").expects(text=text)
    school.no_other_messages()
    school.advance(minutes=5)
    school.phone("王老师").expects(card="红色 A1")  # 周老师 did not take it: from the beginning
    school.phone("周老师").presses("我来处理")
    school.advance(minutes=30, step=5 * MINUTE)
    assert alert(school).acknowledged_by == "T5"
    school.no_other_messages()


def test_two_colleagues_of_one_name_are_told_apart_by_number(build_world: Build) -> None:
    world = build_world(staff=(WANG, Staff("T8", "王老师", Role.PSYCHOLOGY, wecom_userid="wang2")))
    cries(world)
    world.phone("王老师").expects(card="红色 A1")
    assert "转交 A1 T8" in world.phone("王老师").writes("转交 A1 王老师").reply
    assert "已转给王老师" in world.phone("王老师").writes("转交A1给T8").reply
    world.tick()
    assert [one.kind for one in world.simulator.members["wang2"].messages if one.by == "app"] == ["card"]


def test_given_back_means_that_everybody_is_asked_again(school: World) -> None:
    on_duty(school, WANG)
    cries(school)
    school.phone("王老师").expects(card="红色 A1").presses("我来处理")
    assert "从头通知" in school.phone("王老师").writes("放下 A1").reply
    school.tick()
    school.phone("王老师").expects(text="从头通知").expects(card="红色 A1")
    assert reasons(school, "unacknowledged") == ["given_back"]


def test_a_person_judges_the_level_and_the_ladder_follows(school: World) -> None:
    on_duty(school, WANG)
    cries(school, words="我不想活了")
    wang = school.phone("王老师").expects(card="橙色 A1")
    assert "橙色改为红色" in wang.writes("改级 A1 红").reply
    assert (alert(school).level, alert(school).acknowledged_by) == ("red", "T1")
    assert len(alert(school).policy["steps"]) == 5
    assert "本来就是红色" in wang.writes("升为A1红色").reply
    assert "红色改为黄色" in wang.writes("降级 A1 到黄").reply
    school.advance(hours=30, step=timedelta(hours=1))
    assert alert(school).state == "acknowledged"
    assert [line.event for line in log_of(school) if line.event.startswith("level_")] == [
        "level_raised",
        "level_lowered",
    ]


def test_two_alerts_about_one_thing_become_one(school: World) -> None:
    on_duty(school, WANG)
    cries(school)
    cries(school, "赵同学", "我室友说她不想活了，怎么办")
    wang = school.phone("王老师").expects(card="红色 A1").expects(card="A2")
    assert "没有找到 A9" in wang.writes("合并 A2 到 A9").reply
    assert "两个不同的" in wang.writes("合并 A2 到 A2").reply
    assert "已并入 A1" in wang.writes("合并 A2 到 A1").reply
    assert "已经结束" in wang.writes("收到 A2").reply
    assert (alert(school, 2).closing_code, alert(school, 2).merged_into) == ("merged", 1)
    before = alert(school).message_count
    school.student("赵同学").writes("我室友又说她真的不想活了")
    school.student("赵同学").expects("老师")
    assert alert(school).message_count == before + 1
    with school.application.database.read() as session:
        assert session.get(AlertRecord, 3) is None


def test_several_are_taken_with_one_message(school: World) -> None:
    on_duty(school, WANG)
    for name in ("李同学", "赵同学", "孙同学"):
        cries(school, name)
    done = school.phone("王老师").writes("收到 A1、A2 a3")
    assert [f"A{number} 记在您名下" in done.reply for number in (1, 2, 3)] == [True] * 3


def test_after_an_outage_of_wecom_each_has_one_summary_and_not_a_pile(school: World) -> None:
    on_duty(school, WANG)
    school.simulator.faults.add("wecom", "message/send", http_status=502, times=None)
    for number in range(4):
        school.student(f"学生{number}").writes(GOODBYE)
        school.student(f"学生{number}").expects("老师")
    school.advance(minutes=26, step=2 * MINUTE)
    school.simulator.faults.clear()
    school.advance(minutes=1)
    for person in (WANG, LIU, ZHANG, CHEN, ZHOU):
        school.phone(person.name).expects(text="还有 4 条警报没有人处理")
        assert school.phone(person.name).unread() == [], person
        shown = school.simulator.members[person.wecom_userid].messages[-1].text
        assert all(f"A{number} 红色" in shown for number in range(1, 5))


def test_a_worker_that_slept_tells_the_pile_as_one_summary(school: World) -> None:
    on_duty(school, WANG)
    for number in range(5):
        cries(school, f"学生{number}")
    all_read(school)
    school.clock.advance(timedelta(hours=3))
    school.tick()
    school.phone("刘老师").expects(text="还有 5 条警报没有人处理")
    assert "收到 A1" in school.simulator.members["liu"].messages[-1].text
    school.no_other_messages()


def test_one_alert_after_an_outage_is_still_a_card(school: World) -> None:
    on_duty(school, WANG)
    cries(school)
    all_read(school)
    school.clock.advance(timedelta(hours=3))
    school.tick()
    school.phone("刘老师").expects(card="红色 A1")
    school.no_other_messages()


class TestLink:
    def link(self, world: World, person: Staff = ZHANG) -> str:
        path = world.application.link_for(1, person).partition("/a/")[2]
        return f"{world.bot_url}/a/{path}"

    def test_it_shows_what_is_needed_and_looking_changes_nothing(self, school: World) -> None:
        cries(school)
        before = [(line.event, line.id) for line in log_of(school)]
        for method in ("GET", "HEAD", "GET"):
            page = requests.request(method, self.link(school), timeout=10)
            assert page.status_code == 200
        for part in ("红色 A1", GOODBYE, "要做", "我来处理", "误报", "还没有人处理", "张副书记"):
            assert part in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert "script" not in page.text
        assert [(line.event, line.id) for line in log_of(school)] == before
        assert alert(school).state == "triggered"

    def test_one_press_takes_it_and_the_page_says_so(self, school: World) -> None:
        cries(school)
        page = requests.post(self.link(school), data={"action": "ack"}, timeout=10)
        assert "记在您名下" in page.text
        assert alert(school).acknowledged_by == "T3"
        assert [line.detail["via"] for line in log_of(school) if line.event == "acknowledged"] == ["link"]
        assert "张副书记正在处理" in requests.get(self.link(school, WANG), timeout=10).text
        again = requests.post(self.link(school, WANG), data={"action": "ack"}, timeout=10)
        assert "张副书记正在处理" in again.text
        closed = requests.post(self.link(school), data={"action": "handled"}, timeout=10)
        assert "已经结束（已处理）" in closed.text
        assert "<button" not in closed.text

    def test_a_link_that_is_not_ours_or_too_old_says_what_to_do(self, school: World) -> None:
        cries(school)
        link = self.link(school)
        for broken in (link[:-3], f"{link}A", f"{school.bot_url}/a/x", f"{school.bot_url}/a/{'A' * 900}"):
            for method in ("GET", "POST"):
                page = requests.request(method, broken, timeout=10)
                assert page.status_code == 404, broken
                assert "收到 A12" in page.text
        assert requests.post(link, data={"action": "x"}, timeout=10).status_code == 400
        school.clock.advance(timedelta(hours=72))
        for method in ("GET", "POST"):
            page = requests.request(method, link, data={"action": "ack"}, timeout=10)
            assert page.status_code == 410
            assert "收到 A1。" in page.text
        assert alert(school).state == "triggered"

    def test_who_is_not_in_the_list_any_more_cannot_use_it(self, school: World) -> None:
        cries(school)
        link = self.link(school)
        with school.application.database.write() as session:
            school.application.directory.replace_all(session, [WANG])
        assert requests.get(link, timeout=10).status_code == 404
        assert requests.post(link, data={"action": "ack"}, timeout=10).status_code == 404
        assert alert(school).state == "triggered"


class TestWeek:
    def closed(self, world: World, words: str = "已处理 A1 已谈话") -> None:
        on_duty(world, WANG)
        cries(world)
        world.phone("王老师").expects(card="红色 A1").presses("我来处理")
        world.phone("王老师").writes(words)
        world.tick()
        all_read(world)

    def test_the_student_is_seen_again_after_a_day_three_days_and_a_week(self, school: World) -> None:
        self.closed(school)
        wang = school.phone("王老师")
        asked = []
        for day in range(8):
            school.advance(hours=24, step=timedelta(hours=4))
            if wang.unread():
                asked.append(day + 1)
                wang.expects(text="A1 回访")
                assert "回访记下了" in wang.writes("回访 A1 平稳").reply
                wang.expects(text="回访记下了")
        assert asked == [1, 3, 7]
        with school.application.database.read() as session:
            assert [one.code for one in session.scalars(select(FollowUpRecord))] == ["steady"] * 3
        assert "没有待做的回访" in wang.writes("回访 A1 平稳").reply
        wang.expects(text="没有待做的回访")
        school.no_other_messages()

    def test_a_follow_up_that_nobody_does_is_asked_for_again_and_then_on_record(self, school: World) -> None:
        """A second time others hear of it too; nobody is woken at night."""
        self.closed(school)
        on_duty(school, LIU)
        seen = []
        for _ in range(24 * 12):
            school.advance(hours=1, step=timedelta(hours=1))
            for name in ("王老师", "刘老师"):
                for message in school.phone(name).unread():
                    hour = school.clock.now().astimezone(ZONE).hour
                    assert 8 <= hour <= 21
                    assert "回访" in message.text
                    seen.append(name)
                school.phone(name).read += len(school.phone(name).unread())
        assert seen.count("王老师") > seen.count("刘老师") >= 3
        assert reasons(school, "follow_up_missed") == ["superseded", "never_done", "never_done"]

    def test_not_found_is_asked_again_soon(self, school: World) -> None:
        self.closed(school)
        school.advance(hours=24, step=timedelta(hours=4))
        wang = school.phone("王老师").expects(text="A1 回访")
        wang.writes("回访 A1 没联系上")
        wang.expects(text="过几个小时再提醒")
        school.advance(hours=4, step=timedelta(minutes=30))
        wang.expects(text="A1 回访")

    def test_a_false_alarm_has_none(self, school: World) -> None:
        self.closed(school, "误报 A1")
        school.advance(hours=24 * 8, step=timedelta(hours=12))
        school.no_other_messages()


def test_a_whole_week_of_a_school(school: World) -> None:
    """Every day somebody is in danger; whatever the staff do or leave, no red alert is ever without a next moment."""
    on_duty(school, WANG)
    acts = ("收到 A{}", "已处理 A{}", "转交 A{} 周老师", "放下 A{}", "误报 A{}", "改级 A{} 橙", "已处理 A1 A2 A3 A4 A6")
    for day, act in enumerate(acts, start=1):
        cries(school, f"学生{day}")
        school.advance(minutes=12, step=6 * MINUTE)
        school.phone("刘老师").writes(act.format(day))
        school.advance(hours=23, minutes=48, step=timedelta(hours=3))
        with school.application.database.read() as session:
            for one in session.scalars(select(AlertRecord).where(AlertRecord.state != "resolved")):
                assert one.next_notice_at is not None, one.id
                assert one.next_notice_at > school.clock.now() - MINUTE, one.id
