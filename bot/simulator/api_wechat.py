"""api.weixin.qq.com: its front door (tokens, quotas, bad requests) and what concerns the account itself."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from bot.simulator.codes import WECHAT_WORDS, ApiRefusedError
from bot.simulator.gateway import Answer, ApiRequest, Fields, Route
from bot.simulator.menus import Menu
from bot.simulator.platform import WeChatAccount
from bot.simulator.quotas import Quotas
from bot.simulator.state import State
from bot.simulator.students import StudentPhone
from bot.simulator.tokens import TokenOffice

_ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u([0-9a-fA-F]{4})")
_ASCII = 0x80
_LONGEST_SCENE = 64
_LONGEST_QR_S = 2_592_000
_LONGEST_SCENE_ID = 100_000
_PAGE = 10_000


class WeChatApi:
    """Answers calls; `more` are the message interfaces, kept in modules of their own."""

    def __init__(
        self,
        state: State,
        account: WeChatAccount,
        *,
        tokens: TokenOffice,
        quotas: Quotas,
        students: Mapping[str, StudentPhone],
        menu: Menu,
        more: Mapping[str, Route],
    ) -> None:
        self._state = state
        self._account = account
        self._tokens = tokens
        self._quotas = quotas
        self._students = students
        self._menu = menu
        self._routes = {
            "token": Route(self._token, "GET", token=False),
            "stable_token": Route(self._stable_token, token=False),
            "clear_quota": Route(self._clear_quota),
            "openapi/quota/get": Route(self._quota),
            "callback/check": Route(self._check_network),
            "getcallbackip": Route(self._addresses, "GET"),
            "get_api_domain_ip": Route(self._addresses, "GET"),
            "menu/create": Route(self._create_menu),
            "menu/get": Route(self._get_menu, "GET"),
            "menu/delete": Route(self._delete_menu, "GET"),
            "get_current_selfmenu_info": Route(lambda _: menu.as_self_menu(), "GET"),
            "user/info": Route(self._user, "GET"),
            "user/info/batchget": Route(self._users),
            "user/get": Route(self._followers, "GET"),
            "qrcode/create": Route(self._scene_code),
            **more,
        }

    def answer(self, path: str, request: ApiRequest) -> Answer:
        """See gateway.Api."""
        try:
            return Answer(fields=self._answered(path, request))
        except ApiRefusedError as error:
            return Answer(fields=self.refusal(error.code, error.words, **error.extra))

    def refusal(self, code: int, words: str = "", **extra: Any) -> Fields:
        """See gateway.Api. The platform puts its request id into the words."""
        request_id = hashlib.sha256(self._state.chance.token(8).encode()).hexdigest()
        words = words or WECHAT_WORDS.get(code, "error")
        rid = f"{request_id[:8]}-{request_id[8:16]}-{request_id[16:24]}"
        return {"errcode": code, "errmsg": f"{words} rid: {rid}", **extra}

    def _answered(self, path: str, request: ApiRequest) -> Fields:
        route = self._routes.get(path)
        if route is None:
            raise ApiRefusedError(40066)
        if route.method == "POST" and request.method != "POST":
            raise ApiRefusedError(43002)
        if route.token:
            self._tokens.check(request.query.get("access_token"))
        self._quotas.charge(path)
        if route.method == "POST":
            _must_be_json(request)
        return route.handler(request)

    def _token(self, request: ApiRequest) -> Fields:
        self._must_know(request.query)
        value, life = self._tokens.renew()
        return {"access_token": value, "expires_in": life}

    def _stable_token(self, request: ApiRequest) -> Fields:
        self._must_know(request.body)
        value, life = self._tokens.stable(force=request.body.get("force_refresh") is True)
        return {"access_token": value, "expires_in": life}

    def _must_know(self, given: Mapping[str, Any]) -> None:
        if given.get("grant_type") != "client_credential":
            raise ApiRefusedError(40002)
        if not given.get("appid"):
            raise ApiRefusedError(41002)
        if not given.get("secret"):
            raise ApiRefusedError(41004)
        if given["appid"] != self._account.app_id:
            raise ApiRefusedError(40013)
        if given["secret"] != self._account.app_secret:
            raise ApiRefusedError(40125)

    def _clear_quota(self, request: ApiRequest) -> Fields:
        if request.body.get("appid") != self._account.app_id:
            raise ApiRefusedError(40013)
        self._quotas.clear_day()
        return ok()

    def _quota(self, request: ApiRequest) -> Fields:
        path = str(request.body.get("cgi_path", "")).removeprefix("/cgi-bin/")
        used, limit = self._quotas.used_today(path), self._quotas.daily_limit(path)
        if limit is None:
            raise ApiRefusedError(76021)
        return ok(quota={"daily_limit": limit, "used": used, "remain": limit - used})

    def _check_network(self, _request: ApiRequest) -> Fields:
        return ok(
            dns=[{"ip": "127.0.0.1", "real_operator": "DEFAULT"}],
            ping=[{"ip": "127.0.0.1", "from_operator": "DEFAULT", "package_loss": "0%", "time": "1.000ms"}],
        )

    def _addresses(self, _request: ApiRequest) -> Fields:
        return {"ip_list": ["127.0.0.1"]}

    def _create_menu(self, request: ApiRequest) -> Fields:
        self._menu.create(request.body)
        self._state.changed()
        return ok()

    def _get_menu(self, _request: ApiRequest) -> Fields:
        if not self._menu.fields:
            raise ApiRefusedError(46003)
        return {"menu": self._menu.fields}

    def _delete_menu(self, _request: ApiRequest) -> Fields:
        self._menu.delete()
        self._state.changed()
        return ok()

    def _user(self, request: ApiRequest) -> Fields:
        return _profile(student_by(self._students, request.query.get("openid")))

    def _users(self, request: ApiRequest) -> Fields:
        asked = request.body.get("user_list")
        if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
            raise ApiRefusedError(47001)
        return {"user_info_list": [_profile(student_by(self._students, one.get("openid"))) for one in asked]}

    def _followers(self, request: ApiRequest) -> Fields:
        openids = [student.openid for student in self._students.values() if student.following]
        after = request.query.get("next_openid")
        if after and after not in openids:
            raise ApiRefusedError(40003)
        page = openids[openids.index(after) + 1 if after else 0 :][:_PAGE]
        answer: Fields = {"total": len(openids), "count": len(page), "next_openid": page[-1] if page else ""}
        return answer | ({"data": {"openid": page}} if page else {})

    def _scene_code(self, request: ApiRequest) -> Fields:
        name, info = request.body.get("action_name"), request.body.get("action_info")
        scene = info.get("scene") if isinstance(info, dict) else None
        if not isinstance(scene, dict) or name not in _SCENES:
            raise ApiRefusedError(40053)
        if not _SCENES[name](scene):
            raise ApiRefusedError(40053)
        ticket = self._state.chance.token(60)
        answer: Fields = {"ticket": ticket, "url": f"http://weixin.qq.com/q/{ticket[:18]}"}
        if "LIMIT" not in name:
            answer["expire_seconds"] = min(int(request.body.get("expire_seconds") or 60), _LONGEST_QR_S)
        return answer


def ok(**fields: Any) -> Fields:
    """The platform's word for success, with further fields."""
    return {"errcode": 0, "errmsg": "ok", **fields}


def student_by(students: Mapping[str, StudentPhone], openid: object) -> StudentPhone:
    """The student with this openid. Raises ApiRefusedError 40003."""
    student = students.get(openid) if isinstance(openid, str) else None
    if student is None:
        raise ApiRefusedError(40003)
    return student


def _must_be_json(request: ApiRequest) -> None:
    if not request.raw:
        raise ApiRefusedError(44002)
    if any(int(code, 16) >= _ASCII for code in _ESCAPED.findall(request.raw)):
        raise ApiRefusedError(40033)
    if not isinstance(request.body, dict):
        raise ApiRefusedError(47001)


def _profile(student: StudentPhone) -> Fields:
    if not student.following or student.followed_at is None:
        return {"subscribe": 0, "openid": student.openid, "tagid_list": []}
    return {
        "subscribe": 1,
        "openid": student.openid,
        "language": "zh_CN",
        "subscribe_time": int(student.followed_at.timestamp()),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE" if student.scene else "ADD_SCENE_SEARCH",
        "qr_scene": int(student.scene) if student.scene.isdigit() else 0,
        "qr_scene_str": "" if student.scene.isdigit() else student.scene,
    }


def _has_id(scene: Mapping[str, Any]) -> bool:
    number = scene.get("scene_id")
    return isinstance(number, int) and number > 0


def _has_small_id(scene: Mapping[str, Any]) -> bool:
    return _has_id(scene) and scene["scene_id"] <= _LONGEST_SCENE_ID


def _has_words(scene: Mapping[str, Any]) -> bool:
    words = scene.get("scene_str")
    return isinstance(words, str) and 1 <= len(words) <= _LONGEST_SCENE


_SCENES = {
    "QR_SCENE": _has_id,
    "QR_STR_SCENE": _has_words,
    "QR_LIMIT_SCENE": _has_small_id,
    "QR_LIMIT_STR_SCENE": _has_words,
}
