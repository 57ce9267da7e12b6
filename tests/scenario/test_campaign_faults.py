"""A campaign to a dozen over real HTTP while the platform misbehaves in the middle of it: nobody lost, doubts listed."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.school import enrol, pupil, rows, send, state_of
from support.world import World

from bot.broadcast.records import RecipientRecord
from bot.students.profiles import Profiles

COUNT = 12
TEXT = "6月18日前在毕业去向登记里填好档案接收单位。"
TEMPLATES = {"notice": {"id": "TPL-1", "fields": {"thing1": "{title}", "thing2": "{text}"}}}
CUSTOM, TEMPLATE = "message/custom/send", "message/template/send"


def school(build_world: Callable[..., World], *, talking: bool) -> World:
    """Twelve bound students; those who are talking have an open window."""
    world = build_world(broadcast={"templates": TEMPLATES})
    names = [f"乙{number:02}" for number in range(COUNT)]
    people = [pupil(n, contact=world.student(name).chat.openid) for n, name in enumerate(names)]
    world.advance(minutes=2)
    for name in names if talking else ():
        world.student(name).writes("档案怎么转")
        world.student(name).expects("接收单位")
    enrol(world.application.database, Profiles(world.application.cipher), people, world.clock.now())
    return world


def run(world: World, **more: Any) -> dict[str, RecipientRecord]:
    """The campaign is sent and has had half an hour; the ledger. Nothing it says contradicts the phones."""
    campaign = send(world.application, TEXT, template="notice", title="接收单位", **more)
    for _ in range(3):
        world.tick()
        world.simulator.settle()
        world.advance(minutes=10, step=timedelta(minutes=1))
    with world.application.database.read() as session:
        ledger = rows(session, campaign)
    assert len(ledger) == COUNT
    for row in ledger.values():
        answers = world.simulator.students[row.contact].answers
        got = sum("接收单位" in text and len(text) < 60 for text in answers)  # the answers to questions are longer
        if row.state in ("sent", "delivered"):
            assert got >= 1, row.person
        assert got <= 1 or row.doubtful, row.person
    world.__dict__["campaign"] = campaign
    return ledger


def ways(ledger: dict[str, RecipientRecord]) -> Counter[tuple[str, str]]:
    return Counter((row.state, row.way) for row in ledger.values())


def state(world: World) -> tuple[str, str]:
    record = state_of(world.application, world.__dict__["campaign"])
    return record.state, record.reason


@pytest.mark.parametrize(
    "fault",
    [{"errcode": -1}, {"errcode": 45011}, {"errcode": 40001}, {"errcode": 42001}],
    ids=["busy", "too fast", "bad token", "old token"],
)
def test_what_passes_delays_and_doubles_nothing(build_world: Callable[..., World], fault: dict[str, Any]) -> None:
    """-1, 45011 and refused tokens: everybody has it once, by the window."""
    world = school(build_world, talking=True)
    world.simulator.faults.add("wechat", CUSTOM, times=3, **fault)
    ledger = run(world)
    assert ways(ledger) == {("sent", "window"): COUNT}
    assert not any(row.doubtful for row in ledger.values())
    assert state(world) == ("finished", "")


def test_the_token_expires_in_the_middle(build_world: Callable[..., World]) -> None:
    world = school(build_world, talking=True)
    campaign = send(world.application, TEXT)
    runner = next(loop.ticker for loop in world.application.loops if loop.ticker.name == "campaigns")
    dispatcher = next(loop.ticker for loop in world.application.loops if loop.ticker.name == "dispatcher")
    while runner.tick().done:
        pass
    dispatcher.tick()
    world.simulator.expire_tokens()
    world.advance(minutes=2)
    with world.application.database.read() as session:
        assert ways(rows(session, campaign)) == {("sent", "window"): COUNT}


def twice(world: World, ledger: dict[str, RecipientRecord]) -> list[RecipientRecord]:
    """The rows of those whose phone shows the text two times."""
    return [row for row in ledger.values() if world.simulator.students[row.contact].answers.count(TEXT) == 2]


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        ({"http_status": 502}, False),
        ({"drop": True}, False),
        ({"drop": True, "after": True}, True),
        ({"html": True, "after": True}, True),
        ({"delay_s": 2.4}, True),
    ],
    ids=["5xx", "dropped before", "dropped after", "html after", "slow"],
)
def test_an_unknown_answer_is_asked_again_and_listed(
    build_world: Callable[..., World], fault: dict[str, Any], arrived: bool
) -> None:
    """Whoever was being written to may have it twice; exactly these are listed, and the others have it once."""
    world = school(build_world, talking=True)
    world.simulator.faults.add("wechat", CUSTOM, times=2, **fault)
    ledger = run(world)
    assert ways(ledger) == {("sent", "window"): COUNT}
    assert sum(row.doubtful for row in ledger.values()) == 2
    expected = 2 if arrived else 0
    give_up_at = time.monotonic() + 10
    while len(doubles := twice(world, ledger)) < expected and time.monotonic() < give_up_at:
        time.sleep(0.05)  # the slow platform still has one in hand when all has been sent
    assert len(doubles) == expected
    assert all(row.doubtful for row in doubles)


@pytest.mark.parametrize("code", [43004, 40003])
def test_who_is_gone_is_remembered(build_world: Callable[..., World], code: int) -> None:
    world = school(build_world, talking=True)
    world.simulator.faults.add("wechat", CUSTOM, errcode=code, times=2)
    ledger = run(world)
    assert ways(ledger) == {("sent", "window"): COUNT - 2, ("unreachable", ""): 2}
    assert {row.reason for row in ledger.values()} == {"", "unfollowed"}
    again = send(world.application, "第二条")
    world.tick()
    with world.application.database.read() as session:
        assert ways(rows(session, again)) == {("sent", "window"): COUNT - 2, ("unreachable", ""): 2}
    calls = world.simulator.journal.calls("wechat", CUSTOM)
    assert len([call for call in calls if call.errcode]) == 2, (
        "nobody was asked again whom the platform had called gone"
    )


@pytest.mark.parametrize("code", [45009, 48001, 48004])
def test_a_closed_interface_stops_an_ordinary_campaign_and_the_rest_goes_another_way(
    build_world: Callable[..., World], code: int
) -> None:
    """No call in vain; a person is told; after resume the mass send reaches those whom the template could not."""
    world = school(build_world, talking=False)
    world.simulator.faults.add("wechat", TEMPLATE, errcode=code, times=None)
    ledger = run(world)
    assert state(world) == ("paused", f"template:{code}")
    assert set(ways(ledger)) == {("waiting", "")}
    calls = len(world.simulator.journal.calls("wechat", TEMPLATE))
    assert calls <= 8, "only those that were on their way"
    world.phone("群").expects(text="已自动暂停" if code == 45009 else "停用")
    with world.application.database.write() as session:
        world.application.campaigns.resume(session, world.__dict__["campaign"], actor="T9")
    for _ in range(2):
        world.tick()
        world.simulator.settle()
        world.advance(minutes=6, step=timedelta(minutes=1))
    assert len(world.simulator.journal.calls("wechat", TEMPLATE)) == calls
    with world.application.database.read() as session:
        assert ways(rows(session, world.__dict__["campaign"])) == {("delivered", "mass"): COUNT}
    assert state(world) == ("finished", "")


def test_a_mass_send_whose_answer_got_lost_is_not_sent_twice(build_world: Callable[..., World]) -> None:
    """The client id makes a second try safe: 45065 means that the first one was taken."""
    world = school(build_world, talking=False)
    world.simulator.faults.add("wechat", "message/mass/send", drop=True, after=True)
    campaign = send(world.application, TEXT)
    world.tick()
    world.simulator.settle()
    world.advance(minutes=5, step=timedelta(seconds=30))
    with world.application.database.read() as session:
        ledger = rows(session, campaign)
    assert ways(ledger) == {("delivered", "mass"): COUNT}
    for row in ledger.values():
        assert world.simulator.students[row.contact].answers.count(TEXT) == 1


def test_an_alert_is_told_while_the_notices_wait(build_world: Callable[..., World]) -> None:
    """The account's interface rests, a thousand things may wait: the counselor's card and the reply do not."""
    world = school(build_world, talking=True)
    world.simulator.faults.add("wechat", CUSTOM, errcode=45009, times=None)
    run(world)
    student = world.student("乙00")
    student.read = len(student.unread()) + student.read
    student.writes("东西都送人了，今晚天台见")
    student.expects("120")
    world.tick()
    world.phone("王老师").expects(card="红色 A1")
