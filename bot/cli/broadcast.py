"""`flask broadcast`: notices to many. What would happen is shown before it happens."""

import getpass
import json
from datetime import datetime
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup

from bot.broadcast import messages, store
from bot.broadcast.models import Draft
from bot.broadcast.planner import Forecast
from bot.broadcast.progress import progress_of
from bot.broadcast.reading import read_range
from bot.broadcast.segment import write_segment
from bot.broadcast.state import STATE_WORDS, CampaignState
from bot.cli.broadcast_lines import as_json as to_json
from bot.cli.broadcast_lines import forecast_lines, report_lines, state_line
from bot.cli.current import current_application, shown_errors

broadcast = AppGroup("broadcast", help="群发：给一批学生发通知。")
NUMBER = click.argument("campaign", metavar="编号")
BY = click.option("--by", "staff_no", default="", help="您的工号；不写则记为命令行的登录名。")


@broadcast.command("send")
@click.option("--text", required=True, help="通知的内容。")
@click.option("--title", default="", help="标题，模板消息里用。")
@click.option("--college", default="", help="只发给这个学院。")
@click.option("--segment", default="", help="范围，例如：学历=硕士 and not 标签=已离校。不写就是全体。")
@click.option("--urgent", is_flag=True, help="紧急：不管安静时段和次数上限，动用为安全保留的额度。")
@click.option("--template", default="", help="窗口关了的学生用这个模板（config.yaml 的 broadcast.templates）。")
@click.option("--no-mass", is_flag=True, help="不用群发接口（每位学生每月 4 次）。")
@click.option("--at", default="", help="什么时候发，例如 2027-06-10 09:00；不写就是现在。")
@click.option("--again", is_flag=True, help="同样的通知发过了，也再发一次。")
@click.option("--yes", is_flag=True, help="不再问。")
@click.option("--json", "as_json", is_flag=True, help="给程序看的一行 JSON。")
@BY
@shown_errors
def send(
    *,
    text: str,
    title: str,
    college: str,
    segment: str,
    urgent: bool,
    template: str,
    no_mass: bool,
    at: str,
    again: bool,
    yes: bool,
    as_json: bool,
    staff_no: str,
) -> None:
    """先看会发给谁、走哪条路、多久发完，再确认。人数多的要第二个人批准。"""
    application = current_application()
    draft = Draft(
        text=text,
        segment=read_range(college, segment),
        author=actor_of(staff_no),
        title=title,
        urgent=urgent,
        template=template,
        at=_moment(at, application.settings.school.zone) if at else None,
        use_mass=not no_mass,
        again=again,
    )
    with application.database.read() as session:
        expected = application.campaigns.reckoning.forecast(session, draft)
    if not as_json:
        click.echo("\n".join(forecast_lines(write_segment(draft.segment), expected)))
    if not yes and not is_wanted(expected):
        return
    with application.database.write() as session:
        campaign = application.campaigns.create(session, draft)
    if as_json:
        click.echo(json.dumps(to_json(campaign, expected), ensure_ascii=False))
        return
    click.echo(f"群发编号：G{campaign.id}（{STATE_WORDS[CampaignState(campaign.state)]}）")
    if campaign.state == CampaignState.DRAFT:
        click.echo(f"超过 {application.settings.broadcast.approve_above} 人，要另一位老师批准：")
        click.echo(f"  flask broadcast approve {campaign.id} --by 工号")
    else:
        click.echo(f"由 worker 发送；看进度：flask broadcast show {campaign.id}")


@broadcast.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@shown_errors
def list_campaigns(limit: int) -> None:
    """最近的群发。"""
    application = current_application()
    zone = application.settings.school.zone
    with application.database.read() as session:
        found = store.list_campaigns(session, limit=limit)
        for campaign in found:
            counts = store.counts(session, campaign.id)
            sums = messages.sums(counts, messages.STATES) or f"{campaign.audience:,} 人"
            click.echo(
                f"G{campaign.id}　{state_line(campaign)}　{campaign.created_at.astimezone(zone):%m-%d %H:%M}"
                f"　{'紧急　' if campaign.urgent else ''}{campaign.segment}　{sums}"
            )
    if not found:
        click.echo("还没有群发过。")


@broadcast.command("show")
@NUMBER
@click.option("--json", "as_json", is_flag=True, help="给程序看的一行 JSON。")
@shown_errors
def show(campaign: str, *, as_json: bool) -> None:
    """进度：发了多少，什么速度，还要多久。"""
    application = current_application()
    with application.database.read() as session:
        found = application.campaigns.get(session, number_of(campaign))
        progress = progress_of(session, found.id, application.clock.now())
        text = application.campaigns.text_of(session, found)
    if as_json:
        left = progress.left_for.total_seconds() if progress.left_for is not None else None
        fields = {"id": found.id, "state": found.state, "counts": dict(progress.counts), "total": progress.total}
        click.echo(json.dumps(fields | {"done": progress.done, "a_minute": progress.a_minute, "left_s": left}))
        return
    click.echo(f"G{found.id}　{state_line(found)}　{'紧急　' if found.urgent else ''}{found.segment}")
    click.echo(f"作者 {found.author}　批准 {found.approved_by or '还没有'}")
    click.echo(text)
    if progress.total:
        click.echo(f"进度 {progress.done:,}/{progress.total:,}：{messages.sums(progress.counts, messages.STATES)}")
    if progress.left_for is not None and progress.done < progress.total:
        click.echo(f"最近一分钟 {progress.a_minute:.0f} 条，还要{messages.duration(progress.left_for)}")


@broadcast.command("report")
@NUMBER
@shown_errors
def report(campaign: str) -> None:
    """结果：每条路送到多少，谁没送到、为什么，哪些可能收到两次。"""
    application = current_application()
    number = number_of(campaign)
    with application.database.write() as session:
        application.campaigns.ledger.catch_up(session)
        found = application.campaigns.get(session, number)
        lines = list(report_lines(session, found, application.settings.school.zone))
    click.echo("\n".join(lines))


@broadcast.command("approve")
@NUMBER
@click.option("--by", "staff_no", required=True, help="批准人的工号：管理员、学生处或学院领导，不能是作者本人。")
@shown_errors
def approve(campaign: str, staff_no: str) -> None:
    """第二个人批准；到时间就由 worker 发送。"""
    application = current_application()
    with application.database.write() as session:
        found = application.campaigns.approve(session, number_of(campaign), staff_no)
    click.echo(f"G{found.id} 已批准，{state_line(found)}。")


@broadcast.command("pause")
@NUMBER
@BY
@shown_errors
def pause(campaign: str, staff_no: str) -> None:
    """马上停下；没发的都留着。"""
    application = current_application()
    with application.database.write() as session:
        found = application.campaigns.pause(session, number_of(campaign), actor=actor_of(staff_no))
    click.echo(f"G{found.id} 已暂停。继续：flask broadcast resume {found.id}")


@broadcast.command("resume")
@NUMBER
@BY
@shown_errors
def resume(campaign: str, staff_no: str) -> None:
    """从停下的地方继续。"""
    application = current_application()
    with application.database.write() as session:
        found = application.campaigns.resume(session, number_of(campaign), actor=actor_of(staff_no))
    click.echo(f"G{found.id} 继续发送。")


@broadcast.command("cancel")
@NUMBER
@BY
@shown_errors
def cancel(campaign: str, staff_no: str) -> None:
    """不发了；已经送到的收不回来。"""
    application = current_application()
    with application.database.write() as session:
        count = application.campaigns.cancel(session, number_of(campaign), actor=actor_of(staff_no))
    click.echo(f"已取消，{count:,} 人不会再收到。")


@broadcast.command("test")
@NUMBER
@click.option("--to", "staff_no", required=True, help="发给谁看：工号。")
@shown_errors
def test(campaign: str, staff_no: str) -> None:
    """把内容先发到自己的企业微信看看。"""
    application = current_application()
    with application.database.write() as session:
        application.campaigns.test_send(session, number_of(campaign), staff_no)
    click.echo("试发的消息在路上了。")


def actor_of(staff_no: str) -> str:
    """Who is at the command line, for the record."""
    return staff_no.strip() or f"命令行:{getpass.getuser()}"


def is_wanted(expected: Forecast) -> bool:
    """Whoever is at the command line wants what was shown; nobody is asked about a notice to nobody."""
    wanted = not expected.audience or click.confirm("发吗？")
    if not wanted:
        click.echo("没有发，什么都没有存。")
    return wanted


def number_of(word: str) -> int:
    """The campaign's number in G3 or 3."""
    digits = word.strip().lstrip("Gg")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:  # noqa: PLR2004 - an id
        message = f"编号应是 G3 或 3 这样，现在是“{word}”"
        raise click.UsageError(message)
    return int(digits)


def _moment(word: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(word.strip())
    except ValueError:
        message = f"时间应写成 2027-06-10 09:00，现在是“{word}”"
        raise click.UsageError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
