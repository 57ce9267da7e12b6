"""How a delivery moves: a pure rule. Storing it is store.py's work, sending the dispatcher's."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from bot.channel.channel import Receipt
from bot.channel.errors import (
    OutcomeUnknownError,
    PermanentSendError,
    SendError,
    TemporarySendError,
    WindowClosedError,
)


class Priority(IntEnum):
    """Who goes first. Alerts overtake everything."""

    SAFETY = 0
    REPLY = 10
    NOTICE = 20
    ORDINARY = 30


class DeliveryState(StrEnum):
    """pending → sending → sent → delivered, or failed, expired, held, cancelled."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    HELD = "held"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait between tries, and how many tries there are. SAFETY is tried without end."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=10)
    attempts: int = 12

    def delay(self, attempts: int, jitter: float) -> timedelta:
        """The wait after the `attempts`-th try: doubling, then spread over its upper half by `jitter` (0 to 1)."""
        full: timedelta = min(self.longest, self.first * 2 ** min(max(attempts - 1, 0), 20))
        return timedelta(seconds=full.total_seconds() * (0.5 + jitter / 2))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the rule needs to know of a delivery."""

    id: str
    channel: str
    recipient: str
    subject: str
    priority: Priority
    state: DeliveryState
    not_before: datetime
    expires_at: datetime | None = None
    holdable: bool = False
    attempts: int = 0
    doubtful: bool = False
    code: str = ""
    platform_id: str = ""
    settled_at: datetime | None = None


Outcome = Receipt | SendError
WORKER_LOST = "worker_lost"
_SAFETY_LONGEST = timedelta(seconds=30)


def settle(delivery: Delivery, outcome: Outcome, *, now: datetime, policy: RetryPolicy, jitter: float) -> Delivery:
    """The delivery after one attempt with `outcome`: sent, tried again later, held, or failed for good."""
    if isinstance(outcome, Receipt):
        return replace(delivery, state=DeliveryState.SENT, platform_id=outcome.platform_id, code="", settled_at=now)
    doubtful = delivery.doubtful or isinstance(outcome, OutcomeUnknownError)
    failed = replace(delivery, code=outcome.code, doubtful=doubtful)
    if isinstance(outcome, WindowClosedError) and delivery.holdable:
        return replace(failed, state=DeliveryState.HELD)
    if isinstance(outcome, PermanentSendError) or not isinstance(outcome, TemporarySendError):
        return replace(failed, state=DeliveryState.FAILED, settled_at=now)
    if _was_last_try(delivery, policy):
        return replace(failed, state=DeliveryState.FAILED, settled_at=now)
    wait = outcome.retry_after or timedelta()
    if wait <= timedelta():  # the platform named none, or a moment that has passed
        wait = policy.delay(delivery.attempts, jitter)
    if delivery.priority is Priority.SAFETY:
        wait = min(wait, _SAFETY_LONGEST)
    return replace(failed, state=DeliveryState.PENDING, not_before=now + wait)


def reclaim(delivery: Delivery, *, now: datetime, policy: RetryPolicy) -> Delivery:
    """The delivery after its worker's lease ran out: tried again at once, and doubtful, for it may have been sent.

    One that its workers die of each time fails like any other after the last try.
    """
    lost = replace(delivery, doubtful=True, code=WORKER_LOST)
    if _was_last_try(delivery, policy):
        return replace(lost, state=DeliveryState.FAILED, settled_at=now)
    return replace(lost, state=DeliveryState.PENDING, not_before=now)


def is_stuck(delivery: Delivery, *, after_attempts: int) -> bool:
    """True for a delivery that failed for good, or as often as `after_attempts`: time to take another way as well."""
    return gets_nowhere(delivery.state, delivery.attempts, after_attempts=after_attempts)


def has_just_got_stuck(delivery: Delivery, *, after_attempts: int) -> bool:
    """Of a stuck one: true once, however often it is tried after that, and again when it fails for good."""
    return delivery.state is DeliveryState.FAILED or delivery.attempts == after_attempts


def gets_nowhere(state: str, attempts: int, *, after_attempts: int) -> bool:
    """The same of a row's columns. One that is being sent at this moment has failed once less than it was tried."""
    if state == DeliveryState.SENDING:
        attempts -= 1
    elif state != DeliveryState.PENDING:
        return state == DeliveryState.FAILED
    return attempts >= after_attempts


def is_expired(delivery: Delivery, now: datetime) -> bool:
    """True if the message makes no sense any more at `now`."""
    return delivery.expires_at is not None and now >= delivery.expires_at


def _was_last_try(delivery: Delivery, policy: RetryPolicy) -> bool:
    return delivery.priority is not Priority.SAFETY and delivery.attempts >= policy.attempts
