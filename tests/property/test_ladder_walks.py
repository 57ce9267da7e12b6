"""Walks of an alert up its ladder: whatever people, timeouts, failures and restarts do, somebody is always due."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import event, given
from hypothesis import strategies as st

from bot.escalation.policy import (
    Exhausted,
    Notify,
    Phase,
    Policy,
    Reach,
    Reason,
    Standing,
    Step,
    Stopped,
    Target,
    Wait,
    after,
    decide,
    missing_parties,
    policy_from_json,
    policy_to_json,
)

START = datetime(2027, 6, 8, 13, tzinfo=UTC)
COUNSELOR, PSYCHOLOGY = "counselor", "psychology"
TWO = (frozenset({COUNSELOR}), frozenset({PSYCHOLOGY}))
MINUTES = st.integers(1, 90).map(lambda minutes: timedelta(minutes=minutes))
STEPS = st.lists(
    st.builds(Step, st.sets(st.sampled_from(Target), min_size=1, max_size=2).map(tuple), MINUTES),
    min_size=1,
    max_size=5,
).map(tuple)
POLICIES = st.builds(
    Policy,
    steps=STEPS,
    repeat=MINUTES,
    parties=st.sampled_from([(), TWO]),
    stale_after=st.integers(1, 8).map(lambda hours: timedelta(hours=hours)),
    nudge_before=st.sampled_from([timedelta(), timedelta(minutes=10), timedelta(minutes=45)]),
)
# What may happen between two looks of the worker. People are members of steps: a number is a step's bit.
PASSES = st.integers(0, 6 * 3600).map(lambda seconds: timedelta(seconds=seconds))
EVENTS = st.one_of(
    st.tuples(st.just("time"), PASSES),
    st.tuples(st.just("until due"), st.just(timedelta())),
    st.tuples(st.just("taken"), st.sampled_from([COUNSELOR, PSYCHOLOGY])),
    st.tuples(st.just("touched"), st.none()),
    st.tuples(st.just("given back"), st.none()),
    st.tuples(st.just("failed"), st.none()),
    st.tuples(st.just("staff changes"), st.lists(st.booleans(), min_size=5, max_size=5)),
    st.tuples(st.just("restart"), st.none()),
)
WALKS = st.lists(EVENTS, max_size=40)


@dataclass
class Alert:
    """A red alert as the engine keeps it, with one person on each step that is staffed, maybe the same on several."""

    policy: Policy
    now: datetime = START
    standing: Standing = field(default_factory=lambda: Standing(Phase.OPEN))
    staffed: list[bool] = field(default_factory=lambda: [True] * 5)
    person_on: list[int] = field(default_factory=lambda: list(range(5)))
    told: set[int] = field(default_factory=set)
    roles: list[str] = field(default_factory=list)
    notices: list[tuple[datetime, Notify | Exhausted]] = field(default_factory=list)

    def look(self, *, failed: bool = False) -> Notify | Exhausted | Wait | Stopped:
        reach = tuple(
            (Reach.TOLD if self.person_on[number] in self.told else Reach.NEW) if self.staffed[number] else Reach.NOBODY
            for number in range(len(self.policy.steps))
        )
        standing = replace(self.standing, reach=reach, failed=failed)
        decision = decide(standing, self.policy, self.now)
        new = after(standing, decision)
        if new.walk != self.standing.walk or (
            isinstance(decision, Notify | Exhausted) and decision.reason is Reason.STALE
        ):
            self.told = set()
        if isinstance(decision, Notify | Exhausted):
            event(decision.reason.value)
            self.notices.append((self.now, decision))
            if decision.reason is Reason.STALE:
                self.roles = []
        if isinstance(decision, Notify) and decision.step is not None:
            self.told.add(self.person_on[decision.step])
        self.standing = new
        return decision

    def happen(self, what: str, value: object) -> None:
        if what == "time":
            assert isinstance(value, timedelta)
            self.now += value
        elif what == "until due" and self.standing.due_at is not None:
            self.now = max(self.now, self.standing.due_at)
        elif what == "taken" and self.standing.phase in (Phase.OPEN, Phase.PARTLY):
            self.roles.append(str(value))
            phase = Phase.PARTLY if missing_parties(self.policy, self.roles) else Phase.TAKEN
            self.standing = replace(self.standing, phase=phase, touched_at=self.now, nudged=False, due_at=self.now)
        elif what == "touched" and self.standing.phase is Phase.TAKEN:
            self.standing = replace(self.standing, touched_at=self.now, nudged=False, due_at=self.now)
        elif what == "given back" and self.standing.phase is not Phase.OPEN:
            self.roles, self.told = [], set()
            self.standing = Standing(Phase.OPEN)
        elif what == "staff changes":
            assert isinstance(value, list)
            self.staffed = list(value)
        elif what == "restart":
            self.policy = policy_from_json(policy_to_json(self.policy))
        self.look(failed=what == "failed")


@given(POLICIES, WALKS)
def test_an_open_red_alert_always_has_something_due(policy: Policy, walk: list[tuple[str, object]]) -> None:
    """And soon: within the longest wait of its ladder, or the time after which it is stale."""
    alert = Alert(policy)
    alert.look()
    longest = max([policy.repeat, policy.stale_after, *(step.wait for step in policy.steps)])
    for what, value in walk:
        alert.happen(what, value)
        assert alert.standing.due_at is not None
        assert alert.now < alert.standing.due_at <= alert.now + longest


@given(POLICIES, WALKS)
def test_what_is_due_happens_and_it_happens_once(policy: Policy, walk: list[tuple[str, object]]) -> None:
    """A look that finds something due acts; a second look at the same moment (another worker, a restart) waits."""
    alert = Alert(policy)
    alert.look()
    for what, value in walk:
        alert.happen(what, value)
        before = len(alert.notices)
        assert isinstance(alert.look(), Wait)
        assert len(alert.notices) == before
        assert alert.standing.due_at is not None
        alert.now = alert.standing.due_at
        acted = alert.look()
        if alert.standing.phase is not Phase.TAKEN:
            assert isinstance(acted, Notify | Exhausted)


@given(POLICIES, WALKS, st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_nobody_is_told_twice_in_one_walk(policy: Policy, walk: list[tuple[str, object]], person_on: list[int]) -> None:
    """Until the alert is given back or goes stale: then everybody may be needed again."""
    alert = Alert(policy, person_on=person_on)
    alert.look()
    seen: set[tuple[int, int]] = set()
    for what, value in walk:
        before = len(alert.notices)
        alert.happen(what, value)
        for _, notice in alert.notices[before:]:
            if what == "given back" or notice.reason is Reason.STALE:
                seen = set()
            if isinstance(notice, Notify) and notice.step is not None:
                assert (notice.walk, person_on[notice.step]) not in seen
                seen.add((notice.walk, person_on[notice.step]))


@given(POLICIES, st.lists(st.booleans(), min_size=5, max_size=5))
def test_a_step_that_reaches_nobody_costs_no_time(policy: Policy, staffed: list[bool]) -> None:
    """Left alone, the staffed steps are told in their order, each after the wait of the staffed one before it."""
    alert = Alert(policy, staffed=staffed)
    steps = [number for number in range(len(policy.steps)) if staffed[number]]
    alert.look()
    for _ in steps[1:]:
        alert.happen("until due", None)
    told = [(at - START, notice) for at, notice in alert.notices]
    if not steps:
        assert isinstance(told[0][1], Exhausted)
        return
    assert [notice.step for _, notice in told if isinstance(notice, Notify)] == steps
    waits = [policy.steps[number].wait for number in steps]
    assert [at for at, _ in told] == [sum(waits[:number], timedelta()) for number in range(len(steps))]
    passed = [one for _, notice in told if isinstance(notice, Notify) for one in notice.skipped]
    assert passed == [number for number in range(steps[-1]) if not staffed[number]]


@given(POLICIES, WALKS)
def test_failures_hurry_the_ladder_but_do_not_spin_it(policy: Policy, walk: list[tuple[str, object]]) -> None:
    """A step that fails is followed at once by the next one; a new walk is begun in its own time only."""
    alert = Alert(policy)
    alert.look()
    for what, value in walk:
        alert.happen(what, value)
        before, due_at = alert.standing.walk, alert.standing.due_at
        decision = alert.look(failed=True)
        assert alert.standing.walk == before
        if isinstance(decision, Notify):
            assert decision.reason is Reason.UNREACHABLE
        else:
            assert alert.standing.due_at == due_at


@given(POLICIES)
def test_the_whole_ladder_is_walked_again_and_again(policy: Policy) -> None:
    """Red goes on until a human takes it."""
    alert = Alert(policy)
    alert.look()
    for _ in range(len(policy.steps) * 6):
        alert.happen("until due", None)
    told = [notice.step for _, notice in alert.notices if isinstance(notice, Notify)]
    once = list(range(len(policy.steps)))
    assert told == (once * 7)[: len(told)]
    assert len(told) == len(once) * 6 + 1


@given(POLICIES, WALKS)
def test_one_party_alone_does_not_end_the_chase(policy: Policy, walk: list[tuple[str, object]]) -> None:
    alert = Alert(replace(policy, parties=TWO))
    alert.look()
    for what, value in walk:
        alert.happen(what, value)
        taken = alert.standing.phase is Phase.TAKEN
        assert taken == ({COUNSELOR, PSYCHOLOGY} <= set(alert.roles))
        if alert.standing.phase is Phase.PARTLY:
            assert alert.standing.due_at is not None
            alert.now = alert.standing.due_at
            acted = alert.look()
            assert isinstance(acted, Notify | Exhausted)
            assert acted.reason is Reason.PARTY_MISSING


@given(POLICIES, st.integers(0, 600))
def test_silence_of_who_has_it_is_asked_about_and_then_taken_back(policy: Policy, minutes: int) -> None:
    policy = replace(policy, parties=())
    alert = Alert(policy)
    alert.look()
    alert.happen("taken", COUNSELOR)
    taken_at = alert.now
    reasons = []
    for _ in range(3):
        alert.happen("until due", None)
        reasons.append(alert.notices[-1][1].reason)
        if reasons[-1] is Reason.STALE:
            break
    expected = [Reason.STALE] if not policy.nudge_before else [Reason.NUDGE, Reason.STALE]
    assert reasons == expected
    assert alert.now == taken_at + policy.stale_after
    assert alert.standing.phase is Phase.OPEN
    fresh = Alert(policy)
    fresh.look()
    fresh.happen("taken", COUNSELOR)
    fresh.happen("time", min(timedelta(minutes=minutes), policy.stale_after - timedelta(seconds=1)))
    fresh.happen("touched", None)
    fresh.happen("time", policy.stale_after - timedelta(seconds=1))
    assert fresh.standing.phase is Phase.TAKEN


@given(POLICIES)
def test_an_alert_keeps_its_policy_through_storage(policy: Policy) -> None:
    assert policy_from_json(policy_to_json(policy)) == policy


@given(POLICIES, WALKS)
def test_a_closed_alert_chases_nobody(policy: Policy, walk: list[tuple[str, object]]) -> None:
    alert = Alert(policy)
    alert.look()
    for what, value in walk:
        alert.happen(what, value)
    alert.standing = replace(alert.standing, phase=Phase.CLOSED)
    assert isinstance(alert.look(failed=True), Stopped)
