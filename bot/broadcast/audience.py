"""Who is meant by a segment or by an earlier campaign: one query for counting, listing and freezing. Never commits."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, insert, literal, not_, or_, select, true, union_all
from sqlalchemy.orm import Session

from bot.broadcast.records import RecipientRecord, SafetyAnswerRecord
from bot.broadcast.segment import All, Either, Everybody, Is, Not, Segment, college_names
from bot.db import table_of
from bot.students.profiles import FILTERS, SWITCHES
from bot.students.records import ContactRecord, StudentRecord

_STUDENTS = table_of(StudentRecord).c
_CONTACTS = table_of(ContactRecord).c
_RECIPIENTS = table_of(RecipientRecord)
_RECIPIENT = _RECIPIENTS.c


@dataclass(frozen=True, slots=True)
class Person:
    """One of an audience: a student, bound or not, or a follower whom the school's list does not know."""

    person: str
    contact: str = ""
    wecom_userid: str = ""
    tried: str = ""


def condition_of(segment: Segment) -> ColumnElement[bool]:
    """The segment over the students' table. Never NULL."""
    if isinstance(segment, Is):
        if segment.field in SWITCHES:
            return func.coalesce(SWITCHES[segment.field], false())
        if segment.field == "college":
            return or_(*(FILTERS["college"](name) for name in college_names(segment.value)))
        return FILTERS[segment.field](segment.value)
    if isinstance(segment, Not):
        return not_(condition_of(segment.of))
    if isinstance(segment, All):
        return and_(*(condition_of(one) for one in segment.of))
    return or_(*(condition_of(one) for one in segment.of)) if isinstance(segment, Either) else true()


def audience_of(segment: Segment, *, student_userids: bool) -> Select[Any]:
    """Person, contact and WeCom userid of everybody who is meant, for counting, listing and freezing alike."""
    userid = _STUDENTS.student_no if student_userids else literal("")
    students = select(
        literal("s:").concat(_STUDENTS.student_no).label("person"),
        func.coalesce(_STUDENTS.contact, "").label("contact"),
        userid.label("wecom_userid"),
    ).where(condition_of(segment))
    meant = students.subquery()
    if isinstance(segment, Everybody):
        bound = select(_STUDENTS.contact).where(_STUDENTS.contact.is_not(None))
        strangers = select(
            literal("c:").concat(_CONTACTS.contact), _CONTACTS.contact, literal("").label("wecom_userid")
        ).where(_CONTACTS.following, _CONTACTS.source == "wechat", _CONTACTS.contact.not_in(bound))
        meant = union_all(students, strangers).subquery()
    return select(meant.c.person, meant.c.contact, meant.c.wecom_userid)


def audience_again(chain: int, *, only_silent: bool) -> Select[Any]:
    """As audience_of: the people of an earlier campaign, with the phones that they have now."""
    answered = select(SafetyAnswerRecord.contact).where(SafetyAnswerRecord.chain == chain)
    contact = func.coalesce(_STUDENTS.contact, _RECIPIENT.contact)
    silent = contact.not_in(answered) if only_silent else true()
    return (
        select(_RECIPIENT.person, contact.label("contact"), _RECIPIENT.wecom_userid)
        .outerjoin(StudentRecord, literal("s:").concat(_STUDENTS.student_no) == _RECIPIENT.person)
        .where(_RECIPIENT.campaign_id == chain, silent)
    )


def count_audience(session: Session, meant: Select[Any] | Segment) -> int:
    """How many people are meant at this moment."""
    query = meant if isinstance(meant, Select) else audience_of(meant, student_userids=False)
    inner = query.subquery()
    return session.scalar(select(func.count()).select_from(inner)) or 0


def list_audience(session: Session, query: Select[Any]) -> list[Person]:
    """Everybody who is meant at this moment, in a fixed order."""
    return sorted((Person(*row) for row in session.execute(query)), key=lambda one: one.person)


def freeze(session: Session, campaign_id: int, query: Select[Any]) -> int:
    """One waiting row for everybody who is meant: one statement, so that all of them are of the same moment."""
    meant = query.subquery()
    rows = select(
        literal(campaign_id), meant.c.person, meant.c.contact, meant.c.wecom_userid, literal("waiting")
    ).order_by(meant.c.person)
    columns = ["campaign_id", "person", "contact", "wecom_userid", "state"]
    return session.connection().execute(insert(_RECIPIENTS).from_select(columns, rows)).rowcount
