"""How a campaign moves, and when it stops by itself: a pure rule.

draft → approved by a second person → scheduled → running ⇄ paused → finished, or cancelled at any time before the end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.errors import UserFacingError


class CampaignState(StrEnum):
    """Where a campaign is."""

    DRAFT = "draft"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What somebody, or the runner, does with it."""

    APPROVE = "approve"
    SCHEDULE = "schedule"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    CANCEL = "cancel"


_MOVES: dict[tuple[CampaignState, Act], CampaignState] = {
    (CampaignState.DRAFT, Act.APPROVE): CampaignState.APPROVED,
    (CampaignState.APPROVED, Act.SCHEDULE): CampaignState.SCHEDULED,
    (CampaignState.SCHEDULED, Act.START): CampaignState.RUNNING,
    (CampaignState.SCHEDULED, Act.PAUSE): CampaignState.PAUSED,
    (CampaignState.RUNNING, Act.PAUSE): CampaignState.PAUSED,
    (CampaignState.PAUSED, Act.RESUME): CampaignState.RUNNING,
    (CampaignState.RUNNING, Act.FINISH): CampaignState.FINISHED,
    **{
        (state, Act.CANCEL): CampaignState.CANCELLED
        for state in CampaignState
        if state not in (CampaignState.FINISHED, CampaignState.CANCELLED)
    },
}
STATE_WORDS = {
    CampaignState.DRAFT: "草稿，等第二个人批准",
    CampaignState.APPROVED: "已批准",
    CampaignState.SCHEDULED: "等待发送",
    CampaignState.RUNNING: "正在发送",
    CampaignState.PAUSED: "暂停",
    CampaignState.FINISHED: "发完了",
    CampaignState.CANCELLED: "已取消",
}
_ACT_WORDS = {
    Act.APPROVE: "批准",
    Act.SCHEDULE: "安排",
    Act.START: "开始",
    Act.PAUSE: "暂停",
    Act.RESUME: "继续",
    Act.FINISH: "结束",
    Act.CANCEL: "取消",
}


class ImpossibleMoveError(UserFacingError):
    """The campaign is not in a state in which that can be done."""


class NeedsSecondPersonError(UserFacingError):
    """Whoever wrote it may not approve it."""


def moved(state: CampaignState, act: Act) -> CampaignState:
    """The state after `act`. Raises ImpossibleMoveError."""
    following = _MOVES.get((state, act))
    if following is None:
        message = f"不能{_ACT_WORDS[act]}：这次群发现在是“{STATE_WORDS[state]}”"
        raise ImpossibleMoveError(message)
    return following


def check_approver(author: str, approver: str) -> None:
    """Raises NeedsSecondPersonError if both are the same person."""
    if not approver.strip() or author.strip().lower() == approver.strip().lower():
        raise NeedsSecondPersonError("要由另一个人批准：写这条通知的人不能批准自己的")


def is_too_late(scheduled_at: datetime, now: datetime, misfire: timedelta) -> bool:
    """True if it should have gone out so long ago that a person has to say whether it still makes sense."""
    return now - scheduled_at > misfire


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the newest attempts: how many ended for good, and how many of these failed not for the recipient's sake."""

    settled: int
    failed: int


@dataclass(frozen=True, slots=True)
class StopRule:
    """When a campaign stops by itself: so large a share of at least so many attempts has failed for good."""

    share: float = 0.1
    least: int = 20

    def stops(self, tally: Tally) -> bool:
        """True if somebody should look before more is sent."""
        return tally.settled >= self.least and tally.failed > self.share * tally.settled
