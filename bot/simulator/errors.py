"""What the simulator refuses, apart from the platforms' own error codes (codes.py)."""

from bot.errors import LixiaoError, UserFacingError


class ProductionRefusedError(LixiaoError):
    """The simulator never runs in production: it would hand out access to anybody. Set server.mode to development."""


class ImpossibleActionError(UserFacingError):
    """这个操作现在做不了。"""


class NobodyThereError(ImpossibleActionError):
    """没有这个人，请刷新页面再试。"""


class SealBrokenError(LixiaoError):
    """The sealed text was not sealed for us: wrong key, wrong signature or damaged."""


class BrokenReplyError(LixiaoError):
    """The bot's answer is not one that the platform would show."""
