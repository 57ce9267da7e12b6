"""What staff are told of alerts: the card, the robot's text, words about them. Pure. Answers are in answers.py."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.channel.messages import Button, CardContent

_LEVEL_NAMES = {"red": "红色", "orange": "橙色", "yellow": "黄色"}
_TODO = {
    ("red", "self"): "要做：先打电话；联系不上，请宿管上门；两人同行。",
    ("orange", "self"): "要做：今天之内当面或打电话聊一聊，先听，不劝；需要时陪同去心理中心。",
    ("red", "other"): "要做：先回电给写信的同学，弄清是谁、在哪儿，再按紧急情况处理。",
    ("orange", "other"): "要做：先联系写信的同学，弄清担心的是谁，再一起想办法。",
}
_TARGETS = {
    "duty": "值班辅导员",
    "counselors": "学院辅导员",
    "college_lead": "学院副书记",
    "student_affairs": "学生处",
    "psychology": "心理中心",
}
_EXCERPT = 120
_QUOTED = 400
_LISTED = 40
NOT_DELIVERED = "【企业微信没有送达，请转告】"


def level_name(level: str) -> str:
    """The Chinese word of a level."""
    return _LEVEL_NAMES.get(level, level)


def todo(level: str, about: str) -> str:
    """What to do about an alert."""
    return _TODO.get((level, about), "要做：尽快联系本人。")


def subject_name(about: str) -> str:
    """Whose danger it is: the writer's own, or that of somebody the writer worries about."""
    return {"other": "担心别人", "drill": "演练，不是真的"}.get(about, "学生本人")


def contact_name(contact: str) -> str:
    """How staff see a student who is not known by name."""
    return f"微信用户\u00a0…{contact[-4:]}"


def signal_labels(signals: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why the alert was raised, each reason once."""
    return list(dict.fromkeys(str(signal.get("label", "")) for signal in signals))


def target_names(targets: Sequence[str]) -> str:
    """The people of a policy's steps in words; empty for none."""
    return "、".join(dict.fromkeys(_TARGETS.get(target, target) for target in targets))


def lasting(time: timedelta) -> str:
    """A length of time as people say it: 5 分钟, 4 小时, 3 天."""
    minutes = max(1, round(time.total_seconds() / 60))
    if minutes % 1440 == 0:
        return f"{minutes // 1440} 天"
    return f"{minutes // 60} 小时" if minutes % 60 == 0 else f"{minutes} 分钟"


def comes_next(wait: timedelta, targets: str) -> str:
    """On the card: what happens if nobody takes it."""
    return f"{lasting(wait)}内没有人处理会{f'通知{targets}' if targets else '再次提醒'}。"


def passed_over(targets: str) -> str:
    """On the card, when those before in the ladder could not be reached."""
    return f"前面应通知的{targets}没有能联系到的人，所以直接找您。"


def step_empty(alert_id: int, targets: str) -> str:
    """To the administrators: a rung of the ladder stands empty."""
    return f"A{alert_id} 应通知{targets}，但名单里没有能联系到的人，已直接通知下一级。请补教职工名单或值班表。"


def nobody_to_tell(alert_id: int) -> str:
    """To the administrators: the whole ladder is empty."""
    return f"A{alert_id} 应通知的人一个也联系不到，只发到了群里。请马上找人处理，并补教职工名单。"


def nudge(alert_id: int, left: timedelta) -> str:
    """To who has the alert and has been silent for long."""
    return (
        f"A{alert_id} 还由您处理吗？还在处理请回：收到 A{alert_id}；处理完请回：已处理 A{alert_id}。"
        f"{lasting(left)}内没有回音，会重新通知其他老师。"
    )


def handed_over(name: str) -> str:
    """On the card of who gets an alert from a colleague."""
    return f"{name}把它转给了您。"


def follow_up(alert_id: int, who: str, after: timedelta) -> str:
    """To who closed an alert, when it is time to see the student again."""
    return (
        f"A{alert_id} 回访（结束后 {lasting(after)}）：请联系 {who}，问一问这几天怎么样。\n"
        f"问过了请回：回访 A{alert_id} 平稳（或：仍需关注、已转介、没联系上）"
    )


def seen(about: str) -> str:
    """To the student, once: a person has read it. No promise that is not kept, no exclamation mark."""
    if about == "other":
        return "有老师看到你说的事了，会联系你，和你一起想办法。谢谢你告诉我们。"
    return "有老师看到你写的话了，正在想办法联系你。\n你不用一个人撑着，想说什么，随时写给我。"


def taken_above(alert_id: int, name: str) -> str:
    """To those who were told earlier, when somebody further up has taken the alert."""
    return f"A{alert_id} 已由{name}接手，您不用再跟进。"


def card(
    *,
    alert_id: int,
    level: str,
    about: str,
    who: str,
    words: str,
    signals: list[str],
    count: int,
    at: datetime,
    zone: ZoneInfo,
    task_id: str,
    notes: Sequence[str],
) -> CardContent:
    """The alert as a counselor sees it on the phone: who, which words, why, what to do, and what comes next."""
    excerpt = words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…"
    lines = [
        f"{at.astimezone(zone):%m-%d %H:%M} 写道：“{excerpt}”",
        f"信号：{'、'.join(signals) or '—'}" + (f"　·　累计 {count} 条" if count > 1 else ""),
        todo(level, about),
        *notes,
    ]
    return CardContent(
        task_id=task_id,
        title=f"{level_name(level)} A{alert_id} · {subject_name(about)} · {who}",
        text="\n".join(lines),
        buttons=(
            Button(key=f"ack:{alert_id}", text="我来处理", primary=True),
            Button(key=f"false:{alert_id}", text="误报"),
        ),
    )


def robot_text(content: CardContent, *, reason: str) -> str:
    """The same for a group robot, which has no buttons: how to acknowledge is said in words."""
    number = content.title.split()[1]
    return f"【{reason}】{content.title}\n{content.text}\n处理的老师请在企业微信应用里回复：收到 {number}"


def more_words(alert_id: int, count: int, words: str) -> str:
    """To who has taken the alert, or is on duty, when the student writes again."""
    return f"A{alert_id} 的同学又写来消息（累计 {count} 条）：\n“{words[:_QUOTED]}”"


def morning_line(alert_id: int, about: str, contact: str, at: datetime, words: str) -> str:
    """One yellow alert on the working day's list."""
    whom = "担心别人" if about == "other" else "本人"
    excerpt = words if len(words) <= _LISTED else words[: _LISTED - 1] + "…"
    return f"A{alert_id} 微信用户\u00a0…{contact[-4:]}（{whom}）{at:%m-%d %H:%M}：“{excerpt}”"


def morning_list(lines: Sequence[str]) -> str:
    """To who is on duty, on a working day's morning."""
    head = f"黄色名单：{len(lines)} 位同学说了很沉重的话，没有说到死。请在今天找时间问一问。"
    foot = "跟进过的回“已处理 A12”，不是的回“误报 A12”。"
    return "\n".join((head, *lines, foot))


def summary_line(alert_id: int, level: str, who: str, at: datetime, words: str) -> str:
    """One open alert of the summary."""
    excerpt = words if len(words) <= _LISTED else words[: _LISTED - 1] + "…"
    return f"A{alert_id} {level_name(level)} {who} {at:%m-%d %H:%M}：“{excerpt}”"


def summary(lines: Sequence[str], count: int, first: int) -> str:
    """After an outage, in the place of a pile of cards: what is open, worst first, and how to take it."""
    head = f"刚才有一段时间消息没有发出去。现在还有 {count} 条警报没有人处理，急的在前："
    more = [f"另有 {count - len(lines)} 条，稍后会再逐条提醒。"] if count > len(lines) else []
    foot = f"您来处理的请回：收到 A{first}（可以写几个：收到 A12 A13）"
    return "\n".join((head, *lines, *more, foot))


def wants_a_call(alert_id: int, phone: str) -> str:
    """To who has the alert, or who is on duty: the student asks to be called."""
    number = f"电话 {phone}" if phone else "还没有留号码，请在后台或通过学院联系"
    return f"A{alert_id} 的同学同意老师打电话过去：{number}。请尽快打给他。"
