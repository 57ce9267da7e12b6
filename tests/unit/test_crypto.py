"""Sealing words: bound to their row, readable with an old key, and never half-opened."""

import pytest

from bot.crypto import Cipher, UnreadableError

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
WORDS = "东西都送人了，今晚天台见 🙏"


def test_the_text_comes_back(cipher: Cipher):
    assert cipher.open(cipher.seal(WORDS, row="inbound:1"), row="inbound:1") == WORDS


def test_the_blob_shows_nothing_of_the_text():
    blob = Cipher([NEW]).seal("a" * 64, row="r")
    assert b"aaaa" not in blob


def test_the_same_text_twice_is_not_the_same_blob(cipher: Cipher):
    """Equal words must not be seen to be equal by who reads the table."""
    assert cipher.seal(WORDS, row="r") != cipher.seal(WORDS, row="r")


def test_a_value_moved_to_another_row_does_not_open(cipher: Cipher):
    with pytest.raises(UnreadableError):
        cipher.open(cipher.seal(WORDS, row="inbound:1"), row="inbound:2")


class TestRotation:
    def test_the_newest_key_seals(self):
        blob = Cipher([NEW, OLD]).seal(WORDS, row="r")
        assert Cipher([NEW]).open(blob, row="r") == WORDS
        with pytest.raises(UnreadableError):
            Cipher([OLD]).open(blob, row="r")

    def test_what_the_old_key_sealed_still_opens(self):
        assert Cipher([NEW, OLD]).open(Cipher([OLD]).seal(WORDS, row="r"), row="r") == WORDS

    def test_a_dropped_key_says_what_to_look_at(self):
        with pytest.raises(UnreadableError, match=r"security\.data_keys"):
            Cipher([NEW, OTHER]).open(Cipher([OLD]).seal(WORDS, row="r"), row="r")


@pytest.mark.parametrize("length", range(33))
def test_a_cut_blob_is_unreadable_and_nothing_else(length: int):
    """Whatever is left of a blob, the error is the one that callers know."""
    cipher = Cipher([NEW])
    with pytest.raises(UnreadableError):
        cipher.open(cipher.seal("x", row="r")[:length], row="r")


def test_a_flipped_bit_anywhere_is_seen():
    cipher = Cipher([NEW])
    blob = cipher.seal("ab", row="r")
    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 1
        with pytest.raises(UnreadableError):
            cipher.open(bytes(changed), row="r")


def test_half_a_character_survives(cipher: Cipher):
    """Phones do send lone surrogates; storing such a message must not fail."""
    assert cipher.open(cipher.seal("\ud83d半", row="r"), row="r") == "\ud83d半"
