"""What counselors said of alerts, counted by week and rule; new terms tried on what students wrote."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from bot.channel.messages import Source
from bot.cli.safety import report_lines
from bot.clock import FakeClock
from bot.conversation.store import save_inbound
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.feedback import RuleCount, weekly_counts
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.safety.lexicon import load_lexicon
from bot.safety.models import Level
from bot.safety.trial import try_out

ZONE = ZoneInfo("Asia/Shanghai")
WISH = {"category": "wish_to_die", "label": "想死", "level": "orange", "rule": "想死"}
QUIET = {"category": "goodbye", "label": "告别", "level": "orange", "rule": "quiet~ab12"}
BESIDE = {"category": "distress", "label": "很难受", "level": "yellow", "rule": "崩溃"}


@pytest.fixture
def raised(database: Database, clock: FakeClock) -> Any:
    """Stores an alert of these signals and what became of it; returns nothing."""

    def store(*signals: dict[str, Any], events: Sequence[tuple[str, dict[str, Any]]] = (), weeks_ago: int = 0) -> None:
        at = clock.now() - timedelta(weeks=weeks_ago)
        with database.write() as session:
            count = session.scalar(select(func.count()).select_from(AlertRecord))
            alert = AlertRecord(
                contact=f"wechat:{count}", about="self", level="orange", state="triggered", signals=list(signals),
                message_count=1, first_inbound_id="1", last_inbound_id="1", triggered_at=at, last_message_at=at,
                next_notice_at=None, rounds=1,
            )  # fmt: skip
            session.add(alert)
            session.flush()
            for event, detail in events:
                session.add(AlertLogRecord(alert_id=alert.id, at=at, event=event, actor="T1", detail=detail))

    return store


def counts(database: Database, clock: FakeClock) -> list[RuleCount]:
    with database.read() as session:
        return weekly_counts(session, clock.now() - timedelta(weeks=8), ZONE)


def test_each_rule_is_judged_by_the_alerts_that_it_raised(database: Database, clock: FakeClock, raised: Any) -> None:
    raised(WISH, BESIDE, events=[("resolved", {"code": "false_alarm"})])
    raised(WISH, events=[("resolved", {"code": "handled"})])
    raised(WISH, QUIET, events=[("confirmed", {}), ("resolved", {"code": "handled"})])
    raised(QUIET)
    wish, quiet = counts(database, clock)
    assert (wish.rule, wish.alerts, wish.confirmed, wish.handled, wish.false) == ("想死", 3, 1, 1, 1)
    assert wish.precision == pytest.approx(2 / 3)
    assert (quiet.rule, quiet.alerts, quiet.confirmed, quiet.precision) == ("quiet~ab12", 2, 1, 1.0)


def test_the_last_word_counts(database: Database, clock: FakeClock, raised: Any) -> None:
    raised(WISH, events=[("confirmed", {}), ("resolved", {"code": "false_alarm"})])
    raised(QUIET, events=[("resolved", {"code": "false_alarm"}), ("confirmed", {})])
    assert {one.rule: one.precision for one in counts(database, clock)} == {"想死": 0.0, "quiet~ab12": 1.0}


def test_weeks_begin_on_monday_and_the_latest_comes_first(database: Database, clock: FakeClock, raised: Any) -> None:
    raised(WISH, weeks_ago=2)
    raised(WISH)
    found = counts(database, clock)
    assert [(one.week.weekday(), one.alerts, one.precision) for one in found] == [(0, 1, None), (0, 1, None)]
    assert found[0].week - found[1].week == timedelta(weeks=2)


def test_the_report_is_readable(database: Database, clock: FakeClock, raised: Any) -> None:
    raised(QUIET, events=[("resolved", {"code": "false_alarm"})])
    raised(WISH)
    heading, first, second = report_lines(counts(database, clock), {"quiet~ab12": "去意已决…"})
    assert heading.endswith("起的一周")
    assert "0%" in first
    assert "误报 1、未评 0" in first
    assert "去意已决" in first
    assert "未评 1" in second


def test_a_trial_shows_what_would_change_without_names_or_numbers(
    database: Database, clock: FakeClock, cipher: Cipher, tmp_path: Any
) -> None:
    words = ["我叫王小明，想去往彼岸花开了 13800001111", "档案怎么转", "我想死"]
    rows = [
        {
            "id": f"m{i}", "dedup_key": f"k{i}", "source": Source.WECHAT.value, "contact": "c", "kind": "text", "event": "",
            "words": cipher.seal(text, row=f"m{i}"), "reply": b"", "answered_by": "", "topic": "", "level": "none",
            "received_at": clock.now(),
        }
        for i, text in enumerate(words)
    ]  # fmt: skip
    with database.write() as session:
        save_inbound(session, rows)
    file = tmp_path / "new.yaml"
    file.write_text("signals:\n  - {category: goodbye, level: red, kind: act, terms: [彼岸花开]}\n", encoding="utf-8")
    with database.read() as session:
        outcome = try_out(session, cipher, load_lexicon(), load_lexicon(extra=(file,)), clock.now() - timedelta(days=1))
    assert (outcome.read, outcome.changed, outcome.new_alarms) == (3, 1, 1)
    (change,) = outcome.changes
    assert (change.before, change.after, change.rule) == (Level.NONE, Level.RED, "彼岸花开")
    assert "彼岸花开" in change.excerpt
    assert "13800001111" not in change.excerpt
    assert "王小明" not in change.excerpt
