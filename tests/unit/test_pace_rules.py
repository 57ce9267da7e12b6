"""How many messages a group robot and a member of staff get in a minute, with a reserve for alerts."""

from datetime import UTC, datetime, timedelta

from bot.relay.robot import RobotPace
from bot.wecom.pace import MemberPace

T0 = datetime(2027, 6, 8, 12, tzinfo=UTC)


def _robot(pace: RobotPace, now: datetime, *, urgent: bool = False, count: int = 1) -> timedelta:
    wait = pace.wait(now, urgent=urgent, count=count)
    if not wait:
        pace.count(now, count)
    return wait


def test_ordinary_messages_leave_five_of_twenty_to_alerts():
    pace = RobotPace()
    assert [bool(_robot(pace, T0)) for _ in range(16)] == [False] * 15 + [True]
    assert [bool(_robot(pace, T0, urgent=True)) for _ in range(6)] == [False] * 5 + [True]


def test_a_hundred_messages_never_pass_twenty_in_any_minute_and_alerts_go_first():
    pace, now, sent = RobotPace(), T0, []
    waiting = [False] * 90 + [True] * 10
    while waiting:
        waiting.sort(reverse=True)
        wait = _robot(pace, now, urgent=waiting[0])
        if wait:
            assert timedelta() < wait <= timedelta(minutes=1)
            now += wait
        else:
            sent.append((now, waiting.pop(0)))
    assert all(sum(1 for at, _ in sent if start <= at < start + timedelta(minutes=1)) <= 20 for start, _ in sent)
    assert [urgent for _, urgent in sent][:10] == [True] * 10
    assert now - T0 <= timedelta(minutes=7)


def test_the_parts_of_one_text_go_together_or_wait_together():
    pace = RobotPace()
    assert not _robot(pace, T0, count=13)
    assert _robot(pace, T0, count=3) == timedelta(minutes=1)
    assert not _robot(pace, T0, count=2)
    assert not _robot(pace, T0 + timedelta(minutes=1), count=40), "longer than a minute takes: in a free minute"


def test_a_member_gets_what_wecom_delivers_and_no_more():
    """What is over 30 a minute WeCom drops without a word, so it must wait here."""
    pace = MemberPace()
    takes = [pace.take("Wang", T0, urgent=False) for _ in range(26)]
    assert takes == [timedelta()] * 25 + [timedelta(minutes=1)]
    assert [bool(pace.take("wang", T0, urgent=True)) for _ in range(6)] == [False] * 5 + [True]
    assert not pace.take("li", T0, urgent=False)
    assert not pace.take("wang", T0 + timedelta(minutes=1), urgent=False)


def test_a_member_gets_a_thousand_an_hour():
    pace, now = MemberPace(), T0
    for _ in range(1000):
        while wait := pace.take("wang", now, urgent=True):
            now += wait
    assert now < T0 + timedelta(hours=1)
    assert pace.take("wang", now, urgent=True) == T0 + timedelta(hours=1) - now


def test_members_that_got_nothing_for_an_hour_are_forgotten():
    pace = MemberPace()
    for number in range(5002):
        pace.take(str(number), T0, urgent=False)
    pace.take("late", T0 + timedelta(hours=2), urgent=False)
    assert len(pace._sent) == 1
