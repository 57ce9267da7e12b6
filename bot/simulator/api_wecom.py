"""qyapi.weixin.qq.com: tokens, messages to members, card updates and group robots."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.simulator.codes import WECOM_WORDS, ApiRefusedError
from bot.simulator.gateway import Answer, ApiRequest, Fields, Route
from bot.simulator.platform import WeComAccount
from bot.simulator.quotas import Quotas
from bot.simulator.staff import CardButton, StaffMessage, StaffPhone, StaffRoom
from bot.simulator.state import State
from bot.simulator.tokens import TokenOffice

_TEXT_BYTES, _MARKDOWN_BYTES = 2048, 4096
_BUTTONS, _RECEIVERS = 6, 1000
_TASK_ID = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
_DUPLICATE_S, _LONGEST_DUPLICATE_S = 1800, 14_400
_NOT_FOUND = 404


class WeComApi:
    """Answers calls. A body that is not JSON counts as empty, and the answer warns of it, as WeCom does."""

    def __init__(
        self, state: State, account: WeComAccount, *, tokens: TokenOffice, quotas: Quotas, room: StaffRoom
    ) -> None:
        self._state = state
        self._account = account
        self._tokens = tokens
        self._quotas = quotas
        self._room = room
        self._task_ids: set[str] = set()
        self._recent: dict[str, tuple[datetime, str]] = {}
        self._routes = {
            "gettoken": Route(self._token, "GET", token=False),
            "webhook/send": Route(self._robot, token=False),
            "message/send": Route(self._send),
            "message/update_template_card": Route(self._update_card),
            "user/get": Route(self._user, "GET"),
            "getcallbackip": Route(lambda _: ok(ip_list=["127.0.0.1"]), "GET"),
            "get_api_domain_ip": Route(lambda _: ok(ip_list=["127.0.0.1"]), "GET"),
        }

    def answer(self, path: str, request: ApiRequest) -> Answer:
        """See gateway.Api."""
        route = self._routes.get(path)
        if route is None:
            return Answer(status=_NOT_FOUND)
        try:
            return Answer(fields=self._answered(path, route, request))
        except ApiRefusedError as error:
            words = error.words
            if route.method == "POST" and not isinstance(request.body, dict):
                words = f"{words or WECOM_WORDS.get(error.code, 'error')}. Warning: wrong json format. "
            return Answer(fields=self.refusal(error.code, words, **error.extra))

    def refusal(self, code: int, words: str = "", **extra: Any) -> Fields:
        """See gateway.Api."""
        more = f"more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
        return {"errcode": code, "errmsg": f"{words or WECOM_WORDS.get(code, 'error')}, {more}", **extra}

    def _answered(self, path: str, route: Route, request: ApiRequest) -> Fields:
        if route.method == "POST" and request.method != "POST":
            raise ApiRefusedError(43002)
        if route.token:
            self._tokens.check(request.query.get("access_token"))
        self._quotas.charge(path)
        return route.handler(request)

    def _token(self, request: ApiRequest) -> Fields:
        corp_id, secret = request.query.get("corpid"), request.query.get("corpsecret")
        if not corp_id:
            raise ApiRefusedError(41002)
        if not secret:
            raise ApiRefusedError(41004)
        if corp_id != self._account.corp_id:
            raise ApiRefusedError(40013)
        if secret != self._account.secret:
            raise ApiRefusedError(40001)
        value, life = self._tokens.same()
        return ok(access_token=value, expires_in=life)

    def _user(self, request: ApiRequest) -> Fields:
        phone = self._room.find(request.query.get("userid", ""))
        if phone is None:
            raise ApiRefusedError(60111)
        return ok(userid=phone.userid, name=phone.name, status=1)

    def _send(self, request: ApiRequest) -> Fields:
        body = _object(request)
        self._must_be_ours(body)
        phones, invalid = self._receivers(str(body.get("touser") or ""))
        double = self._double(body)
        if double is not None:
            return ok(msgid=double, **({"invaliduser": "|".join(invalid)} if invalid else {}))
        message = self._message_of(body)
        for phone in phones:
            phone.take(message)
        answer = ok(msgid=self._state.chance.token(40))
        if body.get("enable_duplicate_check") == 1:
            self._recent[_content(body)] = (self._state.now(), answer["msgid"])
        if invalid:
            answer["invaliduser"] = "|".join(invalid)
        if message.kind == "card":
            self._task_ids.add(message.task_id)
            answer["response_code"] = self._room.codes.new(message.task_id)
        return answer

    def _receivers(self, touser: str) -> tuple[list[StaffPhone], list[str]]:
        userids = list(dict.fromkeys(userid.strip() for userid in touser.split("|") if userid.strip()))
        if not userids:
            raise ApiRefusedError(82001)
        if len(userids) > _RECEIVERS:
            raise ApiRefusedError(40130, "invalid user list size")
        if userids == ["@all"]:
            return list(self._room.members.values()), []
        found = {userid: self._room.find(userid) for userid in userids}
        phones = [phone for phone in found.values() if phone is not None]
        invalid = [userid for userid, phone in found.items() if phone is None]
        if not phones:
            raise ApiRefusedError(81013, invaliduser="|".join(invalid))
        return phones, invalid

    def _double(self, body: Mapping[str, Any]) -> str | None:
        """The msgid of the same message sent within the interval, if the caller asked for this check."""
        if body.get("enable_duplicate_check") != 1:
            return None
        wanted = body.get("duplicate_check_interval")
        interval = min(wanted if isinstance(wanted, int) else _DUPLICATE_S, _LONGEST_DUPLICATE_S)
        now = self._state.now()
        for content, (at, _) in list(self._recent.items()):
            if now - at >= timedelta(seconds=_LONGEST_DUPLICATE_S):
                del self._recent[content]
        sent = self._recent.get(_content(body))
        return sent[1] if sent is not None and now - sent[0] < timedelta(seconds=interval) else None

    def _message_of(self, body: Mapping[str, Any]) -> StaffMessage:
        kind, now = body.get("msgtype"), self._state.now()
        if kind == "text":
            return StaffMessage(0, "app", "text", _cut(_content_of(body, "text")), now)
        if kind == "markdown":
            return StaffMessage(0, "app", "text", _cut(_content_of(body, "markdown")), now)
        if kind != "template_card":
            raise ApiRefusedError(40008)
        card = card_of(body.get("template_card"), now)
        if card.task_id in self._task_ids:
            raise ApiRefusedError(40093, "invalid Request Parameter, task_id is used")
        return card

    def _update_card(self, request: ApiRequest) -> Fields:
        body = _object(request)
        self._must_be_ours(body)
        userids = body.get("userids")
        if body.get("atall") == 1:
            userids = list(self._room.members)
        if not isinstance(userids, list) or not userids:
            raise ApiRefusedError(81013)
        button, card = body.get("button"), body.get("template_card")
        line = button.get("replace_name") if isinstance(button, dict) else None
        if line is None and isinstance(card, dict):
            line = card.get("replace_text")
        if not isinstance(line, str) or not line:
            raise ApiRefusedError(40058, "invalid Request Parameter, button.replace_name is empty")
        task_id = self._room.codes.use(str(body.get("response_code") or ""))
        phones = {userid: self._room.members.get(str(userid)) for userid in userids}
        return ok(
            invaliduser=[userid for userid, phone in phones.items() if not (phone and phone.update(task_id, line))]
        )

    def _robot(self, request: ApiRequest) -> Fields:
        robot = self._room.robots.get(request.query.get("key", ""))
        if robot is None:
            raise ApiRefusedError(93000)
        body = _object(request)
        kind = body.get("msgtype")
        limits = {"text": _TEXT_BYTES, "markdown": _MARKDOWN_BYTES, "markdown_v2": _MARKDOWN_BYTES}
        if kind not in limits:
            raise ApiRefusedError(40008)
        text = _content_of(body, kind)
        if len(text.encode()) > limits[kind]:
            words = f"{kind}.content exceed max length {limits[kind]}. invalid Request Parameter"
            raise ApiRefusedError(40058, words)
        robot.take(text)
        return ok()

    def _must_be_ours(self, body: Mapping[str, Any]) -> None:
        if str(body.get("agentid")) != str(self._account.agent_id):
            raise ApiRefusedError(40056)


def ok(**fields: Any) -> Fields:
    """WeCom's word for success, with further fields."""
    return {"errcode": 0, "errmsg": "ok", **fields}


def card_of(fields: object, now: datetime) -> StaffMessage:
    """A button card from the template_card field. Raises ApiRefusedError 40058 for one that WeCom would not take."""
    if not isinstance(fields, dict) or fields.get("card_type") != "button_interaction":
        raise ApiRefusedError(40058, "invalid Request Parameter, template_card.card_type")
    title = _part(fields.get("main_title"), "title")
    text = "\n".join(
        line for line in (_part(fields.get("main_title"), "desc"), str(fields.get("sub_title_text") or "")) if line
    )
    task_id, buttons = str(fields.get("task_id") or ""), fields.get("button_list")
    if not title and not text:
        raise ApiRefusedError(40058, "invalid Request Parameter, template_card needs a title")
    if not _TASK_ID.fullmatch(task_id):
        raise ApiRefusedError(40058, "invalid Request Parameter, template_card.task_id")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= _BUTTONS:
        raise ApiRefusedError(40058, "invalid Request Parameter, template_card.button_list")
    if not all(_part(button, "text") and (_part(button, "key") or _part(button, "url")) for button in buttons):
        raise ApiRefusedError(40058, "invalid Request Parameter, a button needs text and key")
    return StaffMessage(
        0,
        "app",
        "card",
        text,
        now,
        title=title,
        buttons=tuple(
            CardButton(key=_part(one, "key"), text=_part(one, "text"), primary=one.get("style", 1) == 1)
            for one in buttons
        ),
        task_id=task_id,
    )


def _object(request: ApiRequest) -> dict[str, Any]:
    return request.body if isinstance(request.body, dict) else {}


def _part(fields: object, name: str) -> str:
    return str(fields.get(name) or "") if isinstance(fields, dict) else ""


def _content_of(body: Mapping[str, Any], kind: str) -> str:
    text = _part(body.get(kind), "content")
    if not text:
        raise ApiRefusedError(44004)
    return text


def _cut(text: str) -> str:
    """What fits into 2,048 bytes; WeCom cuts the rest off without a word."""
    return text.encode()[:_TEXT_BYTES].decode(errors="ignore")


def _content(body: Mapping[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False)
