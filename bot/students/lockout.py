"""After how many wrong tries somebody has to wait, and for how long: a pure rule."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """Every `tries` wrong ones lock for `lock_for`, twice as long each time, at most `longest`.

    Who has not been wrong for `forget_after` begins anew.
    """

    tries: int = 5
    lock_for: timedelta = timedelta(hours=1)
    longest: timedelta = timedelta(hours=24)
    forget_after: timedelta = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Tries:
    """How often somebody was wrong, when last, and until when nothing of theirs is looked at."""

    wrong: int = 0
    last_at: datetime | None = None
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """True while they have to wait."""
        return self.locked_until is not None and now < self.locked_until

    def left(self, policy: LockPolicy) -> int:
        """How many more may be wrong before the next lock."""
        return policy.tries - self.wrong % policy.tries


def after_wrong(tries: Tries, now: datetime, policy: LockPolicy) -> Tries:
    """The tries after one more that was wrong. Only for who is not locked."""
    stale = tries.last_at is not None and now - tries.last_at >= policy.forget_after
    wrong = 1 if stale else tries.wrong + 1
    if wrong % policy.tries:
        return Tries(wrong, now)
    doublings = min(wrong // policy.tries - 1, 30)
    return Tries(wrong, now, now + min(policy.lock_for * 2**doublings, policy.longest))
