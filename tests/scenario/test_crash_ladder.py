"""kill -9 at every step of an escalation: no rung is lost, nobody is paged twice for the same rung."""

import signal
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.crashing import ladder
from test_crash import GOODBYE, Bench, bench

from bot.escalation.alerts import Worry
from bot.escalation.engine import EscalationTicker
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.outbox import store
from bot.outbox.records import DeliveryRecord
from bot.staff.models import Role, Staff

__all__ = ["bench"]
POINTS = [1, 3, 6, 9, 12, 16, "send", "sent"]
WANG = Staff("T1", "王老师", Role.COUNSELOR, wecom_userid="wang")
LEAD = Staff("T3", "张副书记", Role.COLLEGE_LEAD, wecom_userid="zhang")


def raised(bench: Bench, contact: str) -> int:
    """An alert whose first rung was told and whose second is due."""
    application = bench.application
    with application.database.write() as session:
        number, _ = application.alerts.raise_alert(session, Worry(contact, contact, GOODBYE, "red", "self", ()))
    bench.finish_deliveries()
    with application.database.write() as session:
        due = application.clock.now() - timedelta(seconds=1)
        session.execute(update(AlertRecord).where(AlertRecord.id == number).values(next_notice_at=due))
    return number


@pytest.mark.timeout(400)
def test_kill_the_worker_at_every_step_of_one_escalation(bench: Bench) -> None:
    application = bench.application
    with application.database.write() as session:
        application.directory.replace_all(session, [WANG, LEAD])
    lead = bench.simulator.add_member("zhang", "张副书记")
    died = 0
    for at in POINTS:
        number = raised(bench, f"student-{at}")
        process = bench.start(ladder, at)
        process.join(60)
        died += process.exitcode == -signal.SIGKILL
        EscalationTicker(application.database, application.clock, application.alerts).tick()
        bench.finish_deliveries()
        with application.database.read() as session:
            alert = session.get_one(AlertRecord, number)
            notified = select(AlertLogRecord.actor).where(
                AlertLogRecord.alert_id == number, AlertLogRecord.event == "notified"
            )
            assert sorted(session.scalars(notified)) == ["T1", "T3"], at
            cards = session.scalars(
                select(DeliveryRecord).where(
                    DeliveryRecord.subject == f"alert:{number}", DeliveryRecord.recipient == "zhang"
                )
            ).all()
            listed = {one.id for one in store.list_doubtful(session, limit=100)}
        assert alert.rounds == 2, at
        assert alert.next_notice_at is not None
        assert alert.next_notice_at > application.clock.now(), at
        assert [card.state for card in cards] == ["sent"], at
        shown = sum(f"A{number} " in message.title for message in lead.messages)
        assert shown == 1 or cards[0].id in listed, (at, shown)
    assert died == len(POINTS)
