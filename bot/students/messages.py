"""What students read about binding. Pure."""

from zoneinfo import ZoneInfo

from bot.students.models import Outcome, Result, Student

_CODE = "绑定码是学院发给你本人的 10 位字母数字，像 K7QM3-XH9PD"
_ASK_COLLEGE = "请向学院要一个新的绑定码。"

HOW_TO_BIND = (
    f"{_CODE}。收到以后回：绑定 你的绑定码\n也可以直接扫学院发的二维码。\n\n"
    "绑定后，老师收到你的求助时知道你是谁，提醒也更合你的情况。不绑定也能问问题。\n"
    "这里不需要学校账号的密码，任何人要密码都别给。还没有绑定码，请联系学院辅导员。"
)
NOT_BOUND = "这个微信还没有绑定学号，不用解绑。想绑定，回“绑定”看怎么做。"
UNBOUND = (
    "已经解绑，这个微信和学号没有关系了。名单里学校提供的资料没有变。\n"
    "以后想再绑定，要向学院要一个新的绑定码。想连说过的话一起删，回“删除我的数据”。"
)


def bound_as(student: Student) -> str:
    """The answer to 绑定 from who is bound."""
    return f"这个微信已经绑定：{_shown(student)}。\n不是你，或者想换一个微信，回“解绑”。"


def confirm_unbind(student: Student) -> str:
    """Asks before unbinding."""
    return (
        f"现在绑定的是：{_shown(student)}。\n"
        "解绑以后，老师收到你的求助时不知道你是谁；再绑定要向学院要新的绑定码。\n\n"
        "确定的话，10 分钟内回：确认解绑\n不想解绑，不用理会。"
    )


def outcome_of(outcome: Outcome, zone: ZoneInfo) -> str:
    """The answer to a code: what happened, and what to do now."""
    student = outcome.student
    if outcome.result is Result.BOUND and student is not None:
        return (
            f"绑定好了：{_shown(student)}。\n不是你的话，请马上回“解绑”。\n"
            "想知道这里存了什么，回“我的数据”；可以问：离校手续怎么办"
        )
    if outcome.result is Result.ALREADY and student is not None:
        return f"已经绑定过了：{_shown(student)}，不用再绑。"
    if outcome.result is Result.OTHER_STUDENT and student is not None:
        return f"这个微信已经绑定：{_shown(student)}。要绑定别的学号，先回“解绑”，再把绑定码发一遍。"
    if outcome.result is Result.LOCKED and outcome.until is not None:
        at = outcome.until.astimezone(zone)
        return (
            f"输错的次数太多，{at.month}月{at.day}日 {at:%H:%M} 以前不能再试。别的问题照常问我。\n"
            "着急的话，请联系学院辅导员核对绑定码。"
        )
    return {
        Result.USED: f"这个绑定码已经用过了，一个码只能用一次。{_ASK_COLLEGE}",
        Result.EXPIRED: f"这个绑定码过期了。{_ASK_COLLEGE}",
        Result.VOID: f"这个绑定码被输错太多次，已经作废。{_ASK_COLLEGE}",
        Result.OTHER_PHONE: (
            "这个学号已经绑定了另一个微信。一个学号只能绑定一个。\n"
            "想换微信：在原来的微信里回“解绑”，再在这里发一遍绑定码；"
            "原来的微信不能用了，请学院老师帮你解绑。不是你本人绑定的，也请马上告诉学院。"
        ),
    }.get(
        outcome.result,
        f"绑定码不对，还能试 {outcome.left} 次。{_CODE}，不是学号，也不是密码。照着再输一遍：绑定 你的绑定码",
    )


def _shown(student: Student) -> str:
    """Enough for the student to see that it is them, too little for somebody else to learn much."""
    name = student.name[:1] + "＊" * max(1, len(student.name) - 1)
    return " ".join(
        part for part in (student.college, student.class_name, name, f"学号尾号 {student.student_no[-4:]}") if part
    )
