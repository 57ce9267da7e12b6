"""The simulator over HTTP: the emulated hosts and the page. The controls behind the page are in control.py."""

import socket
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue

from bot.simulator.control import add_controls
from bot.simulator.gateway import Answer, ApiRequest
from bot.simulator.simulator import Simulator

PAGE = Path(__file__).resolve().parent / "page"
_HOSTS: Final = {"api.weixin.qq.com": "wechat", "qyapi.weixin.qq.com": "wecom"}
_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH")
_NO_PAGE = (
    "<!doctype html><meta charset=utf-8><title>模拟器</title><p>模拟器在运行，但没有安装手机页面。状态见 control/state"
)


def create_blueprint(simulator: Simulator, *, page: Path = PAGE) -> Blueprint:
    """Everything under /simulator. One simulator lives in one process; `page` is the folder of the phone page."""
    blueprint = Blueprint("simulator", __name__, url_prefix="/simulator")
    _add_page(blueprint, page)
    _add_hosts(blueprint, simulator)
    add_controls(blueprint, simulator)
    return blueprint


def create_simulator_app(simulator: Simulator) -> Flask:
    """The simulator alone; give its server threads, for callbacks call back."""
    app = Flask("simulator", static_folder=None)
    app.register_blueprint(create_blueprint(simulator))
    return app


def _add_page(blueprint: Blueprint, page: Path) -> None:
    @blueprint.get("/")
    def index() -> ResponseReturnValue:
        if not (page / "index.html").is_file():
            return Response(_NO_PAGE, mimetype="text/html")
        return send_from_directory(page, "index.html", max_age=0)

    @blueprint.get("/static/<path:name>")
    def asset(name: str) -> ResponseReturnValue:
        return send_from_directory(page, name, max_age=0)


def _add_hosts(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.route("/<any('api.weixin.qq.com', 'qyapi.weixin.qq.com'):domain>/<path:path>", methods=_METHODS)
    def platform(domain: str, path: str) -> ResponseReturnValue:
        call = ApiRequest(request.method, request.args.to_dict(), request.get_data())
        return _response(simulator.gateway.handle(_HOSTS[domain], path, call))


def _response(answer: Answer) -> ResponseReturnValue:
    if answer.dropped:
        _drop_connection()
    if answer.fields is not None:
        response = jsonify(answer.fields)
        response.headers["Content-Type"] = "application/json; encoding=utf-8"  # the platforms' own odd spelling
        return response
    return Response(answer.text, status=answer.status, mimetype="text/html")


def _drop_connection() -> None:
    """The caller sees the connection end without an answer, as far as the server under us lets us at its socket."""
    connection = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
