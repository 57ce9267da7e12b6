"""Which way a message takes to a student: a pure rule. Sending it is the runner's and the dispatcher's work.

The order: the open 48-hour window, which costs nothing; a template message; a subscription notice; WeCom; a mass send;
and where none of them is left, the message is held until the student next writes. Nobody is left out: who can be
reached by nothing at all is told apart, with the reason.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.broadcast.budget import MASS_FEWEST, MASS_MOST, Budgets, Way
from bot.students.window import Window


@dataclass(frozen=True, slots=True)
class Recipient:
    """What the rule needs to know of one person.

    `waiting` are messages already on their way through the window, `mass_used` the mass messages of this month,
    `subscriptions` the subscription notices that the student still allows, `notices` those of the last day that count
    for the frequency cap, `tried` the ways that did not work for this very message.
    """

    person: str
    contact: str = ""
    following: bool = False
    window: Window = field(default_factory=Window)
    waiting: int = 0
    mass_used: int = 0
    subscriptions: int = 0
    wecom_userid: str = ""
    notices: int = 0
    in_pain: bool = False
    tried: frozenset[Way] = frozenset()


@dataclass(frozen=True, slots=True)
class Message:
    """What the rule needs to know of the message. `bubbles` is how many messages of the window its text takes."""

    urgent: bool = False
    bubbles: int = 1
    has_template: bool = False
    has_subscription: bool = False
    may_mass: bool = True
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Via:
    """It goes out now, by this way."""

    way: Way


@dataclass(frozen=True, slots=True)
class Held:
    """It waits until the student next writes."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """There is nobody to hold it for: not_bound, or unfollowed."""

    reason: str


Decision = Via | Held | Unreachable


def plan(recipient: Recipient, message: Message, budgets: Budgets, now: datetime) -> Decision:
    """The first way that is open. Ordinary messages leave the reserves alone, respect the cap and spare who is in pain.

    Held for window (it is closed or used up and nothing else is left), frequency or in_pain.
    """
    follows = bool(recipient.contact) and recipient.following
    if not message.urgent and follows:
        if recipient.in_pain:
            return Held("in_pain")
        if message.cap is not None and recipient.notices >= message.cap:
            return Held("frequency")
    for way in Way:
        if way in recipient.tried or not _OPEN[way](recipient, message, budgets, now):
            continue
        if budgets.allows(way, urgent=message.urgent, count=message.bubbles if way is Way.WINDOW else 1):
            return Via(way)
    if follows:
        return Held("window")
    return Unreachable("unfollowed" if recipient.contact else "not_bound")


def plan_all(
    recipients: Iterable[Recipient], message: Message, budgets: Budgets, now: datetime
) -> Iterator[tuple[Recipient, Decision, Budgets]]:
    """Each recipient's decision, in order, with what is left of the budgets after it."""
    for recipient in recipients:
        decision = plan(recipient, message, budgets, now)
        if isinstance(decision, Via):
            budgets = budgets.spent(decision.way, message.bubbles if decision.way is Way.WINDOW else 1)
        yield recipient, decision, budgets


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would become of a message if it were sent now: people by way and by reason, what is left, how long."""

    audience: int
    via: Mapping[Way, int]
    held: Mapping[str, int]
    unreachable: Mapping[str, int]
    left: Mapping[Way, int]
    takes: timedelta

    @property
    def reached(self) -> int:
        """How many get it at once."""
        return sum(self.via.values())


def forecast(
    recipients: Iterable[Recipient], message: Message, budgets: Budgets, now: datetime, *, a_second: float = 20
) -> Forecast:
    """The sums over `recipients` by the same rule that will send. `a_second` is how many calls the dispatcher makes."""
    via: Counter[Way] = Counter()
    held: Counter[str] = Counter()
    unreachable: Counter[str] = Counter()
    audience = 0
    left = budgets
    for _, decision, left in plan_all(recipients, message, budgets, now):  # noqa: B007 - the last one's is what is left
        audience += 1
        if isinstance(decision, Via):
            via[decision.way] += 1
        elif isinstance(decision, Held):
            held[decision.reason] += 1
        else:
            unreachable[decision.reason] += 1
    if 0 < via[Way.MASS] < MASS_FEWEST:  # the platform takes no list of one
        held["window"] += via.pop(Way.MASS)
    calls = sum(count for way, count in via.items() if way is not Way.MASS) + -(-via[Way.MASS] // MASS_MOST)
    return Forecast(
        audience=audience,
        via={way: via[way] for way in Way if via[way]},
        held=dict(held),
        unreachable=dict(unreachable),
        left=dict(left.left),
        takes=timedelta(seconds=calls / a_second),
    )


def _window(recipient: Recipient, message: Message, budgets: Budgets, now: datetime) -> bool:
    if not (recipient.contact and recipient.following):
        return False
    floor = 0 if message.urgent else budgets.reserve
    return recipient.window.left(now) - recipient.waiting - message.bubbles >= floor


def _template(recipient: Recipient, message: Message, _budgets: Budgets, _now: datetime) -> bool:
    return message.has_template and bool(recipient.contact) and recipient.following


def _subscription(recipient: Recipient, message: Message, _budgets: Budgets, _now: datetime) -> bool:
    return message.has_subscription and recipient.following and recipient.subscriptions > 0


def _wecom(recipient: Recipient, _message: Message, _budgets: Budgets, _now: datetime) -> bool:
    return bool(recipient.wecom_userid)


def _mass(recipient: Recipient, message: Message, budgets: Budgets, _now: datetime) -> bool:
    if not (message.may_mass and recipient.contact and recipient.following):
        return False
    if budgets.mass_each is None:
        return True
    floor = 0 if message.urgent else budgets.mass_reserve
    return budgets.mass_each - recipient.mass_used - 1 >= floor


_OPEN: Mapping[Way, Callable[[Recipient, Message, Budgets, datetime], bool]] = {
    Way.WINDOW: _window,
    Way.TEMPLATE: _template,
    Way.SUBSCRIPTION: _subscription,
    Way.WECOM: _wecom,
    Way.MASS: _mass,
}
