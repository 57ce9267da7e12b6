"""What is stored, and its deletion, over real HTTP: scan, bind, ask, delete; nobody else's is touched."""

import gc
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
import structlog
from structlog._config import BoundLoggerLazyProxy
from support.reading import opened, raw, rows_of
from support.world import World

from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.outbox.state import Priority
from bot.retention import RetentionTicker
from bot.staff.models import Role, Staff
from bot.students.models import Student

LI = Student(
    "2023001",
    "李晓明",
    "体育教育学院",
    class_name="2023级4班",
    degree="本科",
    phone="13800004567",
    politics="团员",
    hukou_here=True,
    has_loan=False,
    dorm="3号楼 402",
    destination="升学",
    extended=False,
    tags=("校队",),
)
WANG = Student("2023002", "王小红", "运动康复学院", phone="13900001234")


@pytest.fixture
def world(world: World) -> World:
    world.enrols(LI, WANG)
    return world


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """Everything that is logged meanwhile, at every level."""
    stream = StringIO()
    before = structlog.get_config()
    for proxy in gc.get_objects():  # a logger that was used before has its old file at heart
        if type(proxy) is BoundLoggerLazyProxy:
            proxy.__dict__.pop("bind", None)
    structlog.configure(
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )
    yield stream
    structlog.configure(**before)


def others(world: World, *mine: str) -> dict[str, list[str]]:
    """All rows that speak of none of `mine`, a contact or the subject of a delivery."""
    return {
        table: [repr(row) for row in rows if not any(f"'{one}'" in repr(row) for one in mine)]
        for table, rows in rows_of(world.application.database).items()
        if table != "erasures"
    }


def words_in(world: World) -> str:
    return "\n".join(
        text for texts in opened(world.application.database, world.application.cipher).values() for text in texts
    )


def test_scan_bind_ask_delete(world: World) -> None:
    student = world.student("李晓明", following=False)
    student.chat.scans(f"bind_{world.hands_out('2023001')}")
    student.expects("绑定好了", "我的数据")
    student.writes("档案怎么转")
    student.expects("接收单位")
    student.writes("我的数据")
    world.tick()
    told = "\n".join(student.unread())
    assert all(len(bubble.encode()) <= 2048 for bubble in student.unread())
    student.read += len(student.unread())
    for part in (
        "学号 2023001",
        "姓名 李晓明",
        "体育教育学院",
        "2023级4班",
        "手机号 138****4567",
        "户口在校 是",
        "贷款 否",
        "宿舍 3号楼 402",
        "毕业去向 升学",
        "标签 校队",
        "消息和我的回答 2 条",
        "180 天",
        "谁能看到",
        "我是程序",
    ):
        assert part in told, part
    student.writes("删除我的数据")
    student.expects("删了找不回来", "学号的绑定", "学校名单里的资料", "确认删除")
    student.writes("确认删除")
    student.expects("已经删了", "一小时内删净")
    world.advance(minutes=7)
    student.writes("我的数据")
    student.expects("没有绑定，这里不知道你是谁", "消息和我的回答 0 条")
    assert "档案怎么转" not in words_in(world)
    assert rows_of(world.application.database)["erasures"] == []
    assert [one.contact for one in world.application.register.everybody()] == ["", ""]
    world.no_other_messages()


def test_deleting_wants_a_yes(world: World) -> None:
    student = world.student("李晓明")
    student.writes("档案怎么转")
    student.expects()
    student.writes("删除我的数据")
    student.expects("确认删除")
    student.writes("算了")
    student.expects()
    student.writes("确认")
    student.expects()
    assert "档案怎么转" in words_in(world)


def test_what_people_work_on_stays_until_they_have_done_and_is_said(world: World) -> None:
    """An open alert keeps its heavy words for who is on the way, an open case its own; both go when they are over."""
    student = world.student("李晓明")
    student.writes(f"绑定 {world.hands_out('2023001')}")
    student.expects("绑定好了")
    student.writes("人工 我的学位证丢在图书馆了")
    student.expects("C1")
    world.clock.advance(timedelta(minutes=1))
    student.writes("档案怎么转")
    student.expects()
    student.writes("我不想活了")
    student.expects()
    student.writes("打给我 13811112222")
    student.expects("138")
    world.clock.advance(timedelta(minutes=10))
    student.writes("删除我的数据")
    student.expects("A1：你说过的话让老师担心", "C1：你找老师的事还没办完")
    student.writes("确认删除")
    student.expects("已经删了", "A1", "老师还在关心你")
    world.tick()
    left = words_in(world)
    assert "我不想活了" in opened(world.application.database, world.application.cipher)["inbound_messages"]
    assert "学位证丢在图书馆" in left
    assert "档案怎么转" not in left
    wang = world.phone("王老师")
    wang.expects(card="A1").presses("我来处理")
    wang.expects(text="13811112222")
    wang.expects(text="诉求 C1")
    wang.writes("已处理 A1")
    wang.writes("结束 C1")
    world.advance(minutes=7)
    left = words_in(world)
    assert "我不想活了" not in left
    assert "学位证丢在图书馆" not in left
    assert "13811112222" not in left
    assert rows_of(world.application.database)["erasures"] == []
    assert [row["state"] for row in rows_of(world.application.database)["alerts"]] == ["resolved"]


def test_a_summary_of_several_alerts_is_read_before_it_is_deleted(world: World) -> None:
    """After an outage one text speaks of many students: that one of them has their data deleted hides no other."""
    outbox, database = world.application.outbox, world.application.database
    student = world.student("李晓明")
    student.writes("我不想活了")
    student.expects()
    world.tick()
    world.phone("王老师").expects(card="A1").presses("我来处理")
    world.phone("王老师").writes("已处理 A1")
    text = "还没有人处理：A1 …；A2 王小红：我不想活了"
    summary = OutboundMessage(Source.WECOM, "liu", TextContent(text))
    with database.write() as session:
        outbox.enqueue(
            session,
            summary,
            priority=Priority.SAFETY,
            subject="alert-more:1:pile-1",
            not_before=world.clock.now() + timedelta(minutes=20),
        )
    student.writes("删除我的数据")
    student.expects()
    student.writes("确认删除")
    student.expects("已经删了")
    world.advance(minutes=10)
    assert text in words_in(world)
    world.advance(minutes=15)
    assert text in [message.text for message in world.phone("刘老师").unread()]
    world.advance(minutes=2)
    assert text not in words_in(world)
    assert rows_of(database)["erasures"] == []


def test_care_goes_on_after_deleting(world: World) -> None:
    student = world.student("李晓明")
    student.writes("我不想活了")
    student.expects()
    student.writes("删除我的数据")
    student.expects("A1")
    student.writes("确认删除")
    student.expects("已经删了")
    student.writes("在宿舍，就我一个")
    text = student.expects()
    assert "没有把握" not in text


def test_nothing_of_others_is_touched(world: World) -> None:
    li, wang = world.student("李晓明"), world.student("王小红")
    for student, number in ((li, "2023001"), (wang, "2023002")):
        student.writes(f"绑定 {world.hands_out(number)}")
        student.writes(f"人工 {number} 的证书")
        student.writes("最近好绝望")
        student.writes("退订")
        student.writes("安全计划")
        student.writes("听歌")
    for number in (1, 2):
        world.phone("王老师").writes(f"结束 C{number}")
    world.clock.advance(timedelta(minutes=10))
    mine = (li.chat.openid, "case:1", "2023001")
    before = others(world, *mine)
    li.writes("删除我的数据")
    li.writes("确认删除")
    after = others(world, *mine)
    assert {table: rows for table, rows in after.items() if rows != before[table]}.keys() <= {"seen_signatures"}
    assert any(before.values())
    bound = {one.student_no: one.contact for one in world.application.register.everybody()}
    assert bound == {"2023001": "", "2023002": wang.chat.openid}
    left = words_in(world)
    assert "2023002 的证书" in left
    assert "2023001 的证书" not in left
    assert rows_of(world.application.database)["opt_outs"]  # a wish to be left alone is no data to be deleted


def test_what_was_on_its_way_to_the_student_is_not_sent(world: World) -> None:
    student = world.student("李晓明")
    student.writes("人工 帮帮我")
    student.expects("C1")
    world.tick()
    world.phone("王老师").writes("回复 C1 来办公室找我")
    student.writes("删除我的数据")
    student.expects("C1")
    student.writes("确认删除")
    student.expects("已经删了")
    world.tick()
    assert student.unread() == []
    assert "来办公室找我" in words_in(world)  # in the case, which is open


def test_neither_the_tables_nor_the_logs_hold_a_name_a_phone_or_words_in_the_clear(
    world: World, logged: StringIO
) -> None:
    student = world.student("李晓明", following=False)
    student.chat.scans(f"bind_{world.hands_out('2023001')}")
    for words in (
        "档案怎么转",
        "人工 学位证丢在图书馆了",
        "东西都送人了，今晚天台见",
        "打给我 13800004567",
        "我的数据",
    ):
        student.writes(words)
    world.advance(minutes=6)
    world.phone("王老师").writes("收到 A1")
    student.writes("删除我的数据")
    student.writes("确认删除")
    world.advance(minutes=7)
    secrets = (
        "李晓明",
        "晓明",
        "13800004567",
        "今晚天台见",
        "东西都送人",
        "图书馆",
        "档案怎么转",
        "王小红",
        "13900001234",
    )
    everything = raw(world.application.database)
    logs = logged.getvalue()
    assert "alert" in logs
    for secret in secrets:
        assert secret.encode() not in everything, secret
        assert secret not in logs, secret
        assert secret.encode("unicode_escape").decode() not in logs, secret


def test_a_counselor_reads_who_it_is_if_that_is_known(world: World) -> None:
    student, stranger = world.student("李晓明"), world.student("王小红")
    student.writes(f"绑定 {world.hands_out('2023001')}")
    student.writes("我不想活了")
    world.tick()
    world.phone("王老师").expects(card="体育教育学院 2023级4班 李晓明")
    stranger.writes("我不想活了")
    world.tick()
    card = world.phone("王老师").expects(card="微信用户").card
    assert "王小红" not in f"{card.title}{card.text}"


def test_a_group_reads_no_name(world: World) -> None:
    """Nobody can be reached, so the group robot has the alert; who is in the group need not know who it is."""
    with world.application.database.write() as session:
        world.application.directory.replace_all(session, [Staff("T9", "赵老师", Role.COUNSELOR)])
    student = world.student("李晓明")
    student.writes(f"绑定 {world.hands_out('2023001')}")
    student.writes("我不想活了")
    world.tick()
    world.phone("群").expects(text="我不想活了")
    (message,) = world.simulator.room.robots["group"].messages
    assert "微信用户" in message.text
    for known in ("李晓明", "体育教育学院", "2023级4班", "2023001"):
        assert known not in message.text


def test_what_a_card_says_stays_when_the_student_unbinds(world: World) -> None:
    """Whoever has the alert must still know whom to look for; only later cards do not say it."""
    student = world.student("李晓明")
    student.writes(f"绑定 {world.hands_out('2023001')}")
    student.writes("我不想活了")
    student.writes("解绑")
    student.writes("确认解绑")
    world.tick()
    world.phone("王老师").expects(card="李晓明")


def test_old_codes_tries_and_people_who_have_left_go_by_themselves(world: World) -> None:
    database, clock = world.application.database, world.clock
    stays, leaves = world.student("李晓明"), world.student("王小红")
    for student, number in ((stays, "2023001"), (leaves, "2023002")):
        student.writes(f"绑定 {world.hands_out(number)}")
        student.writes("绑定 ZZZZZZZZZZ")
    leaves.unfollows()
    ticker = RetentionTicker(database, clock, words_for=timedelta(days=180))
    assert [len(rows_of(database)[table]) for table in ("binding_codes", "binding_tries", "contacts")] == [2, 2, 2]
    clock.advance(timedelta(days=20))
    ticker.tick()
    assert [len(rows_of(database)[table]) for table in ("binding_tries", "contacts")] == [0, 2]
    clock.advance(timedelta(days=161))
    ticker.tick()
    left = rows_of(database)
    assert [row["contact"] for row in left["contacts"]] == [stays.chat.openid]
    assert left["binding_codes"] == []
    assert [row["contact"] for row in left["students"]] == [stays.chat.openid, None]
    assert not re.search(leaves.chat.openid, str(left["conversations"]))
