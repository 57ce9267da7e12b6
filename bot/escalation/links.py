"""The link in an alert: opens one alert for one person until it expires, without a login."""

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

    def __init__(self, alert_id: int) -> None:
        super().__init__()
        self.alert_id = alert_id


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link stands for."""

    alert_id: int
    staff_no: str
    until: datetime


class Links:
    """Makes and opens links. Nothing is stored: the signature is the proof, so a changed secret_key ends them all."""

    def __init__(self, *, secret: str, base_url: str, clock: Clock, life: timedelta) -> None:
        self._key = hashlib.sha256(b"lixiao alert link\0" + secret.encode()).digest()
        self._base_url = base_url
        self._clock = clock
        self._life = life

    def link(self, alert_id: int, staff_no: str) -> str:
        """The whole address, good for `life` from now on."""
        until = int((self._clock.now() + self._life).timestamp())
        claims = f"{alert_id}.{until}.{staff_no}".encode()
        token = base64.urlsafe_b64encode(self._signature(claims) + claims).decode().rstrip("=")
        return f"{self._base_url}/a/{token}"

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
        alert_id, seconds, staff_no = claims.decode().split(".", 2)
        until = datetime.fromtimestamp(int(seconds), UTC)
        if self._clock.now() >= until:
            raise ExpiredLinkError(int(alert_id))
        return Opened(int(alert_id), staff_no, until)

    def _signature(self, claims: bytes) -> bytes:
        return hmac.digest(self._key, claims, "sha256")[:_SIGNATURE_BYTES]
