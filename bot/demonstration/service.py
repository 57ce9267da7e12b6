"""Loads the demonstration: refuses where it has no place, enrols the people, and lets a season pass."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.beats import find_beats
from bot.bootstrap import Application
from bot.clock import Chance, FakeClock
from bot.demonstration import school
from bot.demonstration.dice import Dice
from bot.demonstration.enrolment import enrol
from bot.demonstration.performance import Performance
from bot.demonstration.season import Act, Does, Span, cast, plan_season, remind
from bot.demonstration.summary import Summary, summarise
from bot.demonstration.talk import read_talk
from bot.development import DEMONSTRATION_STAFF
from bot.errors import UserFacingError
from bot.records import METADATA
from bot.simulator.students import openid_for
from bot.staff.records import StaffRecord
from bot.students.models import Student
from bot.students.records import StudentRecord

SEED = 20270618
_WORKER_ALIVE = timedelta(seconds=30)
_TERM_ENDS = 7  # the month


class NotHereError(UserFacingError):
    """The demonstration has no place here."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was made, and one student whose phone is bound, to play with."""

    summary: Summary
    somebody: Student


def check(application: Application, *, replace: bool) -> None:
    """Nothing, if the demonstration may be loaded; `replace` allows a database that has people in it.

    Raises NotHereError in production, where accounts of a platform are configured, while a worker runs, and where
    students or staff have been imported.
    """
    if application.settings.server.mode == "production":
        raise NotHereError(
            "生产环境（server.mode: production）不能装演示数据，什么都没有改。请在另一台机器、另一个数据库上试。"
        )
    if not application.simulated:
        raise NotHereError(
            "已经配置了微信或企业微信账号，演示数据里的警报和提醒会发到真的平台，所以没有装。"
            "请把 wechat.app_id 留空，换一个数据库（LIXIAO_DATABASE__URL）再试。"
        )
    with application.database.read() as session:
        beat = find_beats(session).get("worker")
        people = _imported(session)
    if beat is not None and application.clock.now() - beat < _WORKER_ALIVE:
        raise NotHereError("程序正在运行，演示数据没有装。请先停下 make run 或 flask worker（Ctrl-C），过半分钟再试。")
    if people and not replace:
        raise NotHereError(
            f"数据库里已经有 {people} 名学生或教职工，演示数据没有装。"
            "换一个空的数据库（LIXIAO_DATABASE__URL），或加 --yes-replace 把库里所有数据换成演示数据。"
        )


def load(application: Application, *, students: int, days: int, progress: Callable[[int, int], Any]) -> Loaded:
    """A school of `students` has lived through `days` days that end now. Call check() first.

    Where people were imported, everything that the database held is gone. `progress` is told (done, of how many).
    Nothing is sent to anybody. Killed on the way it leaves a part, which the next load replaces.
    """
    _clear(application)
    zone = application.settings.school.zone
    end = application.clock.now()
    clock = FakeClock(end - timedelta(days=days))
    dice = Dice(Chance(clock, seed=SEED))
    rehearsal = application.rehearsal(clock, seed=SEED)
    everybody = school.enrolled(students, _graduation(end.astimezone(zone)), dice)
    staff = school.employed(everybody)
    rota_rows = school.rota_rows(staff, end.astimezone(zone).date(), days_back=days)
    enrol(rehearsal, everybody, staff, rota_rows)
    followers = cast(everybody, _openids(application, everybody), dice)
    span = Span(clock.now(), end, zone)
    acts = [*plan_season(read_talk(), followers, span, dice), *_reminders(rehearsal, span)]
    _play(rehearsal, clock, sorted(acts, key=lambda act: act.at), progress)
    with application.database.read() as session:
        summary = summarise(session, end)
        bound = [one for one in application.profiles.matching(session) if one.contact]
    return Loaded(summary, bound[0])


def _play(rehearsal: Application, clock: FakeClock, acts: list[Act], progress: Callable[[int, int], Any]) -> None:
    performance = Performance(rehearsal, clock)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, len(acts))

    try:
        performance.play(acts, count)
    finally:
        performance.close()


def _reminders(rehearsal: Application, span: Span) -> list[Act]:
    """Those that the calendar has in the span; where it has none, for it is not the season, some sent by hand."""
    reminders = rehearsal.reminders
    planned = []
    for one in reminders.series:
        at = reminders.schedule.following(one, span.start)
        while at is not None and at <= span.end:
            planned.append(Act(at, Does.REMINDS))
            at = reminders.schedule.following(one, at)
    return planned or remind([one.key for one in reminders.series], span)


def _imported(session: Session) -> int:
    """How many students and staff there are, without the two that the simulator plays with."""
    known = [person.staff_no for person in DEMONSTRATION_STAFF]
    staff = session.scalars(select(StaffRecord.staff_no).where(StaffRecord.staff_no.not_in(known))).all()
    return len(staff) + len(session.scalars(select(StudentRecord.student_no)).all())


def _clear(application: Application) -> None:
    with application.database.write() as session:
        if _imported(session):
            for table in reversed(METADATA.sorted_tables):
                session.execute(delete(table))


def _openids(application: Application, students: list[Student]) -> list[str]:
    """The simulator's openids: who makes a phone of the same name on its page has this student's."""
    seen: dict[str, int] = {}
    openids = []
    for one in students:
        openids.append(openid_for(application.settings.wechat.app_id, one.name, seen.get(one.name, 0)))
        seen[one.name] = seen.get(one.name, 0) + 1
    return openids


def _graduation(now: datetime) -> int:
    """The year in which those leave who are in their last year now."""
    return now.year + (now.month > _TERM_ENDS)
