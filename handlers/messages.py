"""What the handlers say, in one place. Every line is read by a tired student at two in the morning."""

from datetime import datetime
from zoneinfo import ZoneInfo

_WEEKDAYS = "一二三四五六日"


def greeting(school: str, retention_days: int) -> str:
    """To who has just followed: what this is, that it is a machine, what it keeps."""
    return (
        f"你好，这里是{school}离校小助手。\n\n"
        "档案、户口、组织关系、退宿、贷款、证书……离校的事直接问我，比如：档案怎么转\n\n"
        "我是程序，不是真人。答案都注明出处；不确定的我会直说。要找老师，回“人工”。\n\n"
        f"你写的话会加密保存，最多 {retention_days} 天；平时没有人看。只有两种情况老师会看到："
        "你要找老师，或者你的话让人担心你的安全。想看想删，回“我的数据”。"
    )


HELP = (
    "可以直接问我离校的事，一句话就行：\n"
    "· 档案怎么转　· 户口要迁走吗\n"
    "· 团组织关系转到哪　· 三方怎么签\n"
    "· 退宿要办什么　· 助学贷款毕业确认\n\n"
    "接着问“要带什么”“在哪办”也可以。\n"
    "找老师：回“人工”\n"
    "心里难受：直接写给我，或回“陪我冷静一下”“安全计划”“心理热线”\n"
    "不想收提醒：回“退订”\n"
    "绑定学号：回“绑定”；存了你什么、怎么删：回“我的数据”"
)
MEDIA = "图片和文件我看不懂，语音要等微信转成文字。麻烦用一句话写给我；要找老师，回“人工”。"
VOICE_UNHEARD = "这段语音没能转成文字。麻烦再说一遍，或者打字告诉我。"


def case_opened(number: int, reply_by: datetime, zone: ZoneInfo) -> str:
    """A person will answer: until when, and what to do till then."""
    at = reply_by.astimezone(zone)
    day = f"{at.month}月{at.day}日（周{_WEEKDAYS[at.weekday()]}）{at:%H:%M}"
    return (
        f"好，已经转给老师，编号 C{number}，最晚 {day} 前回复你。\n\n"
        "想补充就写“人工”加上你的话，老师会一起看到。别的问题照常问我。\n"
        "人身安全的急事别等：110、120。"
    )


def case_continued(number: int, reply_by: datetime, zone: ZoneInfo) -> str:
    """The case is open already; the new words are in it."""
    at = reply_by.astimezone(zone)
    return f"已经补充到 C{number} 里，老师最晚 {at.month}月{at.day}日 {at:%H:%M} 前回复你。"


def safe_noted(*, exercise: bool) -> str:
    """To who has said that they are safe."""
    thanks = "收到，谢谢你报平安。" + ("这次是演练，做得很好。" if exercise else "")
    return f"{thanks}\n\n身边有同学联系不上，告诉我，或打给辅导员。情况变了，随时回复“需要帮助”。"


def help_noted(number: int, *, exercise: bool, has_words: bool) -> str:
    """To who needs help now: what has been done, what to do, and how to say more."""
    drill = "现在在演练。如果你是真的需要帮助，照样有人来。\n\n" if exercise else ""
    where = "" if has_words else "你在哪里、什么情况，用“人工”开头写给我，老师会一起看到。\n\n"
    return (
        f"{drill}收到，我已经告诉老师（编号 C{number}），老师会尽快联系你。\n\n{where}"
        "危及生命别等，马上打：110、119、120。先到安全、有人的地方。"
    )


def unsubscribed(topics: list[str]) -> str:
    """The student gets no reminders of these topics any more; urgent safety notices still come."""
    return (
        f"好，不再给你发{'、'.join(topics)}提醒。\n涉及人身安全的紧急通知还会发。想恢复，回“订阅 " + topics[0] + "”。"
    )


def subscribed(topics: list[str]) -> str:
    """The student gets reminders of these topics again."""
    return f"好，已恢复{'、'.join(topics)}提醒。不想要了随时回“退订”。"


def which_topic(word: str, topics: tuple[str, ...]) -> str:
    """The named topic is not one of ours."""
    return f"没有“{word}”这一类提醒。可以退订的有：{'、'.join(topics)}；全部退订回“退订”。"
