"""Logs: one JSON object a line, with event names and ids. Never a student's words, a phone number or a secret."""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import PurePath
from typing import Any

import structlog

_NAMES = "access_token|component_appsecret|corpsecret|appsecret|secret|key|token|ticket|password"
_SECRET = re.compile(
    rf"""((?<![a-z])(?:{_NAMES})=)[^&\s'",;)]+"""  # in a query
    rf"""|(["'](?:{_NAMES})["']\s*:\s*["'])[^"']*"""  # in JSON
    r"""|(://[^/\s:@]*:)[^/\s@]+(?=@)""",  # in an address
    re.IGNORECASE,
)
_FORBIDDEN = frozenset({"text", "words", "name", "phone", "content", "reply", "body"})
_FRAMES = 4
_PLAIN = (date, timedelta, PurePath)
_GRAVE = frozenset({"error", "exception", "critical"})
_quiet = threading.Event()


def scrub(text: str) -> str:
    """The text with the values of secret parameters and the passwords of addresses replaced by ***."""
    return _SECRET.sub(lambda found: f"{found[1] or found[2] or found[3]}***", text)


def _guarded(value: Any) -> Any:
    """The value without what must not be logged: every string scrubbed, personal fields withheld, at any depth."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {key: "[withheld]" if key in _FORBIDDEN else _guarded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_guarded(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value) if isinstance(value, _PLAIN) else type(value).__name__  # an object's repr may quote words


def _guard(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    guarded: dict[str, Any] = _guarded(event)
    return guarded


def _told(error: BaseException) -> dict[str, Any]:
    """Which exception was raised where, without its message: that may quote what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "exception": type(error).__name__,
        "raised_at": [f"{frame.filename}:{frame.lineno}" for frame in frames],
    }


def _exception_of(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    found = exc_info if isinstance(exc_info, tuple) else sys.exc_info()
    return found[1] if isinstance(found[1], BaseException) else None


def _exception_without_words(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if exc_info := event.pop("exc_info", None):
        error = _exception_of(exc_info)
        if error is not None:
            event.update(_told(error))
    return event


class _LibraryFormatter(logging.Formatter):
    """What libraries log, in the same form and under the same rules."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            said = record.getMessage()
        except (TypeError, ValueError):  # a library's format string and its arguments do not fit
            said = str(record.msg)
        event = {"level": record.levelname.lower(), "logger": record.name, "event": scrub(said)}
        if record.exc_info and (error := _exception_of(record.exc_info)) is not None:
            event |= _told(error)
        return json.dumps(event, ensure_ascii=False)


def _only_grave(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if _quiet.is_set() and method not in _GRAVE:
        raise structlog.DropEvent
    return event


@contextmanager
def only_errors() -> Iterator[None]:
    """Within this, in all threads of the process, our events below an error are not logged."""
    _quiet.set()
    try:
        yield
    finally:
        _quiet.clear()


def configure_logs(level: str) -> None:
    """Sends structlog's events and the libraries' warnings to standard error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryFormatter())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    structlog.configure(
        processors=[
            _only_grave,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_words,
            _guard,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
