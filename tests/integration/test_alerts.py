"""Alerts on both databases: one for each worry, told until somebody takes it, by another way when one fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from bot.channel.channel import MemoryChannel, Receipt
from bot.channel.errors import PermanentSendError, TemporarySendError
from bot.channel.messages import CardContent, OutboundMessage, Source, TextContent
from bot.clock import Chance, FakeClock
from bot.conversation.records import InboundRecord
from bot.conversation.store import save_inbound
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.alerts import Alerts, NoticePolicy, Worry
from bot.escalation.engine import EscalationTicker
from bot.escalation.next_way import NextWay
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.escalation.rota import Rota
from bot.escalation.rotation import Shift
from bot.outbox.dispatcher import SAFETY_LANE, Dispatcher
from bot.outbox.outbox import Outbox
from bot.outbox.reaper import Reaper
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import RetryPolicy
from bot.staff.models import Role, Staff
from bot.staff.store import Directory

ZONE = ZoneInfo("Asia/Shanghai")
WANG = Staff("1001", "王老师", Role.COUNSELOR, wecom_userid="wangl")
ZHANG = Staff("1002", "张老师", Role.COUNSELOR, wecom_userid="zhangl")
SILENT = Staff("1003", "赵老师", Role.COUNSELOR)
POLICY = NoticePolicy(first=timedelta(minutes=5), red=timedelta(minutes=3), orange=timedelta(minutes=30))
WORDS = "东西都送人了，今晚天台见"


@dataclass
class Line(MemoryChannel):
    """A channel during whose sends something else may happen: `meanwhile` is called first, one a send."""

    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def send(self, message: OutboundMessage, /) -> Receipt:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return super().send(message)


@dataclass
class School:
    """A school's alerts, with everything that carries them."""

    database: Database
    clock: FakeClock
    chance: Chance
    cipher: Cipher
    directory: Directory
    alerts: Alerts
    ticker: EscalationTicker
    dispatcher: Dispatcher
    wecom: Line
    robot: Line
    rota: Rota

    def staff(self, *people: Staff) -> None:
        with self.database.write() as session:
            self.directory.replace_all(session, people)

    def on_duty(self, person: Staff, hours: float = 12) -> None:
        now = self.clock.now().astimezone(ZONE)
        with self.database.write() as session:
            self.rota.replace(session, [Shift(person.staff_no, "", now, now + timedelta(hours=hours))])

    def worry(
        self, contact: str = "openid-li", level: str = "red", about: str = "self", words: str = WORDS
    ) -> tuple[int, bool]:
        """One message that worries, stored as the pipeline does it."""
        inbound = self.chance.new_id()
        with self.database.write() as session:
            raised = self.alerts.raise_alert(
                session,
                Worry(contact, inbound, words, level, about, [{"category": "x", "label": "告别", "level": level}]),
            )
            save_inbound(session, [self._row(inbound, contact, words)])
        return raised

    def deliver(self) -> None:
        while self.dispatcher.tick().done:
            pass

    def pass_time(self, by: timedelta, step: timedelta = timedelta(seconds=30)) -> None:
        """Time goes by, with both tickers running."""
        end = self.clock.now() + by
        while self.clock.now() < end:
            self.clock.advance(step)
            self.ticker.tick()
            self.deliver()

    def alert(self, number: int = 1) -> AlertRecord:
        with self.database.read() as session:
            return session.get_one(AlertRecord, number)

    def log(self, number: int = 1) -> list[tuple[str, str]]:
        with self.database.read() as session:
            query = select(AlertLogRecord.event, AlertLogRecord.actor).where(AlertLogRecord.alert_id == number)
            return [(event, actor) for event, actor in session.execute(query.order_by(AlertLogRecord.id))]

    def acknowledge(self, staff: Staff, number: int = 1) -> str:
        with self.database.write() as session:
            return self.alerts.acknowledge(session, number, staff, via="card")

    def resolve(self, staff: Staff, number: int = 1) -> bool:
        with self.database.write() as session:
            return self.alerts.resolve(session, number, staff, code="handled", via="text")

    def call(self, phone: str = "13800000001") -> bool:
        """The student asks to be called."""
        with self.database.write() as session:
            return self.alerts.ask_for_call(session, "openid-li", phone=phone)

    def outage(self, *lines: Line) -> None:
        """Nothing gets through by `lines` until `failures` is cleared."""
        for line in lines:
            line.failures = [TemporarySendError(code="-1") for _ in range(5000)]

    def states(self) -> list[str]:
        with self.database.read() as session:
            return sorted(session.scalars(select(DeliveryRecord.state)))

    def _row(self, inbound: str, contact: str, words: str) -> dict[str, Any]:
        return {
            "id": inbound,
            "dedup_key": inbound,
            "source": "wechat",
            "contact": contact,
            "kind": "text",
            "event": "",
            "words": self.cipher.seal(words, row=inbound),
            "reply": self.cipher.seal("", row=inbound),
            "answered_by": "safety",
            "topic": "",
            "level": "red",
            "received_at": self.clock.now(),
        }


Open = Callable[..., School]


@pytest.fixture
def open_school(
    database: Database, clock: FakeClock, chance: Chance, cipher: Cipher, outbox: Outbox, directory: Directory
) -> Iterator[Open]:
    """Makes a school, with or without a group robot."""
    made: list[School] = []

    def _open(*, robot: bool = True) -> School:
        rota = Rota(directory)
        alerts = Alerts(
            clock=clock,
            chance=chance,
            cipher=cipher,
            outbox=outbox,
            rota=rota,
            policy=POLICY,
            zone=ZONE,
            has_robot=robot,
        )
        wecom, group = Line(), Line()
        dispatcher = Dispatcher(
            database,
            clock=clock,
            chance=chance,
            cipher=cipher,
            channels={Source.WECOM: wecom, Source.ROBOT: group},
            policy=RetryPolicy(),
            lane=SAFETY_LANE,
            listeners=[NextWay(alerts, after_attempts=2)],
        )
        ticker = EscalationTicker(database, clock, alerts)
        made.append(School(database, clock, chance, cipher, directory, alerts, ticker, dispatcher, wecom, group, rota))
        return made[-1]

    yield _open
    for school in made:
        school.dispatcher.close()


@pytest.fixture
def school(open_school: Open) -> School:
    """A school with a robot and one counselor."""
    made = open_school()
    made.staff(WANG)
    return made


def card_of(message: OutboundMessage) -> CardContent:
    assert isinstance(message.content, CardContent)
    return message.content


def text_of(message: OutboundMessage) -> str:
    assert isinstance(message.content, TextContent)
    return message.content.text


class TestRaised:
    def test_the_counselor_has_a_card_that_says_what_is_needed(self, school: School):
        assert school.worry() == (1, False)
        school.deliver()
        (message,) = school.wecom.sent
        card = card_of(message)
        assert (message.channel, message.recipient) == (Source.WECOM, "wangl")
        assert card.title.startswith("红色 A1")
        assert WORDS in card.text
        assert "告别" in card.text
        assert "要做" in card.text
        assert [button.key for button in card.buttons] == ["ack:1", "false:1"]
        assert "openid" not in card.title + card.text
        assert school.robot.sent == []
        assert school.log() == [("triggered", ""), ("notified", "1001"), ("sent", "wecom")]

    def test_it_commits_with_the_message_or_not_at_all(self, school: School):
        with pytest.raises(ZeroDivisionError), school.database.write() as session:
            school.alerts.raise_alert(session, Worry("o1", "i", WORDS, "red", "self", []))
            raise ZeroDivisionError
        school.deliver()
        assert school.wecom.sent == []
        assert school.states() == []

    def test_everybody_on_duty_is_told(self, school: School):
        school.staff(WANG, ZHANG, SILENT)
        school.worry()
        school.deliver()
        assert sorted(message.recipient for message in school.wecom.sent) == ["wangl", "zhangl"]
        assert len({card_of(message).task_id for message in school.wecom.sent}) == 2
        assert school.robot.sent == []

    def test_only_who_is_on_duty(self, school: School):
        school.staff(WANG, ZHANG)
        school.on_duty(ZHANG)
        school.worry()
        school.deliver()
        assert [message.recipient for message in school.wecom.sent] == ["zhangl"]

    def test_yellow_waits_for_the_working_days_list(self, school: School):
        school.worry(level="yellow")
        school.pass_time(timedelta(hours=2))
        assert school.wecom.sent == school.robot.sent == []
        assert school.alert().state == "triggered"


class TestAgain:
    def test_a_hundred_messages_are_one_alert_with_a_counter(self, school: School):
        """And one card: a flood from one student must not bury another's."""
        numbers = {school.worry(words=f"第 {number} 条") for number in range(100)}
        assert numbers == {(1, False), (1, True)}
        school.deliver()
        assert len(school.wecom.sent) == 1
        assert school.alert().message_count == 100

    def test_two_students_are_never_merged(self, school: School):
        assert school.worry("o1") == (1, False)
        assert school.worry("o2") == (2, False)
        school.deliver()
        assert len(school.wecom.sent) == 2

    def test_worry_about_a_friend_is_another_alert(self, school: School):
        assert school.worry(about="self") == (1, False)
        assert school.worry(about="other") == (2, False)

    def test_a_level_that_rises_is_told_at_once(self, school: School):
        school.worry(level="orange", words="好累")
        school.deliver()
        school.worry(level="red")
        school.deliver()
        assert [card_of(message).title[:2] for message in school.wecom.sent] == ["橙色", "红色"]
        assert WORDS in card_of(school.wecom.sent[1]).text
        assert school.alert().level == "red"
        assert ("level_raised", "") in school.log()

    def test_from_yellow_to_orange_too(self, school: School):
        school.worry(level="yellow")
        school.worry(level="orange")
        school.deliver()
        assert len(school.wecom.sent) == 1
        assert school.alert().next_notice_at == school.clock.now() + POLICY.orange

    def test_a_level_that_falls_changes_nothing(self, school: School):
        """The worst words stay on the card, and it chases as before."""
        school.worry(level="red")
        school.worry(level="yellow", words="没事了")
        school.pass_time(timedelta(minutes=5, seconds=30))
        assert school.alert().level == "red"
        assert WORDS in card_of(school.wecom.sent[-1]).text

    def test_a_level_that_rises_is_told_although_somebody_has_it(self, school: School):
        school.worry(level="orange")
        school.acknowledge(WANG)
        school.worry(level="red")
        school.deliver()
        assert len(school.wecom.sent) == 1
        assert (school.alert().state, school.alert().acknowledged_by) == ("triggered", "")

    def test_who_has_it_hears_of_more_but_not_of_each(self, school: School):
        school.worry()
        school.deliver()
        school.acknowledge(WANG)
        for _ in range(10):
            school.worry()
        school.deliver()
        assert len(school.wecom.sent) == 2
        assert "A1" in text_of(school.wecom.sent[1])
        school.clock.advance(timedelta(minutes=5))
        school.worry()
        school.deliver()
        assert len(school.wecom.sent) == 3

    def test_after_it_is_closed_a_new_message_is_a_new_alert(self, school: School):
        school.worry()
        school.resolve(WANG)
        assert school.worry() == (2, False)

    def test_the_database_itself_allows_one_open_alert_only(self, school: School):
        """Two processes that raise it at the same moment: one of them is refused and tries again."""
        school.worry()
        first = school.alert()
        with pytest.raises(IntegrityError), school.database.write() as session:
            session.add(
                AlertRecord(
                    contact=first.contact,
                    about=first.about,
                    level="red",
                    state="triggered",
                    signals=[],
                    first_inbound_id="x",
                    last_inbound_id="x",
                    triggered_at=school.clock.now(),
                    last_message_at=school.clock.now(),
                    next_notice_at=None,
                )
            )


class TestChase:
    def test_it_is_told_again_until_somebody_takes_it(self, school: School):
        """First after five minutes, then every three, as long as it takes."""
        school.worry()
        school.deliver()
        start = school.clock.now()
        told = []
        for _ in range(60):
            before = len(school.wecom.sent)
            school.pass_time(timedelta(seconds=30))
            if len(school.wecom.sent) > before:
                told.append((school.clock.now() - start).total_seconds() / 60)
        assert told[:4] == [5, 8, 11, 14]
        assert len(told) == 9
        school.acknowledge(WANG)
        before = len(school.wecom.sent)
        school.pass_time(timedelta(hours=2))
        assert len(school.wecom.sent) == before

    def test_orange_is_told_less_often(self, school: School):
        school.worry(level="orange")
        school.pass_time(timedelta(minutes=61))
        assert len(school.wecom.sent) == 3

    def test_a_card_that_is_still_on_its_way_does_not_make_it_forget(self, school: School):
        school.worry()
        school.wecom.failures = [TemporarySendError(code="-1") for _ in range(1000)]
        school.pass_time(timedelta(minutes=20))
        assert school.alert().rounds > 3

    def test_whoever_is_on_duty_then_is_told(self, school: School):
        school.staff(WANG, ZHANG)
        school.on_duty(WANG, hours=0.05)
        school.worry()
        school.deliver()
        school.clock.advance(timedelta(minutes=4))
        school.on_duty(ZHANG)
        school.pass_time(timedelta(minutes=2))
        assert [message.recipient for message in school.wecom.sent] == ["wangl", "zhangl"]

    def test_worst_first(self, school: School):
        school.worry("o1", level="orange")
        school.clock.advance(timedelta(minutes=28))
        school.worry("o2", level="red")
        school.clock.advance(timedelta(minutes=30))
        school.deliver()
        before = len(school.wecom.sent)
        school.ticker.tick()
        school.deliver()
        assert [card_of(message).title[:2] for message in school.wecom.sent[before:]] == ["红色", "橙色"]

    def test_after_a_long_silence_it_is_told_once(self, school: School):
        """The worker slept for a day: one notice, not three hundred."""
        school.worry()
        school.deliver()
        school.clock.advance(timedelta(days=1))
        for _ in range(5):
            school.ticker.tick()
        school.deliver()
        assert len(school.wecom.sent) == 2

    def test_nothing_due_is_nothing_done(self, school: School):
        school.worry()
        assert school.ticker.tick().done == 0


class TestOneThatCannotBeDealtWith:
    def test_it_stops_no_other_and_is_tried_again(self, school: School):
        """Somebody changed a row by hand, or a later version's policy is not understood."""
        school.worry("o1")
        school.worry("o2")
        with school.database.write() as session:
            session.execute(update(AlertRecord).where(AlertRecord.id == 1).values(policy={"steps": "?"}))
        school.deliver()
        before = len(school.wecom.sent)
        school.clock.advance(timedelta(minutes=5))
        with capture_logs() as logs:
            school.ticker.tick()
        school.deliver()
        assert [card_of(message).title.split()[1] for message in school.wecom.sent[before:]] == ["A2"]
        assert "alert_cannot_climb" in [one["event"] for one in logs]
        assert school.alert(1).next_notice_at == school.clock.now() + timedelta(minutes=1)

    def test_words_that_no_key_opens_do_not_keep_the_alert_from_being_told(self, school: School):
        school.worry()
        school.deliver()
        with school.database.write() as session:
            session.execute(update(InboundRecord).values(words=b"x" * 60))
        school.clock.advance(timedelta(minutes=5))
        school.ticker.tick()
        school.deliver()
        assert "读不出来" in card_of(school.wecom.sent[-1]).text


class TestTaken:
    def test_the_first_has_it_and_the_second_hears_who(self, school: School):
        school.worry()
        assert school.acknowledge(WANG) == ""
        assert school.acknowledge(ZHANG) == "1001"
        alert = school.alert()
        assert (alert.state, alert.acknowledged_by) == ("acknowledged", "1001")
        assert alert.next_notice_at == school.clock.now() + POLICY.red_stale - POLICY.nudge_before
        assert [event for event, _ in school.log()].count("acknowledged") == 1

    def test_what_was_still_waiting_is_not_sent_any_more(self, school: School):
        school.worry()
        school.acknowledge(WANG)
        school.deliver()
        assert school.wecom.sent == []
        assert school.states() == ["cancelled"]

    def test_closed_is_closed(self, school: School):
        school.worry()
        assert school.resolve(ZHANG)
        assert not school.resolve(WANG)
        assert school.acknowledge(WANG) == "closed"
        alert = school.alert()
        assert (alert.state, alert.closing_code, alert.resolved_at) == ("resolved", "handled", school.clock.now())
        school.pass_time(timedelta(hours=1))
        assert school.wecom.sent == []

    @pytest.mark.parametrize("number", [0, 2, 999])
    def test_a_number_that_does_not_exist(self, school: School, number: int):
        school.worry()
        with pytest.raises(LookupError):
            school.acknowledge(WANG, number)
        with pytest.raises(LookupError):
            school.resolve(WANG, number)

    def test_numbers_are_never_given_twice(self, school: School):
        """People say them aloud."""
        school.worry("o1")
        with school.database.write() as session:
            if school.database.is_sqlite:  # the log cannot be emptied without force
                session.execute(text("DROP TRIGGER alert_log_no_delete"))
            else:
                session.execute(text("ALTER TABLE alert_log DISABLE TRIGGER USER"))
            session.execute(AlertLogRecord.__table__.delete())  # type: ignore[attr-defined]
            session.execute(AlertRecord.__table__.delete())  # type: ignore[attr-defined]
            if not school.database.is_sqlite:
                session.execute(text("ALTER TABLE alert_log ENABLE TRIGGER USER"))
        assert school.worry("o2") == (2, False)


class TestNextWay:
    def test_a_card_that_fails_for_good_goes_to_the_group_at_once(self, school: School):
        school.wecom.failures = [PermanentSendError(code="60111")]
        school.worry()
        school.deliver()
        (message,) = school.robot.sent
        assert "企业微信卡片没有送达" in text_of(message)
        assert WORDS in text_of(message)
        assert "收到 A1" in text_of(message)
        assert ("send_failed", "wecom") in school.log()

    def test_one_failed_try_is_not_yet_a_reason_but_two_are(self, school: School):
        school.wecom.failures = [TemporarySendError(code="-1") for _ in range(3)]
        school.worry()
        school.deliver()
        assert school.robot.sent == []
        school.pass_time(timedelta(minutes=1), step=timedelta(seconds=2))
        assert len(school.robot.sent) == 1
        assert len(school.wecom.sent) == 1

    def test_the_group_hears_once_a_round(self, school: School):
        school.staff(WANG, ZHANG)
        school.wecom.failures = [PermanentSendError(code="60111") for _ in range(2)]
        school.worry()
        school.deliver()
        assert len(school.robot.sent) == 1

    def test_nobody_with_an_account_means_the_group(self, school: School):
        school.staff(SILENT)
        school.worry()
        school.deliver()
        assert school.wecom.sent == []
        assert "没有能直接通知到的值班老师" in text_of(school.robot.sent[0])

    def test_a_card_that_fails_after_somebody_took_it_is_no_news(self, school: School):
        school.staff(WANG, ZHANG)
        school.worry()
        with school.database.write() as session:
            session.execute(
                update(DeliveryRecord).values(state="sending", attempts=1, lease_owner=school.dispatcher.owner)
            )
        school.acknowledge(WANG)
        with school.database.write() as session:
            session.execute(update(DeliveryRecord).values(state="pending"))
        school.wecom.failures = [PermanentSendError(code="60111") for _ in range(2)]
        school.deliver()
        assert school.robot.sent == []

    def test_the_group_itself_failing_is_on_record_and_it_goes_on(self, school: School):
        school.staff()
        school.robot.failures = [PermanentSendError(code="93000")]
        school.worry()
        school.pass_time(timedelta(minutes=6))
        assert ("send_failed", "robot") in school.log()
        assert len(school.robot.sent) == 1


class TestWordsThatDoNotArrive:
    """A request for a call, or word of more messages: nothing tells them a second time."""

    def test_a_call_that_fails_for_good_goes_to_the_group_at_once_with_the_number(self, school: School):
        """Once, although it failed for two people."""
        school.staff(WANG, ZHANG)
        school.worry()
        school.deliver()
        school.wecom.failures = [PermanentSendError(code="60111") for _ in range(2)]
        school.call()
        school.deliver()
        (message,) = school.robot.sent
        assert text_of(message).startswith("【企业微信没有送达")
        assert "13800000001" in text_of(message)
        assert "A1 " in text_of(message)
        assert school.log().count(("send_failed", "wecom")) == 2
        assert school.log().count(("notified", "robot")) == 1
        assert school.log()[-1] == ("sent", "robot")

    def test_a_call_that_keeps_failing_goes_there_too_and_is_still_tried(self, school: School):
        school.worry()
        school.deliver()
        school.wecom.failures = [TemporarySendError(code="-1") for _ in range(3)]
        school.call()
        school.deliver()
        assert school.robot.sent == []
        school.pass_time(timedelta(minutes=1), step=timedelta(seconds=2))
        assert len(school.robot.sent) == 1
        assert "13800000001" in text_of(school.wecom.sent[-1])

    def test_each_wish_is_told(self, school: School):
        """The second number may be the right one."""
        school.worry()
        school.deliver()
        school.wecom.failures = [PermanentSendError(code="60111") for _ in range(2)]
        for phone in ("13800000001", "13800000002"):
            school.call(phone)
        school.deliver()
        assert [phone in text_of(one) for one, phone in zip(school.robot.sent, ("0001", "0002"), strict=True)] == [
            True,
            True,
        ]

    @pytest.mark.parametrize("taken", [School.acknowledge, School.resolve])
    def test_a_call_goes_on_whatever_becomes_of_the_alert(self, school: School, taken: Callable[[School, Staff], Any]):
        """That somebody took the alert does not mean that he knows of the call."""
        school.worry()
        school.deliver()
        school.wecom.meanwhile = [lambda: taken(school, WANG)]
        school.outage(school.wecom)
        school.call()
        school.pass_time(timedelta(seconds=20), step=timedelta(seconds=2))
        assert len(school.robot.sent) == 1
        school.wecom.failures.clear()
        school.pass_time(timedelta(minutes=1))
        assert "13800000001" in text_of(school.wecom.sent[-1])

    def test_more_messages_that_who_has_it_cannot_read(self, school: School):
        school.worry()
        school.deliver()
        school.acknowledge(WANG)
        school.wecom.failures = [PermanentSendError(code="60111")]
        school.worry()
        school.deliver()
        assert "A1 的同学又写来消息" in text_of(school.robot.sent[0])

    def test_more_messages_when_who_has_it_has_no_account_any_more(self, school: School):
        school.worry()
        school.deliver()
        school.acknowledge(WANG)
        school.staff(SILENT)
        for _ in range(3):
            school.worry()
        school.deliver()
        assert [text_of(message)[:3] for message in school.robot.sent] == ["A1 "]

    def test_without_a_robot_it_is_an_alarm(self, open_school: Open):
        school = open_school(robot=False)
        school.staff(WANG)
        school.worry()
        school.deliver()
        school.wecom.failures = [PermanentSendError(code="60111")]
        school.call()
        with capture_logs() as logs:
            school.deliver()
        assert school.log()[-1] == ("nobody_reachable", "")
        assert [one["reason"] for one in logs if one["log_level"] == "error"] == ["alert-call"]

    def test_a_robot_that_fails_as_well_is_an_alarm(self, school: School):
        school.worry()
        school.deliver()
        school.wecom.failures = [PermanentSendError(code="60111")]
        school.robot.failures = [PermanentSendError(code="93000")]
        school.call()
        with capture_logs() as logs:
            school.deliver()
        assert school.log()[-1] == ("nobody_reachable", "")
        assert [one["event"] for one in logs if one["log_level"] == "error"] == ["alert_reaches_nobody"]


class TestOutdated:
    """What nobody needs any more is not tried again."""

    @pytest.mark.parametrize("taken", [School.acknowledge, School.resolve])
    def test_a_card_whose_alert_was_taken_while_it_was_sent(
        self, school: School, taken: Callable[[School, Staff], Any]
    ):
        school.worry()
        school.wecom.meanwhile = [lambda: taken(school, ZHANG)]
        school.wecom.failures = [TemporarySendError(code="-1")]
        school.deliver()
        assert school.states() == ["cancelled"]
        school.pass_time(timedelta(minutes=10))
        assert school.wecom.sent == school.robot.sent == []

    def test_a_card_whose_alert_was_taken_and_whose_worker_died(self, school: School):
        school.worry()
        with school.database.write() as session:
            session.execute(
                update(DeliveryRecord).values(
                    state="sending", attempts=1, lease_owner="dead", lease_until=school.clock.now()
                )
            )
        school.acknowledge(ZHANG)
        school.clock.advance(timedelta(seconds=1))
        listener = NextWay(school.alerts, after_attempts=2)
        Reaper(school.database, clock=school.clock, policy=RetryPolicy(), listeners=[listener]).tick()
        assert school.states() == ["cancelled"]

    def test_a_card_whose_alert_is_worse_again_is_tried(self, school: School):
        """Taken as orange, red before the try was over: the new card is on its way, and only that."""
        school.worry(level="orange")
        school.wecom.meanwhile = [lambda: (school.acknowledge(ZHANG), school.worry(level="red"))]
        school.wecom.failures = [TemporarySendError(code="-1")]
        school.deliver()
        school.pass_time(timedelta(minutes=1))
        assert [card_of(message).title[:2] for message in school.wecom.sent] == ["红色"]

    def test_after_a_long_outage_each_has_one_card_and_the_group_one_text(self, school: School):
        school.staff(WANG, ZHANG)
        school.outage(school.wecom, school.robot)
        school.worry()
        school.pass_time(timedelta(minutes=15))
        assert school.alert().rounds > 3
        assert school.states().count("pending") == 3
        school.wecom.failures.clear()
        school.robot.failures.clear()
        school.pass_time(timedelta(seconds=30))
        assert sorted(message.recipient for message in school.wecom.sent) == ["wangl", "zhangl"]
        assert len(school.robot.sent) == 1

    @pytest.mark.parametrize("person", [WANG, SILENT])
    def test_what_has_not_left_when_the_next_round_is_told(self, school: School, person: Staff):
        """The dispatcher was away: the card, or the group's text, of the new round is the only one."""
        school.staff(person)
        school.worry()
        school.clock.advance(timedelta(minutes=5))
        school.ticker.tick()
        assert school.states() == ["cancelled", "pending"]
        school.deliver()
        assert len(school.wecom.sent + school.robot.sent) == 1

    def test_two_alerts_have_a_card_each(self, school: School):
        school.outage(school.wecom)
        school.worry("o1")
        school.worry("o2")
        school.pass_time(timedelta(minutes=10))
        school.wecom.failures.clear()
        school.pass_time(timedelta(seconds=30))
        assert sorted(card_of(message).title.split()[1] for message in school.wecom.sent) == ["A1", "A2"]

    @pytest.mark.parametrize("fails", [False, True])
    def test_what_is_being_sent_when_the_next_round_is_told(self, school: School, *, fails: bool):
        """It is let go; only if it fails the new card takes its place."""
        school.worry()

        def next_round() -> None:
            school.clock.advance(timedelta(minutes=5))
            school.ticker.tick()

        school.wecom.meanwhile = [next_round]
        school.wecom.failures = [TemporarySendError(code="-1")] if fails else []
        school.deliver()
        school.pass_time(timedelta(minutes=1))
        assert len(school.wecom.sent) == (1 if fails else 2)
        assert school.states() == (["cancelled", "sent"] if fails else ["sent", "sent"])


class TestNobody:
    def test_nobody_and_no_robot_is_itself_on_record(self, open_school: Open):
        """The alert stays open and is tried again: whoever is imported later is told."""
        school = open_school(robot=False)
        school.worry()
        assert ("nobody_reachable", "") in school.log()
        school.staff(WANG)
        school.pass_time(timedelta(minutes=6))
        assert len(school.wecom.sent) == 1

    def test_a_hole_in_the_rota_is_on_record_and_the_counselors_are_told(self, school: School):
        school.on_duty(WANG, hours=1)
        school.clock.advance(timedelta(hours=2))
        school.worry()
        school.deliver()
        assert ("rota_gap", "") in school.log()
        assert len(school.wecom.sent) == 1


class TestCall:
    def ask(self, school: School, contact: str = "openid-li", phone: str = "13800000001") -> bool:
        with school.database.write() as session:
            return school.alerts.ask_for_call(session, contact, phone=phone)

    def test_who_has_the_alert_reads_the_number(self, school: School):
        school.staff(WANG, ZHANG)
        school.worry()
        school.deliver()
        school.acknowledge(ZHANG)
        assert self.ask(school)
        school.deliver()
        assert school.wecom.sent[-1].recipient == "zhangl"
        assert "13800000001" in text_of(school.wecom.sent[-1])
        assert ("call_asked", "student") in school.log()

    def test_before_that_everybody_on_duty(self, school: School):
        school.staff(WANG, ZHANG)
        school.worry()
        school.deliver()
        assert self.ask(school)
        school.deliver()
        assert sorted(message.recipient for message in school.wecom.sent[2:]) == ["wangl", "zhangl"]

    def test_without_an_open_alert_nobody_is_asked(self, school: School):
        assert not self.ask(school)
        school.worry()
        school.resolve(WANG)
        assert not self.ask(school)

    def test_it_goes_with_the_worst_of_several(self, school: School):
        school.worry(level="yellow", about="other")
        school.worry(level="red", about="self")
        school.worry("o9", level="red")
        self.ask(school)
        school.deliver()
        assert "A2 " in text_of(school.wecom.sent[-1])
        assert ("call_asked", "student") in school.log(2)

    def test_nobody_to_tell_is_on_record(self, open_school: Open):
        school = open_school(robot=False)
        school.worry()
        self.ask(school)
        assert school.log().count(("nobody_reachable", "")) == 2

    def test_an_owner_without_an_account_does_not_swallow_it(self, school: School):
        school.staff(WANG, SILENT)
        school.worry()
        school.acknowledge(SILENT)
        self.ask(school)
        school.deliver()
        assert [message.recipient for message in school.wecom.sent + school.robot.sent] in (["wangl"], [""])


def test_words_that_are_kept_no_longer_are_said_so(school: School):
    """The alert outlives the words: it must still be told."""
    school.worry()
    school.deliver()
    with school.database.write() as session:
        session.execute(InboundRecord.__table__.delete())  # type: ignore[attr-defined]
    school.pass_time(timedelta(minutes=5, seconds=30))
    assert "原话已按期限删除" in card_of(school.wecom.sent[-1]).text


class TestWhatTheStudentGoesOnToSay:
    """The answer to 你在哪里 must reach a person, not only a counter."""

    @staticmethod
    def say(school: School, words: str) -> None:
        with school.database.write() as session:
            school.alerts.raise_alert(session, Worry("openid-li", school.chance.new_id(), words, "none", "self", ()))

    def test_who_is_on_duty_reads_it_as_long_as_nobody_has_the_alert(self, school: School):
        school.worry()
        school.deliver()
        self.say(school, "在三号楼楼顶")
        self.say(school, "就我一个人")
        school.deliver()
        assert [text_of(message) for message in school.wecom.sent[-2:]] == [
            "A1 的同学又写来消息（累计 2 条）：\n“在三号楼楼顶”",
            "A1 的同学又写来消息（累计 3 条）：\n“就我一个人”",
        ]

    def test_who_has_the_alert_reads_it(self, school: School):
        school.worry()
        school.deliver()
        school.acknowledge(WANG)
        self.say(school, "在三号楼楼顶")
        school.deliver()
        assert "在三号楼楼顶" in text_of(school.wecom.sent[-1])

    def test_a_flood_is_told_one_by_one_only_at_first(self, school: School):
        school.worry()
        school.deliver()
        before = len(school.wecom.sent)
        for number in range(40):
            self.say(school, f"话{number}")
        school.deliver()
        assert 11 <= len(school.wecom.sent) - before <= 13
