"""The platforms' error codes: what each means, row by row, written out so that no row changes unseen."""

from datetime import timedelta

import pytest

from bot.channel.errors import (
    FeatureOffError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    SendError,
    TemporarySendError,
    TokenRefusedError,
    WindowClosedError,
)
from bot.channel.messages import Source
from bot.gateway.codes import CODES, TOKEN_CODES, error_for
from bot.gateway.gateway import checked

ROWS = (
    (Source.WECHAT, -1, TemporarySendError),
    (Source.WECHAT, 40001, TokenRefusedError),
    (Source.WECHAT, 40014, TokenRefusedError),
    (Source.WECHAT, 42001, TokenRefusedError),
    (Source.WECHAT, 40013, TokenRefusedError),
    (Source.WECHAT, 41001, TokenRefusedError),
    (Source.WECHAT, 45002, PermanentSendError),
    (Source.WECHAT, 47001, PermanentSendError),
    (Source.WECHAT, 50002, FeatureOffError),
    (Source.WECHAT, 40003, RecipientGoneError),
    (Source.WECHAT, 40015, PermanentSendError),
    (Source.WECHAT, 40016, PermanentSendError),
    (Source.WECHAT, 40018, PermanentSendError),
    (Source.WECHAT, 40019, PermanentSendError),
    (Source.WECHAT, 40020, PermanentSendError),
    (Source.WECHAT, 40023, PermanentSendError),
    (Source.WECHAT, 40037, FeatureOffError),
    (Source.WECHAT, 40125, TokenRefusedError),
    (Source.WECHAT, 40164, FeatureOffError),
    (Source.WECHAT, 40200, FeatureOffError),
    (Source.WECHAT, 43004, RecipientGoneError),
    (Source.WECHAT, 43019, RecipientGoneError),
    (Source.WECHAT, 43101, PermanentSendError),
    (Source.WECHAT, 43117, RateLimitedError),
    (Source.WECHAT, 45009, RateLimitedError),
    (Source.WECHAT, 45011, RateLimitedError),
    (Source.WECHAT, 45015, WindowClosedError),
    (Source.WECHAT, 45047, WindowClosedError),
    (Source.WECHAT, 45028, FeatureOffError),
    (Source.WECHAT, 45065, PermanentSendError),
    (Source.WECHAT, 45066, RateLimitedError),
    (Source.WECHAT, 46003, PermanentSendError),
    (Source.WECHAT, 48001, FeatureOffError),
    (Source.WECHAT, 48002, RecipientGoneError),
    (Source.WECHAT, 48004, FeatureOffError),
    (Source.WECHAT, 48006, FeatureOffError),
    (Source.WECHAT, 61004, FeatureOffError),
    (Source.WECHAT, 89503, FeatureOffError),
    (Source.WECOM, -1, TemporarySendError),
    (Source.WECOM, 40001, TokenRefusedError),
    (Source.WECOM, 40014, TokenRefusedError),
    (Source.WECOM, 42001, TokenRefusedError),
    (Source.WECOM, 40013, TokenRefusedError),
    (Source.WECOM, 41001, TokenRefusedError),
    (Source.WECOM, 45002, PermanentSendError),
    (Source.WECOM, 47001, PermanentSendError),
    (Source.WECOM, 50002, FeatureOffError),
    (Source.WECOM, 40003, RecipientGoneError),
    (Source.WECOM, 40056, PermanentSendError),
    (Source.WECOM, 40058, PermanentSendError),
    (Source.WECOM, 40093, PermanentSendError),
    (Source.WECOM, 40130, PermanentSendError),
    (Source.WECOM, 42014, PermanentSendError),
    (Source.WECOM, 45009, RateLimitedError),
    (Source.WECOM, 45033, RateLimitedError),
    (Source.WECOM, 48002, FeatureOffError),
    (Source.WECOM, 60011, FeatureOffError),
    (Source.WECOM, 60020, FeatureOffError),
    (Source.WECOM, 60111, RecipientGoneError),
    (Source.WECOM, 81013, RecipientGoneError),
    (Source.WECOM, 82001, PermanentSendError),
    (Source.WECOM, 93000, PermanentSendError),
    (Source.ROBOT, -1, TemporarySendError),
    (Source.ROBOT, 40001, TokenRefusedError),
    (Source.ROBOT, 40014, TokenRefusedError),
    (Source.ROBOT, 42001, TokenRefusedError),
    (Source.ROBOT, 40013, TokenRefusedError),
    (Source.ROBOT, 41001, TokenRefusedError),
    (Source.ROBOT, 45002, PermanentSendError),
    (Source.ROBOT, 47001, PermanentSendError),
    (Source.ROBOT, 50002, FeatureOffError),
    (Source.ROBOT, 40003, RecipientGoneError),
    (Source.ROBOT, 40056, PermanentSendError),
    (Source.ROBOT, 40058, PermanentSendError),
    (Source.ROBOT, 40093, PermanentSendError),
    (Source.ROBOT, 40130, PermanentSendError),
    (Source.ROBOT, 42014, PermanentSendError),
    (Source.ROBOT, 45009, RateLimitedError),
    (Source.ROBOT, 45033, RateLimitedError),
    (Source.ROBOT, 48002, FeatureOffError),
    (Source.ROBOT, 60011, FeatureOffError),
    (Source.ROBOT, 60020, FeatureOffError),
    (Source.ROBOT, 60111, RecipientGoneError),
    (Source.ROBOT, 81013, RecipientGoneError),
    (Source.ROBOT, 82001, PermanentSendError),
    (Source.ROBOT, 93000, PermanentSendError),
)
WAITS = {
    (Source.WECHAT, 43117): timedelta(minutes=1),
    (Source.WECHAT, 45009): timedelta(hours=1),
    (Source.WECHAT, 45011): timedelta(minutes=1),
    (Source.WECHAT, 45066): timedelta(minutes=1),
    (Source.WECOM, 45009): timedelta(minutes=1),
    (Source.WECOM, 45033): timedelta(seconds=5),
    (Source.ROBOT, 45009): timedelta(minutes=1),
    (Source.ROBOT, 45033): timedelta(seconds=5),
}


@pytest.mark.parametrize(("source", "code", "expected"), ROWS)
def test_each_code_has_its_error(source: Source, code: int, expected: type[SendError]) -> None:
    """Exactly this class, the platform's code kept, and a sentence for the operator that names the code."""
    error = error_for(source, code)
    assert type(error) is expected
    assert error.code == str(code)
    assert f"{source.value} {code}" in str(error)
    assert any("\u4e00" <= character <= "\u9fff" for character in str(error))
    with pytest.raises(expected):
        checked(source, {"errcode": code})


@pytest.mark.parametrize(("source", "code"), [(source, code) for source, code, _ in ROWS])
def test_waits_are_the_platforms_own(source: Source, code: int) -> None:
    """Only limits name a wait; everything else goes by the outbox's own backoff."""
    assert getattr(error_for(source, code), "retry_after", None) == WAITS.get((source, code))


def test_no_row_is_without_a_test() -> None:
    """A new row in the table needs a row here."""
    assert {(source, code) for source, table in CODES.items() for code in table} == {row[:2] for row in ROWS}
    assert len(ROWS) == len({row[:2] for row in ROWS})


@pytest.mark.parametrize("source", list(CODES))
@pytest.mark.parametrize("code", [1, 40000, 99999, -2, 2**40])
def test_an_unknown_code_is_tried_again(source: Source, code: int) -> None:
    """Tomorrow's codes lose no message."""
    error = error_for(source, code)
    assert type(error) is TemporarySendError
    assert error.code == str(code)
    assert error.retry_after is None


def test_token_codes_are_a_refused_token() -> None:
    """The codes that renew the token mean that it was refused, on every platform."""
    for source in CODES:
        for code in TOKEN_CODES:
            assert isinstance(error_for(source, code), TokenRefusedError)


@pytest.mark.parametrize("answer", [{}, {"errcode": 0}, {"errcode": "0"}, {"errmsg": "ok", "msgid": 1}])
def test_no_error_code_is_success(answer: dict[str, object]) -> None:
    """Errcode 0 and no errcode are the same."""
    assert checked(Source.WECHAT, answer) is answer


@pytest.mark.parametrize("word", ["x", "", None, [], {}])
def test_a_code_that_is_no_number_is_temporary(word: object) -> None:
    """Nonsense for a code counts as the platform's hiccup."""
    with pytest.raises(TemporarySendError):
        checked(Source.WECOM, {"errcode": word})
