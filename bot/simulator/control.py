"""The controls behind the page, over HTTP: what people do with their phones, the time, and planned faults."""

import json
from collections.abc import Callable, Iterator
from dataclasses import fields as fields_of
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from bot.simulator.errors import ImpossibleActionError, NobodyThereError
from bot.simulator.faults import Fault
from bot.simulator.posting import Round
from bot.simulator.simulator import Simulator
from bot.simulator.view import View

_STILL_HERE_S = 15
_LONGEST_TEXT = 5000
_LONGEST_NAME = 20
_LONGEST_MOVE_S = 400 * 24 * 3600
_FAULT_FIELDS = {field.name for field in fields_of(Fault)} - {"id"}


def add_controls(blueprint: Blueprint, simulator: Simulator) -> None:
    """Adds every control/ address to the blueprint."""
    _add_state(blueprint, simulator)
    _add_students(blueprint, simulator)
    _add_staff(blueprint, simulator)
    _add_world(blueprint, simulator)

    @blueprint.errorhandler(ImpossibleActionError)
    def refused(error: ImpossibleActionError) -> ResponseReturnValue:
        status = HTTPStatus.NOT_FOUND if isinstance(error, NobodyThereError) else HTTPStatus.CONFLICT
        return jsonify(error=str(error)), status

    @blueprint.errorhandler(_UnclearError)
    def unclear(error: _UnclearError) -> ResponseReturnValue:
        return jsonify(error=str(error)), HTTPStatus.BAD_REQUEST


class _UnclearError(Exception):
    pass


def _add_state(blueprint: Blueprint, simulator: Simulator) -> None:
    view = View(simulator)

    @blueprint.get("/control/state")
    def state() -> ResponseReturnValue:
        return jsonify(view.describe())

    @blueprint.get("/control/events")
    def events() -> ResponseReturnValue:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Response(_news(simulator), mimetype="text/event-stream", headers=headers)


def _news(simulator: Simulator) -> Iterator[str]:
    version = -1
    while not simulator.state.closed:
        current = simulator.state.wait_for_change(version, _STILL_HERE_S)
        yield ": still here\n\n" if current == version else f"data: {json.dumps({'version': current})}\n\n"
        version = current


def _add_students(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.post("/control/students")
    def add_student() -> ResponseReturnValue:
        return jsonify(openid=simulator.add_student(_words("name", _LONGEST_NAME)).openid)

    @blueprint.post("/control/students/<openid>/<action>")
    def act(openid: str, action: str) -> ResponseReturnValue:
        student = simulator.get_student(openid)
        actions: dict[str, Callable[[], Round]] = {
            "follow": student.follow,
            "unfollow": student.unfollow,
            "text": lambda: student.writes(_words("text")),
            "voice": lambda: student.says(_words("text", may_be_empty=True)),
            "image": student.sends_image,
            "click": lambda: student.clicks(_words("key")),
            "view": lambda: student.views(_words("url")),
            "scan": lambda: student.scans(_words("scene")),
            "tap": lambda: student.taps(_words("choice")),
            "subscribe": lambda: student.subscribes(_words("template_id")),
        }
        if action not in actions:
            raise ImpossibleActionError("手机上没有这个操作")
        return _told(actions[action]())


def _add_staff(blueprint: Blueprint, simulator: Simulator) -> None:
    @blueprint.post("/control/staff")
    def add_member() -> ResponseReturnValue:
        userid = _words("userid", _LONGEST_NAME)
        return jsonify(userid=simulator.staff_phone(userid, _words("name", _LONGEST_NAME, may_be_empty=True)).userid)

    @blueprint.post("/control/staff/<userid>/text")
    def write(userid: str) -> ResponseReturnValue:
        return _told(simulator.room.get(userid).writes(_words("text")))

    @blueprint.post("/control/staff/<userid>/press")
    def press(userid: str) -> ResponseReturnValue:
        return _told(simulator.room.get(userid).presses(_whole("message"), _words("key")))


def _add_world(blueprint: Blueprint, simulator: Simulator) -> None:
    view = View(simulator)

    @blueprint.post("/control/time")
    def time() -> ResponseReturnValue:
        if _fields().get("reset") is True:
            simulator.reset_clock()
        else:
            simulator.advance(timedelta(seconds=_seconds("advance_s")))
        return jsonify(now=view.now())

    @blueprint.post("/control/faults")
    def add_fault() -> ResponseReturnValue:
        fields = _fields()
        unknown = sorted(set(fields) - _FAULT_FIELDS)
        if unknown:
            raise _UnclearError(f"故障里没有这些项：{'、'.join(unknown)}")
        try:
            return jsonify(id=simulator.faults.add(**fields))
        except TypeError as error:
            raise _UnclearError("故障的内容不对：要有 host，数字的项要写数字") from error

    @blueprint.delete("/control/faults")
    def clear_faults() -> ResponseReturnValue:
        simulator.faults.clear()
        return jsonify({})

    @blueprint.post("/control/expire-tokens")
    def expire_tokens() -> ResponseReturnValue:
        simulator.expire_tokens()
        return jsonify({})

    @blueprint.post("/control/verify")
    def verify() -> ResponseReturnValue:
        checks = {"wechat": simulator.verify("wechat"), "wecom": simulator.verify("wecom")}
        return jsonify({name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()})


def _told(done: Round) -> ResponseReturnValue:
    return jsonify(replies=[done.reply] if done.reply else [], tries=done.tries, status=done.status)


def _fields() -> dict[str, Any]:
    fields = request.get_json(silent=True)
    if not isinstance(fields, dict):
        raise _UnclearError("请用 JSON 发送，内容是一个对象")
    return fields


def _words(name: str, longest: int = _LONGEST_TEXT, *, may_be_empty: bool = False) -> str:
    words = _fields().get(name, "" if may_be_empty else None)
    if not isinstance(words, str) or not (words.strip() or may_be_empty):
        raise _UnclearError(f"请填写 {name}")
    if len(words) > longest:
        raise _UnclearError(f"{name} 最长 {longest} 个字")
    return words


def _whole(name: str) -> int:
    number = _fields().get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise _UnclearError(f"{name} 应为整数")
    return number


def _seconds(name: str) -> float:
    number = _fields().get(name)
    if not isinstance(number, int | float) or isinstance(number, bool) or not 0 <= number <= _LONGEST_MOVE_S:
        raise _UnclearError(f"{name} 应为 0 到 {_LONGEST_MOVE_S} 之间的秒数")
    return float(number)
