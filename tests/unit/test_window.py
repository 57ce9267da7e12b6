"""What WeChat still lets us send: a table of messages and what each opens."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.channel.messages import InboundMessage, Kind, Source
from bot.students.window import Window, opened_by

NOW = datetime(2027, 6, 8, 4, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def message(kind: Kind = Kind.TEXT, event: str = "", at: datetime = NOW) -> InboundMessage:
    return InboundMessage(Source.WECHAT, "o1", "k", kind, at, event=event)


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.VOICE, Kind.MEDIA])
def test_a_message_opens_five_for_48_hours(kind: Kind):
    window = opened_by(message(kind), Window())
    assert window == Window(closes_at=NOW + 48 * HOUR, allowance=5, used=0)
    assert window.left(NOW) == window.left(NOW + 48 * HOUR - SECOND) == 5
    assert window.left(NOW + 48 * HOUR) == 0


@pytest.mark.parametrize("event", ["subscribe", "click", "scan"])
def test_an_opening_event_gives_three_for_a_minute(event: str):
    window = opened_by(message(Kind.EVENT, event), Window())
    assert window.left(NOW + 59 * SECOND) == 3
    assert window.left(NOW + 60 * SECOND) == 0


@pytest.mark.parametrize("event", ["unsubscribe", "view", "location", "templatesendjobfinish", ""])
def test_other_events_open_nothing(event: str):
    assert opened_by(message(Kind.EVENT, event), Window()) == Window()


def test_who_unfollows_finds_it_closed_after_coming_back():
    """The platform begins anew: what was written before counts no more, and a follow gives its three."""
    talking = opened_by(message(), Window())
    left = opened_by(message(Kind.EVENT, "unsubscribe", NOW + HOUR), talking)
    assert left.left(NOW + HOUR) == 0
    back = opened_by(message(Kind.EVENT, "subscribe", NOW + 2 * HOUR), left)
    assert back.left(NOW + 2 * HOUR) == 3
    assert back.left(NOW + 2 * HOUR + 60 * SECOND) == 0


def test_an_unknown_type_opens_nothing():
    """The platform does not say; a budget is kept by being careful."""
    assert opened_by(message(Kind.OTHER), Window()) == Window()


def test_nothing_is_open_before_the_student_has_written():
    assert Window().left(NOW) == 0


def test_each_message_starts_the_count_anew():
    used = Window(closes_at=NOW + HOUR, allowance=5, used=5)
    assert opened_by(message(), used).left(NOW) == 5


def test_more_used_than_allowed_is_nothing_left():
    assert Window(closes_at=NOW + HOUR, allowance=3, used=4).left(NOW) == 0


class TestEventWithinAWindow:
    def test_it_never_shortens_a_longer_one(self):
        for used in range(5):
            open_ = Window(closes_at=NOW + HOUR, allowance=5, used=used)
            assert opened_by(message(Kind.EVENT, "click"), open_) == open_

    def test_it_opens_again_what_is_used_up(self):
        spent = Window(closes_at=NOW + HOUR, allowance=5, used=5)
        assert opened_by(message(Kind.EVENT, "click"), spent).left(NOW) == 3

    def test_a_second_click_renews_the_minute(self):
        first = opened_by(message(Kind.EVENT, "click"), Window())
        later = opened_by(message(Kind.EVENT, "click", NOW + 30 * SECOND), first)
        assert later.left(NOW + 80 * SECOND) == 3


class TestLateMessage:
    """A message that waited on disk, or one that the platform tries again, was sent before the newest one."""

    def test_it_does_not_shorten_what_a_newer_one_opened(self):
        newest = opened_by(message(), Window())
        assert opened_by(message(at=NOW - HOUR), newest) == newest

    def test_it_does_not_refill_what_was_spent_after_the_newer_one(self):
        spent = Window(closes_at=NOW + 48 * HOUR, allowance=5, used=5)
        assert opened_by(message(at=NOW - HOUR), spent).left(NOW) == 0

    def test_one_older_than_48_hours_opens_nothing_for_now(self):
        assert opened_by(message(at=NOW - 49 * HOUR), Window()).left(NOW) == 0

    def test_a_late_event_does_not_take_away_a_message_window(self):
        open_ = Window(closes_at=NOW + 48 * HOUR, allowance=5, used=4)
        assert opened_by(message(Kind.EVENT, "subscribe", NOW - HOUR), open_).left(NOW) == 1
