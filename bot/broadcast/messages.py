"""What broadcasting says to operators and staff, in one place."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

from bot.broadcast.budget import Way

K = TypeVar("K", bound=str)
WAYS: Mapping[str, str] = {
    Way.WINDOW: "48 小时窗口",
    Way.TEMPLATE: "模板消息",
    Way.SUBSCRIPTION: "订阅通知",
    Way.WECOM: "企业微信",
    Way.MASS: "群发接口",
}
REASONS: Mapping[str, str] = {
    "window": "48 小时内没有说过话，也没有别的渠道",
    "frequency": "今天的普通通知已经够多",
    "in_pain": "有没处理完的危机警报",
    "not_bound": "没有绑定微信",
    "unfollowed": "没有关注公众号",
    "expired": "过了有效期",
    "too_few": "群发接口至少要两个人",
}
STATES: Mapping[str, str] = {
    "waiting": "还没安排",
    "gathered": "等着一起群发",
    "queued": "正在发",
    "sent": "平台已收下",
    "delivered": "已送达",
    "held": "等学生说话时给",
    "failed": "失败",
    "unreachable": "送不到",
    "expired": "过期没给出",
    "cancelled": "已取消",
}
PAUSES: Mapping[str, str] = {
    "by_hand": "有人按了暂停",
    "misfire": "错过了发送时间",
    "errors": "失败太多",
}


def reason(code: str) -> str:
    """The words for a reason, or the platform's code itself."""
    return REASONS.get(code, f"平台返回 {code}" if code else "")


def pause_reason(code: str) -> str:
    """Why a campaign is paused."""
    channel, separator, number = code.partition(":")
    if separator:
        return f"{channel_name(channel)}停用（平台返回 {number}）"
    return PAUSES.get(code, code)


def paused(campaign_id: int, code: str) -> str:
    """To the operators, when a campaign has stopped by itself."""
    return (
        f"群发 G{campaign_id} 已自动暂停：{pause_reason(code)}。没发的都还在。\n"
        f"看原因：flask broadcast report {campaign_id}\n"
        f"继续：flask broadcast resume {campaign_id}；不发了：flask broadcast cancel {campaign_id}"
    )


def channel_off(channel: str, code: str) -> str:
    """To the operators, when an interface of the account may not be used."""
    return (
        f"公众号的“{channel_name(channel)}”已停用：平台返回 {code}。之后的通知会改走别的渠道。\n"
        f"在公众平台处理好以后：flask broadcast wake {channel}"
    )


def channel_name(channel: str) -> str:
    """The words for a channel of the account."""
    return WAYS.get(_way(channel), channel)


def _way(channel: str) -> str:
    return Way.WINDOW if channel == "wechat" else channel


def duration(time: timedelta) -> str:
    """A rough length of time, as people say it."""
    seconds = time.total_seconds()
    if seconds < 60:  # noqa: PLR2004 - a minute
        return "不到 1 分钟"
    return f"约 {round(seconds / 60)} 分钟" if seconds < 5400 else f"约 {seconds / 3600:.1f} 小时"  # noqa: PLR2004 - 90 minutes


def sums(counts: Mapping[K, int], words: Mapping[str, str]) -> str:
    """模板消息 12，群发接口 3."""
    return "，".join(f"{words.get(name, name)} {count:,}" for name, count in counts.items() if count)
