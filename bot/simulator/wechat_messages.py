"""WeChat's messages to one student: customer-service, template and subscription notices. Not mass messages."""

from collections.abc import Mapping
from typing import Any

from bot.simulator.api_wechat import ok, student_by
from bot.simulator.codes import ApiRefusedError
from bot.simulator.errands import Errands
from bot.simulator.gateway import ApiRequest, Fields, Route
from bot.simulator.platform import WeChatAccount
from bot.simulator.state import State
from bot.simulator.students import StudentPhone

_TEXT_BYTES = 2048


class MessageDesk:
    """The interfaces below message/ that write to one student."""

    def __init__(
        self, state: State, account: WeChatAccount, students: Mapping[str, StudentPhone], errands: Errands
    ) -> None:
        self._state = state
        self._account = account
        self._students = students
        self._errands = errands
        self.routes = {
            "message/custom/send": Route(self._custom),
            "message/custom/typing": Route(self._typing),
            "message/template/send": Route(self._template),
            "message/subscribe/bizsend": Route(self._subscription),
        }

    def _custom(self, request: ApiRequest) -> Fields:
        student = student_by(self._students, request.body.get("touser"))
        kind = request.body.get("msgtype")
        if kind == "text":
            student.take_service_message(text_of(request.body))
        elif kind == "msgmenu":
            if not self._account.verified:
                raise ApiRefusedError(40200)
            student.take_service_message(*_menu_of(request.body))
        elif kind in ("image", "voice", "video", "music", "news", "mpnews", "mpnewsarticle", "miniprogrampage"):
            student.take_service_message(f"[{kind}]")
        else:
            raise ApiRefusedError(40008)
        return ok()

    def _typing(self, request: ApiRequest) -> Fields:
        student_by(self._students, request.body.get("touser")).must_be_reachable()
        return ok()

    def _template(self, request: ApiRequest) -> Fields:
        student = student_by(self._students, request.body.get("touser"))
        self._template_of(request.body)
        student.must_be_reachable()
        number = self._state.new_platform_id()
        status = "failed:user block" if student.blocks else "success"
        if not student.blocks:
            student.show("account", "text", _lines_of(request.body))
        self._errands.run(lambda: student.report("TEMPLATESENDJOBFINISH", {"MsgID": number, "Status": status}))
        return ok(msgid=number)

    def _subscription(self, request: ApiRequest) -> Fields:
        student = student_by(self._students, request.body.get("touser"))
        student.take_subscription_notice(self._template_of(request.body), _lines_of(request.body))
        return ok()

    def _template_of(self, body: Mapping[str, Any]) -> str:
        template = body.get("template_id")
        known = self._account.templates
        if not isinstance(template, str) or not template or (known and template not in known):
            raise ApiRefusedError(40037)
        return template


def text_of(body: Mapping[str, Any]) -> str:
    """The text of a text message. Raises ApiRefusedError 44004 if it is empty, 45002 over 2,048 bytes."""
    part = body.get("text")
    text = part.get("content") if isinstance(part, dict) else None
    if not isinstance(text, str) or not text:
        raise ApiRefusedError(44004)
    if len(text.encode(errors="surrogatepass")) > _TEXT_BYTES:
        raise ApiRefusedError(45002)
    return text


def _menu_of(body: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    menu = body.get("msgmenu")
    lines = menu.get("list") if isinstance(menu, dict) else None
    if not isinstance(menu, dict) or not isinstance(lines, list) or not lines:
        raise ApiRefusedError(47001)
    if not all(isinstance(line, dict) and "id" in line and "content" in line for line in lines):
        raise ApiRefusedError(47001)
    choices = tuple((str(line["id"]), str(line["content"])) for line in lines)
    shown = [str(menu.get("head_content") or ""), *(words for _, words in choices), str(menu.get("tail_content") or "")]
    return "\n".join(line for line in shown if line), choices


def _lines_of(body: Mapping[str, Any]) -> str:
    data = body.get("data")
    if not isinstance(data, dict):
        raise ApiRefusedError(47001)
    return "\n".join(str(part.get("value", "")) for part in data.values() if isinstance(part, dict))
