"""Callbacks as each platform writes, signs and seals them, and how it reads the bot's passive reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import requests

from bot.simulator.errors import BrokenReplyError, SealBrokenError
from bot.simulator.platform import WeChatAccount, WeComAccount
from bot.simulator.posting import Letter, Postman, Round
from bot.simulator.sealing import Seal
from bot.simulator.state import State
from bot.simulator.wire import Value, read_xml, write_xml

_NOTHING = (b"", b"success")
_TEXT_BYTES = 2048
_NONCE_DIGITS = 10**10


@dataclass(frozen=True, slots=True)
class Check:
    """The result of saving the callback address on the platform's page; `detail` is in English."""

    ok: bool
    detail: str = ""

    def __bool__(self) -> bool:
        return self.ok


class _Envelope:
    """Timestamps, nonces and sealing, the same on both platforms."""

    def __init__(self, state: State, seal: Seal) -> None:
        self._state = state
        self._seal = seal

    def stamp(self) -> tuple[str, str]:
        """A timestamp in seconds and a fresh nonce."""
        noise = int.from_bytes(self._state.chance.token(12).encode())
        return str(int(self._state.now().timestamp())), str(noise % _NONCE_DIGITS)

    def open_reply(self, answer: bytes) -> dict[str, object]:
        """The fields inside a sealed reply. Raises BrokenReplyError if a seal, signature or tag is wrong."""
        outer = read_xml(answer)
        sealed, signature, timestamp, nonce = (
            outer.get(name) for name in ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
        )
        if not (isinstance(sealed, str) and isinstance(signature, str)):
            raise BrokenReplyError("a sealed reply needs Encrypt and MsgSignature")
        if not (isinstance(timestamp, str) and isinstance(nonce, str)):
            raise BrokenReplyError("a sealed reply needs TimeStamp and Nonce")
        if not self._seal.signed(signature, timestamp, nonce, sealed):
            raise BrokenReplyError("the reply's MsgSignature is wrong")
        try:
            return read_xml(self._seal.open(sealed))
        except SealBrokenError as error:
            raise BrokenReplyError("the reply cannot be opened") from error


class WeChatCallbacks:
    """The official account's callbacks to the bot's /wechat."""

    def __init__(self, state: State, account: WeChatAccount, postman: Postman) -> None:
        self.url = account.callback_url
        self._state = state
        self._account = account
        self._postman = postman
        self._seal = Seal(
            token=account.token,
            encoding_aes_key=account.encoding_aes_key,
            receiver_id=account.app_id,
            chance=state.chance,
        )
        self._envelope = _Envelope(state, self._seal)

    def deliver(self, openid: str, fields: Mapping[str, Value]) -> Round:
        """Sends `fields` (MsgType and below) from `openid` and waits for the answer, three tries in all."""
        with self._state.lock:
            inner: dict[str, Value] = {
                "ToUserName": self._account.original_id,
                "FromUserName": openid,
                "CreateTime": int(self._state.now().timestamp()),
                **fields,
            }
        return self._postman.carry(
            "wechat",
            self.url,
            write=lambda: self._letter(openid, inner),
            read=lambda answer: self._read(openid, answer),
        )

    def verify(self, timeout_s: float) -> Check:
        """The check when an operator saves the address: a signed GET whose echostr must come back, in every mode."""
        timestamp, nonce = self._envelope.stamp()
        echo = str(self._state.new_platform_id())
        query = {
            "signature": self._seal.sign(timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "echostr": echo,
        }
        return _echoed(self.url.split()[0], query, echo, timeout_s)

    def _letter(self, openid: str, inner: Mapping[str, Value]) -> Letter:
        timestamp, nonce = self._envelope.stamp()
        query = {
            "signature": self._seal.sign(timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": openid,
        }
        if self._account.mode == "plain":
            return Letter(query, write_xml(inner).encode())
        sealed = self._seal.seal(write_xml(inner))
        query |= {"encrypt_type": "aes", "msg_signature": self._seal.sign(timestamp, nonce, sealed)}
        shown = inner if self._account.mode == "compatible" else {"ToUserName": self._account.original_id}
        return Letter(query, write_xml({**shown, "Encrypt": sealed}).encode())

    def _read(self, openid: str, answer: bytes) -> Mapping[str, object] | None:
        if answer.strip() in _NOTHING:
            return None
        reply: Mapping[str, object] = read_xml(answer)
        if self._account.mode != "plain" and "Encrypt" in reply:
            reply = self._envelope.open_reply(answer)
        elif self._account.mode == "safe":
            raise BrokenReplyError("safe mode wants a sealed reply")
        if reply.get("ToUserName") != openid or reply.get("FromUserName") != self._account.original_id:
            raise BrokenReplyError("ToUserName or FromUserName is not the other way round")
        if not str(reply.get("CreateTime", "")).isdigit():
            raise BrokenReplyError("CreateTime is not a number of seconds")
        if reply.get("MsgType") == "text":
            content = reply.get("Content")
            if not isinstance(content, str) or not content:
                raise BrokenReplyError("a text reply needs Content")
            if len(content.encode()) > _TEXT_BYTES:
                raise BrokenReplyError(f"Content is over {_TEXT_BYTES} bytes")
        elif reply.get("MsgType") not in ("image", "voice", "video", "music", "news", "transfer_customer_service"):
            raise BrokenReplyError("unknown MsgType")
        return reply


class WeComCallbacks:
    """The application's callbacks to the bot's /wecom, always sealed."""

    def __init__(self, state: State, account: WeComAccount, postman: Postman) -> None:
        self.url = account.callback_url
        self._state = state
        self._account = account
        self._postman = postman
        self._seal = Seal(
            token=account.token,
            encoding_aes_key=account.encoding_aes_key,
            receiver_id=account.corp_id,
            chance=state.chance,
        )
        self._envelope = _Envelope(state, self._seal)

    def deliver(self, userid: str, fields: Mapping[str, Value]) -> Round:
        """Sends `fields` (MsgType and below) from `userid` and waits for the answer, three tries in all."""
        with self._state.lock:
            inner: dict[str, Value] = {
                "ToUserName": self._account.corp_id,
                "FromUserName": userid,
                "CreateTime": int(self._state.now().timestamp()),
                **fields,
                "AgentID": self._account.agent_id,
            }
        return self._postman.carry("wecom", self.url, write=lambda: self._letter(inner), read=self._read)

    def verify(self, timeout_s: float) -> Check:
        """The check when an operator saves the address: a sealed echostr must come back opened, and nothing else."""
        echo = str(self._state.new_platform_id())
        sealed = self._seal.seal(echo)
        timestamp, nonce = self._envelope.stamp()
        query = {
            "msg_signature": self._seal.sign(timestamp, nonce, sealed),
            "timestamp": timestamp,
            "nonce": nonce,
            "echostr": sealed,
        }
        return _echoed(self.url.split()[0], query, echo, timeout_s)

    def _letter(self, inner: Mapping[str, Value]) -> Letter:
        timestamp, nonce = self._envelope.stamp()
        sealed = self._seal.seal(write_xml(inner))
        query = {
            "msg_signature": self._seal.sign(timestamp, nonce, sealed),
            "timestamp": timestamp,
            "nonce": nonce,
        }
        outer = {"ToUserName": self._account.corp_id, "Encrypt": sealed, "AgentID": str(self._account.agent_id)}
        return Letter(query, write_xml(outer).encode())

    def _read(self, answer: bytes) -> Mapping[str, object] | None:
        return None if answer.strip() in _NOTHING else self._envelope.open_reply(answer)


def _echoed(url: str, query: Mapping[str, str], echo: str, timeout_s: float) -> Check:
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(url, params=dict(query), timeout=timeout_s, allow_redirects=False)
    except requests.RequestException as error:
        return Check(ok=False, detail=type(error).__name__)
    if response.status_code != HTTPStatus.OK:
        return Check(ok=False, detail=f"HTTP {response.status_code}")
    if response.content != echo.encode():
        return Check(ok=False, detail="the answer is not exactly the echostr")
    return Check(ok=True)
