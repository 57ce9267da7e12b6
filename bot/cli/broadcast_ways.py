"""`flask broadcast count|ways|wake`: how many are meant, and what the platforms still allow."""

import click

from bot.broadcast import messages
from bot.broadcast.audience import count_audience
from bot.broadcast.reading import read_range
from bot.broadcast.rests import list_rests, wake
from bot.broadcast.segment import write_segment
from bot.cli.current import current_application, shown_errors
from bot.cli.safety_notices import broadcast


@broadcast.command("count")
@click.option("--college", default="")
@click.option("--segment", default="")
@shown_errors
def count(college: str, segment: str) -> None:
    """范围里现在有多少人。"""
    application = current_application()
    meant = read_range(college, segment)
    with application.database.read() as session:
        click.echo(f"{write_segment(meant)}：{count_audience(session, meant):,} 人")


@broadcast.command("ways")
@shown_errors
def ways() -> None:
    """每条路今天还有多少额度，哪些停用了。"""
    application = current_application()
    zone = application.settings.school.zone
    with application.database.read() as session:
        budgets = application.campaigns.reckoning.budgets(session)
        rests = list_rests(session, application.clock.now())
    for way, left in budgets.left.items():
        click.echo(f"{messages.WAYS[way]}：今天还能发 {left:,} 人")
    for rest in rests:
        until = f"到 {rest.until.astimezone(zone):%m-%d %H:%M}" if rest.until else "要人工恢复"
        mend = "" if rest.until else f"；处理好以后：flask broadcast wake {rest.channel}"
        click.echo(f"停用：{messages.channel_name(rest.channel)}　平台返回 {rest.code}　{until}{mend}")


@broadcast.command("wake")
@click.argument("channel", type=click.Choice(["wechat", "template", "subscribe", "mass"]))
@shown_errors
def wake_channel(channel: str) -> None:
    """平台那边处理好了，重新启用一条路。"""
    application = current_application()
    with application.database.write() as session:
        found = wake(session, channel)
    click.echo("已恢复。" if found else "这条路没有停用。")


__all__ = ["broadcast"]  # with the commands of this module in it
