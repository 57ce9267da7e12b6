"""From the settings to the ladder of each level. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.escalation.policy import Policy, Step, Target
from bot.staff.models import Role

Rung = tuple[tuple[Target, ...], timedelta | None]
"""Whom to tell, and how long they have; None: the time that the level has for it."""

RED_RUNGS: tuple[Rung, ...] = tuple(((target,), None) for target in Target)
ORANGE_RUNGS: tuple[Rung, ...] = tuple(
    ((target,), None) for target in (Target.DUTY, Target.COUNSELORS, Target.COLLEGE_LEAD)
)
TWO_PARTIES = (
    frozenset({Role.COUNSELOR.value, Role.COLLEGE_LEAD.value, Role.STUDENT_AFFAIRS.value}),
    frozenset({Role.PSYCHOLOGY.value}),
)
NOBODY_WOKEN = Policy()


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """How long an alert may wait for a person, and for whom it waits next. Yellow is on the working day's list.

    `first` is what the first step of a red alert has, `red` every later one and every repetition; `orange` the same
    for orange. `red_parties` are the groups of roles that each must take a red alert; none: one person is enough.
    """

    first: timedelta
    red: timedelta
    orange: timedelta
    red_rungs: Sequence[Rung] = RED_RUNGS
    orange_rungs: Sequence[Rung] = ORANGE_RUNGS
    red_parties: tuple[frozenset[str], ...] = ()
    red_stale: timedelta = timedelta(hours=4)
    orange_stale: timedelta = timedelta(hours=24)
    nudge_before: timedelta = timedelta(minutes=30)

    def ladder(self, level: str) -> Policy:
        """The policy of a level, as an alert keeps it from the moment when it is triggered."""
        if level == "red":
            return Policy(
                steps=_steps(self.red_rungs, first=self.first, later=self.red),
                repeat=self.red,
                parties=self.red_parties,
                stale_after=self.red_stale,
                nudge_before=min(self.nudge_before, self.red_stale / 2),
            )
        if level == "orange":
            return Policy(
                steps=_steps(self.orange_rungs, first=self.orange, later=self.orange),
                repeat=self.orange,
                stale_after=self.orange_stale,
                nudge_before=min(self.nudge_before, self.orange_stale / 2),
            )
        return NOBODY_WOKEN


def _steps(rungs: Sequence[Rung], *, first: timedelta, later: timedelta) -> tuple[Step, ...]:
    return tuple(Step(targets, wait or (later if number else first)) for number, (targets, wait) in enumerate(rungs))
