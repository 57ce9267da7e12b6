"""An installation with open alerts is brought to the ladder: nobody loses what they have, and nobody is woken by it."""

from datetime import UTC, datetime, timedelta

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text
from support.world import ROOT

from bot.db import Database
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.migrations import _config, upgrade

LADDER = "0003"
ALERT = """
    INSERT INTO alerts (contact, about, level, state, signals, message_count, first_inbound_id, last_inbound_id,
        triggered_at, last_message_at, next_notice_at, rounds, acknowledged_by, closing_code)
    VALUES (:contact, 'self', 'red', :state, '[]', 1, 'i', 'i', '2027-01-01 12:00:00', '2027-01-01 12:00:00', NULL, 1,
        :owner, '')
"""
LOG = "INSERT INTO alert_log (alert_id, at, event, actor, detail) VALUES (1, '2027-01-01 12:00:00', 'triggered', '', '{}')"


def test_alerts_from_before_keep_their_owner_and_their_story(database_url: str) -> None:
    database = Database(database_url)
    config = _config(ROOT)
    with database.engine.execution_options(lixiao_write=True).begin() as connection:
        config.attributes["connection"] = connection
        before = ScriptDirectory.from_config(config).get_revision(LADDER).down_revision
        command.upgrade(config, before)
        for contact, state, owner in (("o1", "acknowledged", "T1"), ("o2", "triggered", "")):
            connection.execute(text(ALERT), {"contact": contact, "state": state, "owner": owner})
        connection.execute(text(LOG))
    upgrade(database, ROOT)
    with database.read() as session:
        taken, waiting = session.get_one(AlertRecord, 1), session.get_one(AlertRecord, 2)
        assert session.get_one(AlertLogRecord, 1).event == "triggered"
    assert taken.acks == [["T1", "counselor"]]
    assert taken.touched_at is not None
    assert abs(datetime.now(UTC) - taken.touched_at) < timedelta(hours=1)  # noqa: TID251 - the database's own clock
    assert (waiting.acks, waiting.told, waiting.step, waiting.policy) == ([], {}, 0, {})
    database.dispose()
