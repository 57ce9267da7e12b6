"""`flask broadcast safety …`: urgent safety notices, and what students answered."""

import click

from bot.broadcast.reading import read_range
from bot.broadcast.records import CampaignRecord
from bot.broadcast.safety_words import RESPONSES, SEVERITIES, URGENCIES, SafetyDraft, Standing
from bot.broadcast.segment import write_segment
from bot.broadcast.state import CampaignState
from bot.cli.broadcast import BY, NUMBER, actor_of, broadcast, is_wanted, number_of
from bot.cli.broadcast_lines import forecast_lines
from bot.cli.current import current_application, shown_errors

_TEXT = click.option("--text", required=True, help="要说的话。")


@broadcast.command("safety")
@_TEXT
@click.option("--college", default="", help="只发给这个学院。")
@click.option("--segment", default="", help="范围；不写就是全体。")
@click.option("--urgency", type=click.Choice(URGENCIES), default="Immediate", show_default=True)
@click.option("--severity", type=click.Choice(SEVERITIES), default="Severe", show_default=True)
@click.option(
    "--response", type=click.Choice(list(RESPONSES)), default="Monitor", show_default=True, help="要学生做什么。"
)
@click.option("--exercise", is_flag=True, help="演练：照样走一遍，写明不是真的。")
@click.option("--template", default="", help="窗口关了的学生用这个模板。")
@click.option("--again", is_flag=True, help="同样的通知发过了，也再发一次。")
@click.option("--yes", is_flag=True, help="不再问。")
@BY
@shown_errors
def safety(
    *,
    text: str,
    college: str,
    segment: str,
    urgency: str,
    severity: str,
    response: str,
    exercise: bool,
    template: str,
    again: bool,
    yes: bool,
    staff_no: str,
) -> None:
    """平安通知：紧急，学生回“我已安全”或“需要帮助”。不管安静时段、退订和次数上限。"""
    application = current_application()
    notice = SafetyDraft(
        text=text,
        segment=read_range(college, segment),
        author=actor_of(staff_no),
        urgency=urgency,
        severity=severity,
        response=response,
        is_exercise=exercise,
        template=template,
        again=again,
    )
    draft = application.safety_notices.draft(notice)
    with application.database.read() as session:
        expected = application.campaigns.reckoning.forecast(session, draft)
    click.echo(f"{draft.text}\n")
    click.echo("\n".join(forecast_lines(write_segment(draft.segment), expected)))
    if not yes and not is_wanted(expected):
        return
    with application.database.write() as session:
        campaign = application.safety_notices.issue(session, notice)
    click.echo(f"平安通知编号：G{campaign.id}")
    if campaign.state == CampaignState.DRAFT:
        click.echo(f"要另一位老师批准：flask broadcast approve {campaign.id} --by 工号")
    click.echo(f"看回复：flask broadcast safety-report {campaign.id}")


@broadcast.command("safety-resend")
@NUMBER
@BY
@shown_errors
def resend(campaign: str, staff_no: str) -> None:
    """没有回复的人再收一次。"""
    application = current_application()
    with application.database.write() as session:
        further = application.safety_notices.resend(session, number_of(campaign), author=actor_of(staff_no))
    _tell(further)


@broadcast.command("safety-update")
@NUMBER
@_TEXT
@BY
@shown_errors
def update(campaign: str, text: str, staff_no: str) -> None:
    """有新情况，告诉同一批人。"""
    application = current_application()
    with application.database.write() as session:
        further = application.safety_notices.update(session, number_of(campaign), text, author=actor_of(staff_no))
    _tell(further)


@broadcast.command("safety-clear")
@NUMBER
@_TEXT
@BY
@shown_errors
def clear(campaign: str, text: str, staff_no: str) -> None:
    """解除：危险过去了，还没发出的不再发，告诉同一批人。"""
    application = current_application()
    with application.database.write() as session:
        further = application.safety_notices.all_clear(session, number_of(campaign), text, author=actor_of(staff_no))
    _tell(further)


@broadcast.command("safety-cancel")
@NUMBER
@_TEXT
@BY
@shown_errors
def cancel(campaign: str, text: str, staff_no: str) -> None:
    """发错了：还没发出的不再发，向同一批人更正。"""
    application = current_application()
    with application.database.write() as session:
        further = application.safety_notices.cancel(session, number_of(campaign), text, author=actor_of(staff_no))
    _tell(further)


@broadcast.command("safety-report")
@NUMBER
@shown_errors
def report(campaign: str) -> None:
    """多少人报了平安，多少人要帮助，多少人没有回音。"""
    application = current_application()
    number = number_of(campaign)
    with application.database.read() as session:
        click.echo(standing_line(number, application.safety_notices.standing(session, number)))


def standing_line(number: int, standing: Standing) -> str:
    """How an event stands, in one line."""
    state = "进行中" if standing.is_open else "已结束"
    return (
        f"G{number}（{state}）对象 {standing.total:,} 人：我已安全 {standing.safe:,}，需要帮助 {standing.help:,}，"
        f"收到了没有回复 {standing.silent:,}，还没收到 {standing.not_reached:,}"
    )


def _tell(campaign: CampaignRecord) -> None:
    click.echo(f"G{campaign.id}：{campaign.audience:,} 人。看进度：flask broadcast show {campaign.id}")


__all__ = ["broadcast"]  # with the commands of this module in it
