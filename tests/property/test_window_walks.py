"""Walks of a student who writes and taps and of us who send: the platform never has to refuse."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.channel.messages import InboundMessage, Kind, Source
from bot.simulator.window import ServiceWindow
from bot.students.window import Window, opened_by

START = datetime(2027, 6, 8, 4, tzinfo=UTC)
PAUSES = st.sampled_from([timedelta(seconds=s) for s in (0, 1, 59, 60, 61, 3600, 47 * 3600, 48 * 3600)])
STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "late", "tap", "view", "odd", "send", "send", "send", "send"]), PAUSES),
    max_size=60,
)


def message(kind: Kind, at: datetime, event: str = "") -> InboundMessage:
    return InboundMessage(Source.WECHAT, "o1", "k", kind, at, event=event)


@given(STEPS)
def test_what_we_think_is_allowed_is_allowed(steps: list[tuple[str, timedelta]]):
    """Our account is never above the platform's, so that 45015 and 45047 do not come.

    `late` is a message that had to wait on disk: sent before the newest one and heard after it.
    """
    ours, platform, now = Window(), ServiceWindow(), START
    newest: datetime | None = None
    for step, pause in steps:
        now += pause
        if step == "write":
            newest = now
            platform = platform.message_came(now)
            ours = opened_by(message(Kind.TEXT, now), ours)
        elif step == "late" and newest is not None:
            ours = opened_by(message(Kind.TEXT, newest - timedelta(seconds=1)), ours)
        elif step == "tap":
            platform = platform.tap_came(now)
            ours = opened_by(message(Kind.EVENT, now, "click"), ours)
        elif step == "view":
            ours = opened_by(message(Kind.EVENT, now, "view"), ours)
        elif step == "odd":
            ours = opened_by(message(Kind.OTHER, now), ours)
        elif step == "send" and ours.left(now):
            platform = platform.spent(now)  # raises what the platform would refuse with
            ours = Window(ours.closes_at, ours.allowance, ours.used + 1)
        assert ours.left(now) <= platform.left(now)


@given(STEPS, PAUSES)
def test_an_event_takes_nothing_away(steps: list[tuple[str, timedelta]], later: timedelta):
    """At no later moment is less allowed than without it."""
    ours, now = Window(), START
    for step, pause in steps:
        now += pause
        if step == "write":
            ours = opened_by(message(Kind.TEXT, now), ours)
        elif step == "send" and ours.left(now):
            ours = Window(ours.closes_at, ours.allowance, ours.used + 1)
        elif step in {"tap", "view"}:
            after = opened_by(message(Kind.EVENT, now, "scan" if step == "tap" else step), ours)
            assert after.left(now) >= ours.left(now)
            assert after.left(now + later) >= ours.left(now + later)
            ours = after


@given(STEPS)
def test_an_answer_is_always_possible_right_after_a_message(steps: list[tuple[str, timedelta]]):
    ours, now = Window(), START
    for step, pause in steps:
        now += pause
        if step == "write":
            ours = opened_by(message(Kind.TEXT, now), ours)
            assert ours.left(now) == 5
        elif step == "send":
            ours = Window(ours.closes_at, ours.allowance, ours.used + 1)
        assert ours.left(now) >= 0
