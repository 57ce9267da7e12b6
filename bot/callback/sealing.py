"""Signatures and sealing of callbacks: constant-time checks, fresh timestamps, and two keys during a rotation.

Source: WeChat's and WeCom's documents on message encryption. The signature is the sha1 of the sorted token,
timestamp, nonce and, for sealed messages, the sealed text.
"""

import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wechatpy.crypto import PrpCrypto

from bot.callback.errors import BadSignatureError, MalformedMessageError
from bot.callback.xml import safe_text, text_element

_LONGEST_PARAMETER = 128
_AES_BLOCK = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A callback's inner text, and the key that opened it, with which its reply is sealed."""

    text: bytes
    key: int


class Seal:
    """One account's token and keys, the current one first."""

    def __init__(self, *, token: str, receiver_id: str, aes_keys: Sequence[str], skew: timedelta) -> None:
        """`aes_keys` have 43 characters each; empty ones do not count."""
        self._token = token
        self._receiver_id = receiver_id
        self._cryptos = [PrpCrypto(binascii.a2b_base64(key + "=")) for key in aes_keys if key]
        self._skew = skew

    @property
    def can_seal(self) -> bool:
        """True if there is a key."""
        return bool(self._cryptos)

    def sign(self, *parts: str) -> str:
        """The signature of timestamp, nonce and, if sealed, the sealed text."""
        joined = "".join(sorted((self._token, *parts)))
        return hashlib.sha1(joined.encode("utf-8", "replace")).hexdigest()  # noqa: S324 - the platforms' rule

    def check(self, query: Mapping[str, str], *, sealed: str | None, now: datetime) -> str:
        """The request is signed with our token and fresh; returns a key that is unique to the signed request.

        `sealed` is the Encrypt element of a sealed message. Raises BadSignatureError.
        """
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        given = query.get("signature" if sealed is None else "msg_signature", "")
        if not given or max(len(timestamp), len(nonce), len(given)) > _LONGEST_PARAMETER:
            raise BadSignatureError
        expected = self.sign(timestamp, nonce) if sealed is None else self.sign(timestamp, nonce, sealed)
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise BadSignatureError
        if not timestamp.isascii() or not timestamp.isdigit():
            raise BadSignatureError
        if abs(int(timestamp) - now.timestamp()) > self._skew.total_seconds():
            raise BadSignatureError
        return hashlib.sha256(f"{given}:{timestamp}:{nonce}".encode("utf-8", "replace")).hexdigest()

    def open(self, sealed: str) -> Opened:
        """The inner text, with whichever key fits. Raises MalformedMessageError."""
        for number, crypto in enumerate(self._cryptos):
            text = self._open_with(crypto.cipher.decrypt, sealed)
            if text is not None:
                return Opened(text, number)
        raise MalformedMessageError

    def seal_reply(self, xml: str, *, key: int, nonce: str, now: datetime) -> str:
        """The sealed and signed reply, as XML."""
        timestamp = str(int(now.timestamp()))
        nonce = safe_text(nonce)[:_LONGEST_PARAMETER]
        encrypted = self._cryptos[key].encrypt(xml, self._receiver_id).decode()
        return (
            f"<xml>{text_element('Encrypt', encrypted)}"
            f"{text_element('MsgSignature', self.sign(timestamp, nonce, encrypted))}"
            f"<TimeStamp>{timestamp}</TimeStamp>{text_element('Nonce', nonce)}</xml>"
        )

    def _open_with(self, decrypt: Callable[[bytes], bytes], sealed: str) -> bytes | None:
        """None if the key does not fit. wechatpy checks neither padding nor length, so that is done here."""
        try:
            raw = binascii.a2b_base64(sealed.encode("ascii"), strict_mode=True)
            if not raw or len(raw) % _AES_BLOCK:
                return None
            plain = decrypt(raw)
        except (ValueError, UnicodeEncodeError, TypeError):
            return None
        padding = plain[-1]
        if not 1 <= padding <= 32 or not plain.endswith(bytes([padding]) * padding):  # noqa: PLR2004 - PKCS#7, blocks of 32
            return None
        content = plain[16:-padding]
        if len(content) < 4:  # noqa: PLR2004 - a length in network order comes first
            return None
        (length,) = struct.unpack("!I", content[:4])
        if content[4 + length :] != self._receiver_id.encode():
            return None
        return content[4 : 4 + length]
