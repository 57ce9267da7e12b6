"""What the platforms still allow, for one student and for the account: a pure rule.

Source: WeChat, 客服消息 (5 in 48 hours after a message, 3 in a minute after a tap; students/window.py), 模板消息
(100,000 a day), 群发 (service account: 4 to each follower a calendar month; subscription account: one a day; 60 calls a
minute, 100 a day), 公众号接口调用频次限制. The platforms' days and months are Beijing's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
MASS_FEWEST, MASS_MOST = 2, 10_000
"""Openids in one mass send, at least and at most."""
MASS_EVERY = timedelta(seconds=1.25)
"""From one mass send to the next: 48 a minute, where 60 are allowed."""
_SHARE_FOR_URGENT = 50


class Way(StrEnum):
    """How a message reaches a student, in the order of preference."""

    WINDOW = "window"
    TEMPLATE = "template"
    SUBSCRIPTION = "subscribe"
    WECOM = "wecom"
    MASS = "mass"


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may send. `mass_each` is for one follower in a calendar month, None without such a limit."""

    service_a_day: int = 500_000
    template_a_day: int = 100_000
    subscription_a_day: int = 100_000
    wecom_a_day: int = 200_000
    mass_jobs_a_day: int = 100
    mass_each: int | None = 4


LIMITS: Mapping[str, Limits] = {
    "service": Limits(),
    "subscription": Limits(template_a_day=0, mass_jobs_a_day=1, mass_each=None),
}


@dataclass(frozen=True, slots=True)
class Used:
    """What of the account's limits is gone today: sent, or on its way. Mass sends are counted in calls."""

    service: int = 0
    template: int = 0
    subscription: int = 0
    wecom: int = 0
    mass_jobs: int = 0


@dataclass(frozen=True, slots=True)
class Budgets:
    """What is left of today's limits, in people for each way, and what ordinary messages leave to urgent ones.

    `reserve` is of one student's window, `mass_reserve` of one follower's mass messages of the month, `kept` of the
    account's day. A way that is not in `left` is off or rests.
    """

    left: Mapping[Way, int]
    kept: Mapping[Way, int]
    reserve: int = 2
    mass_each: int | None = 4
    mass_reserve: int = 1

    def allows(self, way: Way, *, urgent: bool, count: int = 1) -> bool:
        """True if `count` more may go by `way` today."""
        floor = 0 if urgent else self.kept.get(way, 0)
        return self.left.get(way, 0) - count >= floor

    def spent(self, way: Way, count: int = 1) -> "Budgets":
        """What is left after `count` more have gone by `way`."""
        return replace(self, left={**self.left, way: self.left.get(way, 0) - count})


def budgets_for(
    account_type: Literal["service", "subscription"],
    used: Used,
    *,
    usable: frozenset[Way] = frozenset(Way),
    reserve: int = 2,
) -> Budgets:
    """What is left of today after `used`; ways that are not `usable` (off, resting, not configured) are not there."""
    limits = LIMITS[account_type]
    a_day: dict[Way, tuple[int, int]] = {
        Way.WINDOW: (limits.service_a_day, used.service),
        Way.TEMPLATE: (limits.template_a_day, used.template),
        Way.SUBSCRIPTION: (limits.subscription_a_day, used.subscription),
        Way.WECOM: (limits.wecom_a_day, used.wecom),
        Way.MASS: (limits.mass_jobs_a_day * MASS_MOST, used.mass_jobs * MASS_MOST),
    }
    left = {way: max(0, most - gone) for way, (most, gone) in a_day.items() if way in usable}
    kept: dict[Way, int] = {way: most // _SHARE_FOR_URGENT for way, (most, _) in a_day.items() if way is not Way.MASS}
    if limits.mass_jobs_a_day > 1:  # the only one of a day is nobody's reserve
        kept[Way.MASS] = MASS_MOST
    return Budgets(left, kept, reserve=reserve, mass_each=limits.mass_each, mass_reserve=1)


def day_start(now: datetime) -> datetime:
    """When the platforms' day began."""
    return now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)


def month_start(now: datetime) -> datetime:
    """When the platforms' month began."""
    return day_start(now).replace(day=1)


def next_day(now: datetime) -> datetime:
    """When the daily limits start again. Beijing has no daylight saving time."""
    return day_start(now) + timedelta(days=1)


def next_minute(now: datetime) -> datetime:
    """When the limits of a minute start again, with a second for two clocks that differ."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1, seconds=1)
