"""`flask maintenance`: students get a notice in place of answers, while distress is heard as ever."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click
import structlog
from flask.cli import AppGroup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.cli.current import current_application, shown_errors
from bot.conversation.records import InboundRecord
from bot.errors import UserFacingError
from bot.maintenance import Maintenance, find_maintenance, switch_off, switch_on

logger = structlog.get_logger(__name__)

_LONGEST = 300  # characters: with the rest of the notice one bubble
maintenance = AppGroup("maintenance", help="维护模式：学生看到一句说明；危险信号照样识别、照样通知老师。")


@maintenance.command("on")
@click.option("--message", help=f"代替默认说明的话，最多 {_LONGEST} 字；后面总会附上怎么找老师、怎么求助。")
@click.option("--until", help="什么时候恢复：18:00，或 2027-06-18 18:00。只是告诉学生，到点不会自动关。")
@shown_errors
def on(message: str | None, until: str | None) -> None:
    """打开。几秒钟内所有进程生效；已经开着就改说明。"""
    application = current_application()
    now, zone = application.clock.now(), application.settings.school.zone
    words = _checked(message)
    back_at = parse_until(until, now, zone) if until is not None else None
    with application.database.write() as session:
        switch_on(session, now=now, until=back_at, message=words)
    logger.warning("maintenance_on", until=back_at and back_at.isoformat())
    click.echo(
        "维护模式已打开，几秒钟内生效。学生的问题会记下、不回答；危险信号照样识别、照样通知老师；"
        "“人工”“打给我”“心理热线”和老师的企业微信照常。\n做完了：flask maintenance off"
    )


@maintenance.command("off")
@shown_errors
def off() -> None:
    """关掉，并说这期间有多少提问没有回答。"""
    application = current_application()
    with application.database.write() as session:
        was = switch_off(session)
        asked = _unanswered(session, was) if was else (0, 0)
    if was is None:
        click.echo("维护模式本来就没有开。")
        return
    logger.warning("maintenance_off")
    click.echo(f"维护模式已关闭，几秒钟内生效。期间有 {asked[0]} 条提问没有回答（{asked[1]} 人）。")


@maintenance.command("status")
@shown_errors
def status() -> None:
    """开着没有，从什么时候起，学生看到什么时候恢复。"""
    application = current_application()
    zone = application.settings.school.zone
    with application.database.read() as session:
        found = find_maintenance(session)
        asked = _unanswered(session, found) if found else (0, 0)
    if found is None:
        click.echo("维护模式没有开。")
        return
    click.echo(
        f"开着，从 {found.since.astimezone(zone):%Y-%m-%d %H:%M} 起；{asked[0]} 条提问没有回答（{asked[1]} 人）。"
    )
    if found.until is not None:
        late = "，已经过了；改时间或关掉" if found.until <= application.clock.now() else ""
        click.echo(f"告诉学生的恢复时间：{found.until.astimezone(zone):%Y-%m-%d %H:%M}{late}")
    if found.message:
        click.echo(f"告诉学生的话：{found.message}")


def parse_until(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment that is meant, in `zone`: a time alone is the next such time. Raises UserFacingError."""
    here = now.astimezone(zone)
    whole = text.strip().replace("：", ":")
    try:
        if re.fullmatch(r"\d{1,2}:\d\d", whole):
            clock_time = datetime.strptime(whole, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
            moment = datetime.combine(here.date(), clock_time, zone)
            moment = moment if moment > here else moment + timedelta(days=1)
        else:
            moment = datetime.strptime(whole, "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    except ValueError:
        message = f"--until 应写成 18:00 或 2027-06-18 18:00，现在是“{text}”。维护模式没有改变。"
        raise UserFacingError(message) from None
    if moment <= here:
        message = f"--until 应在现在（{here:%Y-%m-%d %H:%M}）之后，现在是“{text}”。维护模式没有改变。"
        raise UserFacingError(message)
    return moment


def _checked(message: str | None) -> str:
    words = (message or "").strip()
    if message is not None and not words:
        fault = "--message 是空的：写上要告诉学生的话，或者不写这个选项，用默认的说明。维护模式没有改变。"
        raise UserFacingError(fault)
    if len(words) > _LONGEST:
        fault = f"--message 有 {len(words)} 字，最多 {_LONGEST} 字。维护模式没有改变。"
        raise UserFacingError(fault)
    return words


def _unanswered(session: Session, since: Maintenance) -> tuple[int, int]:
    """How many messages got the notice, and from how many students."""
    query = select(func.count(), func.count(InboundRecord.contact.distinct())).where(
        InboundRecord.answered_by == "maintenance", InboundRecord.received_at >= since.since
    )
    messages, students = session.execute(query).one()
    return messages, students
