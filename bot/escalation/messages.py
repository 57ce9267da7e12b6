"""What staff read: the card, the robot's text, the answers to 收到 A12. Pure."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.channel.messages import Button, CardContent

_LEVEL_NAMES = {"red": "红色", "orange": "橙色", "yellow": "黄色"}
_TODO = {
    ("red", "self"): "要做：先打电话；联系不上，请宿管上门；两人同行。",
    ("orange", "self"): "要做：今天之内当面或打电话聊一聊，先听，不劝；需要时陪同去心理中心。",
    ("red", "other"): "要做：先回电给写信的同学，弄清是谁、在哪儿，再按紧急情况处理。",
    ("orange", "other"): "要做：先联系写信的同学，弄清担心的是谁，再一起想办法。",
}
_EXCERPT = 120
_QUOTED = 400
_LISTED = 40
NOT_DELIVERED = "【企业微信没有送达，请转告】"
NOT_YOURS = "您的企业微信账号不在教职工名单里，没有记录下来。请让管理员导入后再试。"


def level_name(level: str) -> str:
    """The Chinese word of a level."""
    return _LEVEL_NAMES.get(level, level)


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
    repeat_minutes: int,
) -> CardContent:
    """The alert as a counselor sees it on the phone: who, which words, why, what to do, what comes next."""
    excerpt = words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…"
    lines = [
        f"{at.astimezone(zone):%m-%d %H:%M} 写道：“{excerpt}”",
        f"信号：{'、'.join(signals) or '—'}" + (f"　·　累计 {count} 条" if count > 1 else ""),
        _TODO.get((level, about), "要做：尽快联系本人。"),
        f"{repeat_minutes} 分钟内没有人处理会再次提醒。",
    ]
    subject = "担心别人" if about == "other" else "学生本人"
    return CardContent(
        task_id=task_id,
        title=f"{level_name(level)} A{alert_id} · {subject} · {who}",
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


def wants_a_call(alert_id: int, phone: str) -> str:
    """To who has the alert, or who is on duty: the student asks to be called."""
    number = f"电话 {phone}" if phone else "还没有留号码，请在后台或通过学院联系"
    return f"A{alert_id} 的同学同意老师打电话过去：{number}。请尽快打给他。"


def acknowledged_line(name: str) -> str:
    """On the card, in the place of its buttons."""
    return f"{name} 正在处理"


def false_alarm_line(name: str) -> str:
    """On the card, in the place of its buttons."""
    return f"{name} 标为误报"


def acknowledged(alert_id: int, *, already_by: str = "") -> str:
    """The answer to 收到 A12."""
    if already_by:
        return f"A{alert_id} 已经由 {already_by} 在处理。"
    return f"收到，A{alert_id} 记在您名下，不再提醒其他人。处理完请回复：已处理 A{alert_id}"


def resolved(alert_id: int) -> str:
    """The answer to 已处理 A12."""
    return f"A{alert_id} 已结束，谢谢您。"


def marked_false(alert_id: int) -> str:
    """The answer to 误报 A12."""
    return f"A{alert_id} 已标为误报并结束，谢谢，这会让以后的提醒更准。"


def confirmed(alert_id: int) -> str:
    """The answer to 确实 A12."""
    return f"A{alert_id} 已记为属实，谢谢。处理完请回复：已处理 A{alert_id}"


def unknown_alert(alert_id: int) -> str:
    """The answer when there is no such alert."""
    return f"没有找到 A{alert_id}，请核对编号。"


def already_closed(alert_id: int) -> str:
    """The answer when the alert is resolved."""
    return f"A{alert_id} 已经结束了。"


STAFF_HELP = (
    "您可以这样回复：\n收到 A12　由我处理这条警报\n已处理 A12　处理完了，结束\n误报 A12　不是危险，结束\n"
    "确实 A12　提醒得对（只记录，不结束）\n"
    "回复 C3 您的话　发给诉求 C3 的学生\n结束 C3　这件诉求办完了\n（A12、C3 换成消息里的编号）"
)


def case_replied(number: int) -> str:
    """The answer to 回复 C3 …."""
    return f"已发给 C{number} 的学生；他超过 48 小时没说话的话，会等他下次说话时收到。"


def case_closed(number: int) -> str:
    """The answer to 结束 C3."""
    return f"C{number} 已结束，谢谢您。"


def unknown_case(number: int) -> str:
    """The answer when there is no such open case."""
    return f"没有找到进行中的 C{number}，请核对编号。"
