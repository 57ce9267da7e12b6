"""Who is told when, until a person has taken the alert: a pure rule. Telling them is ladder.py's work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class Target(StrEnum):
    """Whom a step tells. Those with a college in their description are of the student's college, if it is known."""

    DUTY = "duty"  # who is on duty for the college
    COUNSELORS = "counselors"  # all counselors of the college
    COLLEGE_LEAD = "college_lead"  # of the college
    STUDENT_AFFAIRS = "student_affairs"
    PSYCHOLOGY = "psychology"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: whom to tell, and how long they have before the next rung is told."""

    targets: tuple[Target, ...]
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """The ladder of one level. No steps: nobody is woken (yellow waits for the working day's list).

    `repeat` is the time between two notices once the whole ladder has been walked. `parties` are groups of roles of
    which each must have taken the alert; none means that one person of any role is enough. An acknowledgement without
    a sign of life for `stale_after` is taken back; who has the alert is asked `nudge_before` earlier.
    """

    steps: tuple[Step, ...] = ()
    repeat: timedelta = timedelta(minutes=5)
    parties: tuple[frozenset[str], ...] = ()
    stale_after: timedelta = timedelta(hours=4)
    nudge_before: timedelta = timedelta(minutes=30)


class Phase(StrEnum):
    """Nobody has it; some of the parties have it; it is taken; it is closed."""

    OPEN = "open"
    PARTLY = "partly"
    TAKEN = "taken"
    CLOSED = "closed"


class Reach(StrEnum):
    """What a step would reach now: somebody new, only people told in this walk already, or nobody at all."""

    NEW = "new"
    TOLD = "told"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rule needs to know of an alert.

    `step` is the next rung; `walk` counts whole walks up the ladder; `reach` has a word for each step. `failed` says
    that what was told last reached nobody. `touched_at` is the last sign of life of who has the alert.
    """

    phase: Phase
    due_at: datetime | None = None
    step: int = 0
    walk: int = 0
    reach: tuple[Reach, ...] = ()
    failed: bool = False
    touched_at: datetime | None = None
    nudged: bool = False


class Reason(StrEnum):
    """Why something is done, or not yet: each decision carries one into the alert's log."""

    TRIGGERED = "triggered"  # the first notice
    UNANSWERED = "unanswered"  # the step before had its time
    REPEAT = "repeat"  # everybody has been told; from the beginning
    UNREACHABLE = "unreachable"  # the step before reached nobody
    PARTY_MISSING = "party_missing"  # one of two parties has taken it
    STALE = "stale"  # who has it gave no sign of life
    NUDGE = "nudge"  # and is asked, before that
    HAS_TIME = "has_time"
    BEING_HANDLED = "being_handled"
    CLOSED = "closed"
    LISTED = "waits_for_the_list"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done before `until`."""

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Notify:
    """Step `step` is told now (None: who has the alert), after which nothing is due before `next_at`.

    `skipped` are the steps that were passed over because they would have reached nobody.
    """

    step: int | None
    walk: int
    next_at: datetime
    reason: Reason
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Exhausted:
    """No step of the ladder reaches anybody. It is looked again at `next_at`."""

    next_at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Stopped:
    """The ladder has nothing to do for this alert."""

    reason: Reason


Decision = Wait | Notify | Exhausted | Stopped


def decide(state: Standing, policy: Policy, now: datetime) -> Decision:  # noqa: PLR0911 - one return for each situation
    """What the ladder does at `now`. However late it is asked, it is one thing: no notice is made up for."""
    if state.phase is Phase.CLOSED:
        return Stopped(Reason.CLOSED)
    if not policy.steps:
        return Stopped(Reason.LISTED)
    if state.phase is Phase.TAKEN:
        return _taken(state, policy, now)
    if state.failed and Reach.NEW in state.reach[state.step :]:
        return _climb(state, policy, now, Reason.UNREACHABLE)
    if state.due_at is not None and now < state.due_at:
        return Wait(state.due_at, Reason.HAS_TIME)
    if state.phase is Phase.PARTLY:
        return _climb(state, policy, now, Reason.PARTY_MISSING)
    return _climb(state, policy, now, Reason.TRIGGERED if state.due_at is None else Reason.UNANSWERED)


def after(state: Standing, decision: Decision) -> Standing:  # noqa: PLR0911 - one return for each decision
    """The standing once the decision is carried out; `reach` is for the caller to renew."""
    match decision:
        case Stopped():
            return replace(state, due_at=None)
        case Wait():
            return replace(state, due_at=decision.until)
        case Exhausted(reason=Reason.STALE):
            return Standing(Phase.OPEN, due_at=decision.next_at)
        case Exhausted():
            return replace(state, due_at=decision.next_at, failed=False)
        case Notify(step=None):
            return replace(state, due_at=decision.next_at, nudged=True)
        case Notify(step=int(step), reason=Reason.STALE):
            return Standing(Phase.OPEN, due_at=decision.next_at, step=step + 1)
        case Notify(step=int(step)):
            return replace(state, due_at=decision.next_at, step=step + 1, walk=decision.walk, failed=False)
    raise AssertionError(decision)


def missing_parties(policy: Policy, roles: Sequence[str]) -> tuple[frozenset[str], ...]:
    """The parties that have not taken the alert when people with `roles` have."""
    return tuple(party for party in policy.parties if party.isdisjoint(roles))


def _taken(state: Standing, policy: Policy, now: datetime) -> Decision:
    stale_at = (state.touched_at or now) + policy.stale_after
    if now >= stale_at:
        fresh = replace(state, step=0, walk=0, reach=tuple(_untold(one) for one in state.reach))
        return _climb(fresh, policy, now, Reason.STALE)
    nudge_at = stale_at - policy.nudge_before
    if state.nudged or policy.nudge_before <= timedelta():
        return Wait(stale_at, Reason.BEING_HANDLED)
    if now >= nudge_at:
        return Notify(None, state.walk, stale_at, Reason.NUDGE)
    return Wait(nudge_at, Reason.BEING_HANDLED)


def _untold(reach: Reach) -> Reach:
    return Reach.NEW if reach is Reach.TOLD else reach


def _climb(state: Standing, policy: Policy, now: datetime, reason: Reason) -> Notify | Exhausted:
    """The next step that reaches somebody new; where there is none, the ladder begins again."""
    count = len(policy.steps)
    rest = range(min(state.step, count), count)
    found = next((step for step in rest if state.reach[step] is Reach.NEW), None)
    if found is not None:
        wait = policy.steps[found].wait if state.walk == 0 else policy.repeat
        return Notify(found, state.walk, now + wait, reason, _empty(state, range(rest.start, found)))
    again = next((step for step in range(count) if state.reach[step] is not Reach.NOBODY), None)
    if again is None:
        return Exhausted(now + (policy.steps[0].wait if state.due_at is None else policy.repeat), reason)
    why = Reason.REPEAT if reason is Reason.UNANSWERED else reason
    return Notify(again, state.walk + 1, now + policy.repeat, why, _empty(state, rest))


def _empty(state: Standing, steps: Sequence[int]) -> tuple[int, ...]:
    return tuple(step for step in steps if state.reach[step] is Reach.NOBODY)


def policy_to_json(policy: Policy) -> dict[str, Any]:
    """The policy as it is kept with an alert: a later change of the settings does not move the rungs under it."""
    return {
        "steps": [
            {"tell": [str(target) for target in step.targets], "wait_s": step.wait.total_seconds()}
            for step in policy.steps
        ],
        "repeat_s": policy.repeat.total_seconds(),
        "parties": [sorted(party) for party in policy.parties],
        "stale_s": policy.stale_after.total_seconds(),
        "nudge_s": policy.nudge_before.total_seconds(),
    }


def policy_from_json(kept: Mapping[str, Any]) -> Policy:
    """The inverse of policy_to_json. Raises KeyError or ValueError if `kept` is not one of ours."""
    return Policy(
        steps=tuple(
            Step(tuple(Target(word) for word in step["tell"]), timedelta(seconds=step["wait_s"]))
            for step in kept["steps"]
        ),
        repeat=timedelta(seconds=kept["repeat_s"]),
        parties=tuple(frozenset(party) for party in kept["parties"]),
        stale_after=timedelta(seconds=kept["stale_s"]),
        nudge_before=timedelta(seconds=kept["nudge_s"]),
    )
