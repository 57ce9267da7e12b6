"""What staff read about the rota: hand-overs, gaps, copies of the night, swaps. Pure."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.escalation.rotation import Gap

_SHOWN = 10


def when(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as people write it: 6月8日 18:00."""
    local = moment.astimezone(zone)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def span(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    """From when to when; the day is written once if it is one."""
    ends = ends_at.astimezone(zone)
    same = starts_at.astimezone(zone).date() == ends.date()
    return f"{when(starts_at, zone)} 到 {f'{ends:%H:%M}' if same else when(ends_at, zone)}"


def handover(ends_at: datetime, open_alerts: Sequence[str], zone: ZoneInfo) -> str:
    """To who begins a shift: until when, and what is open."""
    head = f"您从现在起值班，到 {when(ends_at, zone)}。请把手机放在身边，打开声音。"
    if not open_alerts:
        return f"{head}\n没有未结束的警报。"
    more = len(open_alerts) - _SHOWN
    lines = [head, f"还没有结束的警报 {len(open_alerts)} 条：", *open_alerts[:_SHOWN]]
    if more > 0:
        lines.append(f"……还有 {more} 条")
    return "\n".join(lines)


def open_alert(alert_id: int, level: str, at: datetime, owner: str, zone: ZoneInfo) -> str:
    """One line about an alert that is open."""
    return f"A{alert_id} {level} {when(at, zone)}　{f'{owner}在处理' if owner else '还没有人处理'}"


def gaps(found: Sequence[Gap], zone: ZoneInfo, *, unreachable: Sequence[str], unknown_year: int | None) -> str:
    """To student affairs, in the morning: what is missing in the next 14 days, and how to mend it."""
    lines = []
    if found:
        lines.append(f"今后 14 天有 {len(found)} 段没有人值班，那时的警报会发给全体辅导员：")
        lines += [
            f"· {f'{gap.college}　' if gap.college else ''}{span(gap.starts_at, gap.ends_at, zone)}"
            for gap in found[:_SHOWN]
        ]
        if len(found) > _SHOWN:
            lines.append(f"· 还有 {len(found) - _SHOWN} 段（flask rota show）")
        lines.append("补好后请管理员导入：flask rota import 值班.csv")
    if unreachable:
        lines.append(f"值班表里这些人没有任何能用的联系方式，请补名单：{'、'.join(unreachable[:_SHOWN])}")
    if unknown_year is not None:
        lines.append(
            f"{unknown_year} 年的放假安排还没有录入，工作日暂按周一到周五算；请填 rota.holidays 和 rota.workdays。"
        )
    return "\n".join(lines)


def night_copy(line: str, words: str) -> str:
    """To the class's counselor, in the morning: what happened at night with a student of theirs."""
    return f"昨夜您班上有同学的警报，值班老师已收到，抄送您跟进：\n{line}\n写道：“{words}”"


def swap_asked(number: int, mine: str, theirs: str, other: str) -> str:
    """To each of the two whose shifts are to be swapped."""
    return (
        f"换班 S{number}：您的班 {mine}，换 {other} 的班 {theirs}。\n"
        f"同意请回复：同意换班 S{number}\n不换请回复：不同意换班 S{number}\n两个人都同意才会换。"
    )


def swap_waits(number: int) -> str:
    """The answer to the first of the two who agrees."""
    return f"收到，S{number} 还等另一位老师同意。"


def swap_done(number: int, mine: str) -> str:
    """To both, when it is done."""
    return f"换班 S{number} 已生效。您现在值的是 {mine}。"


def swap_refused(number: int, name: str) -> str:
    """To both, when one of them does not want it."""
    return f"换班 S{number} 没有成：{name}不同意。值班表没有变。"


def swap_unknown(number: int) -> str:
    """The answer when there is no such swap, or it is not this person's, or it is decided."""
    return f"没有等您决定的换班 S{number}，请核对编号。"


def swap_outdated(number: int) -> str:
    """The answer when the rota has changed since the swap was asked for."""
    return f"换班 S{number} 办不了：值班表已经变了。请管理员重新提出。"


def on_duty(people: Sequence[str], *, is_planned: bool) -> str:
    """The answer to 值班: who is on duty now."""
    if not people:
        return "名单里还没有值班的老师，请管理员导入。"
    named = "、".join(people)
    return f"现在值班：{named}" if is_planned else f"没有值班表，警报发给全体辅导员：{named}"
