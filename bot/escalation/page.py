"""The page behind the link in an alert: what is needed at three in the morning on a phone, and one large button."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from flask import Blueprint, Response, redirect, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from bot.db import Database
from bot.escalation import answers, messages
from bot.escalation.alerts import Alerts
from bot.escalation.handling import Handling
from bot.escalation.links import BadLinkError, ExpiredLinkError, Links
from bot.escalation.pages import Pages
from bot.escalation.records import AlertRecord
from bot.staff.models import Staff

logger = structlog.get_logger(__name__)

_PAGES = Pages()
_IN_DANGER = "有人可能正处在危险中的话，先打 110 或 120。"
_CODES = {"false": "false_alarm", "handled": "handled"}
_VIA = "link"


@dataclass(frozen=True, slots=True)
class AlertView:
    """What the page shows of an alert."""

    number: int
    level: str
    level_name: str
    subject: str
    who: str
    words: str
    signals: str
    count: int
    at: datetime
    todo: str
    state: str
    owner: str
    is_mine: bool
    closing: str


def create_alert_page(
    database: Database, *, alerts: Alerts, handling: Handling, links: Links, zone: ZoneInfo
) -> Blueprint:
    """`/a/<token>`: GET shows and changes nothing (programs look at links, too), POST acts."""
    blueprint = Blueprint("alert_page", __name__, template_folder="templates")

    @blueprint.get("/a/<token>")
    def show(token: str) -> Response:
        opened = links.open(token)
        with database.read() as session:
            alert = session.get(AlertRecord, opened.number)
            person = alerts.find_person(session, opened.staff_no)
            if alert is None or person is None:
                raise BadLinkError
            view = _view(session, alerts, alert, person, zone)
        return _PAGES.show("alert_page.html", 200, alert=view, person=person.name, until=opened.until.astimezone(zone))

    @blueprint.post("/a/<token>")
    def act(token: str) -> AnyResponse:
        opened = links.open(token)
        action = request.form.get("action", "")
        with database.write() as session:
            person = alerts.find_person(session, opened.staff_no)
            if person is None or session.get(AlertRecord, opened.number) is None:
                raise BadLinkError
            if action == "ack":
                alerts.acknowledge(session, opened.number, person, via=_VIA)
            elif action in _CODES:
                handling.resolve(session, opened.number, person, code=_CODES[action], via=_VIA)
            else:
                return _problem(400, "没有看懂这个操作", "请回到上一页，再点一次按钮。")
        return redirect(f"/a/{token}", 303)  # the page then says what has become of it; a reload does nothing twice

    @blueprint.errorhandler(BadLinkError)
    def bad(_: BadLinkError) -> Response:
        return _problem(
            404,
            "这个链接打不开",
            "可能没有复制完整，或者已经失效。请回到收到的消息里，直接点链接；"
            "也可以打开企业微信里的离校小助手，回复“收到”加上警报编号，例如：收到 A12。",
        )

    @blueprint.errorhandler(ExpiredLinkError)
    def expired(error: ExpiredLinkError) -> Response:
        return _problem(
            410,
            "这个链接过期了",
            f"要处理 A{error.number}，请打开企业微信里的离校小助手，回复：收到 A{error.number}。",
        )

    @blueprint.errorhandler(SQLAlchemyError)
    def busy(error: SQLAlchemyError) -> Response:
        logger.error("alert_page_without_database", error=type(error).__name__)
        return _problem(503, "系统正忙", "没有记录下来。请过半分钟再点一次；要紧的话先给学生打电话。")

    return blueprint


def _view(session: Session, alerts: Alerts, alert: AlertRecord, person: Staff, zone: ZoneInfo) -> AlertView:
    owner = alerts.find_person(session, alert.acknowledged_by)
    return AlertView(
        number=alert.id,
        level=alert.level,
        level_name=messages.level_name(alert.level),
        subject=messages.subject_name(alert.about),
        who=alerts.writer_of(session, alert),
        words=alerts.words_of(session, alert),
        signals="、".join(messages.signal_labels(alert.signals)),
        count=alert.message_count,
        at=alert.last_message_at.astimezone(zone),
        todo=messages.todo(alert.level, alert.about),
        state=alert.state,
        owner=owner.name if owner else "",
        is_mine=any(number == person.staff_no for number, _ in alert.acks),
        closing=answers.code_name(alert.closing_code),
    )


def _problem(status: int, title: str, text: str) -> Response:
    return _PAGES.problem(status, title, text, note=_IN_DANGER)
