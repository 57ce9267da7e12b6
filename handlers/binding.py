"""绑定 CODE, a scanned code, and 解绑: whose phone this is. No password of the school is ever asked."""

import re

from bot.channel.messages import Kind
from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from bot.students import messages
from bot.students.codes import SCENE, looks_like_one
from handlers import confirmation
from handlers.messages import greeting

_BIND = re.compile(
    r"\s*(?:我?(?:要|想)?|怎么|如何|怎样)绑定(?:学号|身份|微信|账号|绑定码)?\s*[:：]?\s*(?P<code>[0-9A-Za-z][0-9A-Za-z\s\-—–]{2,30})?\s*[。.!！?？]*\s*"
)
_UNBIND = re.compile(
    r"\s*(?:我?(?:要|想)?|怎么|如何)(?:解绑|解除绑定|取消绑定)(?:学号|身份|微信|账号)?\s*[。.!！?？]*\s*"
)
_SCANS = frozenset({"subscribe", "scan"})


def binding(turn: Turn, services: Services) -> Reply | None:
    """The phone is bound or not, and the answer says what to do; unbinding asks first."""
    if turn.message.kind is Kind.EVENT and turn.message.event in _SCANS:
        return _scanned(turn, services)
    words = confirmation.plain(turn)
    if confirmation.given(turn, "unbind", words, "确认解绑"):
        gone = services.binding.unbind(turn.session, turn.contact.contact)
        return _reply(messages.UNBOUND if gone else messages.NOT_BOUND)
    asked = _BIND.fullmatch(words)
    if asked is not None or looks_like_one(words):
        return _bind(turn, services, (asked.group("code") or "") if asked else words)
    if _UNBIND.fullmatch(words):
        return _ask_to_unbind(turn, services)
    return None


def _scanned(turn: Turn, services: Services) -> Reply | None:
    event, scene = turn.message.event, turn.message.event_key
    if not scene.startswith(SCENE):
        return None
    turn.contact.following = True
    reply = _bind(turn, services, scene.removeprefix(SCENE))
    if event == "scan":
        return reply
    settings = services.settings
    return reply.with_text(f"{greeting(settings.school.name, settings.security.retention_days)}\n\n{reply.text}")


def _bind(turn: Turn, services: Services, code: str) -> Reply:
    if code:
        outcome = services.binding.bind(turn.session, turn.contact.contact, code)
        return _reply(messages.outcome_of(outcome, services.zone))
    student = services.profiles.find_by_contact(turn.session, turn.contact.contact)
    return _reply(messages.bound_as(student) if student else messages.HOW_TO_BIND)


def _ask_to_unbind(turn: Turn, services: Services) -> Reply:
    student = services.profiles.find_by_contact(turn.session, turn.contact.contact)
    if student is None:
        return _reply(messages.NOT_BOUND)
    confirmation.ask(turn, "unbind")
    return _reply(messages.confirm_unbind(student))


def _reply(text: str) -> Reply:
    return Reply(text=text, by="binding", topic="meta.chat", plain=True)
