"""Logs: one JSON object a line, with event names and ids. Never a student's words, a phone number or a secret."""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(
    r"((?:access_token|secret|corpsecret|appsecret|component_appsecret|key|token|ticket|password)=)[^&\s'\"]+",
    re.IGNORECASE,
)
_FORBIDDEN = frozenset({"text", "words", "name", "phone", "content", "reply", "body"})


def scrub(text: str) -> str:
    """The text with the values of secret query parameters replaced by ***."""
    return _SECRET.sub(r"\1***", text)


def _guard(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drops what must not be logged, and scrubs every string, exceptions included."""
    for key, value in list(event.items()):
        if key in _FORBIDDEN:
            event[key] = "[withheld]"
        elif isinstance(value, str):
            event[key] = scrub(value)
    return event


def _exception_without_words(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Says which exception was raised where, without its message: that may quote what somebody wrote."""
    if event.pop("exc_info", None):
        kind, _, trace = sys.exc_info()
        if kind is not None:
            event["exception"] = kind.__name__
            event["raised_at"] = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(trace)[-4:]]
    return event


class _ScrubFilter(logging.Filter):
    """Applies scrub() to what libraries log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = scrub(record.getMessage())
        record.args = None
        return True


def configure_logs(level: str) -> None:
    """Sends structlog's events and the libraries' warnings to standard error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_ScrubFilter())
    handler.setFormatter(logging.Formatter('{"level": "%(levelname)s", "logger": "%(name)s", "event": "%(message)s"}'))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    structlog.configure(
        processors=[
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
