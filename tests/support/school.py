"""Students of a test's school, with profiles, and campaigns to them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.bootstrap import Application
from bot.broadcast.models import Draft
from bot.broadcast.reading import read_segment
from bot.broadcast.records import CampaignRecord, RecipientRecord
from bot.db import Database
from bot.students.models import Student
from bot.students.profiles import Profiles
from bot.students.records import StudentRecord


def enrol(database: Database, profiles: Profiles, students: Iterable[Student], now: Any) -> None:
    """The students are on the school's list, bound to their `contact` where they have one."""
    people = list(students)
    rows = [profiles.sealed(one) | {"updated_at": now} for one in people]
    with database.write() as session:
        profiles.save(session, rows, {one.student_no: one.tags for one in people})
        for one in people:
            if one.contact:
                record = session.get(StudentRecord, one.student_no)
                assert record is not None
                record.contact, record.bound_at = one.contact, now


def pupil(
    number: int, *, contact: str = "", college: str = "体育教育学院", tags: tuple[str, ...] = (), **more: Any
) -> Student:
    """A student with this number and nothing special."""
    return Student(
        student_no=f"2023{number:05}", name=f"同学{number}", college=college, contact=contact, tags=tags, **more
    )


def send(application: Application, text: str, segment: str = "", **more: Any) -> int:
    """A campaign is written. Returns its number."""
    draft = Draft(text=text, segment=read_segment(segment), author="测试", **more)
    with application.database.write() as session:
        campaign = application.campaigns.create(session, draft)
        return campaign.id


def rows(session: Session, campaign_id: int) -> dict[str, RecipientRecord]:
    """The ledger by person."""
    query = select(RecipientRecord).where(RecipientRecord.campaign_id == campaign_id)
    return {row.person: row for row in session.scalars(query)}


def state_of(application: Application, campaign_id: int) -> CampaignRecord:
    """The campaign as it is now."""
    with application.database.read() as session:
        found = session.get(CampaignRecord, campaign_id)
        assert found is not None
        return found
