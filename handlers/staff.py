"""What staff say on WeCom: a tap on an alert's card, and 收到 A12 / 已处理 A12 / 误报 A12 / 确实 A12."""

import re

from bot.channel.messages import CardUpdateContent, OutboundMessage, Source
from bot.escalation import feedback, messages
from bot.outbox.state import Priority
from bot.routing.services import Services
from bot.routing.turn import SILENCE, Reply, Turn
from bot.staff.models import Staff

_COMMAND = re.compile(r"^\s*(收到|已处理|误报|确实)\s*[AaＡａ]?\s*(\d{1,9})\s*[。.!！]?\s*$")
_REPLY = re.compile(r"^\s*回复\s*[CcＣｃ]\s*(\d{1,9})[\s，,：:]+(.+)$", re.DOTALL)
_CLOSE = re.compile(r"^\s*结束\s*[CcＣｃ]\s*(\d{1,9})\s*[。.]?\s*$")
_BUTTON = re.compile(r"^(ack|false):(\d{1,9})$")


def staff(turn: Turn, services: Services) -> Reply | None:  # noqa: PLR0911 - one return for each kind of message
    """Answers everything that comes from WeCom."""
    if turn.message.source is not Source.WECOM:
        return None
    person = services.directory.find_by_userid(turn.session, turn.message.sender)
    if person is None:
        is_event = turn.message.event and turn.message.event != "template_card_event"
        return SILENCE if is_event else Reply(text=messages.NOT_YOURS, by="staff", plain=True)
    if turn.message.event == "template_card_event":
        return _pressed(turn, services, person)
    if turn.message.event:
        return SILENCE
    case_answer = _about_case(turn, services, person)
    if case_answer is not None:
        return Reply(text=case_answer, by="staff", plain=True)
    command = _COMMAND.match(turn.words)
    if command is None:
        return Reply(text=messages.STAFF_HELP, by="staff", plain=True)
    word, number = command.group(1), int(command.group(2))
    return Reply(text=_carry_out(turn, services, person, word=word, alert_id=number, via="words")[0], by="staff")


def _about_case(turn: Turn, services: Services, person: Staff) -> str | None:
    """回复 C3 … and 结束 C3."""
    reply, close = _REPLY.match(turn.words), _CLOSE.match(turn.words)
    if reply is not None:
        number, words = int(reply.group(1)), reply.group(2).strip()
        known = services.cases.reply(turn.session, number, staff_no=person.staff_no, words=words)
        return messages.case_replied(number) if known else messages.unknown_case(number)
    if close is not None:
        number = int(close.group(1))
        return (
            messages.case_closed(number)
            if services.cases.close(turn.session, number)
            else messages.unknown_case(number)
        )
    return None


def _pressed(turn: Turn, services: Services, person: Staff) -> Reply:
    """The button's effect; the card then says who has it."""
    button = _BUTTON.match(turn.message.event_key)
    if button is None:
        return SILENCE
    word = "收到" if button.group(1) == "ack" else "误报"
    _, line = _carry_out(turn, services, person, word=word, alert_id=int(button.group(2)), via="button")
    code = turn.message.extra.get("response_code", "")
    if code:
        services.outbox.enqueue(
            turn.session,
            OutboundMessage(Source.WECOM, person.wecom_userid, CardUpdateContent(response_code=code, line=line)),
            priority=Priority.SAFETY,
            subject=f"card:{button.group(2)}",
            dedup_key=f"card:{turn.inbound_id}",
        )
    return SILENCE


def _carry_out(turn: Turn, services: Services, person: Staff, *, word: str, alert_id: int, via: str) -> tuple[str, str]:  # noqa: PLR0911 - one return for each outcome
    """Does what the word says; returns the answer in words and the line for the card."""
    alerts = services.alerts
    try:
        if word == "确实":
            feedback.confirm(turn.session, alerts, alert_id, person, via=via)
            return messages.confirmed(alert_id), messages.confirmed(alert_id)
        if word == "收到":
            before = alerts.acknowledge(turn.session, alert_id, person, via=via)
            if before == "closed":
                return messages.already_closed(alert_id), messages.already_closed(alert_id)
            owner = services.directory.find(turn.session, before) if before else None
            name = owner.name if owner else person.name
            already = name if before and before != person.staff_no else ""
            return messages.acknowledged(alert_id, already_by=already), messages.acknowledged_line(name)
        code = "handled" if word == "已处理" else "false_alarm"
        if not alerts.resolve(turn.session, alert_id, person, code=code, via=via):
            return messages.already_closed(alert_id), messages.already_closed(alert_id)
    except LookupError:
        return messages.unknown_alert(alert_id), messages.unknown_alert(alert_id)
    if code == "handled":
        return messages.resolved(alert_id), messages.resolved(alert_id)
    return messages.marked_false(alert_id), messages.false_alarm_line(person.name)
