"""A platform on loopback that answers as a test says: JSON, HTML, silence, half an answer. No rules of its own."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Call:
    """One request as it arrived."""

    path: str
    query: dict[str, str]
    body: Any


@dataclass
class Raw:
    """An answer below HTTP: after `delay_s` these bytes, then `drops` one by one, and the connection ends."""

    data: bytes = b""
    delay_s: float = 0
    drops: bytes = b""
    drop_s: float = 0.1


Answer = dict[str, Any] | Raw | tuple[int, bytes]
"""JSON; or raw bytes; or a status and a body."""


@dataclass
class Platform:
    """What arrived, and what is answered: `answer` by the call, after what was queued in `next`."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    next: list[Answer] = field(default_factory=list)
    token_answer: Answer | None = None
    token_delay_s: float = 0
    answer: Callable[[Call], Answer] = lambda _call: {"errcode": 0, "errmsg": "ok", "msgid": "m1"}
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    tokens: int = 0

    @property
    def counts(self) -> Counter[str]:
        """Calls by the last part of their path."""
        return Counter(call.path.rsplit("/", 1)[-1] for call in self.calls)

    def sent(self) -> list[Any]:
        """The bodies of all calls but token fetches."""
        return [call.body for call in self.calls if not _is_fetch(call)]

    def take(self, call: Call) -> Answer:
        """The answer to `call`, which is kept."""
        with self.lock:
            self.calls.append(call)
            if _is_fetch(call):
                self.tokens += 1
                answer = self.token_answer
                if answer is None:
                    answer = {"access_token": f"TOKEN{self.tokens}", "expires_in": 7200}
            else:
                answer = self.next.pop(0) if self.next else self.answer(call)
        if _is_fetch(call) and self.token_delay_s:
            self.stopped.wait(self.token_delay_s)
        return answer


def _is_fetch(call: Call) -> bool:
    return call.path.endswith(("/stable_token", "/gettoken", "/token"))


@contextmanager
def running() -> Iterator[Platform]:
    """A platform that listens on a free port until the block ends."""
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            call = Call(parts.path, dict(parse_qsl(parts.query)), json.loads(raw) if raw else None)
            self._give(platform.take(call))

        def do_GET(self) -> None:
            self.do_POST()

        def _give(self, answer: Answer) -> None:
            if isinstance(answer, Raw):
                platform.stopped.wait(answer.delay_s)
                self.close_connection = True
                self.wfile.write(answer.data)
                for drop in answer.drops:
                    if platform.stopped.wait(answer.drop_s):
                        return
                    self.wfile.write(bytes([drop]))
                return
            status, body = (200, json.dumps(answer).encode()) if isinstance(answer, dict) else answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:  # a client that gave up
            pass

    server = Server(("127.0.0.1", 0), Handler)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        platform.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
