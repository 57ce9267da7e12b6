"""Splitting long texts: where the cuts fall."""

import pytest

from bot.channel.text import BYTE_LIMIT, split_text

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
THUMB = "\U0001f44d\U0001f3fd"


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\u3000\t"])
def test_nothing_gives_no_part(blank: str) -> None:
    """Blank text is no message."""
    assert split_text(blank) == []


@pytest.mark.parametrize("text", ["好", "好" * 682, "a" * 2048, "  好。 "])
def test_what_fits_stays_whole(text: str) -> None:
    """Up to 2,048 bytes are one part."""
    assert split_text(text) == [text.strip()]


def test_one_byte_too_many_makes_two() -> None:
    """2,049 bytes are over the limit."""
    assert [len(part) for part in split_text("a" * 2049)] == [2048, 1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("第一段。" * 3 + "\n\n", "第二段"),
        ("第一行，有逗号" + "\n", "第二行"),
        ("一句，两句。", "三句"),
        ("他问：“去哪？”", "没人答"),
        ("逗号之前，", "逗号之后"),
        ("words with", " spaces"),
    ],
)
def test_the_cut_is_at_the_best_break(first: str, second: str) -> None:
    """A paragraph before a line, a line before a sentence, a sentence before a comma, a comma before a space."""
    limit = len((first + second).encode()) - 1
    assert split_text(first + second, limit) == [first.strip(), second.strip()]


def test_a_break_far_too_early_does_not_count() -> None:
    """A cut that leaves most of the message empty is worse than one inside a sentence."""
    parts = split_text("好。" + "长" * 1000)
    assert len(parts) == 2
    assert len(parts[0].encode()) > BYTE_LIMIT - 4


@pytest.mark.parametrize("emoji", [FAMILY, THUMB, "e\u0301", "\u2764\ufe0f"])
def test_a_composed_character_stays_whole(emoji: str) -> None:
    """A family or a skin colour is not torn apart where a cut before it is possible."""
    size = len(emoji.encode())
    for lead in range(1, size + 1):
        parts = split_text("a" * (10 - lead % 10) + emoji * 4, max(size, 12))
        assert "".join(parts).count(emoji) == 4
        assert sum(part.count(emoji) for part in parts) == 4


def test_a_character_longer_than_the_limit_is_cut_and_ends() -> None:
    """An endless chain of joiners cannot hang the splitting."""
    parts = split_text("\u200d" * 5000)
    assert all(len(part.encode()) <= BYTE_LIMIT for part in parts)
    assert "".join(parts) == "\u200d" * 5000
