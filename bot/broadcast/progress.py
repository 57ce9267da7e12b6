"""How far a campaign is, read from its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.broadcast import store

_LATELY = timedelta(minutes=1)
_UNDER_WAY = ("waiting", "gathered", "queued")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is. `left_for` is None when nothing was sent lately."""

    counts: Mapping[str, int]
    total: int
    done: int
    a_minute: float
    left_for: timedelta | None


def progress_of(session: Session, campaign_id: int, now: datetime) -> Progress:
    """How far it is at `now`, at what rate over the last minute, and how long the rest takes at that rate."""
    counts = store.counts(session, campaign_id)
    total = sum(counts.values())
    left = sum(counts.get(state, 0) for state in _UNDER_WAY)
    a_minute = float(store.settled_since(session, campaign_id, now - _LATELY))
    left_for = timedelta(minutes=left / a_minute) if a_minute else None
    return Progress(counts=counts, total=total, done=total - left, a_minute=a_minute, left_for=left_for)
