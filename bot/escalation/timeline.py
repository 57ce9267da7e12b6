"""The story of an alert in words, for people and for export: who was told when by what, who took it, closed how."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversation.records import InboundRecord
from bot.crypto import Cipher
from bot.escalation import answers, messages
from bot.escalation.records import AlertLogRecord
from bot.staff.store import Directory

EVENTS = {
    "triggered": "触发",
    "notified": "通知",
    "sent": "送到平台",
    "send_failed": "发送失败",
    "said": "学生又写",
    "level_raised": "升级",
    "level_lowered": "降级",
    "acknowledged": "接手",
    "still_handled": "仍在处理",
    "nudged": "询问是否还在处理",
    "unacknowledged": "收回",
    "transferred": "转交",
    "merged": "并入",
    "noted": "跟进记录",
    "confirmed": "确认属实",
    "resolved": "结束",
    "listed": "列入黄色名单",
    "call_asked": "学生请求来电",
    "student_told": "告诉学生有人看到",
    "student_not_told": "没能告诉学生",
    "step_empty": "这一级没有能联系到的人",
    "exhausted": "所有级都没有能联系到的人",
    "nobody_reachable": "没有任何办法通知",
    "rota_gap": "值班表空缺",
    "follow_up_due": "提醒回访",
    "followed_up": "回访",
    "follow_up_missed": "回访没有做",
}
_REASONS = {
    "triggered": "新警报",
    "unanswered": "上一级没有人接",
    "repeat": "全部通知过，从头再来",
    "unreachable": "上一级没有送到",
    "party_missing": "还缺另一方",
    "stale": "接手后太久没有动静",
    "nudge": "快到时限",
    "given_back": "本人放下",
    "transferred": "同事转交",
    "asked": "本人要求",
    "judged": "人工判断",
    "judged_the_same": "人工判断是同一件事",
    "words": "学生的话更重了",
    "merged": "并入的警报更重",
    "acknowledged": "有人接手",
    "window_closed": "超出平台允许的时间或条数",
    "nobody_reachable": "没有能联系到的人",
    "nobody": "没有能联系到的人",
    "card_failed": "卡片没有送到",
    "after_an_outage": "消息中断以后",
    "superseded": "到了下一次回访",
    "never_done": "提醒几次都没有结果",
}
_VIAS = {"button": "卡片按钮", "words": "企业微信文字", "link": "链接", "wecom": "企业微信", "summary": "汇总消息"}
_WORD_EVENTS = frozenset({"triggered", "said", "noted"})


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story. `who` is a name, 学生 or a channel; empty where nobody acted."""

    alert_id: int
    at: datetime
    event: str
    who: str
    text: str


def story(session: Session, alert_id: int, *, directory: Directory, cipher: Cipher, words: bool) -> list[Moment]:
    """What happened to the alert, in order. Only with `words` it quotes what was written, as long as that is kept."""
    query = select(AlertLogRecord).where(AlertLogRecord.alert_id == alert_id).order_by(AlertLogRecord.id)
    moments = []
    for line in session.scalars(query):
        text = _detail(line.detail)
        if words and line.event in _WORD_EVENTS:
            quoted = _words(session, str(line.detail.get("inbound", "")), cipher)
            text = f"{text}　“{quoted}”" if text else f"“{quoted}”"
        event = EVENTS.get(line.event, line.event)
        moments.append(Moment(alert_id, line.at, event, _who(session, line.actor, directory), text))
    return moments


def _who(session: Session, actor: str, directory: Directory) -> str:
    known = {"": "", "student": "学生", "robot": "群机器人", "wecom": "企业微信"}
    if actor in known:
        return known[actor]
    person = directory.find(session, actor)
    return f"{person.name}（{actor}）" if person else actor


def _detail(detail: Mapping[str, Any]) -> str:
    """The parts that tell a person something."""
    return "，".join(part for part in (_what(detail), _how(detail)) if part)


def _what(detail: Mapping[str, Any]) -> str:
    parts = []
    if "from" in detail and "to" in detail:
        parts.append(f"{messages.level_name(detail['from'])}→{messages.level_name(detail['to'])}")
    elif "level" in detail:
        parts.append(messages.level_name(str(detail["level"])))
    elif "to" in detail:
        parts.append(f"给 {detail['to']}")
    if "targets" in detail:
        parts.append(messages.target_names([str(target) for target in detail["targets"]]))
    if "hours" in detail:
        parts.append(f"{detail['hours']:g} 小时")
    if "alert" in detail:
        parts.append(f"A{detail['alert']}")
    return "，".join(parts)


def _how(detail: Mapping[str, Any]) -> str:
    parts = [answers.code_name(str(detail["code"]))] if detail.get("code") else []
    via = detail.get("via") or detail.get("by")
    if via:
        parts.append(_VIAS.get(via, str(via)))
    if "round" in detail:
        parts.append(f"第 {detail['round']} 次")
    if "reason" in detail:
        parts.append(_REASONS.get(detail["reason"], str(detail["reason"])))
    return "，".join(parts)


def _words(session: Session, inbound_id: str, cipher: Cipher) -> str:
    record = session.get(InboundRecord, inbound_id)
    return cipher.open(record.words, row=record.id) if record else "（原话已按期限删除）"
