"""The root of this product's errors. A class's docstring is its default message; its name says what to do next."""


class LixiaoError(Exception):
    """Something this product knows how to name went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class UserFacingError(LixiaoError):
    """The person at the command line or in the browser can mend this; the message says how."""
