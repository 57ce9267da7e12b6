"""Late is late: what the audit calls a fault, by the second."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.escalation.audit import Beat, Pulse, Watched, find_faults
from bot.escalation.auditor import alarm_text

NOW = datetime(2027, 6, 8, 12, tzinfo=UTC)
ALIVE = Beat(NOW - timedelta(seconds=5), timedelta(seconds=30))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def faults(*alerts: Watched, due: datetime | None = None, **beats: Beat) -> list[str]:
    return [str(fault) for fault in find_faults(Pulse(alerts, due, {"worker": ALIVE} | beats), NOW)]


def test_nothing_open_is_well():
    assert faults() == []


@pytest.mark.parametrize(
    ("next_at", "is_taken", "expected"),
    [
        (NOW + timedelta(minutes=5), False, []),
        (NOW, False, []),
        (ago(60), False, []),
        (ago(61), False, ["alert A7: late for 61 s"]),
        (ago(61), True, ["alert A7: late for 61 s"]),  # an acknowledgement that is due to be looked at again
        (None, False, ["alert A7: nothing is going to happen"]),
        (None, True, []),
    ],
)
def test_an_open_alert_is_on_time_or_not(next_at: datetime | None, is_taken: bool, expected: list[str]):
    assert faults(Watched(7, next_at, is_taken)) == expected


@pytest.mark.parametrize(
    ("due", "expected"),
    [(None, []), (NOW, []), (ago(60), []), (ago(90), ["notice of an alert: not sent for 90 s"])],
)
def test_a_notice_waits_no_longer_than_a_minute(due: datetime | None, expected: list[str]):
    assert faults(due=due) == expected


def test_an_alert_that_reaches_nobody():
    assert faults(Watched(7, NOW, is_taken=False, is_unreached=True)) == ["alert A7: nobody can be reached"]


class TestWorker:
    def test_silent(self):
        assert faults(worker=Beat(ago(31), timedelta(seconds=30))) == ["worker: silent for 31 s"]

    def test_never_there(self):
        pulse = Pulse((), None, {})
        assert [str(one) for one in find_faults(pulse, NOW)] == ["worker: has never run (flask worker)"]
        assert find_faults(pulse, NOW, is_worker_needed=False) == []

    def test_a_loop_that_hangs_while_the_worker_lives(self):
        hung = Beat(ago(100), timedelta(seconds=92))
        assert faults(escalation=hung, reaper=ALIVE) == ["loop escalation: stuck for 100 s"]

    def test_a_loop_that_rests_long_is_not_stuck(self):
        assert faults(retention=Beat(ago(1200), timedelta(seconds=1290))) == []


def test_the_alarm_says_what_to_do_and_nothing_about_a_student():
    found = find_faults(
        Pulse([Watched(7, ago(300), is_taken=False)], None, {"worker": Beat(ago(90), timedelta())}), NOW
    )
    text = alarm_text(found)
    assert "worker 没有动静，已经 1 分钟" in text
    assert "警报 A7 该通知却没有通知，已经 5 分钟" in text
    assert "打电话给值班老师" in text
