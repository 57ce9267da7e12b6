"""Hands a message to the bot as the platforms do: signed, sealed, five seconds, three tries."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from bot.simulator.calls import Journal, Try
from bot.simulator.errors import BrokenReplyError, SealBrokenError
from bot.simulator.faults import Faults
from bot.simulator.sealing import Seal
from bot.simulator.state import State
from bot.simulator.wire import Value, read_xml, write_xml

_TRIES = 3
BROKEN = "该公众号提供的服务出现故障，请稍后再试"


@dataclass(frozen=True, slots=True)
class Round:
    """What came of handing one message over: answered, empty or failed; the reply's text; how many tries it took."""

    status: str
    reply: str
    tries: int


class Postman:
    """Posts to one callback address."""

    def __init__(
        self, state: State, journal: Journal, faults: Faults, seal: Seal, *, platform: str, url: str, mode: str,
        timeout_s: float,
    ) -> None:  # fmt: skip
        self._state = state
        self._journal = journal
        self._faults = faults
        self._seal = seal
        self._platform = platform
        self._urls = url.split()  # several stand behind one address, as behind a load balancer
        self._mode = mode
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False

    def post(self, fields: Mapping[str, Value]) -> Round:
        """Up to three tries, each signed anew, until the bot answers with status 200."""
        for number in range(1, _TRIES + 1):
            status, body = self._try(fields, number)
            if status != requests.codes.ok:
                continue
            try:
                reply = self._read(body)
            except (BrokenReplyError, SealBrokenError, UnicodeDecodeError, KeyError):
                return Round("failed", BROKEN, number)
            return Round("answered" if reply else "empty", reply, number)
        return Round("failed", BROKEN, _TRIES)

    def verify(self, echo: str) -> bool:
        """The GET with which an address is set: the bot must give `echo` back."""
        sealed = self._seal.seal(echo) if self._platform == "wecom" else echo
        query = self._query(sealed if self._platform == "wecom" else None) | {"echostr": sealed}
        answer = self._session.get(self._urls[0], params=query, timeout=self._timeout_s)
        return answer.status_code == requests.codes.ok and answer.text == echo

    def _try(self, fields: Mapping[str, Value], number: int) -> tuple[int | None, bytes]:
        plain = write_xml(fields)
        sealed = self._seal.seal(plain) if self._mode != "plain" else None
        query = self._query(sealed)
        body = plain
        if sealed is not None:
            outer: dict[str, Value] = {"ToUserName": str(fields["ToUserName"]), "Encrypt": sealed}
            if self._mode == "compatible":
                outer = {**fields, "Encrypt": sealed}
            body = write_xml(outer)
        fault = self._faults.take("callback", self._platform)
        started = time.monotonic()
        status: int | None = None
        content = b""
        try:
            answer = self._session.post(
                self._urls[(number - 1) % len(self._urls)],
                params=query,
                data=body.encode(),
                timeout=self._timeout_s,
                headers={"Content-Type": "text/xml"},
            )
            status, content = answer.status_code, answer.content
        except requests.RequestException:
            pass
        if fault is not None and fault.drop:
            status, content = None, b""
        elapsed = time.monotonic() - started
        self._journal.add_try(Try(self._platform, number, status, elapsed, content))
        return status, content

    def _query(self, sealed: str | None) -> dict[str, str]:
        timestamp, nonce = str(int(self._state.now().timestamp())), self._state.chance.token(8)
        query = {"timestamp": timestamp, "nonce": nonce}
        if self._platform == "wechat":
            query["signature"] = self._seal.sign(timestamp, nonce)
        if sealed is not None:
            query["msg_signature"] = self._seal.sign(timestamp, nonce, sealed)
            if self._platform == "wechat":
                query["encrypt_type"] = "aes"
        return query

    def _read(self, body: bytes) -> str:
        """The passive reply's text; "" for success or nothing."""
        text = body.decode()
        if text in ("", "success"):
            return ""
        fields = read_xml(text)
        if self._mode != "plain":
            sealed = str(fields["Encrypt"])
            if not self._seal.signed(
                str(fields["MsgSignature"]), str(fields["TimeStamp"]), str(fields["Nonce"]), sealed
            ):
                raise BrokenReplyError("wrong signature")
            fields = read_xml(self._seal.open(sealed))
        if fields.get("MsgType") != "text":
            raise BrokenReplyError("not a text reply")
        return str(fields["Content"] or "")
