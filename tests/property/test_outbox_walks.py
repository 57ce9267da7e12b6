"""Walks over lists of outcomes: whatever the platform answers in whatever order, the rule of the outbox holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

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
from bot.outbox.state import Delivery, DeliveryState, Priority, RetryPolicy, reclaim, settle

START = datetime(2027, 6, 8, 4, tzinfo=UTC)
LOST = "the worker is killed"
WAITS = st.none() | st.timedeltas(timedelta(days=-2), timedelta(days=2))
TEMPORARY = st.builds(
    lambda kind, wait: kind(code="x", retry_after=wait),
    st.sampled_from([TemporarySendError, OutcomeUnknownError, RateLimitedError, TokenRefusedError]),
    WAITS,
)
PERMANENT = st.builds(
    lambda kind: kind(code="y"), st.sampled_from([PermanentSendError, RecipientGoneError, FeatureOffError, SendError])
)
CLOSED = st.builds(WindowClosedError, code=st.just("45015"))
RECEIPTS = st.builds(Receipt, st.text(max_size=5))
# Mostly what lets the walk go on: one that ends at its first step shows little.
OUTCOMES = st.sampled_from([TEMPORARY] * 6 + [CLOSED] * 2 + [st.just(LOST)] * 2 + [PERMANENT, RECEIPTS]).flatmap(
    lambda one: one
)
STEPS = st.lists(st.tuples(OUTCOMES, st.timedeltas(timedelta(), timedelta(hours=2)), st.floats(0, 1)), max_size=20)
POLICIES = st.builds(
    RetryPolicy,
    first=st.timedeltas(timedelta(seconds=0.1), timedelta(seconds=30)),
    longest=st.timedeltas(timedelta(seconds=1), timedelta(hours=1)),
    attempts=st.integers(1, 6),
)
DELIVERIES = st.builds(
    Delivery,
    id=st.just("d1"),
    channel=st.sampled_from(["wechat", "wecom", "robot"]),
    recipient=st.just("o1"),
    subject=st.just("alert:1"),
    priority=st.sampled_from(Priority),
    state=st.just(DeliveryState.PENDING),
    not_before=st.just(START),
    holdable=st.booleans(),
)
AFTER_SENDING = {DeliveryState.SENT, DeliveryState.PENDING, DeliveryState.HELD, DeliveryState.FAILED}

Step = tuple[Receipt | SendError | str, timedelta, float]
Seen = tuple[Delivery, Receipt | SendError | str, Delivery, datetime]


def walk(delivery: Delivery, policy: RetryPolicy, steps: list[Step]) -> list[Seen]:
    """The delivery as it was sent, the outcome, what became of it and when, for every try that there was.

    It is claimed when it is due, as the dispatcher does; a held one is released by its recipient's next message.
    """
    seen: list[Seen] = []
    now = START
    for outcome, took, jitter in steps:
        if delivery.state is DeliveryState.HELD:
            delivery = replace(delivery, state=DeliveryState.PENDING, not_before=now)
        if delivery.state is not DeliveryState.PENDING:
            break
        now = max(now, delivery.not_before)
        sending = replace(delivery, state=DeliveryState.SENDING, attempts=delivery.attempts + 1)
        now += took
        if isinstance(outcome, str):
            delivery = reclaim(sending, now=now, policy=policy)
        else:
            delivery = settle(sending, outcome, now=now, policy=policy, jitter=jitter)
        seen.append((sending, outcome, delivery, now))
    return seen


@given(DELIVERIES, POLICIES, STEPS)
def test_states_move_along_allowed_edges_only(delivery: Delivery, policy: RetryPolicy, steps: list[Step]):
    for _, outcome, after, _ in walk(delivery, policy, steps):
        assert after.state in AFTER_SENDING
        assert (after.state is DeliveryState.SENT) == isinstance(outcome, Receipt)
        assert after.state is not DeliveryState.HELD or (after.holdable and isinstance(outcome, WindowClosedError))


@given(DELIVERIES, POLICIES, STEPS)
def test_an_alert_never_fails_by_a_temporary_error(delivery: Delivery, policy: RetryPolicy, steps: list[Step]):
    """And it is due again within half a minute, however long the platform asks to wait."""
    for _, outcome, after, now in walk(replace(delivery, priority=Priority.SAFETY), policy, steps):
        if isinstance(outcome, TemporarySendError | str):
            assert after.state is DeliveryState.PENDING
            assert after.not_before <= now + timedelta(seconds=30)


@given(DELIVERIES, POLICIES, STEPS)
def test_what_is_due_again_is_never_due_in_the_past(delivery: Delivery, policy: RetryPolicy, steps: list[Step]):
    """Every error costs a wait, so that no platform is hammered; a lost worker costs none."""
    for _, outcome, after, now in walk(delivery, policy, steps):
        if after.state is DeliveryState.PENDING:
            assert after.not_before >= now
            assert after.not_before > now or isinstance(outcome, str)


@given(DELIVERIES, POLICIES, STEPS)
def test_doubt_comes_from_an_unknown_answer_only_and_is_never_lost(
    delivery: Delivery, policy: RetryPolicy, steps: list[Step]
):
    doubt = False
    for _, outcome, after, _ in walk(delivery, policy, steps):
        doubt = doubt or isinstance(outcome, OutcomeUnknownError | str)
        assert after.doubtful is doubt


@given(DELIVERIES, POLICIES, STEPS)
def test_a_delivery_is_settled_when_and_only_when_it_is_over(
    delivery: Delivery, policy: RetryPolicy, steps: list[Step]
):
    for _, _, after, now in walk(delivery, policy, steps):
        over = after.state in {DeliveryState.SENT, DeliveryState.FAILED}
        assert after.settled_at == (now if over else None)


@given(DELIVERIES, POLICIES, STEPS)
def test_ordinary_ones_give_up_after_the_last_try_and_not_before(
    delivery: Delivery, policy: RetryPolicy, steps: list[Step]
):
    delivery = replace(delivery, priority=Priority.ORDINARY)
    for sending, outcome, after, _ in walk(delivery, policy, steps):
        if isinstance(outcome, TemporarySendError | str):
            assert (after.state is DeliveryState.FAILED) == (sending.attempts >= policy.attempts)


@given(DELIVERIES, POLICIES, STEPS)
def test_who_gets_it_and_how_urgent_it_is_never_changes(delivery: Delivery, policy: RetryPolicy, steps: list[Step]):
    for sending, outcome, after, _ in walk(delivery, policy, steps):
        for name in ("id", "channel", "recipient", "subject", "priority", "expires_at", "holdable", "attempts"):
            assert getattr(after, name) == getattr(sending, name)
        assert isinstance(outcome, Receipt) or after.code
        assert not isinstance(outcome, Receipt) or (after.platform_id, after.code) == (outcome.platform_id, "")


@given(POLICIES, st.floats(0, 1, exclude_max=True))
def test_waits_grow_and_stay_below_the_longest(policy: RetryPolicy, jitter: float):
    waits = [policy.delay(attempts, jitter) for attempts in range(1, 40)]
    assert waits == sorted(waits)
    assert all(timedelta() < wait <= max(policy.longest, timedelta()) for wait in waits)
    assert policy.delay(10**6, jitter) == waits[-1] or policy.first * 2**20 < policy.longest
