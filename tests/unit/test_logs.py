"""What the logs may say: events and ids. No words, no secrets, no exception's message."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bot.channel.messages import TextContent
from bot.logs import configure_logs, only_errors, scrub

WORDS = "我不想活了"


Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Each line logged since, parsed: a line that is not one JSON object fails the test."""
    kept = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", kept)
        configure_logs("info")
    yield lambda: [json.loads(line) for line in kept.getvalue().splitlines()]
    configure_logs("error")


def _raise() -> None:
    raise ValueError(WORDS)


def test_an_event_is_one_json_object_with_its_ids(lines: Lines):
    structlog.get_logger("a").info("message_answered", inbound="01jx", count=3)
    (event,) = lines()
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "message_answered", "inbound": "01jx", "count": 3, "level": "info"}


def test_events_below_the_level_are_silent(lines: Lines):
    structlog.get_logger("a").debug("detail")
    assert lines() == []


@pytest.mark.parametrize("key", ["text", "words", "name", "phone", "content", "reply", "body"])
def test_personal_fields_are_withheld(lines: Lines, key: str):
    """Even where somebody forgot the rule: the field is there, its value is not."""
    structlog.get_logger("a").info("slip", **{key: WORDS})
    (event,) = lines()
    assert event[key] == "[withheld]"


def test_personal_fields_inside_others_are_withheld(lines: Lines):
    structlog.get_logger("a").info("slip", detail={"text": WORDS, "turns": [{"words": WORDS}], "id": 7})
    (event,) = lines()
    assert event["detail"]["id"] == 7
    assert WORDS not in json.dumps(event, ensure_ascii=False)


@pytest.mark.parametrize(
    "value",
    [
        "https://api.weixin.qq.com/cgi-bin/x?access_token=SECRET&y=1",
        ["GET /cgi-bin/token?appid=wx1&secret=SECRET", "ok"],
        {"url": "https://x/?key=SECRET"},
        ({"urls": ("https://x/?corpsecret=SECRET",)},),
    ],
)
def test_secrets_in_any_value_are_scrubbed(lines: Lines, value: Any):
    structlog.get_logger("a").info("called", value=value)
    assert "SECRET" not in json.dumps(lines())


def test_an_object_shows_its_kind_and_not_what_it_holds(lines: Lines):
    """A message that somebody logs whole would quote the student."""
    structlog.get_logger("a").info("slip", one=TextContent(WORDS), several=[TextContent(WORDS)], raw=WORDS.encode())
    (event,) = lines()
    assert event["one"] == "TextContent"
    assert WORDS not in json.dumps(event, ensure_ascii=False)
    assert "\\x" not in json.dumps(event)


class TestExceptions:
    def test_the_kind_and_the_place_but_not_the_message(self, lines: Lines):
        try:
            _raise()
        except ValueError:
            structlog.get_logger("a").exception("stage_failed", inbound="01jx")
        (event,) = lines()
        assert event["exception"] == "ValueError"
        assert event["raised_at"][-1].partition(":")[0].endswith("test_logs.py")
        assert WORDS not in json.dumps(event, ensure_ascii=False)

    def test_one_that_was_kept_for_later_is_told_too(self, lines: Lines):
        kept: list[BaseException] = []
        try:
            _raise()
        except ValueError as error:
            kept.append(error)
        structlog.get_logger("a").error("job_failed", exc_info=kept[0])
        (event,) = lines()
        assert event["exception"] == "ValueError"
        assert WORDS not in json.dumps(event, ensure_ascii=False)

    def test_a_value_that_is_an_exception_shows_its_kind(self, lines: Lines):
        structlog.get_logger("a").warning("odd", error=ValueError(WORDS))
        (event,) = lines()
        assert event["error"] == "ValueError"


class TestLibraries:
    def test_their_lines_are_json_whatever_is_in_them(self, lines: Lines):
        logging.getLogger("urllib3").warning('quote " back \\ slash\nnew line %s', "and 中文")
        (event,) = lines()
        assert event["event"] == 'quote " back \\ slash\nnew line and 中文'
        assert (event["level"], event["logger"]) == ("warning", "urllib3")

    def test_their_secrets_are_scrubbed(self, lines: Lines):
        logging.getLogger("urllib3").warning("GET %s", "/cgi-bin/token?appid=wx&secret=SECRET")
        assert "SECRET" not in json.dumps(lines())

    def test_their_exceptions_have_no_message_either(self, lines: Lines):
        """A web framework that logs an unhandled error would quote what the student wrote."""
        try:
            _raise()
        except ValueError:
            logging.getLogger("flask").exception("Exception on /wechat [POST]")
        (event,) = lines()
        assert event["exception"] == "ValueError"
        assert WORDS not in json.dumps(event, ensure_ascii=False)

    def test_a_broken_log_call_of_theirs_does_not_break_us(self, lines: Lines):
        ours = [handler for handler in logging.getLogger().handlers if type(handler.formatter).__module__ == "bot.logs"]
        record = logging.LogRecord("careless", logging.WARNING, __file__, 1, "%d apples", ("no number",), None)
        for handler in ours:
            handler.handle(record)
        assert [event["event"] for event in lines()] == ["%d apples"]

    def test_their_small_talk_is_left_out(self, lines: Lines):
        logging.getLogger("sqlalchemy.engine").info("SELECT 1")
        assert lines() == []


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("access_token=abc", "access_token=***"),
        ("?appid=wx1&secret=abc&x=1", "?appid=wx1&secret=***&x=1"),
        ("ACCESS_TOKEN=abc DEF", "ACCESS_TOKEN=*** DEF"),
        ("'https://x/?key=abc'", "'https://x/?key=***'"),
        ("/cgi-bin/webhook/send?key=a-b-c, gone", "/cgi-bin/webhook/send?key=***, gone"),
        ("postgresql://u:pw@h/d?password=abc", "postgresql://u:***@h/d?password=***"),
        ('{"access_token": "abc", "expires_in": 7200}', '{"access_token": "***", "expires_in": 7200}'),
        ("corpid=ww&corpsecret=abc", "corpid=ww&corpsecret=***"),
        ("monkey=abc", "monkey=abc"),
        ("nothing here", "nothing here"),
    ],
)
def test_scrub(text: str, scrubbed: str):
    """Secret parameters lose their values, wherever they are written; other text stays as it is."""
    assert scrub(text) == scrubbed


def test_quiet_drops_what_is_below_an_error_and_no_more(lines: Lines) -> None:
    """A command that lives through a month says only what went wrong in it; afterwards all is told again."""
    logger = structlog.get_logger("quiet")
    with only_errors():
        logger.info("dropped")
        logger.warning("dropped")
        logger.error("kept")
    logger.info("told_again")
    assert [line["event"] for line in lines()] == ["kept", "told_again"]
