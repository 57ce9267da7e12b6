"""What the pipeline itself says to students."""

from datetime import date, datetime

TOO_FAST = "您发得有点快，我一条一条看。请过一分钟再问，急事请回复“人工”。"
ROUTERS_BROKE = "这一条我没能答上来，出了点故障，不是您的问题。您的话已经记下，请稍后再问一次；要找老师，请回复“人工”。"

STILL_HEARD = (
    "要找老师，回复“人工”。\n"
    "如果您很难受，或者谁有危险，请直接写给我：这样的话我照样看得到，会马上通知值班老师。"
    "回复“心理热线”看现在能打的电话。"
)


def unread(count: int) -> str:
    """The line above held messages."""
    return f"—— 您有 {count} 条未读提醒 ——"


def in_maintenance(said: str, *, until: datetime | None, today: date) -> str:
    """The notice in place of an answer. `said` are the operator's words; `until`, in the school's zone, is to come."""
    if until is None:
        back = "" if said else "请过一两个小时再来问我。"
    else:
        day = "今天" if until.date() == today else f"{until.month}月{until.day}日"
        back = f"请{day} {until:%H:%M} 以后再来问我。"
    first = said or "我正在维护，这会儿答不了问题，您的话已经记下。"
    return f"{first}{back}\n\n{STILL_HEARD}"
