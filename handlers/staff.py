"""What staff say on WeCom: a tap on a card, 回复 C3, 结束 C3, 报表; words about alerts are in alert_words.py."""

import re

from bot.channel.messages import CardUpdateContent, OutboundMessage, Source
from bot.escalation import answers
from bot.outbox.state import Priority
from bot.routing.services import Services
from bot.routing.turn import SILENCE, Reply, Turn
from bot.staff.models import Staff
from handlers.alert_words import about_alerts, carry_out

_REPLY = re.compile(r"^\s*回复\s*[CcＣｃ]\s*(\d{1,9})[\s，,：:]+(.+)$", re.DOTALL)
_CLOSE = re.compile(r"^\s*结束\s*[CcＣｃ]\s*(\d{1,9})\s*[。.]?\s*$")
_REPORT = re.compile(r"^\s*(看|查看)?报表\s*[。.]?\s*$")
_BUTTON = re.compile(r"^(ack|false):(\d{1,9})$")


def staff(turn: Turn, services: Services) -> Reply | None:
    """Answers everything that comes from WeCom."""
    if turn.message.source is not Source.WECOM:
        return None
    person = services.directory.find_by_userid(turn.session, turn.message.sender)
    if person is None:
        is_event = turn.message.event and turn.message.event != "template_card_event"
        return SILENCE if is_event else Reply(text=answers.NOT_YOURS, by="staff", plain=True)
    if turn.message.event == "template_card_event":
        return _pressed(turn, services, person)
    if turn.message.event:
        return SILENCE
    own_answer = _about_case(turn, services, person) or _report(turn, services, person)
    if own_answer is not None:
        return Reply(text=own_answer, by="staff", plain=True)
    answer = about_alerts(turn, services, person)
    return Reply(text=answer or answers.STAFF_HELP, by="staff", plain=answer is None)


def _about_case(turn: Turn, services: Services, person: Staff) -> str | None:
    """回复 C3 … and 结束 C3."""
    reply, close = _REPLY.match(turn.words), _CLOSE.match(turn.words)
    if reply is not None:
        number, words = int(reply.group(1)), reply.group(2).strip()
        known = services.cases.reply(turn.session, number, staff_no=person.staff_no, words=words)
        return answers.case_replied(number) if known else answers.unknown_case(number)
    if close is not None:
        number = int(close.group(1))
        return (
            answers.case_closed(number) if services.cases.close(turn.session, number) else answers.unknown_case(number)
        )
    return None


def _report(turn: Turn, services: Services, person: Staff) -> str | None:
    """报表."""
    return answers.report(services.reports.link_for(person)) if _REPORT.match(turn.words) else None


def _pressed(turn: Turn, services: Services, person: Staff) -> Reply:
    """The button's effect; the card then says who has it."""
    button = _BUTTON.match(turn.message.event_key)
    if button is None:
        return SILENCE
    word = "收到" if button.group(1) == "ack" else "误报"
    line = carry_out(turn, services, person, word=word, alert_id=int(button.group(2)), via="button").line
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
