"""Messages, contacts and conversations on both databases: a whole batch at once, and each message only once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from support.threads import run_together

from bot.clock import Chance, FakeClock
from bot.conversation.conversation import Conversation
from bot.conversation.records import InboundRecord
from bot.conversation.store import (
    StoredReply,
    accepted_among,
    conversations_of,
    recent_words,
    replies_to,
    save_conversations,
    save_inbound,
)
from bot.crypto import Cipher, UnreadableError
from bot.db import Database
from bot.students.contacts import (
    Contact,
    audience,
    close_window,
    count_sent,
    load_contacts,
    mark_unfollowed,
    opt_out,
    save_contacts,
)
from bot.students.window import Window

Row = Callable[..., dict[str, Any]]


@pytest.fixture
def row(chance: Chance, cipher: Cipher, clock: FakeClock) -> Row:
    """One message as the pipeline stores it."""

    def _row(
        key: str, *, contact: str = "o1", words: str = "档案怎么转", reply: str = "由学校寄", **changes: Any
    ) -> dict[str, Any]:
        one = chance.new_id()
        return {
            "id": one,
            "dedup_key": key,
            "source": "wechat",
            "contact": contact,
            "kind": "text",
            "event": "",
            "words": cipher.seal(words, row=one),
            "reply": cipher.seal(reply, row=one),
            "answered_by": "faq",
            "topic": "archive.transfer",
            "level": "none",
            "received_at": clock.now(),
        } | changes

    return _row


class TestReplies:
    def test_a_message_seen_before_has_its_stored_reply(self, database: Database, cipher: Cipher, row: Row):
        """On whichever process it arrives: another Database object finds the same."""
        rows = [row("m1"), row("m2", reply=""), row("m3", reply="长" * 600)]
        with database.write() as session:
            save_inbound(session, rows)
        with database.read() as session:
            found = replies_to(["m1", "m2", "m3", "m4"], cipher).ask(session)
        assert found == {
            "m1": StoredReply(rows[0]["id"], "由学校寄"),
            "m2": StoredReply(rows[1]["id"], ""),
            "m3": StoredReply(rows[2]["id"], "长" * 600),
        }

    def test_no_keys_no_replies(self, database: Database, cipher: Cipher):
        with database.read() as session:
            assert replies_to([], cipher).ask(session) == {}

    def test_the_same_message_twice_is_refused_whole(self, database: Database, cipher: Cipher, row: Row):
        """The second process loses with everything it did, and then finds the first one's reply."""
        with database.write() as session:
            save_inbound(session, [row("m1", reply="第一")])
        with pytest.raises(IntegrityError), database.write() as session:
            save_conversations(session, [conversation("o1", row)])
            save_inbound(session, [row("m2"), row("m1", reply="第二")])
        with database.read() as session:
            assert {key: one.reply for key, one in replies_to(["m1", "m2"], cipher).ask(session).items()} == {
                "m1": "第一"
            }
            assert conversations_of(["o1"]).ask(session) == {}

    def test_many_processes_with_one_message_store_it_once(self, database: Database, row: Row, cipher: Cipher):
        rows = [row("m1", reply=str(number)) for number in range(6)]

        def store(number: int) -> bool:
            try:
                with database.write() as session:
                    save_inbound(session, [rows[number]])
            except IntegrityError:
                return False
            return True

        won = run_together(6, store)
        assert won.count(True) == 1
        with database.read() as session:
            assert replies_to(["m1"], cipher).ask(session)["m1"].reply == str(won.index(True))

    def test_a_moved_reply_does_not_open(self, database: Database, cipher: Cipher, row: Row):

        one, other = row("m1"), row("m2")
        with database.write() as session:
            save_inbound(session, [one, other | {"reply": one["reply"]}])
        with database.read() as session, pytest.raises(UnreadableError):
            replies_to(["m2"], cipher).ask(session)

    def test_the_table_shows_no_words(self, database: Database, row: Row):
        with database.write() as session:
            save_inbound(session, [row("m1", words="我不想活了")])
        with database.read() as session:
            stored = session.query(InboundRecord).one()
        assert "我不想活了".encode() not in stored.words + stored.reply


class TestSignatures:
    def test_what_was_accepted_is_not_accepted_again(self, database: Database, clock: FakeClock):
        with database.write() as session:
            assert accepted_among(["a", "b", "a"], clock.now()).ask(session) == {"a", "b"}
        with database.write() as session:
            assert accepted_among(["c", "a"], clock.now()).ask(session) == {"c"}
            assert accepted_among([], clock.now()).ask(session) == set()

    def test_what_is_rolled_back_may_come_again(self, database: Database, clock: FakeClock):
        with pytest.raises(ZeroDivisionError), database.write() as session:
            accepted_among(["a"], clock.now()).ask(session)
            1 / 0  # noqa: B018 - whatever goes wrong
        with database.write() as session:
            assert accepted_among(["a"], clock.now()).ask(session) == {"a"}

    def test_of_many_processes_one_gets_it(self, database: Database, clock: FakeClock):
        """A replay that comes while the first request is still being worked on waits, and loses."""

        def take(_: int) -> bool:
            with database.write() as session:
                return bool(accepted_among(["a"], clock.now()).ask(session))

        assert run_together(6, take).count(True) == 1


def conversation(contact: str, row: Row, **changes: Any) -> Conversation:
    at = row("x")["received_at"]
    return replace(Conversation(contact=contact, minute_started_at=at, updated_at=at), **changes)


class TestConversations:
    def test_a_batch_comes_back(self, database: Database, row: Row):
        slots = {
            "topic": "archive.transfer",
            "suggestions": ["a", "b"],
            "asked_at": "2027-06-08T04:00:00+00:00",
            "丧": None,
        }
        several = [
            conversation("o2", row, slots=slots, minute_count=3),
            conversation("o1", row, taken_over_by="1001"),
        ]
        with database.write() as session:
            save_conversations(session, several)
        with database.write() as session:
            assert conversations_of(["o1", "o2", "o3"]).ask(session) == {one.contact: one for one in several}

    def test_saved_again_it_is_replaced(self, database: Database, row: Row):
        for slots in ({"topic": "a", "old": 1}, {"topic": "b"}):
            with database.write() as session:
                save_conversations(session, [conversation("o1", row, slots=slots)])
        with database.write() as session:
            assert conversations_of(["o1"]).ask(session)["o1"].slots == {"topic": "b"}

    def test_slots_of_one_load_are_nobody_elses(self, database: Database, row: Row):
        with database.write() as session:
            save_conversations(session, [conversation("o1", row, slots={"topic": "a"})])
        with database.write() as session:
            conversations_of(["o1"]).ask(session)["o1"].slots["topic"] = "changed and not saved"
        with database.write() as session:
            assert conversations_of(["o1"]).ask(session)["o1"].slots == {"topic": "a"}

    def test_nothing_saved_is_nothing_done(self, database: Database):
        with database.write() as session:
            save_conversations(session, [])
            save_inbound(session, [])
            save_contacts(session, [])
            assert accepted_among([], None).ask(session) == set()  # type: ignore[arg-type]  # no row, no moment

    def test_a_whole_batch_is_a_handful_of_statements(
        self, database: Database, row: Row, cipher: Cipher, clock: FakeClock
    ):
        """Fifty callers ride on one commit: the number of statements must not grow with them."""
        statements: list[str] = []

        @event.listens_for(database.engine, "before_cursor_execute")
        def _note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            statements.append(statement)

        contacts = [f"o{number}" for number in range(50)]
        with database.write() as session:
            accepted_among(contacts, clock.now()).ask(session)
            replies_to(contacts, cipher).ask(session)
            load_contacts(session, contacts)
            conversations_of(contacts).ask(session)
            save_contacts(session, [Contact(name, "wechat", clock.now(), clock.now()) for name in contacts])
            save_conversations(session, [conversation(name, row) for name in contacts])
            save_inbound(session, [row(name, contact=name) for name in contacts])
        portions = 3 if database.is_sqlite else 1  # of 32, 16 and 2 rows
        assert len(statements) <= 5 + 3 * portions

    def test_the_count_of_a_minute(self, row: Row, clock: FakeClock):
        """Sixty seconds after the first message a new minute begins."""
        one = conversation("o1", row)
        assert [one.count_message(clock.now()) for _ in range(3)] == [1, 2, 3]
        assert one.count_message(clock.now() + timedelta(seconds=59)) == 4
        assert one.count_message(clock.now() + timedelta(seconds=60)) == 1
        assert one.updated_at == clock.now() + timedelta(seconds=60)


class TestRecentWords:
    def test_the_last_five_texts_oldest_first(self, database: Database, row: Row, cipher: Cipher, clock: FakeClock):
        """Of this contact only, and of what was said, not of taps."""
        with database.write() as session:
            for number in range(7):
                save_inbound(
                    session,
                    [
                        row(f"a{number}", words=str(number), kind="voice" if number % 2 else "text"),
                        row(f"b{number}", contact="o2", words="别人"),
                        row(f"c{number}", words="", kind="event"),
                    ],
                )
                clock.advance(timedelta(seconds=1))
        with database.read() as session:
            assert recent_words(session, "o1", cipher) == ["2", "3", "4", "5", "6"]
            assert recent_words(session, "o1", cipher, limit=2) == ["5", "6"]
            assert recent_words(session, "o3", cipher) == []


class TestContacts:
    @pytest.fixture
    def li(self, clock: FakeClock) -> Contact:
        return Contact("o1", "wechat", clock.now(), clock.now(), window=Window(clock.now() + timedelta(hours=48), 5, 1))

    def load(self, database: Database, name: str = "o1") -> Contact:
        with database.write() as session:
            return load_contacts(session, [name])[name]

    def test_a_contact_comes_back(self, database: Database, li: Contact):
        with database.write() as session:
            save_contacts(session, [li])
        assert self.load(database) == li
        with database.write() as session:
            assert load_contacts(session, ["nobody"]) == {}

    def test_saved_again_it_is_replaced_but_was_first_seen_when_it_was(
        self, database: Database, li: Contact, clock: FakeClock
    ):
        with database.write() as session:
            save_contacts(session, [li])
        later = clock.now() + timedelta(days=1)
        with database.write() as session:
            save_contacts(
                session, [replace(li, first_seen_at=later, last_seen_at=later, following=False, window=Window())]
            )
        assert self.load(database) == replace(li, last_seen_at=later, following=False, window=Window())

    def test_what_was_sent_is_counted_also_at_the_same_moment(self, database: Database, li: Contact):
        with database.write() as session:
            save_contacts(session, [li])

        def send(_: int) -> None:
            with database.write() as session:
                count_sent(session, ["o1"])

        run_together(4, send)
        assert self.load(database).window.used == 5

    def test_a_message_and_a_send_at_the_same_moment_lose_nothing(
        self, database: Database, li: Contact, clock: FakeClock
    ):
        """Loading locks the row: a send is counted before or after the new window, never lost in between."""
        with database.write() as session:
            save_contacts(session, [li])

        def act(number: int) -> None:
            for _ in range(10):
                with database.write() as session:
                    if number:
                        count_sent(session, ["o1"])
                    else:
                        loaded = load_contacts(session, ["o1"])["o1"]
                        save_contacts(session, [replace(loaded, last_seen_at=clock.now())])

        run_together(3, act)
        assert self.load(database).window.used == 21

    def test_the_platforms_refusals_are_remembered(self, database: Database, li: Contact, clock: FakeClock):
        with database.write() as session:
            save_contacts(session, [li])
            close_window(session, "o1")
            mark_unfollowed(session, "o1")
        got = self.load(database)
        assert got.window.left(clock.now()) == 0
        assert not got.following

    def test_an_audience_in_steps_names_everybody_once(self, database: Database, clock: FakeClock):
        with database.write() as session:
            save_contacts(
                session, [Contact(f"o{number:02}", "wechat", clock.now(), clock.now()) for number in range(25)]
            )
            opt_out(session, "o07", ["反诈"], clock.now())
            mark_unfollowed(session, "o08")
        seen: list[str] = []
        with database.read() as session:
            while step := audience(session, "反诈", after=seen[-1] if seen else "", limit=10):
                seen += [contact.contact for contact in step]
        assert seen == [f"o{number:02}" for number in range(25) if number not in (7, 8)]

    def test_a_first_message_may_be_an_opt_out(self, database: Database, li: Contact, clock: FakeClock):
        """The contact's row is written at the end of its transaction; the wish must not come before it."""
        with database.write() as session:
            opt_out(session, "o1", ["反诈"], clock.now())
            conversations_of(["o1"]).ask(session)
            save_contacts(session, [li])
        with database.read() as session:
            assert audience(session, "反诈", after="", limit=5) == []
