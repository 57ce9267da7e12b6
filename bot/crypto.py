"""Encryption of personal words at rest: AES-GCM bound to its row, with several keys accepted for rotation."""

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import LixiaoError

_KEY_ID_BYTES = 4
_NONCE_BYTES = 12


class UnreadableError(LixiaoError):
    """A sealed value could not be opened: its key is not in security.data_keys, or the row was changed by hand."""


class Cipher:
    """Seals with the first key, opens with any. A value opens only for the row that it was sealed for."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are 32 bytes each, newest first, at least one."""
        self._boxes = {hashlib.sha256(key).digest()[:_KEY_ID_BYTES]: AESGCM(key) for key in keys}
        self._newest = next(iter(self._boxes))

    @property
    def newest_key(self) -> bytes:
        """How a value begins that is sealed with the key in use."""
        return self._newest

    def seal(self, text: str, *, row: str) -> bytes:
        """Key id, nonce and ciphertext of `text`, bound to `row` (table and id)."""
        nonce = os.urandom(_NONCE_BYTES)
        words = text.encode("utf-8", "surrogatepass")
        return self._newest + nonce + self._boxes[self._newest].encrypt(nonce, words, row.encode())

    def open(self, blob: bytes, *, row: str) -> str:
        """The text that was sealed for `row`. Raises UnreadableError."""
        box = self._boxes.get(blob[:_KEY_ID_BYTES])
        if box is None:
            raise UnreadableError
        nonce = blob[_KEY_ID_BYTES : _KEY_ID_BYTES + _NONCE_BYTES]
        try:
            words = box.decrypt(nonce, blob[_KEY_ID_BYTES + _NONCE_BYTES :], row.encode())
        except (InvalidTag, ValueError) as error:
            raise UnreadableError from error
        return words.decode("utf-8", "surrogatepass")
