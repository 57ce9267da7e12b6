"""The bare echo that the bot is measured against: wechatpy and Flask, sealed both ways, and nothing else."""

import os

from flask import Flask, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto


def create_app() -> Flask:
    """Verifies, opens, parses, answers and seals, as wechatpy's own example does."""
    app = Flask("echo")
    crypto = WeChatCrypto(os.environ["BENCH_TOKEN"], os.environ["BENCH_AES"], os.environ["BENCH_APP_ID"])

    @app.post("/wechat")
    def wechat() -> str:
        query = request.args
        body = crypto.decrypt_message(request.data, query["msg_signature"], query["timestamp"], query["nonce"])
        message = parse_message(body)
        return crypto.encrypt_message(create_reply(message.content, message).render(), query["nonce"])

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    return app
