"""What the pipeline itself says to students."""

TOO_FAST = "您发得有点快，我一条一条看。请过一分钟再问，急事请回复“人工”。"
ROUTERS_BROKE = "这一条我没能答上来，出了点故障，不是您的问题。您的话已经记下，请稍后再问一次；要找老师，请回复“人工”。"


def unread(count: int) -> str:
    """The line above held messages."""
    return f"—— 您有 {count} 条未读提醒 ——"
