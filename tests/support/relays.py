"""A mail server and an HTTP gateway on loopback that do what a test tells them: real sockets, no mocks."""

import json
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from support.world import LoopbackServer


@dataclass
class Mailbox:
    """What a mail server has taken, and what it answers next to one of its commands."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    login: tuple[str, str] = ("", "")
    hangs_up: bool = False

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.hangs_up:
            assert server.transport is not None
            server.transport.abort()
            return "250 never seen"
        if "DATA" in self.answers:
            return self.answers["DATA"]
        mail = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[arg-type]
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        return AuthResult(success=(data.login.decode(), data.password.decode()) == self.login, handled=False)


@contextmanager
def mail_server(*, login: tuple[str, str] = ("", "")) -> Iterator[Mailbox]:
    """A mail server that takes everything, with a login if one is given."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mailbox = Mailbox(port, login=login)
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=port, authenticator=mailbox.authenticate, auth_require_tls=False
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields


@dataclass
class Gateway:
    """An HTTP server that keeps its requests and gives the answers that it was told, then always the last of them."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: deque[tuple[int, Any]] = field(default_factory=lambda: deque([(200, {"code": 0, "errcode": 0})]))

    def says(self, status: int, body: Any) -> None:
        self.answers = deque([(status, body)])

    def app(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        headers = {
            key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")
        }
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        self.calls.append(
            Call(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                parse_qs(environ["QUERY_STRING"]),
                headers,
                environ["wsgi.input"].read(size),
            )
        )
        status, body = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        start_response(f"{status} x", [("Content-Type", "application/json")])
        return [(body if isinstance(body, str) else json.dumps(body)).encode()]


@contextmanager
def http_gateway() -> Iterator[Gateway]:
    """A gateway that says that all is well, until it is told otherwise."""
    server, gateway = LoopbackServer(), Gateway()
    gateway.url, server.app = server.url, gateway.app
    try:
        yield gateway
    finally:
        server.close()
