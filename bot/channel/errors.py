"""What can go wrong with a send, named for what to do next. Every channel raises only these."""

from datetime import timedelta

from bot.errors import LixiaoError


class SendError(LixiaoError):
    """The message could not be sent."""

    def __init__(self, message: str = "", *, code: str = "") -> None:
        """`code` is the platform's own code or a short word of ours; it is stored and counted, never secret."""
        super().__init__(message)
        self.code = code or type(self).__name__
        self.platform_id = ""  # the platform's own id for what it had taken before, where its refusal names one


class TemporarySendError(SendError):
    """Try again later."""

    def __init__(self, message: str = "", *, code: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class OutcomeUnknownError(TemporarySendError):
    """The connection ended after the request left: it may have been taken, so trying again may double."""


class RateLimitedError(TemporarySendError):
    """The platform asks for fewer calls. Wait `retry_after`, for this interface as a whole."""


class TokenRefusedError(TemporarySendError):
    """The platform refused a fresh access token too. Check app_id and app_secret."""


class PermanentSendError(SendError):
    """This message will never get through this way. Take another way."""


class RecipientGoneError(PermanentSendError):
    """The recipient does not follow us, blocked us or does not exist."""


class WindowClosedError(PermanentSendError):
    """The platform allows no more messages to this person until they write again."""


class FeatureOffError(PermanentSendError):
    """The account has no permission for this interface. An operator must act; do not try again."""
