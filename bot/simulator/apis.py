"""The platforms' interfaces as functions: parsed arguments in, a JSON answer out. HTTP is blueprint.py's work."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.simulator.codes import ApiRefusedError
from bot.simulator.people import Member, StaffMessage
from bot.simulator.simulator import Simulator

Api = Callable[[Simulator, Mapping[str, str], Any], dict[str, Any]]
_TEXT_BYTES = 2048
_MINUTE = timedelta(minutes=1)
_A_MEMBER_A_MINUTE = 30
_A_ROBOT_A_MINUTE = 20


def wechat_token(simulator: Simulator, query: Mapping[str, str], _body: Any) -> dict[str, Any]:
    """cgi-bin/token: ends the token before it."""
    _wechat_secret(simulator, query.get("appid"), query.get("secret"))
    token, life = simulator.wechat_tokens.renew()
    return {"access_token": token, "expires_in": life}


def stable_token(simulator: Simulator, _query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """cgi-bin/stable_token."""
    fields = _object(body)
    _wechat_secret(simulator, fields.get("appid"), fields.get("secret"))
    token, life = simulator.wechat_tokens.stable(force=bool(fields.get("force_refresh")))
    return {"access_token": token, "expires_in": life}


def custom_send(simulator: Simulator, _query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """message/custom/send: text and msgmenu, within the student's window."""
    fields = _object(body)
    student = simulator.students.get(str(fields.get("touser")))
    if student is None:
        raise ApiRefusedError(40003)
    text = _text_of(fields)
    if not student.following:
        raise ApiRefusedError(43004)
    with simulator.state.lock:
        student.window = student.window.spent(simulator.state.now())
    simulator.show(student, "account", "text", text)
    return {}


def template_send(simulator: Simulator, _query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """message/template/send."""
    fields = _object(body)
    student = simulator.students.get(str(fields.get("touser")))
    if student is None:
        raise ApiRefusedError(40003)
    if not student.following:
        raise ApiRefusedError(43004)
    lines = [str(part.get("value", "")) for part in fields.get("data", {}).values()]
    simulator.show(student, "account", "text", "\n".join(lines))
    return {"msgid": simulator.state.new_platform_id()}


def user_info(simulator: Simulator, query: Mapping[str, str], _body: Any) -> dict[str, Any]:
    """user/info."""
    student = simulator.students.get(query.get("openid", ""))
    if student is None:
        raise ApiRefusedError(40003)
    return {"subscribe": int(student.following), "openid": student.openid, "language": "zh_CN"}


def user_get(simulator: Simulator, _query: Mapping[str, str], _body: Any) -> dict[str, Any]:
    """user/get."""
    openids = [student.openid for student in simulator.students.values() if student.following]
    return {"total": len(openids), "count": len(openids), "data": {"openid": openids}, "next_openid": ""}


def menu_create(simulator: Simulator, _query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """menu/create."""
    menu = _object(body)
    if not 1 <= len(menu.get("button", ())) <= 3:  # noqa: PLR2004 - three buttons, five below each
        raise ApiRefusedError(40016)
    simulator.menu = dict(menu)
    simulator.state.changed()
    return {}


def menu_get(simulator: Simulator, _query: Mapping[str, str], _body: Any) -> dict[str, Any]:
    """menu/get."""
    if not simulator.menu:
        raise ApiRefusedError(46003)
    return {"menu": simulator.menu}


def menu_delete(simulator: Simulator, _query: Mapping[str, str], _body: Any) -> dict[str, Any]:
    """menu/delete."""
    simulator.menu = {}
    simulator.state.changed()
    return {}


def clear_quota(simulator: Simulator, _query: Mapping[str, str], _body: Any) -> dict[str, Any]:
    """clear_quota."""
    simulator.quotas.clear_day()
    return {}


def get_token(simulator: Simulator, query: Mapping[str, str], _body: Any) -> dict[str, Any]:
    """WeCom's gettoken."""
    account = simulator.settings.wecom
    if query.get("corpid") != account.corp_id:
        raise ApiRefusedError(40013)
    if query.get("corpsecret") != account.secret:
        raise ApiRefusedError(40001)
    token, life = simulator.wecom_tokens.same()
    return {"access_token": token, "expires_in": life}


def app_send(simulator: Simulator, _query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """WeCom's message/send: text and button cards. More than 30 a minute to one member vanish silently."""
    fields = _object(body)
    account = simulator.settings.wecom
    if fields.get("agentid") != account.agent_id:
        raise ApiRefusedError(40056)
    userids = [userid for userid in str(fields.get("touser", "")).split("|") if userid]
    if not userids:
        raise ApiRefusedError(82001)
    unknown = [userid for userid in userids if userid not in simulator.members and account.strict_staff]
    if len(unknown) == len(userids):
        raise ApiRefusedError(81013)
    template = _staff_message(simulator, fields)
    for userid in userids:
        if userid not in unknown:
            _give(
                simulator, simulator.add_member(userid), template, duplicates=not fields.get("enable_duplicate_check")
            )
    return {"invaliduser": "|".join(unknown), "msgid": simulator.state.chance.token(16)}


def card_update(simulator: Simulator, _query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """WeCom's message/update_template_card: a response code is good once."""
    fields = _object(body)
    code = str(fields.get("response_code", ""))
    for member in simulator.members.values():
        for message in member.messages:
            if code and message.response_code == code:
                message.response_code = ""
                message.replaced_by = str(fields.get("button", {}).get("replace_name", ""))
                simulator.state.changed()
                return {"invaliduser": []}
    raise ApiRefusedError(42014, "invalid response_code")


def robot_send(simulator: Simulator, query: Mapping[str, str], body: Any) -> dict[str, Any]:
    """WeCom's webhook/send: 20 a minute for each robot."""
    group = simulator.groups.get(query.get("key", ""))
    if group is None:
        raise ApiRefusedError(93000)
    now = simulator.state.now()
    with simulator.state.lock:
        group.minute = [at for at in group.minute if now - at < _MINUTE]
        if len(group.minute) >= _A_ROBOT_A_MINUTE:
            raise ApiRefusedError(45009)
        group.minute.append(now)
        text = _text_of(_object(body))
        group.messages.append(StaffMessage(simulator.state.new_message_id(), "app", "text", text, now))
        simulator.state.changed()
    return {}


WECHAT_FREE: dict[str, Api] = {"token": wechat_token, "stable_token": stable_token}
WECHAT: dict[str, Api] = {
    "message/custom/send": custom_send,
    "message/template/send": template_send,
    "user/info": user_info,
    "user/get": user_get,
    "menu/create": menu_create,
    "menu/get": menu_get,
    "menu/delete": menu_delete,
    "clear_quota": clear_quota,
}
WECOM_FREE: dict[str, Api] = {"gettoken": get_token, "webhook/send": robot_send}
WECOM: dict[str, Api] = {"message/send": app_send, "message/update_template_card": card_update}


def _wechat_secret(simulator: Simulator, app_id: object, secret: object) -> None:
    account = simulator.settings.wechat
    if app_id != account.app_id:
        raise ApiRefusedError(40013)
    if secret != account.app_secret:
        raise ApiRefusedError(40125)


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ApiRefusedError(47001)
    return body


def _text_of(fields: Mapping[str, Any]) -> str:
    if fields.get("msgtype") != "text":
        raise ApiRefusedError(40008)
    text = str(fields.get("text", {}).get("content", ""))
    if not text:
        raise ApiRefusedError(44004)
    if len(text.encode()) > _TEXT_BYTES:
        raise ApiRefusedError(45002)
    return text


def _staff_message(simulator: Simulator, fields: Mapping[str, Any]) -> StaffMessage:
    now = simulator.state.now()
    if fields.get("msgtype") == "text":
        return StaffMessage(0, "app", "text", _text_of(fields), now)
    if fields.get("msgtype") != "template_card":
        raise ApiRefusedError(40008)
    card = fields.get("template_card", {})
    task_id = str(card.get("task_id", ""))
    known = {message.task_id for member in simulator.members.values() for message in member.messages}
    if card.get("card_type") != "button_interaction" or not card.get("button_list") or not task_id:
        raise ApiRefusedError(40058)
    if task_id in known:
        raise ApiRefusedError(40093, "invalid task_id, duplicated")
    return StaffMessage(
        0,
        "app",
        "card",
        str(card.get("sub_title_text", "")),
        now,
        title=str(card.get("main_title", {}).get("title", "")),
        buttons=[
            {"key": button["key"], "text": button["text"], "primary": button.get("style") == 1}
            for button in card["button_list"]
        ],
        task_id=task_id,
    )


def _give(simulator: Simulator, member: Member, template: StaffMessage, *, duplicates: bool) -> None:
    now = simulator.state.now()
    with simulator.state.lock:
        member.minute = [at for at in member.minute if now - at < _MINUTE]
        member.minute.append(now)
        if len(member.minute) > _A_MEMBER_A_MINUTE:
            return
        same = [
            message
            for message in member.messages
            if message.text == template.text and message.title == template.title and message.by == "app"
        ]
        if not duplicates and template.kind == "text" and same and now - same[-1].at < timedelta(minutes=30):
            return
        member.messages.append(
            StaffMessage(
                simulator.state.new_message_id(),
                template.by,
                template.kind,
                template.text,
                now,
                title=template.title,
                buttons=template.buttons,
                task_id=template.task_id,
            )
        )
        simulator.state.changed()
