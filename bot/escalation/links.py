"""Signed links: each opens one thing for one person until it expires, without a login."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.errors import LixiaoError

_SIGNATURE_BYTES = 16  # 128 bits: not to be guessed, and short enough for an SMS
_LONGEST = 200


class BadLinkError(LixiaoError):
    """The link is not one of ours, or not all of it has arrived."""


class ExpiredLinkError(LixiaoError):
    """The link was ours, and its time is over."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link stands for."""

    number: int
    staff_no: str
    until: datetime


class Links:
    """Makes and opens links. Nothing is stored: the signature is the proof, so a changed secret_key ends them all."""

    def __init__(self, *, secret: str, base_url: str, clock: Clock, life: timedelta, purpose: str, path: str) -> None:
        """A link of one `purpose` opens nothing of another; `path` is where its page is served."""
        self._key = hashlib.sha256(f"lixiao {purpose} link\0{secret}".encode()).digest()
        self._address = f"{base_url}/{path}/"
        self._clock = clock
        self._life = life

    def link(self, number: int, staff_no: str) -> str:
        """The whole address, good for `life` from now on."""
        until = int((self._clock.now() + self._life).timestamp())
        claims = f"{number}.{until}.{staff_no}".encode()
        token = base64.urlsafe_b64encode(self._signature(claims) + claims).decode().rstrip("=")
        return self._address + token

    def open(self, token: str) -> Opened:
        """What the link stands for. Raises BadLinkError and ExpiredLinkError."""
        if len(token) > _LONGEST:
            raise BadLinkError
        try:
            blob = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadLinkError from error
        signature, claims = blob[:_SIGNATURE_BYTES], blob[_SIGNATURE_BYTES:]
        canonical = base64.urlsafe_b64encode(blob).decode().rstrip("=") == token
        if not canonical or not hmac.compare_digest(signature, self._signature(claims)):
            raise BadLinkError
        number, seconds, staff_no = claims.decode().split(".", 2)
        until = datetime.fromtimestamp(int(seconds), UTC)
        if self._clock.now() >= until:
            raise ExpiredLinkError(int(number))
        return Opened(int(number), staff_no, until)

    def _signature(self, claims: bytes) -> bytes:
        return hmac.digest(self._key, claims, "sha256")[:_SIGNATURE_BYTES]
