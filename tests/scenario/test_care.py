"""After a crisis message: what is said, what is not, and what a student can ask for."""

from datetime import timedelta

from sqlalchemy import select
from support.world import ZONE, World

from bot.conversation.records import ConversationRecord
from bot.escalation.feedback import weekly_counts
from bot.escalation.records import AlertRecord

GOODBYE = "东西都送人了，今晚天台见"
UNCLEAR = "咕噜咕噜呱"
PLAN_WORDS = ["深夜一个人的时候", "洗个热水澡", "去操场走两圈", "跳过", "没有", "请宿管阿姨收着", "想看明年的海"]


def alert(world: World) -> AlertRecord:
    with world.application.database.read() as session:
        return session.get_one(AlertRecord, 1)


def staff_have_read(world: World) -> None:
    world.tick()
    for phone in world.phones.values():
        phone.read += len(phone.unread())


def test_an_answer_to_our_own_question_is_listened_to_and_counted(world: World) -> None:
    """在宿舍 is where somebody is, not a question about moving out."""
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("身边有人吗")
    student.writes("在宿舍，就我一个")
    first = student.expects("我在听", "值班老师也能看到")
    student.writes("嗯")
    second = student.expects("收到了")
    assert "没有把握" not in first + second
    assert first != second
    assert alert(world).message_count == 3


def test_a_real_question_is_answered_without_a_menu_and_the_reminder_waits(world: World) -> None:
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("120")
    student.writes("档案怎么转")
    answer = student.expects("接收单位")
    assert "回复数字" not in answer
    assert "未读提醒" not in answer


def test_when_the_alert_is_closed_everything_is_as_before(world: World) -> None:
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("120")
    staff_have_read(world)
    world.phone("王老师").writes("已处理 A1")
    student.writes(UNCLEAR)
    assert "值班老师" not in student.expects()
    student.writes("档案怎么转")
    student.expects("接收单位", "回复数字")
    with world.application.database.read() as session:
        slots = session.scalars(select(ConversationRecord.slots)).all()
    assert not any("care" in one for one in slots)


def test_a_day_later_an_unclear_text_is_a_text_again_but_still_without_reminders(world: World) -> None:
    student = world.student("李同学")
    student.writes(GOODBYE)
    student.expects("120")
    world.advance(hours=25, step=timedelta(hours=1))
    student.read += len(student.unread())
    student.writes(UNCLEAR)
    answer = student.expects()
    assert "值班老师" not in answer
    assert "未读提醒" not in answer


def test_a_number_in_the_crisis_message_itself_reaches_the_counselor(world: World) -> None:
    student = world.student("李同学")
    student.writes("我不想活了，打给我 13800001111")
    reply = student.expects("13800001111", "值班老师")
    assert "手机号" not in reply
    world.tick()
    for name in ("王老师", "刘老师"):
        world.phone(name).expects(card="橙色 A1").expects(text="13800001111")
    world.no_other_messages()


def test_the_breathing_exercise_goes_on_to_the_senses(world: World) -> None:
    student = world.student("李同学")
    student.writes("好慌，陪我冷静一下")
    student.expects("慢慢呼气", "继续")
    student.writes("继续")
    student.expects("看得见的东西")
    student.writes("继续")
    assert "看得见的东西" not in student.expects()
    world.no_other_messages()


def test_the_exercise_comes_even_when_the_words_are_heavy(world: World) -> None:
    """Yellow words do not put a talk in the place of the help that was asked for."""
    student = world.student("李同学")
    student.writes("我快崩溃了，陪我冷静一下")
    student.expects("慢慢呼气")
    assert alert(world).level == "yellow"


def test_the_card_of_lines_knows_the_hour(world: World) -> None:
    student = world.student("李同学")
    student.writes("心理热线")
    card = student.expects("120 或 110", "010-82951332", "12356")
    assert "【" not in card


def test_a_safety_plan_is_filled_in_and_given_back(world: World) -> None:
    student = world.student("李同学")
    student.writes("安全计划")
    student.expects("第 1 步", "加密保存", "值班老师会看到")
    for number, words in enumerate(PLAN_WORDS, start=2):
        student.writes(words)
        if number <= len(PLAN_WORDS):
            student.expects(f"第 {number} 步")
    whole = student.expects("安全计划", "洗个热水澡", "去操场走两圈", "想看明年的海", "010-82951332")
    assert whole.count("空着") == 2
    student.writes("档案怎么转")
    student.expects("接收单位")
    student.writes("我的安全计划")
    student.expects("洗个热水澡")
    with world.application.database.read() as session:
        slots = session.scalars(select(ConversationRecord.slots)).all()
    assert "热水澡" not in str(slots)
    world.no_other_messages()


def test_a_plan_can_be_left_and_taken_up_again(world: World) -> None:
    student = world.student("李同学")
    student.writes("安全计划")
    student.expects("第 1 步")
    student.writes("深夜一个人的时候")
    student.expects("第 2 步")
    student.writes("退出")
    student.expects("继续")
    student.writes("档案怎么转")
    student.expects("接收单位")
    student.writes("继续")
    student.expects("第 2 步")
    student.writes("人工")
    student.expects("C1")


def test_an_answer_that_alarms_is_an_alarm_and_the_plan_waits(world: World) -> None:
    student = world.student("李同学")
    student.writes("安全计划")
    student.expects("第 1 步")
    student.writes("一到晚上就特别想死")
    student.expects("值班老师", "安全计划还替你留着")
    student.writes("继续")
    student.expects("第 1 步")
    assert alert(world).level == "orange"


def test_a_counselor_says_that_an_alert_was_right_and_it_is_counted(world: World) -> None:
    student = world.student("李同学")
    student.writes("我不想活了")
    student.expects("老师")
    staff_have_read(world)
    wang = world.phone("王老师")
    assert "属实" in wang.writes("确实 A1").reply
    assert "没有找到 A9" in wang.writes("确实 A9").reply
    assert "已结束" in wang.writes("已处理 A1").reply
    with world.application.database.read() as session:
        found = weekly_counts(session, world.clock.now() - timedelta(weeks=1), ZONE)
    assert {(one.confirmed, one.precision) for one in found} == {(1, 1.0)}
