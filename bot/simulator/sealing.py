"""Signing and sealing as both platforms do it, written from their documents: an independent peer for the bot."""

import base64
import binascii
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.clock import Chance
from bot.simulator.errors import SealBrokenError

_BLOCK = 32  # PKCS#7 with 32-byte blocks, not AES's 16
_NOISE = 16
_LENGTH = 4


class Seal:
    """Signs and seals for one account: `receiver_id` is the app_id or the corp_id at the end of each sealed text."""

    def __init__(self, *, token: str, encoding_aes_key: str, receiver_id: str, chance: Chance) -> None:
        """`encoding_aes_key` has 43 characters, or is empty where nothing is ever sealed (plain mode)."""
        self._token = token
        self._receiver = receiver_id.encode()
        self._key = base64.b64decode(encoding_aes_key + "=") if encoding_aes_key else b""
        self._chance = chance

    def sign(self, *parts: str) -> str:
        """Lower-case hex sha1 of the sorted token and parts."""
        return hashlib.sha1("".join(sorted((self._token, *parts))).encode()).hexdigest()  # noqa: S324 - the platforms' rule

    def signed(self, signature: str, *parts: str) -> bool:
        """True if `signature` is that of the parts."""
        return hmac.compare_digest(signature.encode(), self.sign(*parts).encode())

    def seal(self, text: str) -> str:
        """`text` as base64 that only the holder of the key can read."""
        body = text.encode()
        noise = self._chance.token(_NOISE).encode()[:_NOISE]
        plain = noise + struct.pack("!I", len(body)) + body + self._receiver
        padding = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()

    def open(self, sealed: str) -> str:
        """The text inside. Raises SealBrokenError for whatever the platform could not open."""
        try:
            decryptor = self._cipher().decryptor()
            plain = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        except (binascii.Error, ValueError) as error:
            raise SealBrokenError from error
        padding = plain[-1] if plain else 0
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            raise SealBrokenError
        content = plain[_NOISE:-padding]
        if len(content) < _LENGTH:
            raise SealBrokenError
        end = _LENGTH + struct.unpack("!I", content[:_LENGTH])[0]
        if content[end:] != self._receiver:
            raise SealBrokenError
        try:
            return content[_LENGTH:end].decode()
        except UnicodeDecodeError as error:
            raise SealBrokenError from error

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))
