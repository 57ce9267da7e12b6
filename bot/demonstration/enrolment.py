"""Brings the demonstration's people in by the files and the imports that a school uses."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bot.bootstrap import Application
from bot.escalation import rota_files, rota_store
from bot.staff import importing
from bot.staff.models import ROLE_NAMES, Staff
from bot.students.importing import read_students, write_students
from bot.students.models import Student
from bot.tables import write_table

_ROLE_WORDS = {role: word for word, role in reversed(ROLE_NAMES.items())}


def enrol(application: Application, students: list[Student], staff: list[Staff], rota_rows: list[list[str]]) -> None:
    """The lists are in the database; the files are gone again."""
    with TemporaryDirectory(prefix="lixiao-demo-") as folder:
        _students(application, Path(folder) / "students.xlsx", students)
        _staff(application, Path(folder) / "staff.csv", staff)
        _rota(application, Path(folder) / "rota.csv", rota_rows)


def _students(application: Application, path: Path, students: list[Student]) -> None:
    write_students(path, students)
    application.register.apply(application.register.compare(read_students(path)))


def _staff(application: Application, path: Path, staff: list[Staff]) -> None:
    rows = [
        [
            one.staff_no,
            one.name,
            _ROLE_WORDS[one.role],
            one.college,
            one.wecom_userid,
            one.phone,
            one.email,
            "、".join(one.classes),
        ]
        for one in staff
    ]
    write_table(path, [*importing.COLUMNS, "负责班级"], rows)
    people = importing.read_staff(path)
    with application.database.write() as session:
        application.directory.replace_all(session, people)


def _rota(application: Application, path: Path, rows: list[list[str]]) -> None:
    write_table(path, rota_files.COLUMNS, rows)
    with application.database.read() as session:
        known = rota_store.active_numbers(session)
    planned = rota_files.read_planned(path, zone=application.settings.school.zone, known=known)
    with application.database.write() as session:
        application.rota.plan(session, planned)
