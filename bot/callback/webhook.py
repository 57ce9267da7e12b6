"""The two callback addresses as Flask blueprints: an adapter that converts and refuses, and decides nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from bot.callback.errors import BadSignatureError, CallbackError, MalformedMessageError
from bot.callback.parsing import parse
from bot.callback.sealing import Seal
from bot.callback.xml import read_fields, text_element
from bot.channel.messages import InboundMessage, Source
from bot.clock import Clock

logger = structlog.get_logger(__name__)

BODY_BYTES = 64 * 1024  # a callback is a few kilobytes; a larger body costs CPU before it can be refused
Mode = Literal["plain", "compatible", "safe"]
Answer = Callable[[InboundMessage], str | None]


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback address. `mode` is what the account's server settings say; WeCom is always safe."""

    source: Source
    path: str
    seal: Seal
    mode: Mode
    clock: Clock
    answer: Answer
    refused: tuple[type[Exception], ...] = ()
    """Errors of `answer` that mean: this request must not be taken (403)."""


def create_callback_blueprint(callback: Callback) -> Blueprint:
    """GET checks the address, POST takes messages. Nothing a caller sends gives a 500 or says anything of ours."""
    blueprint = Blueprint(callback.source.value, __name__)

    @blueprint.get(callback.path)
    def check() -> Response:
        try:
            return _plain(_echo(callback))
        except CallbackError as error:
            return _refused(callback, error)

    @blueprint.post(callback.path)
    def receive() -> Response:
        try:
            return _receive(callback)
        except CallbackError as error:
            return _refused(callback, error)
        except HTTPException as error:  # too large, or the caller hung up: its doing, not a fault of ours
            return Response(status=error.code or 400)
        except Exception:  # the border: no caller may find a way to a 500
            logger.exception("callback_broke", source=callback.source.value)
            return Response(status=400)

    return blueprint


def _echo(callback: Callback) -> str:
    """What the platform wants to read when the address is set. WeCom seals it, WeChat does not."""
    echo = request.args.get("echostr", "")
    if callback.source is Source.WECOM:
        callback.seal.check(request.args, sealed=echo, now=callback.clock.now())
        return callback.seal.open(echo).text.decode("utf-8", "replace")
    callback.seal.check(request.args, sealed=None, now=callback.clock.now())
    return echo


def _receive(callback: Callback) -> Response:
    body = _body()
    now = callback.clock.now()
    opened, key = None, ""
    if request.args.get("encrypt_type") == "aes" or callback.source is Source.WECOM:
        if not callback.seal.can_seal:
            raise BadSignatureError
        sealed = _sealed_part(body)
        key = callback.seal.check(request.args, sealed=sealed, now=now)
        opened = callback.seal.open(sealed)
        body = opened.text
    else:
        if callback.mode == "safe":
            raise BadSignatureError
        key = callback.seal.check(request.args, sealed=None, now=now)
    fields = read_fields(body)
    message = parse(callback.source, fields, body, signature_key=key)
    try:
        reply = callback.answer(message)
    except callback.refused as error:
        raise BadSignatureError from error
    except Exception:  # the border: the platform is asked to try again, and nothing of ours is shown
        logger.exception("callback_not_taken", source=callback.source.value)
        return Response(status=503)
    if not reply:
        return _plain("success" if callback.source is Source.WECHAT else "")
    xml = _reply_xml(message, reply, account=fields.get("ToUserName", ""), created=int(now.timestamp()))
    if opened is not None:
        nonce = request.args.get("nonce", "")
        xml = callback.seal.seal_reply(xml, key=opened.key, nonce=nonce, now=now)
    return Response(xml, content_type="application/xml; charset=utf-8")


def _body() -> bytes:
    """The body, below 64 KB. What the server cannot read (bad chunks, a cut line) is malformed too."""
    if (request.content_length or 0) > BODY_BYTES:
        raise RequestEntityTooLarge
    try:
        body = request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - each server has its own errors for a body that breaks off
        raise MalformedMessageError(type(error).__name__) from None
    if len(body) >= BODY_BYTES:  # Werkzeug cuts a longer chunked body off here without a word
        raise RequestEntityTooLarge
    if len(body) != (request.content_length or len(body)):  # gunicorn takes a cut line for the end
        raise MalformedMessageError
    return body


def _sealed_part(body: bytes) -> str:
    sealed = read_fields(body).get("Encrypt", "")
    if not sealed:
        raise MalformedMessageError
    return sealed


def _reply_xml(message: InboundMessage, reply: str, *, account: str, created: int) -> str:
    return (
        f"<xml>{text_element('ToUserName', message.sender)}{text_element('FromUserName', account)}"
        f"<CreateTime>{created}</CreateTime>{text_element('MsgType', 'text')}{text_element('Content', reply)}</xml>"
    )


def _plain(text: str) -> Response:
    return Response(text, content_type="text/plain; charset=utf-8")


def _refused(callback: Callback, error: CallbackError) -> Response:
    logger.warning("callback_refused", source=callback.source.value, error=type(error).__name__)
    return Response(status=403 if isinstance(error, BadSignatureError) else 400)
