"""Several questions asked in one round trip answer what each answers alone, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import event

from bot.clock import FakeClock
from bot.conversation.conversation import Conversation
from bot.conversation.store import accepted_among, conversations_of, replies_to, save_conversations, save_inbound
from bot.crypto import Cipher
from bot.db import Database
from bot.questions import ask_together
from bot.students.contacts import Contact, contacts_among, save_contacts
from bot.students.window import Window

NAMES = ["o1", "o2", "没有这个人", "o'\"\\{}[],", "o3"]


def _fill(database: Database, clock: FakeClock, cipher: Cipher) -> None:
    now = clock.now()
    with database.write() as session:
        window = Window(closes_at=now + timedelta(hours=48), allowance=5, used=1)
        save_contacts(session, [Contact("o1", "wechat", now, now, window=window), Contact(NAMES[3], "wecom", now, now)])
        slots = {"topic": "档案“转”\n", "deep": {"list": [1, None, 2.5, True]}}
        save_conversations(
            session, [Conversation(contact="o1", slots=slots, minute_started_at=now, updated_at=now, minute_count=3)]
        )
        save_inbound(
            session,
            [
                {
                    "id": "i1", "dedup_key": "m1", "source": "wechat", "contact": "o1", "kind": "text", "event": "",
                    "words": cipher.seal("档案怎么转", row="i1"), "reply": cipher.seal("先问接收单位", row="i1"),
                    "answered_by": "faq", "topic": "archive.transfer", "level": "none", "received_at": now,
                }
            ],
        )  # fmt: skip
        accepted_among(["s-old"], now).ask(session)


def test_together_is_what_each_says_alone(database: Database, clock: FakeClock, cipher: Cipher) -> None:
    _fill(database, clock, cipher)
    questions = (
        replies_to(["m1", "m2"], cipher),
        contacts_among(NAMES),
        conversations_of(NAMES),
    )
    with database.write() as session:
        assert ask_together(session, *questions) == tuple(question.ask(session) for question in questions)
        replies, contacts, conversations = ask_together(session, *questions)
    assert replies["m1"].reply == "先问接收单位"
    assert set(contacts) == {"o1", NAMES[3]}
    assert contacts["o1"].window.closes_at == clock.now() + timedelta(hours=48)
    assert conversations["o1"].slots["deep"] == {"list": [1, None, 2.5, True]}


def test_what_is_remembered_on_the_way_is_remembered(database: Database, clock: FakeClock, cipher: Cipher) -> None:
    _fill(database, clock, cipher)
    for expected in ({"s-new"}, set()):
        with database.write() as session:
            accepted, contacts = ask_together(
                session, accepted_among(["s-new", "s-old"], clock.now()), contacts_among([])
            )
            assert (accepted, contacts) == (expected, {})


def test_nothing_asked_for_is_nothing_found(database: Database, cipher: Cipher) -> None:
    with database.write() as session:
        found = ask_together(
            session,
            accepted_among([], datetime(2026, 6, 1, tzinfo=UTC)),
            replies_to([], cipher),
            contacts_among([]),
            conversations_of([]),
        )
    assert found == (set(), {}, {}, {})


def test_the_database_is_asked_once(database: Database, cipher: Cipher) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with database.write() as session:
        ask_together(session, replies_to(["m1"], cipher), contacts_among(NAMES), conversations_of(NAMES))
    assert len([one for one in statements if "SELECT" in one]) == 1
