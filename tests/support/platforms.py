"""The simulator and a bot that only echoes, each on a loopback port of its own, for tests of the simulator itself."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from flask import Flask, Response, request
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.enterprise import WeChatClient as WeComClient
from wechatpy.enterprise.crypto import WeChatCrypto as WeComCrypto
from wechatpy.replies import create_reply
from wechatpy.utils import check_signature
from werkzeug.serving import WSGIRequestHandler, make_server

from bot.clock import Chance, Clock
from bot.simulator.app import create_simulator_app
from bot.simulator.platform import SimulatorSettings, WeChatAccount, WeComAccount
from bot.simulator.simulator import Simulator

AES = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
WECOM_AES = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
WECHAT = WeChatAccount("wx0123456789abcdef", "app-secret", "wechat-token", "", AES)
WECOM = WeComAccount("ww0123456789abcdef", 1000002, "corp-secret", "wecom-token", WECOM_AES, "", ("robot",), True)
Reply = Callable[[dict[str, Any]], str]


def settings(
    callback: str = "http://127.0.0.1:9", *, wechat: dict[str, Any] | None = None, **changes: Any
) -> SimulatorSettings:
    """Both accounts with their callbacks below `callback` (port 9 answers nobody)."""
    return SimulatorSettings(
        wechat=replace(WECHAT, callback_url=f"{callback}/wechat", **(wechat or {})),
        wecom=replace(WECOM, callback_url=f"{callback}/wecom", **changes.pop("wecom", {})),
        **changes,
    )


class QuietHandler(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def served(app: Callable[..., Any]) -> Iterator[str]:
    """The application on a free port; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class EchoBot:
    """Says every text back, with wechatpy's own cryptography. `heard` are the requests: query and inner fields."""

    mode: str = "safe"
    answer: Callable[[Any], str] = lambda message: f"你说：{getattr(message, 'content', message.type)}"
    raw: list[Callable[[], Response]] = field(default_factory=list)
    heard: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    staff_heard: list[str] = field(default_factory=list)

    def app(self) -> Flask:
        """The bot's web side. Callables in `raw` answer first, one a request."""
        app = Flask("echo", static_folder=None)
        crypto = WeChatCrypto(WECHAT.token, AES, WECHAT.app_id)
        work = WeComCrypto(WECOM.token, WECOM_AES, WECOM.corp_id)

        @app.get("/wechat")
        def verify() -> str:
            check_signature(WECHAT.token, *(request.args[name] for name in ("signature", "timestamp", "nonce")))
            return request.args["echostr"]

        @app.post("/wechat")
        def wechat() -> Any:
            query = request.args.to_dict()
            check_signature(WECHAT.token, query["signature"], query["timestamp"], query["nonce"])
            body = request.get_data(as_text=True)
            if self.mode != "plain":
                body = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
            message = parse_message(body)
            self.heard.append((query, message))
            if self.raw:
                return self.raw.pop(0)()
            text = self.answer(message)
            if not text:
                return "success"
            reply = create_reply(text, message).render()
            return crypto.encrypt_message(reply, query["nonce"], query["timestamp"]) if self.mode != "plain" else reply

        @app.get("/wecom")
        def verify_wecom() -> str:
            query = request.args
            return str(
                work.check_signature(query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"])
            )

        @app.post("/wecom")
        def wecom() -> Any:
            query = request.args
            body = work.decrypt_message(
                request.get_data(as_text=True), query["msg_signature"], query["timestamp"], query["nonce"]
            )
            self.staff_heard.append(body)
            return self.raw.pop(0)() if self.raw else ""

        return app


@dataclass
class Platforms:
    """A simulator, the echo bot behind its callbacks, and real wechatpy clients that call it."""

    simulator: Simulator
    bot: EchoBot
    url: str

    def post(self, host: str, path: str, body: Any = None, *, token: str | None = None, **more: Any) -> dict[str, Any]:
        """One API call without wechatpy; the answer's JSON."""
        params = {"access_token": token} if token else {}
        url = f"{self.url}/simulator/{host}/cgi-bin/{path}"
        answer: dict[str, Any] = requests.post(
            url, params=params, **({"data": _encoded(body)} | more), timeout=10
        ).json()
        return answer

    def get(self, host: str, path: str, **params: str) -> dict[str, Any]:
        """One API call with GET."""
        url = f"{self.url}/simulator/{host}/cgi-bin/{path}"
        answer: dict[str, Any] = requests.get(url, params=params, timeout=10).json()
        return answer

    def control(self, path: str, body: Any = None, *, method: str = "POST") -> requests.Response:
        """One call of the page."""
        return requests.request(method, f"{self.url}/simulator/control/{path}", json=body, timeout=20)

    def wechat_client(self, **arguments: Any) -> Any:
        """The client of wechatpy itself, its fixed address led here."""
        client = WeChatClient(WECHAT.app_id, arguments.pop("secret", WECHAT.app_secret), timeout=10, **arguments)
        client._http.mount("https://", _Here(self.url))
        return client

    def wecom_client(self, **arguments: Any) -> Any:
        """The enterprise client of wechatpy itself, led here too."""
        client = WeComClient(WECOM.corp_id, arguments.pop("secret", WECOM.secret), timeout=10, **arguments)
        client._http.mount("https://", _Here(self.url))
        return client


@contextmanager
def platforms(clock: Clock, *, mode: str = "safe", **changes: Any) -> Iterator[Platforms]:
    """A running simulator with an echo bot; nothing of it is left afterwards."""
    bot = EchoBot(mode)
    wechat = {"mode": mode, **changes.pop("wechat", {})}
    with served(bot.app()) as bot_url:
        simulator = Simulator(settings(bot_url, wechat=wechat, **changes), clock, Chance(clock, seed=5))
        with served(create_simulator_app(simulator)) as url:
            yield Platforms(simulator, bot, url)
            simulator.settle()
            simulator.close()


class _Here(HTTPAdapter):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, prepared: Any, *arguments: Any, **more: Any) -> Any:
        prepared.url = prepared.url.replace("https://", f"{self._url}/simulator/", 1)
        return super().send(prepared, *arguments, **more)


def _encoded(body: Any) -> Any:
    return json.dumps(body, ensure_ascii=False).encode() if isinstance(body, dict | list) else body
