"""What staff are answered: to a tap on a card, to 收到 A12 and the other words. Pure."""

from collections.abc import Sequence

from bot.escalation import messages

NOT_YOURS = "您的企业微信账号不在教职工名单里，没有记录下来。请让管理员导入后再试。"
CLOSING_CODES = {
    "已谈话": "talked",
    "已转介": "referred",
    "已送医": "hospital",
    "家长接走": "family",
    "误报": "false_alarm",
}
"""What may follow 已处理 A12. Without a word the code is handled."""
FOLLOW_UP_CODES = {"平稳": "steady", "仍需关注": "concern", "已转介": "referred", "没联系上": "missed"}
"""What may follow 回访 A12."""
LEVEL_WORDS = {"红": "red", "橙": "orange", "黄": "yellow"}


def code_name(code: str) -> str:
    """The Chinese word of a closing code or of a follow-up's result."""
    names = {code: word for words in (FOLLOW_UP_CODES, CLOSING_CODES) for word, code in words.items()}
    names |= {"handled": "已处理", "merged": "已合并"}
    return names.get(code, code)


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


def shared(alert_id: int) -> str:
    """The answer to 收到 A12 while the other party is still needed."""
    return f"收到，A{alert_id} 记在您名下。这条警报还需要心理中心和学院都有人接，正在通知另一方。"


def transferred(alert_id: int, name: str) -> str:
    """The answer to 转交 A12 王老师."""
    return f"A{alert_id} 已转给{name}；他没有及时接的话，会从头通知其他老师。"


def cannot_transfer(alert_id: int, word: str, numbers: Sequence[str]) -> str:
    """The answer to 转交 when the name means nobody, several, or somebody without an account."""
    if not numbers:
        return f"没有找到“{word}”，或者他没有企业微信账号。请写姓名或工号，例如：转交 A{alert_id} 王老师"
    return f"有 {len(numbers)} 位“{word}”，请写工号：" + "；".join(f"转交 A{alert_id} {number}" for number in numbers)


def released(alert_id: int) -> str:
    """The answer to 放下 A12."""
    return f"A{alert_id} 已放下，正在从头通知其他老师。"


def level_changed(alert_id: int, before: str, level: str) -> str:
    """The answer to 改级 A12 红."""
    if before == level:
        return f"A{alert_id} 本来就是{messages.level_name(level)}。"
    return f"A{alert_id} 已由{messages.level_name(before)}改为{messages.level_name(level)}。"


def merged(alert_id: int, into_id: int) -> str:
    """The answer to 合并 A12 到 A10."""
    return f"A{alert_id} 已并入 A{into_id}，以后的消息都算在 A{into_id} 上。"


def merged_with_itself(alert_id: int) -> str:
    """The answer to 合并 A12 到 A12."""
    return f"两个编号都是 A{alert_id}，请写两个不同的，例如：合并 A12 到 A10"


def noted(alert_id: int) -> str:
    """The answer to 跟进 A12 …."""
    return f"已记到 A{alert_id} 的经过里。"


def followed_up(alert_id: int, *, code: str) -> str:
    """The answer to 回访 A12 平稳."""
    if code == "missed":
        return f"A{alert_id} 记下了，过几个小时再提醒您联系一次。实在联系不上，请让宿管或同学去看看。"
    if code == "concern":
        return f"A{alert_id} 记下了。需要马上有人跟进的话，请直接联系心理中心。"
    return f"A{alert_id} 的回访记下了，谢谢您。"


def no_follow_up(alert_id: int) -> str:
    """The answer to 回访 when none is planned."""
    return f"A{alert_id} 没有待做的回访。"


STAFF_HELP = (
    "您可以这样回复：\n收到 A12　由我处理这条警报（可以写几个：收到 A12 A13）\n"
    "已处理 A12　处理完了，结束（可加：已谈话、已转介、已送医、家长接走）\n误报 A12　不是危险，结束\n"
    "确实 A12　提醒得对（只记录，不结束）\n转交 A12 王老师　请他来处理\n放下 A12　我处理不了，重新通知\n"
    "跟进 A12 您的话　记下做了什么\n改级 A12 红　改成红、橙或黄\n合并 A12 到 A10　同一件事\n"
    "回访 A12 平稳　回访的结果（平稳、仍需关注、已转介、没联系上）\n"
    "报表　警报准不准，演练多久有人接（学院领导、学生处、心理中心、管理员）\n"
    "回复 C3 您的话　发给诉求 C3 的学生\n结束 C3　这件诉求办完了\n（A12、C3 换成消息里的编号）"
)


def report(link: str) -> str:
    """The answer to 报表; `link` is empty for those who do not read it."""
    if not link:
        return "报表给学院领导、学生处、心理中心和管理员看。需要的话，请他们打开给您看。"
    return f"每条规则准不准、演练多久有人接，都在这里，只给您本人用：\n{link}"


def case_replied(number: int) -> str:
    """The answer to 回复 C3 …."""
    return f"已发给 C{number} 的学生；他超过 48 小时没说话的话，会等他下次说话时收到。"


def case_closed(number: int) -> str:
    """The answer to 结束 C3."""
    return f"C{number} 已结束，谢谢您。"


def unknown_case(number: int) -> str:
    """The answer when there is no such open case."""
    return f"没有找到进行中的 C{number}，请核对编号。"
