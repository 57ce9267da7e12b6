"""Campaigns on both databases: two people, the same notice twice, pause and resume, late schedules, closed ways."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from support.school import enrol, pupil, rows, send, state_of
from support.world import ROOT, ZONE, settings_for

from bot.bootstrap import Application
from bot.broadcast.audience import audience_of, count_audience, list_audience
from bot.broadcast.models import BadNoticeError, Draft, SameNoticeError
from bot.broadcast.reading import read_segment
from bot.broadcast.records import CampaignLogRecord, CampaignRecord, CampaignTextRecord, RecipientRecord
from bot.broadcast.rests import list_rests, wake
from bot.broadcast.segment import matches
from bot.broadcast.state import ImpossibleMoveError, NeedsSecondPersonError
from bot.channel.channel import MemoryChannel, Receipt
from bot.channel.errors import (
    FeatureOffError,
    OutcomeUnknownError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    SendError,
    WindowClosedError,
)
from bot.channel.messages import MassContent, OutboundMessage, Source, TemplateContent, TextContent
from bot.clock import FakeClock
from bot.db import Database
from bot.outbox.dispatcher import ORDINARY_LANE
from bot.outbox.records import DeliveryRecord
from bot.staff.models import Role, Staff
from bot.students.contacts import Contact, save_contacts
from bot.students.profiles import Profiles
from bot.students.window import Window

PEOPLE = (
    Staff("T1", "王老师", Role.COUNSELOR, college="体育教育学院", wecom_userid="wang"),
    Staff("T8", "陈老师", Role.STUDENT_AFFAIRS, wecom_userid="chen"),
    Staff("T9", "赵老师", Role.ADMIN, wecom_userid="zhao"),
)
TEMPLATES = {"notice": {"id": "TPL", "fields": {"thing1": "{title}", "thing2": "{text}"}}}


class School:
    """An installation with channels that keep what they are given, and students with open windows."""

    def __init__(self, database: Database, clock: FakeClock, folder: Path, **sections: Any) -> None:
        settings = settings_for(
            str(database.url.render_as_string(hide_password=False)), "http://127.0.0.1:9", **sections
        )
        self.app = Application(settings=settings, clock=clock, root=ROOT, folder=folder, seed=7)
        self.app.__dict__["database"] = database
        self.clock = clock
        self.ways = {source: MemoryChannel() for source in Source}
        self.app.__dict__["channels"] = dict(self.ways)
        self.profiles = Profiles(self.app.cipher)
        self.runner, self.dispatcher = self.app.campaign_runner, self.app.dispatcher(ORDINARY_LANE)
        with database.write() as session:
            self.app.directory.replace_all(session, PEOPLE)

    def students(self, count: int, *, first: int = 1, talking: bool = True, **more: Any) -> None:
        """`count` bound students who follow; those who are talking have an open window."""
        now = self.clock.now()
        window = Window(now + timedelta(hours=40), 5, 0) if talking else Window()
        numbers = range(first, first + count)
        with self.app.database.write() as session:
            save_contacts(session, [Contact(f"o{n}", "wechat", now, now, window=window) for n in numbers])
        enrol(self.app.database, self.profiles, [pupil(n, contact=f"o{n}", **more) for n in numbers], now)

    def tick(self, times: int = 60) -> None:
        for _ in range(times):
            reports = [self.dispatcher.tick(), self.app.reaper.tick(), self.runner.tick()]
            if not any(report.done for report in reports):
                return

    def run(self, **time: float) -> None:
        """Time passes in steps of ten seconds, and everything that is due is done."""
        self.tick()
        for _ in range(int(timedelta(**time).total_seconds() // 10)):
            self.clock.advance(timedelta(seconds=10))
            self.tick()

    def counts(self, campaign: int) -> dict[str, int]:
        with self.app.database.read() as session:
            query = select(RecipientRecord.state, func.count()).where(RecipientRecord.campaign_id == campaign)
            return dict(session.execute(query.group_by(RecipientRecord.state)).all())  # type: ignore[arg-type]

    def sent(self, source: Source = Source.WECHAT) -> list[str]:
        return [message.recipient for message in self.ways[source].sent]


@pytest.fixture
def build(database: Database, clock: FakeClock, tmp_path: Path) -> Iterator[Any]:
    made: list[School] = []

    def make(**sections: Any) -> School:
        made.append(School(database, clock, tmp_path, **sections))
        return made[-1]

    yield make
    for school in made:
        school.dispatcher.close()


@pytest.fixture
def school(build: Any) -> School:
    return build(broadcast={"templates": TEMPLATES})


def draft(text: str = "明天下午两点拍毕业照", segment: str = "", **more: Any) -> Draft:
    return Draft(text=text, segment=read_segment(segment), author=more.pop("author", "T8"), **more)


def test_to_many_a_second_person_is_needed_to_few_not(build: Any) -> None:
    """The author cannot approve; a counselor cannot; another one of the school can, and that is on record."""
    school = build(broadcast={"approve_above": 3})
    school.students(4)
    with school.app.database.write() as session:
        few = school.app.campaigns.create(session, draft(segment="班级=没有人 or 学院=体育教育", text="少"))
        assert few.state == "draft"
    campaign = few.id
    for who, error in (("T8", NeedsSecondPersonError), ("T1", BadNoticeError), ("T77", BadNoticeError)):
        with pytest.raises(error), school.app.database.write() as session:
            school.app.campaigns.approve(session, campaign, who)
    school.tick()
    assert school.sent() == []
    with school.app.database.write() as session:
        school.app.campaigns.approve(session, campaign, "T9")
    school.tick()
    assert sorted(school.sent()) == ["o1", "o2", "o3", "o4"]
    with school.app.database.read() as session:
        story = session.execute(select(CampaignLogRecord.event, CampaignLogRecord.actor).order_by(CampaignLogRecord.id))
        assert [tuple(line) for line in story] == [
            ("created", "T8"),
            ("approved", "T9"),
            ("started", ""),
            ("finished", ""),
        ]


def test_the_same_notice_twice_is_caught_however_it_is_spaced(school: School) -> None:
    school.students(2)
    send(school.app, "明天 下午两点拍毕业照", "学院=体育教育")
    with pytest.raises(SameNoticeError, match="G1"):
        send(school.app, "明天下午两点拍毕业照 ", "学院=体育教育")
    send(school.app, "明天下午两点拍毕业照", "学历=本科 or 学院=体育教育")
    send(school.app, "明天下午两点拍毕业照", "学院=体育教育", again=True)
    school.clock.advance(timedelta(days=8))
    send(school.app, "明天下午两点拍毕业照", "学院=体育教育")


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ({"text": " "}, "是空的"),
        ({"text": "长" * 700}, "最多 2048 字节"),
        ({"template": "nosuch"}, "没有模板"),
        ({"segment": "学院=没有这个学院"}, "现在没有人"),
    ],
)
def test_a_bad_notice_is_refused_with_what_to_do(school: School, bad: dict[str, Any], fault: str) -> None:
    school.students(1)
    with pytest.raises(BadNoticeError, match=fault), school.app.database.write() as session:
        school.app.campaigns.create(session, draft(**bad))
    with school.app.database.read() as session:
        assert session.scalar(select(func.count()).select_from(CampaignRecord)) == 0


def test_the_audience_is_frozen_at_the_start_and_equals_the_preview(school: School) -> None:
    """Who comes later gets nothing; the count that was shown is the count of rows."""
    school.students(30)
    with school.app.database.read() as session:
        shown = school.app.campaigns.reckoning.forecast(session, draft())
    campaign = send(school.app, "明天下午两点拍毕业照")
    school.runner.tick()
    school.students(5, first=100)
    school.tick()
    assert school.counts(campaign) == {"sent": 30}
    assert shown.audience == shown.reached == 30
    assert len(school.sent()) == 30


class Pausing:
    """The channel to WeChat of a school where somebody pauses the campaign just after its tenth message."""

    def __init__(self, school: School, campaign: int) -> None:
        self.school = school
        self.campaign = campaign
        self.numbers = count(1)

    def send(self, message: OutboundMessage, /) -> Receipt:
        receipt = self.school.ways[Source.WECHAT].send(message)
        if next(self.numbers) == 10:
            with self.school.app.database.write() as session:
                self.school.app.campaigns.pause(session, self.campaign, actor="T9")
        return receipt


def test_pause_takes_back_what_waits_and_resume_goes_on(school: School) -> None:
    school.students(40)
    campaign = send(school.app, "明天下午两点拍毕业照")
    school.app.channels[Source.WECHAT] = Pausing(school, campaign)
    school.runner.tick()
    school.runner.tick()
    school.dispatcher.tick()
    already = len(school.sent())
    assert 0 < already < 40
    school.tick()
    assert len(school.sent()) == already
    assert school.counts(campaign) == {"sent": already, "waiting": 40 - already}
    with school.app.database.write() as session:
        school.app.campaigns.resume(session, campaign, actor="T9")
    school.tick()
    assert sorted(school.sent()) == sorted(f"o{n}" for n in range(1, 41))
    assert state_of(school.app, campaign).state == "finished"


def test_cancel_leaves_every_row_with_its_end(school: School) -> None:
    school.students(10)
    school.students(5, first=50, talking=False)
    campaign = send(school.app, "明天下午两点拍毕业照", use_mass=False)
    runner = school.runner
    runner.tick()
    runner.tick()
    with school.app.database.write() as session:
        assert school.app.campaigns.cancel(session, campaign, actor="T9") == 15
    school.tick()
    assert school.sent() == []
    assert school.counts(campaign) == {"cancelled": 15}
    with pytest.raises(ImpossibleMoveError), school.app.database.write() as session:
        school.app.campaigns.resume(session, campaign, actor="T9")


def test_a_late_schedule_asks_a_person_and_the_night_is_not_late(school: School) -> None:
    """Half an hour late: paused, the operators told; planned for the night: goes out when the quiet hours end."""
    school.students(2)
    at = school.clock.now() + timedelta(hours=1)
    campaign = send(school.app, "一小时后的通知", at=at)
    school.tick()
    assert school.sent() == []
    school.clock.advance(timedelta(hours=1, minutes=31))
    school.tick()
    late = state_of(school.app, campaign)
    assert (late.state, late.reason) == ("paused", "misfire")
    assert school.sent(Source.WECOM) == ["zhao"]
    with school.app.database.write() as session:
        school.app.campaigns.resume(session, campaign, actor="T9")
    school.tick()
    assert sorted(school.sent()) == ["o1", "o2"]

    night = school.clock.now().astimezone(ZONE).replace(hour=23, minute=30)
    nightly = send(school.app, "半夜的通知", at=night)
    school.clock.advance(night - school.clock.now())
    school.run(minutes=1)
    assert state_of(school.app, nightly).state == "scheduled"
    school.clock.advance(timedelta(hours=8, minutes=31))
    school.tick()
    assert state_of(school.app, nightly).state == "finished"


def test_more_than_the_cap_is_held_and_urgent_is_not(school: School) -> None:
    school.students(1)
    for number in range(4):
        send(school.app, f"第{number}条普通通知")
        school.run(seconds=30)
    assert len(school.sent()) == 2
    send(school.app, "紧急", urgent=True)
    school.run(seconds=30)
    assert len(school.sent()) == 3
    with school.app.database.read() as session:
        reasons = session.scalars(select(RecipientRecord.reason).where(RecipientRecord.state == "held")).all()
    assert reasons == ["frequency", "frequency"]


CASES: list[tuple[SendError, str, str, bool]] = [
    # what the window's channel answers to one of three, its row's state, its way, still following
    (WindowClosedError(code="45047"), "sent", "template", True),
    (WindowClosedError(code="45015"), "sent", "template", True),
    (RecipientGoneError(code="43004"), "unreachable", "", False),
    (RecipientGoneError(code="40003"), "unreachable", "", False),
    (RecipientGoneError(code="48002"), "unreachable", "", False),
    (PermanentSendError(code="45002"), "sent", "template", True),
]


@pytest.mark.parametrize(("error", "state", "way", "following"), CASES, ids=[case[0].code for case in CASES])
def test_a_refusal_about_one_student_takes_the_next_way(
    school: School, error: SendError, state: str, way: str, following: bool
) -> None:
    """The others get theirs; the one is reached otherwise, or listed with the reason."""
    school.students(3)
    school.ways[Source.WECHAT].failures = [error]
    campaign = send(school.app, "明天下午两点拍毕业照", template="notice", title="毕业照")
    school.run(minutes=6)
    with school.app.database.read() as session:
        ledger = rows(session, campaign)
        (met,) = [row for row in ledger.values() if row.tried]
        contact = met.contact
        assert (met.state, met.way) == (state, way)
        assert len(ledger) == 3
        assert sum(row.state == "sent" and row.way == "window" for row in ledger.values()) == 2
    assert following == (contact in school.sent(Source.TEMPLATE))
    assert state_of(school.app, campaign).state == "finished"


def test_no_subscription_left_is_remembered_and_the_next_way_taken(build: Any) -> None:
    """43101: the permission that we thought was there is not; the ledger of permissions hears of it."""
    school = build(broadcast={"templates": {"tip": {"id": "SUB", "kind": "subscribe", "fields": {"thing1": "{text}"}}}})
    spent: list[str] = []
    gone: list[str] = []

    class Permissions:
        def remaining(self, _session: Any, contacts: Any, template_id: str) -> dict[str, int]:
            assert template_id == "SUB"
            return {contact: 1 for contact in contacts if contact not in gone}

        def spend(self, _session: Any, contact: str, _template_id: str) -> None:
            spent.append(contact)

        def none_left(self, _session: Any, contact: str, _template_id: str) -> None:
            gone.append(contact)

    permissions = Permissions()
    school.app.campaigns.reckoning.roster._subscriptions = permissions
    school.app.campaign_ledger._subscriptions = permissions
    school.students(3, talking=False)
    school.ways[Source.SUBSCRIPTION].failures = [PermanentSendError(code="43101")]
    campaign = send(school.app, "短通知", template="tip", use_mass=False)
    school.run(seconds=30)
    assert (len(spent), len(gone)) == (2, 1)
    assert school.counts(campaign) == {"sent": 2, "held": 1}


@pytest.mark.parametrize(
    ("error", "lasts"),
    [
        (RateLimitedError(code="45009", retry_after=timedelta(hours=1)), True),
        (FeatureOffError(code="48001"), True),
        (FeatureOffError(code="48004"), True),
        (RateLimitedError(code="45011", retry_after=timedelta(minutes=1)), False),
    ],
    ids=["45009", "48001", "48004", "45011"],
)
def test_a_closed_interface_rests_and_nothing_is_tried_in_vain(school: School, error: SendError, lasts: bool) -> None:
    """45009 till the next day, 48001 till somebody wakes it, and the campaign asks; 45011 only slows down."""
    school.students(30, talking=False)
    school.ways[Source.TEMPLATE].failures = [error]
    campaign = send(school.app, "明天下午两点拍毕业照", template="notice", title="毕业照")
    school.run(seconds=30)
    record = state_of(school.app, campaign)
    with school.app.database.read() as session:
        (rest,) = list_rests(session, school.clock.now())
    assert (rest.channel, rest.code) == ("template", error.code)
    assert len(school.sent(Source.TEMPLATE)) < 9  # those that were on their way
    if not lasts:
        assert record.state == "running"
        school.run(minutes=8)
        assert len(school.sent(Source.TEMPLATE)) == 30
        return
    assert (record.state, record.reason) == ("paused", f"template:{error.code}")
    assert school.sent(Source.WECOM)
    with school.app.database.write() as session:
        school.app.campaigns.resume(session, campaign, actor="T9")
    school.run(minutes=7)
    assert state_of(school.app, campaign).state == "finished"
    with school.app.database.read() as session:
        ways = {row.way for row in rows(session, campaign).values() if row.state in ("sent", "delivered")}
    assert "mass" in ways
    (job,) = school.ways[Source.MASS].sent
    assert isinstance(job.content, MassContent)
    reached = set(job.content.openids) | set(school.sent(Source.TEMPLATE))
    assert reached == {f"o{n}" for n in range(1, 31)}
    if error.code == "45009":
        school.clock.advance(timedelta(hours=24))
        with school.app.database.read() as session:
            assert list_rests(session, school.clock.now()) == []
    else:
        with school.app.database.write() as session:
            assert wake(session, "template")


def test_an_urgent_notice_does_not_wait_for_a_person(school: School) -> None:
    school.students(20, talking=False)
    school.ways[Source.TEMPLATE].failures = [FeatureOffError(code="48001")]
    campaign = send(school.app, "紧急：请留在室内", template="notice", title="雷暴", urgent=True)
    school.run(minutes=6)
    assert state_of(school.app, campaign).state == "finished"
    assert set(school.counts(campaign)) <= {"sent", "delivered"}


def test_too_many_failures_stop_a_campaign(school: School) -> None:
    """A text that the platform refuses everywhere must not be tried on thousands."""
    school.students(40)
    school.ways[Source.WECHAT].failures = [PermanentSendError(code="47001") for _ in range(40)]
    campaign = send(school.app, "平台不收的通知", use_mass=False)
    school.run(minutes=2)
    record = state_of(school.app, campaign)
    assert (record.state, record.reason) == ("paused", "errors")


def test_an_unknown_outcome_is_tried_again_and_listed(school: School) -> None:
    school.students(3)
    school.ways[Source.WECHAT].failures = [OutcomeUnknownError(code="read_timeout")]
    campaign = send(school.app, "明天下午两点拍毕业照")
    school.run(minutes=1)
    with school.app.database.read() as session:
        ledger = rows(session, campaign)
        assert {row.state for row in ledger.values()} == {"sent"}
        assert sum(row.doubtful for row in ledger.values()) == 1


def test_a_platform_result_closes_the_row_whichever_comes_first(school: School) -> None:
    """TEMPLATESENDJOBFINISH before or after our own transaction; a block takes the next way."""
    school.students(2, talking=False)
    with school.app.database.write() as session:  # comes before the send is stored
        school.app.campaign_ledger.note_result(session, "1", status="success")
    campaign = send(school.app, "短", template="notice", title="毕业照")
    school.run(seconds=10)
    with school.app.database.write() as session:
        school.app.campaign_ledger.note_result(session, "2", status="failed:user block")
    school.run(minutes=6)
    with school.app.database.read() as session:
        states = sorted((row.state, row.way, row.tried, row.reason) for row in rows(session, campaign).values())
    assert states == [("delivered", "template", "", ""), ("held", "", "template", "too_few")]


def test_the_template_that_says_it_all_needs_no_second_message(school: School) -> None:
    school.students(1, talking=False)
    send(school.app, "今晚八点停水", template="notice", title="停水")
    school.run(seconds=10)
    (message,) = school.ways[Source.TEMPLATE].sent
    assert message.content == TemplateContent("TPL", (("thing1", "停水"), ("thing2", "今晚八点停水")))
    with school.app.database.read() as session:
        assert session.scalar(select(func.count()).select_from(DeliveryRecord)) == 1


def test_segments_in_sql_choose_whom_the_rule_chooses(school: School) -> None:
    """The count, the list and the pure rule agree, for values that stand next to each other."""
    school.students(3, college="体育教育学院", degree="本科", dorm="3号楼-201", tags=("已离校",))
    school.students(3, first=10, college="管理学院", degree="硕士", dorm="13号楼-201", has_loan=True)
    school.students(2, first=20, college="体育教育学院", degree="硕士", dorm="3号楼_201", has_loan=False)
    texts = [
        "",
        "学院=体育教育",
        "学院!=体育教育",
        "学历=硕士 and not 学院=管理",
        "宿舍=3号楼",
        "标签=已离校",
        "not 标签=已离校",
        "贷款=是",
        "贷款=否",
        "not (学历=硕士 or 标签=已离校)",
        "绑定=是",
        "学院=管理,体育教育 and 宿舍!=13号楼",
    ]
    with school.app.database.read() as session:
        everybody = school.profiles.matching(session)
        for text in texts:
            segment = read_segment(text)
            meant = {
                f"s:{one.student_no}"
                for one in everybody
                if matches(
                    segment,
                    {
                        "college": one.college,
                        "class": one.class_name,
                        "degree": one.degree,
                        "dorm": one.dorm,
                        "has_loan": "是" if one.has_loan else "否",
                        "bound": "是" if one.contact else "否",
                    },
                    frozenset(one.tags),
                )
            }
            found = {one.person for one in list_audience(session, audience_of(segment, student_userids=False))}
            assert found == meant, text
            assert count_audience(session, segment) == len(meant), text


def test_a_follower_whom_no_list_knows_is_in_everybody_and_in_no_segment(school: School) -> None:
    school.students(1)
    now = school.clock.now()
    with school.app.database.write() as session:
        save_contacts(session, [Contact("oStranger", "wechat", now, now), Contact("wang", "wecom", now, now)])
    with school.app.database.read() as session:
        everybody = list_audience(session, audience_of(read_segment(""), student_userids=True))
        assert [(one.person, one.wecom_userid) for one in everybody] == [
            ("c:oStranger", ""),
            ("s:202300001", "202300001"),
        ]
        assert count_audience(session, read_segment("not 标签=x")) == 1


def test_the_words_of_a_notice_are_sealed_and_a_test_goes_to_oneself(school: School) -> None:
    school.students(1)
    campaign = send(school.app, "只有自己先看")
    with school.app.database.write() as session:
        (sealed,) = session.scalars(select(CampaignTextRecord.text)).all()
        assert "只有自己先看".encode() not in sealed
        school.app.campaigns.test_send(session, campaign, "T9")
    school.tick()
    (message,) = school.ways[Source.WECOM].sent
    assert message.content == TextContent(f"【试发 G{campaign}】\n只有自己先看")
