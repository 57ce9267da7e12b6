"""Callback requests as the platforms write them, and as nobody should: signing, sealing, raw HTTP. No assertions here."""

import base64
import hashlib
import http.client
import itertools
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_NUMBERS = itertools.count(10**17)
_TIMEOUT_S = 20


@dataclass(frozen=True)
class Answered:
    """What came back; status 0 if the connection ended without an answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sender:
    """One account's side of the callbacks, with its token and key; written from the platforms' documents."""

    token: str
    aes_key: str
    receiver_id: str
    now: Callable[[], datetime]

    def sign(self, *parts: str) -> str:
        return hashlib.sha1("".join(sorted((self.token, *parts))).encode()).hexdigest()  # noqa: S324 - the platforms' rule

    def seal(self, inside: bytes) -> str:
        """Any bytes, sealed for the account."""
        plain = b"sixteen bytes...".ljust(16) + struct.pack("!I", len(inside)) + inside + self.receiver_id.encode()
        padding = 32 - len(plain) % 32
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()

    def open(self, sealed: str) -> bytes:
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
        (length,) = struct.unpack("!I", plain[16:20])
        return plain[20 : 20 + length]

    def plain_query(self, late_s: int = 0) -> dict[str, str]:
        """The query of a plain request, signed now."""
        stamp, nonce = str(int(self.now().timestamp()) + late_s), str(next(_NUMBERS))
        return {"timestamp": stamp, "nonce": nonce, "signature": self.sign(stamp, nonce)}

    def sealed_query(self, sealed: str, late_s: int = 0) -> dict[str, str]:
        """The query of a sealed request, signed now."""
        plain = self.plain_query(late_s)
        signature = self.sign(plain["timestamp"], plain["nonce"], sealed)
        return {**plain, "encrypt_type": "aes", "msg_signature": signature}

    def sealed_request(self, inside: bytes, late_s: int = 0) -> tuple[dict[str, str], bytes]:
        """Query and body of a sealed and signed message."""
        sealed = self.seal(inside)
        body = f"<xml><ToUserName><![CDATA[a]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        return self.sealed_query(sealed, late_s), body.encode()

    def message(self, **changes: str | None) -> dict[str, str]:
        """The fields of a text message with a number of its own; None takes a field away."""
        fields: dict[str, str | None] = {
            "ToUserName": "gh_account",
            "FromUserName": f"sender{next(_NUMBERS)}",
            "CreateTime": str(int(self.now().timestamp())),
            "MsgType": "text",
            "Content": "户口迁移怎么办",
            "MsgId": str(next(_NUMBERS)),
        }
        return {name: word for name, word in (fields | changes).items() if word is not None}

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def xml_of(fields: Mapping[str, str]) -> bytes:
    """The fields as the platforms write them."""
    return f"<xml>{''.join(f'<{name}><![CDATA[{word}]]></{name}>' for name, word in fields.items())}</xml>".encode()


def post(url: str, query: Mapping[str, str], body: bytes) -> Answered:
    """An ordinary POST."""
    return exchange(url, query, [("Content-Length", str(len(body)))], body)


def exchange(
    url: str,
    query: Mapping[str, str],
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    method: str = "POST",
) -> Answered:
    """The headers and the body exactly as given, true or not; then the sending side is closed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.putrequest(method, f"{parts.path}?{urlencode(query) or parts.query}", skip_accept_encoding=True)
        for name, value in (("Content-Type", "text/xml"), *headers):
            connection.putheader(name, value)
        with suppress(ConnectionError):  # the server may answer before it has read everything
            connection.endheaders(body or None)
            if headers and connection.sock is not None:
                connection.sock.shutdown(1)
        answer = connection.getresponse()
        return Answered(answer.status, answer.read(), dict(answer.getheaders()))
    except (ConnectionError, http.client.HTTPException):
        return Answered(0)
    finally:
        connection.close()
