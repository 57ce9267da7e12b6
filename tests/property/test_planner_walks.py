"""Any students, any messages, any budgets: no budget is exceeded, nobody is lost, the reserves stay what they are."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.broadcast.budget import Budgets, Used, Way, budgets_for
from bot.broadcast.planner import Decision, Held, Message, Recipient, Unreachable, Via, forecast, plan, plan_all
from bot.simulator.window import ServiceWindow
from bot.students.window import Window

NOW = datetime(2027, 6, 8, 4, tzinfo=UTC)
MOSTLY = st.sampled_from([True, True, True, False])
WINDOWS = st.builds(
    Window,
    closes_at=st.sampled_from(
        [NOW + timedelta(hours=9), NOW + timedelta(minutes=1), NOW, NOW - timedelta(hours=1), None]
    ),
    allowance=st.sampled_from([5, 3, 0]),
    used=st.integers(0, 5),
)
RECIPIENTS = st.builds(
    Recipient,
    person=st.text("abc", min_size=1, max_size=4),
    contact=MOSTLY.map(lambda known: "o1" if known else ""),
    following=MOSTLY,
    window=WINDOWS,
    waiting=st.integers(0, 3),
    mass_used=st.integers(0, 5),
    subscriptions=st.integers(0, 2),
    wecom_userid=MOSTLY.map(lambda known: "" if known else "2023001"),
    notices=st.integers(0, 2),
    in_pain=MOSTLY.map(lambda no: not no),
    tried=MOSTLY.flatmap(lambda none: st.just(frozenset()) if none else st.frozensets(st.sampled_from(list(Way)))),
)
MESSAGES = st.builds(
    Message,
    urgent=st.booleans(),
    bubbles=st.integers(1, 3),
    has_template=st.booleans(),
    has_subscription=st.booleans(),
    may_mass=st.booleans(),
    cap=st.sampled_from([None, 1, 2]),
)
BUDGETS = st.builds(
    Budgets,
    left=st.one_of(
        st.fixed_dictionaries({}, optional={way: st.integers(0, 9) for way in Way}),
        st.builds(lambda way, count: {way: count}, st.sampled_from([Way.WINDOW, Way.MASS]), st.integers(1, 9)),
    ),
    kept=st.dictionaries(st.sampled_from(list(Way)), st.integers(0, 3)),
    reserve=st.integers(0, 4),
    mass_each=st.sampled_from([None, 4]),
    mass_reserve=st.integers(0, 2),
)


def cost(decision: Decision, message: Message) -> int:
    return message.bubbles if decision == Via(Way.WINDOW) else 1


@given(st.lists(RECIPIENTS, max_size=30), MESSAGES, BUDGETS)
def test_no_budget_of_the_account_is_exceeded(people: list[Recipient], message: Message, budgets: Budgets) -> None:
    """What goes by a way is never more than was left of it, nor, if it is not urgent, more than was not kept."""
    spent: Counter[Way] = Counter()
    for _, decision, after in plan_all(people, message, budgets, NOW):
        if isinstance(decision, Via):
            spent[decision.way] += cost(decision, message)
        for way, count in spent.items():
            floor = 0 if message.urgent else budgets.kept.get(way, 0)
            assert budgets.left.get(way, 0) - count >= floor
            assert after.left[way] == budgets.left[way] - count


@settings(max_examples=500)
@given(RECIPIENTS, MESSAGES, BUDGETS)
def test_no_budget_of_a_student_is_exceeded(one: Recipient, message: Message, budgets: Budgets) -> None:
    decision = plan(one, message, budgets, NOW)
    if decision == Via(Way.WINDOW):
        assert one.following
        left = one.window.left(NOW) - one.waiting - message.bubbles
        assert left >= (0 if message.urgent else budgets.reserve)
    if decision == Via(Way.MASS):
        assert one.following
        assert message.may_mass
        assert budgets.mass_each is None or one.mass_used < budgets.mass_each - (
            0 if message.urgent else budgets.mass_reserve
        )
    if decision == Via(Way.SUBSCRIPTION):
        assert one.subscriptions > 0
    if decision == Via(Way.TEMPLATE):
        assert message.has_template
        assert one.following
    if isinstance(decision, Via):
        assert decision.way not in one.tried


@given(st.lists(RECIPIENTS, max_size=30), MESSAGES, BUDGETS)
def test_nobody_is_lost(people: list[Recipient], message: Message, budgets: Budgets) -> None:
    """Everybody has a decision, the forecast counts everybody once, and a follower is never given up."""
    decided = list(plan_all(people, message, budgets, NOW))
    assert [one for one, _, _ in decided] == people
    for one, decision, _ in decided:
        if isinstance(decision, Unreachable):
            assert not (one.contact and one.following)
            assert decision.reason == ("unfollowed" if one.contact else "not_bound")
        if isinstance(decision, Held):
            assert one.contact
            assert one.following
    said = forecast(people, message, budgets, NOW)
    assert said.audience == len(people) == said.reached + sum(said.held.values()) + sum(said.unreachable.values())
    assert said.via.get(Way.MASS, 0) != 1


@settings(max_examples=500)
@given(RECIPIENTS, MESSAGES, BUDGETS)
def test_an_urgent_message_reaches_at_least_whom_an_ordinary_one_reaches(
    one: Recipient, message: Message, budgets: Budgets
) -> None:
    """Cap, pain and reserves never stand in the way of safety."""

    def as_urgent(urgent: bool) -> Decision:
        fields = {name: getattr(message, name) for name in ("bubbles", "has_template", "has_subscription", "may_mass")}
        return plan(one, Message(urgent=urgent, cap=message.cap, **fields), budgets, NOW)

    ordinary, urgent = as_urgent(False), as_urgent(True)
    if isinstance(ordinary, Via):
        assert isinstance(urgent, Via)
        assert list(Way).index(urgent.way) <= list(Way).index(ordinary.way)
    assert urgent not in (Held("in_pain"), Held("frequency"))


PAUSES = st.sampled_from([timedelta(seconds=s) for s in (0, 1, 61, 3600, 47 * 3600, 48 * 3600)])
STEPS = st.lists(st.tuples(st.sampled_from(["write", "tap", "ordinary", "ordinary", "urgent"]), PAUSES), max_size=60)


@settings(max_examples=300)
@given(STEPS)
def test_ordinary_messages_leave_two_for_safety_whatever_happened_before(steps: list[tuple[str, timedelta]]) -> None:
    """Walks against the platform's own account: it refuses nothing, and two of a message's window are never taken."""
    ours, platform, now = Window(), ServiceWindow(), NOW
    budgets = budgets_for("service", Used(), usable=frozenset({Way.WINDOW}))
    ordinary_since = 0
    for step, pause in steps:
        now += pause
        if step == "write":
            platform, ours, ordinary_since = platform.message_came(now), Window(now + timedelta(hours=48), 5), 0
        elif step == "tap" and not ours.left(now):
            platform, ours, ordinary_since = platform.tap_came(now), Window(now + timedelta(minutes=1), 3), 0
        elif step in ("ordinary", "urgent"):
            one = Recipient("s1", "o1", following=True, window=ours)
            decision = plan(one, Message(urgent=step == "urgent"), budgets, now)
            if decision == Via(Way.WINDOW):
                platform = platform.spent(now)  # raises what the platform would refuse with
                ours = Window(ours.closes_at, ours.allowance, ours.used + 1)
                ordinary_since += step == "ordinary"
                assert step == "urgent" or ours.left(now) >= 2
        assert ordinary_since <= 3
