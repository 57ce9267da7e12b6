"""Splitting any text: nothing lost, nothing broken, nothing too long."""

from hypothesis import given
from hypothesis import strategies as st

from bot.channel.text import BYTE_LIMIT, split_text

PIECES = st.sampled_from(
    [
        "好",
        "，",
        "。",
        "\n",
        "\n\n",
        " ",
        "\u3000",
        "a",
        "é",
        "e\u0301",
        "\U0001f468\u200d\U0001f469",
        "\U0001f44d\U0001f3fd",
        "\u200d",
        "\ufe0f",
        "”",
        "？",
    ]
)
LONG = st.builds(lambda pieces, times: "".join(pieces) * times, st.lists(PIECES, max_size=30), st.integers(1, 120))
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), LONG)


def bare(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


@given(TEXTS)
def test_parts_fit_and_lose_nothing(text: str) -> None:
    """Each part is at most 2,048 bytes and not blank; without white space they are the text."""
    parts = split_text(text)
    assert all(part.strip() for part in parts)
    assert all(len(part.encode()) <= BYTE_LIMIT for part in parts)
    assert bare("".join(parts)) == bare(text)


@given(TEXTS, st.integers(4, 64))
def test_small_limits_break_no_character(text: str, limit: int) -> None:
    """The same with any limit that one character fits into; each part is whole characters, in order."""
    parts = split_text(text, limit)
    assert all(part and len(part.encode()) <= limit for part in parts)
    assert bare("".join(parts)) == bare(text)
    position = 0
    for part in parts:
        position = text.index(part, position) + len(part)


@given(st.text(), st.integers(4, 64))
def test_even_half_characters_end_well(text: str, limit: int) -> None:
    """Lone surrogates, which no platform can carry, neither raise nor hang."""
    assert bare("".join(split_text(text, limit))) == bare(text)
