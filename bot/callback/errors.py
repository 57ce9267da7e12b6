"""Why a callback is refused."""

from bot.errors import LixiaoError


class CallbackError(LixiaoError):
    """The callback was refused."""


class BadSignatureError(CallbackError):
    """The signature is not the platform's, or its timestamp is too old."""


class MalformedMessageError(CallbackError):
    """The body is not a message that the platform sends."""
