"""`flask demo`: a believable school to look at."""

from typing import Any

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.demonstration.service import Loaded, check, load
from bot.demonstration.summary import Summary
from bot.logs import only_errors

demo = AppGroup("demo", help="演示数据。")
_WINDOWS = {"open": "开着", "used": "额度用完", "closed": "已关", "never": "从未打开"}
_ALERTS = {"triggered": "没人接", "acknowledged": "处理中", "handled": "已处理", "false_alarm": "误报"}
_CASES = {"open": "等回复", "replied": "已回复", "closed": "已办结"}
_DELIVERIES = {
    "sent": "已发", "delivered": "随答案给出", "held": "保留", "cancelled": "取消", "expired": "过期",
    "pending": "待发", "sending": "正在发", "failed": "失败",
}  # fmt: skip
_ROLES = {
    "counselor": "辅导员", "college_lead": "学院副书记", "student_affairs": "学生处", "psychology": "心理中心",
    "step_handler": "环节经办", "admin": "管理员",
}  # fmt: skip


@demo.command("load")
@click.option("--students", type=click.IntRange(40, 5000), default=600, show_default=True, help="多少学生。")
@click.option("--days", type=click.IntRange(7, 90), default=30, show_default=True, help="过去多少天的来往。")
@click.option("--yes-replace", is_flag=True, help="库里已有名单也装：先清空整个数据库。")
@shown_errors
def load_demonstration(*, students: int, days: int, yes_replace: bool) -> None:
    """装一所演示学校：名单、值班表、绑定、提问、警报、诉求和提醒。只在开发模式、没有微信账号时；什么也不会发出去。"""
    application = current_application()
    check(application, replace=yes_replace)
    with only_errors(), click.progressbar(length=1000, label="正在过这一个季节") as bar:  # a month says too much
        loaded = load(application, students=students, days=days, progress=lambda done, of: _advance(bar, done, of))
    _tell(loaded, application.settings.public_url)


def _advance(bar: Any, done: int, of: int) -> None:
    bar.update(1000 * done // of - bar.pos)


def _tell(loaded: Loaded, address: str) -> None:
    summary, somebody = loaded.summary, loaded.somebody
    for line in _lines(summary):
        click.echo(line)
    click.echo(
        "\n姓名是随机拼的，手机号都是 1380000 开头的示例号码，不是任何真人；什么也没有发给任何人。\n"
        "接下来：\n"
        f"· make run，打开 {address}/simulator/ ：王老师（演示）今天值班，"
        "没人接的警报会到他手机上，按“我来处理”\n"
        f"· 在那里新建一个叫“{somebody.name}”的学生，他就是名单里 {somebody.college}"
        f"{somebody.class_name}的那一位，已经绑定\n"
        "· 写一句“不想活了”，看王老师收到的卡片；老师回“收到 A编号”“已处理 A编号”\n"
        "· flask students status、flask reminders list、flask outbox list、flask safety report、flask doctor\n"
        "正式使用前换一个空的数据库。"
    )


def _lines(summary: Summary) -> list[str]:
    alerts, windows = _by(summary.alerts, _ALERTS), _by(summary.windows, _WINDOWS)
    return [
        f"学生 {summary.students} 人，已绑定 {summary.bound} 人；班次 {summary.shifts} 个",
        f"教职工：{_by(summary.staff, _ROLES)}",
        f"微信用户 {summary.contacts} 人，其中取消关注 {summary.unfollowed} 人；退订过 {summary.opted_out} 人",
        f"关注者的 48 小时窗口：{windows}",
        f"消息 {summary.messages} 条；警报：{alerts}（经过 {summary.alert_log} 条）",
        f"诉求：{_by(summary.cases, _CASES)}",
        f"提醒 {summary.reminder_runs} 次：{_by(summary.reminders, _DELIVERIES)}",
        f"发件箱：{_by(summary.deliveries, _DELIVERIES)}",
    ]


def _by(counts: dict[str, int], words: dict[str, str]) -> str:
    return "、".join(f"{words.get(word, word)} {number}" for word, number in counts.items()) or "没有"
