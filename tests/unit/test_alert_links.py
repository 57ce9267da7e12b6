"""The link in an alert: opens for one person and one alert, for so long, and for nobody who changes a character."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import FakeClock
from bot.escalation.links import BadLinkError, ExpiredLinkError, Links

START = datetime(2027, 6, 8, 12, tzinfo=UTC)
LIFE = timedelta(hours=72)


def links(secret: str = "s" * 40, clock: FakeClock | None = None) -> Links:
    return Links(
        secret=secret,
        base_url="https://x.edu.cn",
        clock=clock or FakeClock(START),
        life=LIFE,
        purpose="alert",
        path="a",
    )


def token(number: int = 12, staff_no: str = "T1") -> str:
    return links().link(number, staff_no).removeprefix("https://x.edu.cn/a/")


@given(st.integers(1, 10**9), st.text(max_size=40).filter(lambda text: "\x00" not in text))
def test_it_opens_what_was_closed(number: int, staff_no: str) -> None:
    """Any staff number, with dots and Chinese in it too."""
    assume_encodable = staff_no.encode("utf-8", "ignore").decode()
    opened = links().open(token(number, assume_encodable))
    assert (opened.number, opened.staff_no, opened.until) == (number, assume_encodable, START + LIFE)


def test_it_is_short_and_fits_a_url() -> None:
    assert len(token(12345, "2019001234")) < 80
    assert all(one.isalnum() or one in "-_" for one in token())


@given(st.integers(0, 60), st.sampled_from("ABCxyz012-_"))
def test_no_character_can_be_changed(place: int, letter: str) -> None:
    real = token()
    place %= len(real)
    changed = real[:place] + letter + real[place + 1 :]
    if changed != real:
        with pytest.raises(BadLinkError):
            links().open(changed)


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda blob: base64.urlsafe_b64encode(blob).decode()))
def test_anything_else_is_refused_quietly(junk: str) -> None:
    with pytest.raises(BadLinkError):
        links().open(junk)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(BadLinkError):
        links(secret="t" * 40).open(token())


def test_its_time_ends_to_the_second() -> None:
    clock = FakeClock(START)
    made = links(clock=clock)
    real = token()
    clock.advance(LIFE - timedelta(seconds=1))
    assert made.open(real).number == 12
    clock.advance(timedelta(seconds=1))
    with pytest.raises(ExpiredLinkError) as caught:
        made.open(real)
    assert caught.value.number == 12
