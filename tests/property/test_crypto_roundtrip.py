"""Whatever is sealed comes back for its own row, from any accepted key, and for no other row."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.crypto import Cipher, UnreadableError

PIECES = st.text(max_size=20) | st.sampled_from(["\ud83d", "\udc00", "\udfff", "\0", "🙏"])
TEXTS = st.lists(PIECES, max_size=8).map("".join)
KEYS = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4, unique=True)


@given(text=TEXTS, row=st.text(max_size=40), keys=KEYS, data=st.data())
def test_any_text_comes_back_with_any_of_the_keys(text: str, row: str, keys: list[bytes], data: st.DataObject):
    sealing = data.draw(st.sampled_from(keys))
    assert Cipher(keys).open(Cipher([sealing]).seal(text, row=row), row=row) == text


@given(text=TEXTS, row=st.text(max_size=40), other=st.text(max_size=40))
def test_no_other_row_opens_it(text: str, row: str, other: str):
    assume(row != other)
    cipher = Cipher([b"k" * 32])
    with pytest.raises(UnreadableError):
        cipher.open(cipher.seal(text, row=row), row=other)


@given(blob=st.binary(max_size=80), head=st.booleans())
def test_garbage_is_unreadable_and_never_another_error(blob: bytes, *, head: bool):
    cipher = Cipher([b"k" * 32])
    known = cipher.seal("", row="r")[:4]
    with pytest.raises(UnreadableError):
        cipher.open(known + blob if head else blob, row="r")
