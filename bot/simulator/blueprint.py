"""The simulator over HTTP: the emulated interfaces, the page, and the controls behind the page."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request, send_from_directory
from werkzeug.exceptions import BadRequest

from bot.clock import FakeClock, ShiftedClock
from bot.simulator import apis
from bot.simulator.calls import Call
from bot.simulator.codes import WECHAT_WORDS, WECOM_WORDS, ApiRefusedError
from bot.simulator.errors import ImpossibleActionError
from bot.simulator.faults import Fault
from bot.simulator.people import StaffMessage
from bot.simulator.posting import Round
from bot.simulator.simulator import Simulator

PAGE = Path(__file__).resolve().parent / "page"
_KEEPALIVE_S = 15
_HOSTS = {"api.weixin.qq.com": "wechat", "qyapi.weixin.qq.com": "wecom"}


def create_blueprint(simulator: Simulator) -> Blueprint:
    """Everything under /simulator."""
    blueprint = Blueprint("simulator", __name__, url_prefix="/simulator")
    _add_page(blueprint)
    _add_platforms(blueprint, simulator)
    _add_state(blueprint, simulator)
    _add_student_actions(blueprint, simulator)
    _add_staff_actions(blueprint, simulator)
    _add_controls(blueprint, simulator)
    return blueprint


def create_simulator_app(simulator: Simulator) -> Flask:
    """The simulator alone, for tests and benchmarks."""
    app = Flask("simulator", static_folder=None)
    app.register_blueprint(create_blueprint(simulator))
    return app


def _add_page(blueprint: Blueprint) -> None:
    @blueprint.get("/")
    def page() -> Response:
        return send_from_directory(PAGE, "index.html")

    @blueprint.get("/static/<path:name>")
    def asset(name: str) -> Response:
        return send_from_directory(PAGE, name)


def _add_platforms(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.route(
        "/<any('api.weixin.qq.com','qyapi.weixin.qq.com'):domain>/cgi-bin/<path:path>", methods=["GET", "POST"]
    )
    def platform(domain: str, path: str) -> Response:
        host = _HOSTS[domain]
        fault = simulator.faults.take(host, path)
        if fault is not None and fault.delay_s:
            time.sleep(fault.delay_s)
        if fault is not None and fault.replaces_answer and not fault.after:
            return _faulty(simulator, host, path, fault)
        answer = _answer(simulator, host, path)
        if fault is not None and fault.replaces_answer:
            return _faulty(simulator, host, path, fault)
        _note(simulator, host, path, answer)
        return jsonify(answer)


def _answer(simulator: Simulator, host: str, path: str) -> dict[str, Any]:
    free, guarded = (apis.WECHAT_FREE, apis.WECHAT) if host == "wechat" else (apis.WECOM_FREE, apis.WECOM)
    words = WECHAT_WORDS if host == "wechat" else WECOM_WORDS
    try:
        body = request.get_json(force=True) if request.get_data() else None
    except BadRequest:
        return {"errcode": 47001, "errmsg": words.get(47001, "data format error")}
    try:
        if path in free:
            simulator.quotas.charge(path) if host == "wechat" else None
            return {"errcode": 0, "errmsg": "ok", **free[path](simulator, request.args, body)}
        office = simulator.wechat_tokens if host == "wechat" else simulator.wecom_tokens
        office.check(request.args.get("access_token"))
        api = guarded.get(path)
        if api is None:
            return {"errcode": 48001, "errmsg": "api unauthorized"}
        if host == "wechat":
            simulator.quotas.charge(path)
        return {"errcode": 0, "errmsg": "ok", **api(simulator, request.args, body)}
    except ApiRefusedError as error:
        return {"errcode": error.code, "errmsg": error.words or words.get(error.code, ""), **error.extra}


def _faulty(simulator: Simulator, host: str, path: str, fault: Fault) -> Response:
    if fault.drop:
        _note(simulator, host, path, "<dropped>")
        connection = request.environ.get("werkzeug.socket") or request.environ.get("gunicorn.socket")
        if connection is not None:
            connection.shutdown(socket.SHUT_RDWR)
        return Response(status=444)
    if fault.html:
        _note(simulator, host, path, "<html>")
        return Response("<html><body>系统维护中</body></html>", content_type="text/html; charset=utf-8")
    if fault.http_status is not None:
        _note(simulator, host, path, f"<{fault.http_status}>")
        return Response(status=fault.http_status)
    words = WECHAT_WORDS if host == "wechat" else WECOM_WORDS
    answer = {"errcode": fault.errcode, "errmsg": words.get(fault.errcode or 0, "")}
    _note(simulator, host, path, answer)
    return jsonify(answer)


def _note(simulator: Simulator, host: str, path: str, answer: Any) -> None:
    body = request.get_json(force=True, silent=True) if request.get_data() else None
    simulator.journal.add_call(Call(host, path, body, answer, simulator.state.now()))


def _add_state(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.get("/control/state")
    def state() -> Response:
        return jsonify(describe(simulator))

    @blueprint.get("/control/events")
    def events() -> Response:
        def stream() -> Iterator[str]:
            version = -1
            while not simulator.state.closed:
                changed = simulator.state.wait_for_change(version, _KEEPALIVE_S)
                yield ": still here\n\n" if changed == version else f"data: {json.dumps({'version': changed})}\n\n"
                version = changed

        return Response(stream(), content_type="text/event-stream", headers={"Cache-Control": "no-store"})


def describe(simulator: Simulator) -> dict[str, Any]:
    """All that the page shows, as JSON values."""
    zone, now = simulator.settings.zone, simulator.state.now()
    with simulator.state.lock:
        students = [
            {
                "openid": student.openid,
                "name": student.name,
                "following": student.following,
                "window": {
                    "closes_at": (at.astimezone(zone).isoformat() if (at := student.window.closes_at(now)) else None),
                    "left": student.window.left(now),
                },
                "messages": [
                    {
                        "id": bubble.id,
                        "from": bubble.by,
                        "kind": bubble.kind,
                        "text": bubble.text,
                        "at": bubble.at.astimezone(zone).isoformat(),
                        "status": bubble.status,
                    }
                    for bubble in student.bubbles
                ],
            }
            for student in simulator.students.values()
        ]
        staff = [
            {"userid": one.userid, "name": one.name, "messages": [_staff_json(m, simulator) for m in one.messages]}
            for one in simulator.members.values()
        ]
        robots = [
            {"key": one.key, "name": one.name, "messages": [_staff_json(m, simulator) for m in one.messages]}
            for one in simulator.groups.values()
        ]
        return {
            "now": now.astimezone(zone).isoformat(),
            "version": simulator.state.version,
            "account": {"name": simulator.settings.account_name},
            "menu": simulator.menu,
            "students": students,
            "staff": staff,
            "robots": robots,
            "faults": simulator.faults.describe(),
        }


def _staff_json(message: StaffMessage, simulator: Simulator) -> dict[str, Any]:
    fields = asdict(message)
    for name in ("task_id", "response_code"):
        del fields[name]
    return fields | {"from": fields.pop("by"), "at": message.at.astimezone(simulator.settings.zone).isoformat()}


def _add_student_actions(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.post("/control/students")
    def add_student() -> Any:
        return _told(lambda fields: {"openid": simulator.add_student(str(fields["name"])[:20]).openid})

    @blueprint.post("/control/students/<openid>/<verb>")
    def act(openid: str, verb: str) -> Any:
        actions: dict[str, Callable[[dict[str, Any]], Round]] = {
            "follow": lambda _: simulator.follow(openid),
            "unfollow": lambda _: simulator.unfollow(openid),
            "text": lambda fields: simulator.say(openid, "text", str(fields["text"])),
            "voice": lambda fields: simulator.say(openid, "voice", str(fields["text"])),
            "image": lambda _: simulator.say(openid, "image"),
            "click": lambda fields: simulator.click(openid, str(fields["key"])),
            "scan": lambda fields: simulator.scan(openid, str(fields["scene"])),
        }
        return _told(actions[verb])


def _add_staff_actions(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.post("/control/staff/<userid>/text")
    def say(userid: str) -> Any:
        return _told(lambda fields: simulator.staff_says(userid, str(fields["text"])))

    @blueprint.post("/control/staff/<userid>/press")
    def press(userid: str) -> Any:
        return _told(lambda fields: simulator.staff_presses(userid, int(fields["message"]), str(fields["key"])))


def _add_controls(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.post("/control/time")
    def move_time() -> Any:
        return _told(lambda fields: _move_time(simulator, fields))

    @blueprint.route("/control/faults", methods=["POST", "DELETE"])
    def faults() -> Any:
        if request.method == "DELETE":
            simulator.faults.clear()
            return jsonify({})
        return _told(lambda fields: {"id": simulator.faults.add(**fields)})

    @blueprint.post("/control/expire-tokens")
    def expire_tokens() -> Any:
        simulator.wechat_tokens.revoke_all()
        simulator.wecom_tokens.revoke_all()
        return jsonify({})


def _told(action: Callable[[dict[str, Any]], Any]) -> Response | tuple[Response, int]:
    """What the action did, as JSON; what cannot be done is a sentence that says what to do."""
    fields = request.get_json(force=True, silent=True)
    try:
        done = action(fields if isinstance(fields, dict) else {})
    except ImpossibleActionError as error:
        return jsonify(error=str(error)), 409
    except (KeyError, TypeError, ValueError):
        return jsonify(error="这个操作缺少内容，请刷新页面再试。"), 400
    if isinstance(done, Round):
        return jsonify(replies=[done.reply] if done.reply else [], tries=done.tries, status=done.status)
    return jsonify(done)


def _move_time(simulator: Simulator, fields: dict[str, Any]) -> dict[str, Any]:
    clock = simulator.clock
    if fields.get("reset") and isinstance(clock, ShiftedClock):
        clock.reset()
    elif isinstance(clock, FakeClock | ShiftedClock):
        clock.advance(timedelta(seconds=float(fields["advance_s"])))
    else:
        message = "现在用的是机器的时钟，不能调。"
        raise ImpossibleActionError(message)
    simulator.state.changed()
    return {"now": simulator.state.now().astimezone(simulator.settings.zone).isoformat()}
