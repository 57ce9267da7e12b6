"""The page of the report, for a phone and for a desk: each rule's precision, and the drills' times."""

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from bot.db import Database
from bot.escalation.links import BadLinkError, ExpiredLinkError
from bot.escalation.pages import Pages
from bot.escalation.reports import Reports, spoken

_PAGES = Pages("report_page.css")


def create_report_page(database: Database, reports: Reports) -> Blueprint:
    """`/r/<token>`: shows and changes nothing."""
    blueprint = Blueprint("report_page", __name__, template_folder="templates")

    @blueprint.get("/r/<token>")
    def show(token: str) -> Response:
        with database.read() as session:
            report = reports.open(session, token)
        return _PAGES.show("report_page.html", 200, report=report, spoken=spoken)

    @blueprint.errorhandler(BadLinkError)
    def bad(_: BadLinkError) -> Response:
        return _PAGES.problem(
            404, "这个链接打不开", "可能没有复制完整。请在企业微信的离校小助手里回复“报表”，拿一个新的。"
        )

    @blueprint.errorhandler(ExpiredLinkError)
    def expired(_: ExpiredLinkError) -> Response:
        return _PAGES.problem(410, "这个链接过期了", "请在企业微信的离校小助手里回复“报表”，拿一个新的。")

    @blueprint.errorhandler(SQLAlchemyError)
    def busy(_: SQLAlchemyError) -> Response:
        return _PAGES.problem(503, "系统正忙", "请过半分钟再打开一次。")

    return blueprint
