"""How a delivery moves after each outcome, as a table of cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.channel.channel import Receipt
from bot.channel.errors import (
    FeatureOffError,
    OutcomeUnknownError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    SendError,
    TemporarySendError,
    TokenRefusedError,
    WindowClosedError,
)
from bot.outbox.state import Delivery, DeliveryState, Priority, RetryPolicy, is_expired, is_stuck, reclaim, settle

NOW = datetime(2027, 6, 8, 4, tzinfo=UTC)
POLICY = RetryPolicy(first=timedelta(seconds=2), longest=timedelta(minutes=10), attempts=12)
SENDING = Delivery(
    id="d",
    channel="wechat",
    recipient="o1",
    subject="reply:1",
    priority=Priority.REPLY,
    state=DeliveryState.SENDING,
    not_before=NOW - timedelta(seconds=1),
    attempts=1,
)
ALERT = replace(SENDING, channel="wecom", subject="alert:1", priority=Priority.SAFETY)
TEMPORARY = (TemporarySendError, OutcomeUnknownError, RateLimitedError, TokenRefusedError)
PERMANENT = (PermanentSendError, RecipientGoneError, FeatureOffError, SendError)


def settled(delivery: Delivery, outcome: Receipt | SendError, jitter: float = 1.0) -> Delivery:
    return settle(delivery, outcome, now=NOW, policy=POLICY, jitter=jitter)


def test_a_receipt_is_sent_and_keeps_the_platforms_id():
    got = settled(replace(SENDING, code="45009", attempts=3), Receipt("m-7"))
    assert got == replace(SENDING, state=DeliveryState.SENT, platform_id="m-7", code="", settled_at=NOW, attempts=3)


@pytest.mark.parametrize("error", TEMPORARY)
def test_a_temporary_error_is_tried_again_later(error: type[SendError]):
    got = settled(SENDING, error(code="-1"))
    assert (got.state, got.code, got.settled_at) == (DeliveryState.PENDING, "-1", None)
    assert got.not_before == NOW + timedelta(seconds=2)


@pytest.mark.parametrize("error", PERMANENT)
def test_a_permanent_error_is_final_and_visible(error: type[SendError]):
    for delivery in (SENDING, ALERT, replace(SENDING, holdable=True)):
        got = settled(delivery, error(code="40003"))
        assert (got.state, got.code, got.settled_at) == (DeliveryState.FAILED, "40003", NOW)


def test_a_closed_window_holds_what_can_wait_and_fails_what_cannot():
    held = settled(replace(SENDING, holdable=True), WindowClosedError(code="45015"))
    assert (held.state, held.code, held.settled_at) == (DeliveryState.HELD, "45015", None)
    assert settled(SENDING, WindowClosedError(code="45015")).state is DeliveryState.FAILED


class TestTries:
    def test_the_last_allowed_try_fails_for_good(self):
        assert settled(replace(SENDING, attempts=11), TemporarySendError()).state is DeliveryState.PENDING
        got = settled(replace(SENDING, attempts=12), TemporarySendError(code="-1"))
        assert (got.state, got.code, got.settled_at) == (DeliveryState.FAILED, "-1", NOW)

    def test_an_alert_is_tried_without_end(self):
        """However long the platform is down: nobody may be left alone because we gave up."""
        assert settled(replace(ALERT, attempts=100_000), TemporarySendError()).state is DeliveryState.PENDING

    def test_an_alert_never_waits_longer_than_half_a_minute(self):
        for error in (
            TemporarySendError(),
            TemporarySendError(retry_after=timedelta(hours=20)),
            RateLimitedError(retry_after=timedelta(days=1)),
        ):
            got = settled(replace(ALERT, attempts=50), error)
            assert got.not_before <= NOW + timedelta(seconds=30)


class TestWait:
    @pytest.mark.parametrize(
        ("attempts", "seconds"), [(0, 2), (1, 2), (2, 4), (3, 8), (9, 512), (10, 600), (11, 600), (5000, 600)]
    )
    def test_it_doubles_up_to_the_longest(self, attempts: int, seconds: float):
        assert POLICY.delay(attempts, 1.0) == timedelta(seconds=seconds)

    def test_jitter_spreads_over_the_upper_half(self):
        assert POLICY.delay(3, 0.0) == timedelta(seconds=4)
        assert POLICY.delay(3, 0.5) == timedelta(seconds=6)

    def test_the_platforms_own_wish_comes_first(self):
        got = settled(SENDING, RateLimitedError(retry_after=timedelta(hours=3)))
        assert got.not_before == NOW + timedelta(hours=3)

    @pytest.mark.parametrize("nonsense", [timedelta(), timedelta(seconds=-60)])
    def test_a_wish_for_the_past_is_no_wish(self, nonsense: timedelta):
        """A clock that is off must not make us hammer."""
        assert settled(SENDING, TemporarySendError(retry_after=nonsense)).not_before >= NOW + timedelta(seconds=1)

    def test_a_first_wait_beyond_the_longest_is_cut(self):
        assert RetryPolicy(first=timedelta(hours=1), longest=timedelta(minutes=1)).delay(1, 1) == timedelta(minutes=1)


class TestDoubt:
    def test_an_unknown_outcome_may_have_arrived(self):
        assert settled(SENDING, OutcomeUnknownError()).doubtful

    def test_other_errors_leave_no_doubt(self):
        assert not settled(SENDING, TemporarySendError()).doubtful
        assert not settled(SENDING, RateLimitedError()).doubtful

    @pytest.mark.parametrize("outcome", [Receipt("1"), TemporarySendError(), PermanentSendError(), WindowClosedError()])
    def test_doubt_is_never_forgotten(self, outcome: Receipt | SendError):
        assert settled(replace(SENDING, doubtful=True, holdable=True), outcome).doubtful

    def test_a_lost_worker_leaves_doubt_and_the_delivery_is_due_at_once(self):
        got = reclaim(SENDING, now=NOW, policy=POLICY)
        assert (got.state, got.not_before, got.doubtful, got.code) == (DeliveryState.PENDING, NOW, True, "worker_lost")
        assert got.attempts == SENDING.attempts

    def test_what_workers_always_die_of_fails_after_the_last_try(self):
        """A poison message must not kill one worker after the other for ever; an alert is tried all the same."""
        last = replace(SENDING, attempts=12)
        got = reclaim(last, now=NOW, policy=POLICY)
        assert (got.state, got.settled_at, got.code) == (DeliveryState.FAILED, NOW, "worker_lost")
        assert got.doubtful
        assert reclaim(replace(last, attempts=11), now=NOW, policy=POLICY).state is DeliveryState.PENDING
        assert reclaim(replace(ALERT, attempts=10_000), now=NOW, policy=POLICY).state is DeliveryState.PENDING


@pytest.mark.parametrize(
    ("state", "attempts", "stuck"),
    [
        (DeliveryState.PENDING, 1, False),
        (DeliveryState.PENDING, 2, True),
        (DeliveryState.PENDING, 9, True),
        (DeliveryState.SENDING, 2, False),  # the second try is under way: only the first has failed
        (DeliveryState.SENDING, 3, True),
        (DeliveryState.FAILED, 1, True),
        (DeliveryState.SENT, 9, False),
        (DeliveryState.HELD, 9, False),
    ],
)
def test_when_another_way_is_to_be_taken(state: DeliveryState, attempts: int, *, stuck: bool):
    assert is_stuck(replace(SENDING, state=state, attempts=attempts), after_attempts=2) is stuck


@pytest.mark.parametrize(("seconds", "expired"), [(-1, True), (0, True), (1, False)])
def test_a_message_expires_at_its_moment(seconds: int, *, expired: bool):
    assert is_expired(replace(SENDING, expires_at=NOW + timedelta(seconds=seconds)), NOW) is expired


def test_without_a_moment_it_never_expires():
    assert not is_expired(SENDING, NOW + timedelta(days=9999))


def test_alerts_are_the_most_urgent():
    assert min(Priority) is Priority.SAFETY
    assert list(Priority) == sorted(Priority)
