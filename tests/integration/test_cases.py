"""A student asks for a person, on both databases: one open case, everything said is in it, somebody hears of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.cases.records import CaseMessageRecord, CaseRecord
from bot.cases.service import Case, Cases
from bot.channel.channel import MemoryChannel, Receipt
from bot.channel.errors import (
    OutcomeUnknownError,
    PermanentSendError,
    RecipientGoneError,
    TemporarySendError,
    WindowClosedError,
)
from bot.channel.messages import Source, TextContent
from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.case_next_way import CaseNextWay
from bot.escalation.reaching import Reaching
from bot.escalation.rota import Rota
from bot.outbox.dispatcher import ORDINARY_LANE, Dispatcher
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Delivery, DeliveryState, Outcome, Priority, RetryPolicy
from bot.staff.models import Role, Staff
from bot.staff.store import Directory
from bot.students.contacts import Contact, load_contacts, save_contacts
from bot.students.ledger import WindowLedger
from bot.students.window import Window
from bot.workdays import Workdays

ZONE = ZoneInfo("Asia/Shanghai")
WANG = Staff("1001", "王老师", Role.COUNSELOR, wecom_userid="wangl")
OLD = Staff("1003", "孙老师", Role.COUNSELOR, wecom_userid="sunl")
SILENT = Staff("1002", "赵老师", Role.COUNSELOR)
Make = Callable[..., Cases]


@pytest.fixture
def make(clock: FakeClock, chance: Chance, cipher: Cipher, outbox: Outbox, directory: Directory) -> Make:
    """The cases of a school with or without a group robot."""
    return lambda *, robot=True: Cases(
        clock=clock, chance=chance, cipher=cipher, outbox=outbox, directory=directory, zone=ZONE,
        is_working_day=Workdays().is_working_day, has_robot=robot,
    )  # fmt: skip


@pytest.fixture
def ask(database: Database, make: Make) -> Callable[..., Case]:
    """Asks for a person in a transaction of its own."""

    def _ask(words: str = "我想找老师", contact: str = "o1", *, robot: bool = True) -> Case:
        with database.write() as session:
            return make(robot=robot).open(session, contact, words)

    return _ask


Ask = Callable[..., Case]


def staff(database: Database, directory: Directory, *people: Staff) -> None:
    with database.write() as session:
        directory.replace_all(session, people)


def told(database: Database, outbox: Outbox) -> list[tuple[str, str, str]]:
    with database.read() as session:
        return [
            (one.channel, one.recipient, outbox.text_of(one.id, one.content))
            for one in session.scalars(select(DeliveryRecord).order_by(DeliveryRecord.id))
        ]


def said(database: Database, cipher: Cipher, number: int) -> list[tuple[str, str]]:
    with database.read() as session:
        query = select(CaseMessageRecord).where(CaseMessageRecord.case_id == number).order_by(CaseMessageRecord.id)
        return [(one.author, cipher.open(one.words, row=one.id)) for one in session.scalars(query)]


def test_a_dated_promise(ask: Ask):
    """Asked on a Tuesday at noon: until Wednesday at five."""
    case = ask()
    assert case == Case(number=1, reply_by=datetime(2027, 6, 9, 17, tzinfo=ZONE), is_new=True)


def test_everything_said_is_in_one_case(ask: Ask, database: Database, cipher: Cipher, clock: FakeClock):
    first = ask("一")
    clock.advance(timedelta(days=1))
    again = ask("二")
    assert (again.number, again.is_new, again.reply_by) == (first.number, False, first.reply_by)
    assert said(database, cipher, first.number) == [("o1", "一"), ("o1", "二")]
    assert ask(contact="o2").number != first.number


def test_the_counselors_are_told_once(ask: Ask, database: Database, directory: Directory, outbox: Outbox):
    staff(database, directory, WANG, SILENT)
    ask("我想找老师")
    ask("还在吗")
    ((channel, recipient, text),) = told(database, outbox)
    assert (channel, recipient) == ("wecom", "wangl")
    assert "C1" in text
    assert "我想找老师" in text
    assert "6月9日 17:00" in text


def test_without_a_reachable_counselor_the_group_is_told(
    ask: Ask, database: Database, directory: Directory, outbox: Outbox
):
    staff(database, directory, SILENT)
    ask()
    assert [one[:2] for one in told(database, outbox)] == [("robot", "")]


def test_without_any_way_the_case_is_there_all_the_same(ask: Ask, database: Database, cipher: Cipher, outbox: Outbox):
    """And that nobody hears of it is logged as an error."""
    with capture_logs() as logs:
        case = ask(robot=False)
    assert [one["log_level"] for one in logs if one["event"] == "case_reaches_nobody"] == ["error"]
    assert told(database, outbox) == []
    assert len(said(database, cipher, case.number)) == 1


def test_after_it_is_closed_a_new_one_is_opened(ask: Ask, database: Database, clock: FakeClock):
    first = ask()
    with database.write() as session:
        record = session.get_one(CaseRecord, first.number)
        record.state, record.closed_at = "closed", clock.now()
    again = ask()
    assert again.is_new
    assert again.number == first.number + 1


def test_the_words_are_sealed(ask: Ask, database: Database):
    ask("我不想活了")
    with database.read() as session:
        assert "我不想活了".encode() not in session.scalars(select(CaseMessageRecord.words)).one()


def test_it_commits_with_the_message_or_not_at_all(
    make: Make, database: Database, directory: Directory, outbox: Outbox
):
    staff(database, directory, WANG)
    with pytest.raises(ZeroDivisionError), database.write() as session:
        make().open(session, "o1", "我想找老师")
        raise ZeroDivisionError
    assert told(database, outbox) == []


@dataclass
class Post:
    """The dispatcher of a school's notices, with its ways out."""

    dispatcher: Dispatcher
    clock: FakeClock
    wecom: MemoryChannel
    wechat: MemoryChannel
    robot: MemoryChannel
    mail: MemoryChannel

    def deliver(self, minutes: int = 0) -> None:
        """Everything that is due within the next minutes has been tried."""
        for _ in range(minutes * 6 + 1):
            while self.dispatcher.tick().done:
                pass
            self.clock.advance(timedelta(seconds=10))

    def in_group(self) -> list[str]:
        return [message.content.text for message in self.robot.sent if isinstance(message.content, TextContent)]


class TestNoticesThatDoNotArrive:
    """A promise of an answer by tomorrow at five is nothing if no counselor hears of it."""

    @pytest.fixture
    def post(
        self,
        database: Database,
        clock: FakeClock,
        chance: Chance,
        cipher: Cipher,
        outbox: Outbox,
        directory: Directory,
        make: Make,
    ) -> Callable[..., Any]:
        """Opens the post of a school with or without a robot."""

        @contextmanager
        def _post(*, robot: bool = True) -> Iterator[Post]:
            wecom, wechat, group, mail = (MemoryChannel() for _ in range(4))
            channels = {Source.WECOM: wecom, Source.WECHAT: wechat, Source.ROBOT: group, Source.EMAIL: mail}
            configured = channels.keys() - (set() if robot else {Source.ROBOT})
            reaching = Reaching(
                outbox=outbox, directory=directory, rota=Rota(directory), configured=configured, school="首体"
            )
            dispatcher = Dispatcher(
                database,
                clock=clock,
                chance=chance,
                cipher=cipher,
                channels=channels,
                policy=RetryPolicy(attempts=4),
                lane=ORDINARY_LANE,
                listeners=[CaseNextWay(make(robot=robot), reaching, after_attempts=2)],
            )
            yield Post(dispatcher, clock, wecom, wechat, group, mail)
            dispatcher.close()

        return _post

    def test_one_that_fails_for_good_goes_to_the_group_once_as_it_was(
        self, post: Callable[..., Any], ask: Ask, database: Database, directory: Directory
    ):
        staff(database, directory, WANG, OLD)
        with post() as it:
            it.wecom.failures = [PermanentSendError(code="60111") for _ in range(2)]
            ask("我想找老师")
            it.deliver(minutes=5)
            (text,) = it.in_group()
        for part in ("企业微信没有送达", "C1", "我想找老师", "6月9日 17:00", "回复 C1 您的话"):
            assert part in text

    def test_one_that_keeps_failing_goes_there_too_and_is_still_tried(
        self, post: Callable[..., Any], ask: Ask, database: Database, directory: Directory
    ):
        staff(database, directory, WANG)
        with post() as it:
            it.wecom.failures = [TemporarySendError(code="-1") for _ in range(3)]
            ask()
            it.deliver()
            assert it.in_group() == []
            it.deliver(minutes=5)
            assert len(it.in_group()) == 1
            assert len(it.wecom.sent) == 1

    def test_a_case_that_was_closed_meanwhile_is_no_news(
        self, post: Callable[..., Any], ask: Ask, make: Make, database: Database, directory: Directory
    ):
        staff(database, directory, WANG)
        with post() as it:
            number = ask().number
            with database.write() as session:
                make().close(session, number)
            it.wecom.failures = [PermanentSendError(code="60111")]
            it.deliver(minutes=1)
            assert it.in_group() == []

    def test_without_a_robot_it_is_logged_as_an_error(
        self, post: Callable[..., Any], ask: Ask, database: Database, directory: Directory
    ):
        staff(database, directory, WANG)
        with post(robot=False) as it, capture_logs() as logs:
            it.wecom.failures = [PermanentSendError(code="60111")]
            ask(robot=False)
            it.deliver(minutes=1)
        assert [one["case"] for one in logs if one["event"] == "case_reaches_nobody"] == [1]

    def test_a_robot_that_fails_as_well_is_logged_as_an_error(
        self, post: Callable[..., Any], ask: Ask, database: Database, directory: Directory
    ):
        staff(database, directory, WANG)
        with post() as it, capture_logs() as logs:
            it.wecom.failures = [PermanentSendError(code="60111")]
            it.robot.failures = [PermanentSendError(code="93000")]
            ask()
            it.deliver(minutes=1)
        assert [one["case"] for one in logs if one["event"] == "case_reaches_nobody"] == [1]

    @pytest.mark.parametrize("robot", [True, False])
    def test_who_has_a_mailbox_gets_it_there_once(
        self, post: Callable[..., Any], ask: Ask, database: Database, directory: Directory, *, robot: bool
    ):
        """Where neither WeCom nor the group takes it; who has none stays without, and that alone is no alarm."""
        staff(database, directory, replace(WANG, email="wang@example.edu"), OLD)
        with post(robot=robot) as it, capture_logs() as logs:
            it.wecom.failures = [TemporarySendError(code="-1") for _ in range(8)]
            it.robot.failures = [PermanentSendError(code="93000")]
            ask("我想找老师", robot=robot)
            it.deliver(minutes=9)
        (mail,) = it.mail.sent
        assert mail.recipient == WANG.staff_no
        assert "我想找老师" in mail.content.text
        if robot:
            assert [one for one in logs if one["event"] == "case_reaches_nobody"] == []

    def test_what_staff_write_to_the_student_never_goes_to_the_group(
        self, post: Callable[..., Any], ask: Ask, make: Make, database: Database, directory: Directory
    ):
        staff(database, directory, WANG)
        with post() as it:
            number = ask().number
            with database.write() as session:
                make().reply(session, number, staff_no="1001", words="下午来办公室")
            it.wechat.failures = [PermanentSendError(code="43004")]
            it.deliver(minutes=1)
            assert it.in_group() == []


class TestLedger:
    """What was sent, and what the platform said of it, is known to the next message's budget."""

    @pytest.mark.parametrize(
        ("outcome", "left", "following"),
        [
            (Receipt("m"), 2, True),
            (OutcomeUnknownError(), 2, True),
            (TemporarySendError(), 3, True),
            (PermanentSendError(), 3, True),
            (WindowClosedError(), 0, True),
            (RecipientGoneError(), 3, False),
        ],
    )
    @pytest.mark.parametrize("channel", [Source.WECHAT, Source.WECOM, Source.ROBOT])
    def test_each_outcome(
        self, database: Database, clock: FakeClock, channel: Source, outcome: Outcome, left: int, *, following: bool
    ):
        """Only messages by WeChat use WeChat's window."""
        now = clock.now()
        window = Window(now + timedelta(hours=1), 5, 2)
        with database.write() as session:
            save_contacts(session, [Contact("o1", "wechat", now, now, window=window)])
        delivery = Delivery(
            id="d",
            channel=channel.value,
            recipient="o1",
            subject="",
            priority=Priority.REPLY,
            state=DeliveryState.SENT,
            not_before=now,
        )
        with database.write() as session:
            WindowLedger()(session, delivery, outcome)
        with database.write() as session:
            got = load_contacts(session, ["o1"])["o1"]
        expected = (left, following) if channel is Source.WECHAT else (3, True)
        assert (got.window.left(now), got.following) == expected
