"""The distress stage by itself: what it does when its own parts fail, and what it leaves alone."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.channel.messages import InboundMessage, Kind, Source
from bot.clock import Chance, FakeClock
from bot.conversation.conversation import Conversation
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.alerts import Alerts, NoticePolicy
from bot.escalation.records import AlertRecord
from bot.escalation.rota import Rota
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.routing.turn import Reply, Turn
from bot.safety.assessment import assess
from bot.safety.lexicon import load_lexicon
from bot.safety.models import Assessment
from bot.safety.replies import LAST_RESORT, supportive_reply
from bot.safety.screen import DistressStage
from bot.staff.models import Role, Staff
from bot.staff.store import Directory
from bot.students.contacts import Contact

ZONE = ZoneInfo("Asia/Shanghai")
LEXICON = load_lexicon()
ANSWER = Reply(text="档案由学校寄。\n\n回复数字：1 档案放哪", by="faq", topic="archive.transfer")

Run = Callable[..., Reply]


def really(text: str, recent: Sequence[str]) -> Assessment:
    return assess(text, recent, LEXICON)


def fails(*_: object, **__: object) -> Any:
    message = "planted"
    raise RuntimeError(message)


@pytest.fixture
def run(
    database: Database, clock: FakeClock, chance: Chance, cipher: Cipher, outbox: Outbox, directory: Directory
) -> Run:
    """One text of one student through the stage; the later stages say `answer`, or do what `later` does."""
    minutes = timedelta(minutes=5)
    policy = NoticePolicy(first=minutes, red=minutes, orange=minutes)
    alerts = Alerts(
        clock=clock, chance=chance, cipher=cipher, outbox=outbox, rota=Rota(directory), policy=policy, zone=ZONE,
        has_robot=True,
    )  # fmt: skip
    with database.write() as session:
        directory.replace_all(session, [Staff("T1", "王老师", Role.COUNSELOR, wecom_userid="wang")])
    now = clock.now()
    conversation = Conversation(contact="c", minute_started_at=now, updated_at=now)

    def through(
        text: str,
        judge: Any = really,
        answer: Reply = ANSWER,
        held: int = 0,
        sender: str = "c",
        say: Any = supportive_reply,
    ) -> Reply:
        stage = DistressStage(judge, alerts, directory, cipher, ZONE, say=say)
        source = Source.WECOM if sender == "wang" else Source.WECHAT
        message = InboundMessage(source, sender, chance.new_id(), Kind.TEXT, clock.now(), text=text)
        contact = Contact(contact=sender, source=source.value, first_seen_at=now, last_seen_at=now)
        with database.write() as session:
            turn = Turn(message, chance.new_id(), session, clock.now(), contact, conversation, held=held)
            return stage(turn, lambda later: answer.with_text(f"{answer.text}{'+提醒' if later.held else ''}"))

    return through


def alert_levels(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AlertRecord.level)))


def test_if_the_assessment_fails_a_person_is_told_and_the_question_is_answered(run: Run, database: Database) -> None:
    assert run("档案怎么转", judge=fails).text.startswith("档案由学校寄")
    assert alert_levels(database) == ["orange"]
    with database.read() as session:
        assert session.scalars(select(DeliveryRecord.channel)).all() == ["wecom"]
        assert "没能判断" in str(session.scalars(select(AlertRecord.signals)).one())


def test_if_the_words_of_the_reply_fail_the_alert_stands_and_plain_words_are_said(run: Run, database: Database) -> None:
    assert run("我不想活了", say=fails).text == LAST_RESORT
    assert alert_levels(database) == ["orange"]
    assert "120" in LAST_RESORT
    assert "人工" in LAST_RESORT
    assert "！" not in LAST_RESORT


def test_the_rule_that_raised_it_is_stored_and_the_words_are_not(run: Run, database: Database) -> None:
    run("我叫王小明，我真的不想活了")
    with database.read() as session:
        (signals,) = session.scalars(select(AlertRecord.signals)).all()
    assert all(signal["rule"] for signal in signals)
    assert "王小明" not in str(signals)


def test_who_is_cared_for_gets_no_reminder_and_no_menu(run: Run) -> None:
    assert run("档案怎么转", held=1).text.endswith("回复数字：1 档案放哪+提醒")
    run("我不想活了")
    reply = run("档案怎么转", held=1)
    assert reply.text == "档案由学校寄。"
    assert reply.plain


def test_heavy_words_beside_a_question_get_the_answer_and_warmth(run: Run, database: Database) -> None:
    reply = run("档案怎么转，最近好绝望")
    assert reply.text.startswith("档案由学校寄")
    assert "我是程序" in reply.text
    assert alert_levels(database) == ["yellow"]


def test_a_guess_is_no_answer_to_who_tells_where_they_are(run: Run) -> None:
    run("我想从楼上跳下去")
    assert "值班老师" in run("在宿舍").text
    assert run("宿舍几点关门？").by == "faq"


def test_what_staff_write_raises_nothing(run: Run, database: Database) -> None:
    run("学生说不想活了", sender="wang")
    assert alert_levels(database) == []


@pytest.mark.parametrize("text", ["打给我 13800001111", "我的手机13800001111"])
def test_a_number_beside_the_words_is_passed_on(run: Run, database: Database, text: str) -> None:
    assert "13800001111" in run(f"不想活了，{text}").text
    with database.read() as session:
        subjects = session.scalars(select(DeliveryRecord.subject)).all()
    assert any(subject.startswith("alert-call") for subject in subjects)
