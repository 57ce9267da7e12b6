"""What staff can say about alerts: 收到 A12, 转交 A12 王老师 and the rest. Carried out in the turn's transaction."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.escalation import answers, feedback
from bot.escalation.handling import AlertClosedError
from bot.routing.services import Services
from bot.routing.turn import Turn
from bot.staff.models import Staff

_A = r"[AaＡａ]?\s*(\d{1,9})"
_END = r"\s*[。.!！]?\s*$"
_SEVERAL = re.compile(r"^\s*(收到|已处理|误报|确实|放下)\s*((?:[AaＡａ]?\s*\d{1,9}[\s、，,]*){1,20})[。.!！]?\s*$")
_CLOSED_AS = re.compile(rf"^\s*已处理\s*{_A}[\s，,：:]*({'|'.join(answers.CLOSING_CODES)}){_END}")
_TRANSFER = re.compile(rf"^\s*转交\s*{_A}[\s，,：:]*给?\s*(\S[^\n]{{0,39}}?){_END}")
_LEVEL = re.compile(rf"^\s*(?:改级|改为|升级|升为|降级|降为)\s*{_A}\s*[为成到]?\s*([红橙黄])色?{_END}")
_MERGE = re.compile(rf"^\s*合并\s*{_A}\s*[到进入和与]?\s*{_A}{_END}")
_NOTE = re.compile(rf"^\s*跟进\s*{_A}[\s，,：:]+(\S.*)$", re.DOTALL)
_FOLLOW_UP = re.compile(rf"^\s*回访\s*{_A}[\s，,：:]*({'|'.join(answers.FOLLOW_UP_CODES)}){_END}")


@dataclass(frozen=True, slots=True)
class Said:
    """The effect of a word: the answer to the person, and the line on the card whose button was pressed."""

    answer: str
    line: str


def about_alerts(turn: Turn, services: Services, person: Staff) -> str | None:
    """The answer to words about alerts; None if they are about something else."""
    several = _SEVERAL.match(turn.words)
    if several is not None:
        numbers = dict.fromkeys(int(number) for number in re.findall(r"\d{1,9}", several.group(2)))
        said = [carry_out(turn, services, person, word=several.group(1), alert_id=one, via="words") for one in numbers]
        return "\n".join(one.answer for one in said)
    for pattern, act in _ACTS:
        found = pattern.match(turn.words)
        if found is not None:
            number = int(found.group(1))
            try:
                return act(turn, services, person, number, found.group(2))
            except LookupError:
                return answers.unknown_alert(number)
            except AlertClosedError:
                return answers.already_closed(number)
    return None


def carry_out(turn: Turn, services: Services, person: Staff, *, word: str, alert_id: int, via: str) -> Said:
    """Does what a card's button or one word says."""
    try:
        return _WORDS[word](turn, services, person, alert_id, via)
    except LookupError:
        return _both(answers.unknown_alert(alert_id))
    except AlertClosedError:
        return _both(answers.already_closed(alert_id))


def _both(text: str) -> Said:
    return Said(text, text)


def _take(turn: Turn, services: Services, person: Staff, alert_id: int, via: str) -> Said:
    before = services.alerts.acknowledge(turn.session, alert_id, person, via=via)
    if before == "closed":
        return _both(answers.already_closed(alert_id))
    owner = services.directory.find(turn.session, before) if before else None
    name = owner.name if owner else person.name
    if before and before != person.staff_no:
        return Said(answers.acknowledged(alert_id, already_by=name), answers.acknowledged_line(name))
    if services.alerts.is_shared(turn.session, alert_id):
        return Said(answers.shared(alert_id), answers.acknowledged_line(name))
    return Said(answers.acknowledged(alert_id), answers.acknowledged_line(name))


def _close(turn: Turn, services: Services, person: Staff, alert_id: int, via: str, code: str = "handled") -> Said:
    if not services.handling.resolve(turn.session, alert_id, person, code=code, via=via):
        return _both(answers.already_closed(alert_id))
    if code == "false_alarm":
        return Said(answers.marked_false(alert_id), answers.false_alarm_line(person.name))
    return _both(answers.resolved(alert_id))


def _dismiss(turn: Turn, services: Services, person: Staff, alert_id: int, via: str) -> Said:
    return _close(turn, services, person, alert_id, via, "false_alarm")


def _confirm(turn: Turn, services: Services, person: Staff, alert_id: int, via: str) -> Said:
    feedback.confirm(turn.session, services.alerts, alert_id, person, via=via)
    return _both(answers.confirmed(alert_id))


def _release(turn: Turn, services: Services, person: Staff, alert_id: int, via: str) -> Said:
    services.handling.release(turn.session, alert_id, person, via=via)
    return _both(answers.released(alert_id))


_WORDS: dict[str, Callable[[Turn, Services, Staff, int, str], Said]] = {
    "收到": _take,
    "已处理": _close,
    "误报": _dismiss,
    "确实": _confirm,
    "放下": _release,
}


def _close_as(turn: Turn, services: Services, person: Staff, number: int, word: str) -> str:
    return _close(turn, services, person, number, "words", answers.CLOSING_CODES[word]).answer


def _transfer(turn: Turn, services: Services, person: Staff, number: int, word: str) -> str:
    found = [one for one in services.directory.called(turn.session, word) if one.wecom_userid]
    if len(found) != 1:
        return answers.cannot_transfer(number, word, [one.staff_no for one in found])
    services.handling.transfer(turn.session, number, person, found[0], via="words")
    return answers.transferred(number, found[0].name)


def _change_level(turn: Turn, services: Services, person: Staff, number: int, word: str) -> str:
    level = answers.LEVEL_WORDS[word]
    before = services.handling.change_level(turn.session, number, person, level, via="words")
    return answers.level_changed(number, before, level)


def _merge(turn: Turn, services: Services, person: Staff, number: int, word: str) -> str:
    into = int(word)
    if into == number:
        return answers.merged_with_itself(number)
    if not services.alerts.exists(turn.session, into):
        return answers.unknown_alert(into)
    services.handling.merge(turn.session, number, into, person, via="words")
    return answers.merged(number, into)


def _note(turn: Turn, services: Services, person: Staff, number: int, _words: str) -> str:
    services.handling.note(turn.session, number, person, inbound_id=turn.inbound_id, via="words")
    return answers.noted(number)


def _follow_up(turn: Turn, services: Services, person: Staff, number: int, word: str) -> str:
    code = answers.FOLLOW_UP_CODES[word]
    known = services.handling.follow_ups.record(turn.session, number, person, code=code, via="words")
    return answers.followed_up(number, code=code) if known else answers.no_follow_up(number)


_ACTS: tuple[tuple[re.Pattern[str], Callable[[Turn, Services, Staff, int, str], str]], ...] = (
    (_CLOSED_AS, _close_as),
    (_TRANSFER, _transfer),
    (_LEVEL, _change_level),
    (_MERGE, _merge),
    (_NOTE, _note),
    (_FOLLOW_UP, _follow_up),
)
