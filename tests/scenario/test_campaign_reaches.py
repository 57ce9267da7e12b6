"""A campaign over real HTTP: thirty students in all situations, each reached by the way expected, or listed with why."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from support.school import enrol, pupil, rows, send, state_of
from support.world import World

from bot.broadcast.records import RecipientRecord
from bot.students.models import Student
from bot.students.profiles import Profiles

TEXT = "6月18日前在毕业去向登记里填好档案接收单位。有问题直接问我。"
TEMPLATES = {
    "notice": {"id": "TPL-1", "fields": {"thing1": "{title}", "thing2": "{text}", "time3": "{date}"}},
}


def test_thirty_students_of_all_situations(build_world: Callable[..., World]) -> None:
    """Wrote lately: window. Silent: template. Blocked: next way. Unfollowed, not bound: listed. Nobody falls out."""
    world = build_world(broadcast={"templates": TEMPLATES})
    profiles = Profiles(world.application.cipher)
    people: list[Student] = []

    def group(first: int, count: int, **more: object) -> list[str]:
        names = [f"甲{number:02}" for number in range(first, first + count)]
        for number, name in enumerate(names, start=first):
            phone = world.student(name)
            people.append(pupil(number, contact=phone.chat.openid, **more))  # type: ignore[arg-type]
        return names

    talking, silent, gone, used_up = group(1, 8), group(9, 8), group(17, 4), group(21, 4)
    people += [pupil(number) for number in range(25, 29)]  # never bound
    people += [pupil(29, college="管理学院"), pupil(30, college="管理学院")]  # not meant
    world.advance(minutes=2)  # the three messages after the follow are over
    for name in talking + used_up:
        world.students[name].writes("档案怎么转")
        world.students[name].expects("接收单位")
    world.tick()
    enrol(world.application.database, profiles, people, world.clock.now())
    for name in gone:
        world.students[name].chat.following = False  # the event got lost: we still believe that they follow
    for name in used_up:
        for _ in range(4):  # others sent by hand meanwhile; two are kept for safety in our account of it
            world.students[name].chat.window = world.students[name].chat.window.spent(world.clock.now())
            world.students[name].chat.window.left(world.clock.now())

    campaign = send(world.application, TEXT, "学院=体育教育", template="notice", title="档案接收单位")
    world.tick()
    world.simulator.settle()
    world.advance(minutes=6)

    assert state_of(world.application, campaign).state == "finished"
    with world.application.database.read() as session:
        ledger = rows(session, campaign)
    assert len(ledger) == 28
    by = Counter((row.state, row.way) for row in ledger.values())
    assert by[("sent", "window")] >= len(talking)
    assert by[("delivered", "template")] == len(silent)
    assert by[("unreachable", "")] == len(gone) + 4
    assert {row.reason for row in ledger.values() if row.state == "unreachable"} == {"unfollowed", "not_bound"}
    for name in talking:
        world.students[name].expects(TEXT)
    for name in silent:
        world.students[name].expects("档案接收单位", "回复任意文字看全文")
    shown = world.students[silent[0]]
    shown.writes("户口要迁走吗")
    shown.expects("户口", "您有 1 条未读提醒", TEXT)


def test_without_a_template_the_silent_get_a_mass_send_and_then_wait(world: World) -> None:
    """Ordinary notices leave one of the month's four mass sends for safety; after that a notice is held."""
    profiles = Profiles(world.application.cipher)
    names = ["李同学", "王同学", "赵同学"]
    people = [pupil(number, contact=world.student(name).chat.openid) for number, name in enumerate(names, start=1)]
    world.advance(minutes=2)
    enrol(world.application.database, profiles, people, world.clock.now())
    for turn in range(4):
        campaign = send(world.application, f"第{turn}次通知")
        world.tick()
        world.simulator.settle()
        world.advance(hours=13, step=timedelta(hours=1))
        with world.application.database.read() as session:
            ways = {(row.state, row.way) for row in rows(session, campaign).values()}
        assert ways == ({("delivered", "mass")} if turn < 3 else {("held", "")}), turn
    urgent = send(world.application, "紧急：今晚有雷暴，请留在室内", urgent=True)
    world.tick()
    world.simulator.settle()
    world.advance(seconds=30)
    with world.application.database.read() as session:
        assert {(row.state, row.way) for row in rows(session, urgent).values()} == {("delivered", "mass")}
    phone = world.student("李同学")
    assert phone.unread() == ["第0次通知", "第1次通知", "第2次通知", "紧急：今晚有雷暴，请留在室内"]
    phone.read += 4
    phone.writes("档案怎么转")
    phone.expects("接收单位", "未读提醒", "第3次通知")
    world.advance(minutes=1)
    with world.application.database.read() as session:
        found: RecipientRecord = rows(session, campaign)["s:202300001"]
        assert found.state == "delivered"
