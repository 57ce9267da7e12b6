"""What students had unsubscribed from keeps its meaning when topics are divided: on both databases, by the real migrations."""

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import insert, select

from bot.db import Database, table_of
from bot.students.contacts import Contact, save_contacts
from bot.students.records import OptOutRecord

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = datetime(2026, 12, 1, tzinfo=UTC)
BEFORE = {"one": ["反诈"], "other": ["安全", "证件"], "all": ["反诈", "安全", "证件", "离校"]}


def migrate(database: Database, revision: str) -> None:
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["configure_logger"] = False
    with database.engine.execution_options(lixiao_write=True).begin() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)


def stored(database: Database) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with database.read() as session:
        for contact, topic in session.execute(select(OptOutRecord.contact, OptOutRecord.topic)):
            found.setdefault(contact, set()).add(topic)
    return found


def test_jobs_were_a_part_of_fraud_and_everything_means_everything(database: Database):
    migrate(database, "0005-1")
    with database.write() as session:
        save_contacts(session, [Contact(name, "wechat", LONG_AGO, LONG_AGO) for name in BEFORE])
        rows = [
            {"contact": name, "topic": topic, "since": LONG_AGO} for name, topics in BEFORE.items() for topic in topics
        ]
        session.execute(insert(table_of(OptOutRecord)), rows)
    migrate(database, "head")
    assert stored(database) == {
        "one": {"反诈", "求职"},
        "other": {"安全", "证件"},
        "all": {"反诈", "安全", "证件", "离校", "求职", "全部"},
    }
