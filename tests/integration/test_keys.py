"""A new data key, on both databases: all rows come under it, in batches, whatever stops it on the way."""

import base64
import secrets
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, event, select, text
from support.reading import opened

from bot.bootstrap import Application
from bot.broadcast.records import CampaignTextRecord
from bot.cases.records import CaseMessageRecord, CaseRecord
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.channel.records import AccessTokenRecord
from bot.cli.keys import keys as commands
from bot.clock import Chance, FakeClock
from bot.conversation.store import save_inbound
from bot.crypto import Cipher, UnreadableError
from bot.db import Database
from bot.keys import KeyChange, sealed_tables
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.settings import Settings
from bot.staff.models import Role, Staff
from bot.staff.store import Directory
from bot.students.models import Student
from bot.students.profiles import Profiles

OLD, NEW = b"o" * 32, b"n" * 32
BOTH = Cipher([NEW, OLD])
WORDS = (
    "李同学",
    "13800000001",
    "王老师",
    "w@example.edu",
    "档案怎么转",
    "好的",
    "你好",
    "证书丢了",
    "token-of-theirs",
    "明天拍毕业照",
)


@pytest.fixture
def filled(database: Database, clock: FakeClock, chance: Chance) -> Database:
    """Something in every table that has sealed columns, as the process before the change wrote it."""
    fill(database, clock, chance, Cipher([OLD]))
    return database


def fill(database: Database, clock: FakeClock, chance: Chance, cipher: Cipher, number: int = 3) -> None:
    profiles, directory = Profiles(cipher), Directory(cipher)
    students = [Student(f"{one:03}", "李同学", "甲学院", phone="13800000001") for one in range(number)]
    with database.write() as session:
        profiles.save(session, [profiles.sealed(one) | {"updated_at": clock.now()} for one in students], {})
        directory.replace_all(session, [Staff("T1", "王老师", Role.COUNSELOR, phone="139", email="w@example.edu")])
        Outbox(clock, chance, cipher).enqueue(
            session, OutboundMessage(Source.WECHAT, "o1", TextContent("你好")), priority=Priority.REPLY
        )
        case = CaseRecord(contact="o1", state="open", opened_at=clock.now(), reply_by=clock.now())
        session.add(case)
        session.flush()
        one = chance.new_id()
        words = cipher.seal("证书丢了", row=one)
        session.add(CaseMessageRecord(id=one, case_id=case.id, author="o1", words=words, at=clock.now()))
        token = cipher.seal("token-of-theirs", row="access_tokens:wechat:a")
        session.add(AccessTokenRecord(key="wechat:a", token=token))
        save_inbound(session, [inbound(chance.new_id(), clock, cipher)])
        key = chance.new_id()
        session.add(CampaignTextRecord(key=key, text=cipher.seal("明天拍毕业照", row=f"campaign_texts:{key}")))


def inbound(one: str, clock: FakeClock, cipher: Cipher) -> dict[str, object]:
    return {
        "id": one,
        "dedup_key": one,
        "source": "wechat",
        "contact": "o1",
        "kind": "text",
        "event": "",
        "words": cipher.seal("档案怎么转", row=one),
        "reply": cipher.seal("好的", row=one),
        "answered_by": "faq",
        "topic": "",
        "level": "none",
        "received_at": clock.now(),
    }


def readable(database: Database, cipher: Cipher) -> str:
    return "\n".join(one for texts in opened(database, cipher).values() for one in texts)


def test_everything_is_readable_with_the_new_key_alone_and_nothing_was_changed(filled: Database):
    before = opened(filled, BOTH)
    change = KeyChange(filled, BOTH)
    assert all(change.waiting().values())
    steps: list[int] = []
    assert change.run(steps.append) == []
    assert sum(steps) == 9
    assert not any(change.waiting().values())
    assert opened(filled, Cipher([NEW])) == before
    assert all(word in readable(filled, Cipher([NEW])) for word in WORDS)
    with pytest.raises(UnreadableError):
        opened(filled, Cipher([OLD]))


def test_both_keys_are_accepted_meanwhile(filled: Database, clock: FakeClock):
    """Rows of the processes that have not been restarted yet, and of those that have."""
    profiles = Profiles(BOTH)
    with filled.write() as session:
        row = profiles.sealed(Student("900", "新同学", "甲学院")) | {"updated_at": clock.now()}
        profiles.save(session, [row], {})
    with filled.read() as session:
        assert [one.name for one in profiles.matching(session)] == ["李同学"] * 3 + ["新同学"]


def test_a_second_run_changes_nothing(filled: Database):
    KeyChange(filled, BOTH).run()
    before = cells(filled)
    assert KeyChange(filled, BOTH).run() == []
    assert cells(filled) == before


def cells(database: Database) -> list[object]:
    with database.read() as session:
        return [
            row[name]
            for one in sealed_tables()
            for row in session.execute(select(one.table).order_by(one.key)).mappings()
            for name in one.rows
        ]


def test_killed_after_any_batch_it_goes_on_where_it_was(filled: Database):
    before = opened(filled, BOTH)
    runs = 0
    while any(KeyChange(filled, BOTH).waiting().values()):
        left = sum(KeyChange(filled, BOTH).waiting().values())
        with dying(filled, at_commit=2), pytest.raises(InterruptedError):
            KeyChange(filled, BOTH, at_once=1).run()
            raise InterruptedError  # it had finished
        assert opened(filled, BOTH) == before
        assert sum(KeyChange(filled, BOTH).waiting().values()) >= left - 1
        runs += 1
    assert runs >= 9


class dying:  # noqa: N801 - reads as a state
    """The process dies in the given commit."""

    def __init__(self, database: Database, *, at_commit: int) -> None:
        self._engine = database.engine
        self._left = at_commit

    def _die(self, _connection: object) -> None:
        self._left -= 1
        if self._left <= 0:
            raise InterruptedError

    def __enter__(self) -> None:
        event.listen(self._engine, "commit", self._die)

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "commit", self._die)


def test_a_row_that_no_key_opens_is_named_and_left(filled: Database, clock: FakeClock):
    lost = Cipher([secrets.token_bytes(32)])
    profiles = Profiles(lost)
    with filled.write() as session:
        row = profiles.sealed(Student("001", "李同学", "甲学院")) | {"updated_at": clock.now()}
        profiles.save(session, [row], {})
    change = KeyChange(filled, BOTH)
    assert change.run() == ["students 001"]
    assert {name: number for name, number in change.waiting().items() if number} == {"students": 1}
    with filled.read() as session:
        assert profiles.find_by_number(session, "001") is not None


def test_many_rows_go_in_batches(database: Database, clock: FakeClock, chance: Chance):
    fill(database, clock, chance, Cipher([OLD]), number=1200)
    steps: list[int] = []
    KeyChange(database, BOTH).run(steps.append)
    assert max(steps) == 500
    assert sum(steps) == 1206


def test_a_column_that_does_not_say_what_it_is_sealed_for_is_found():
    """A forgotten one would be lost with the old key."""
    other = MetaData()
    Table("letters", other, Column("id", String, primary_key=True), Column("words", LargeBinary))
    with pytest.raises(LookupError, match=r"letters\.words"):
        list(sealed_tables(other))


def test_the_command_says_what_it_did(filled: Database, clock: FakeClock, tmp_path: Path):
    names = [base64.b64encode(key).decode() for key in (NEW, OLD)]
    settings = Settings().with_values(security={"secret_key": "s" * 40, "data_keys": names})
    application = Application(settings=settings, clock=clock, root=tmp_path, folder=tmp_path)
    application.__dict__["database"] = filled
    app = Flask(__name__)
    app.extensions["lixiao"] = application
    app.cli.add_command(commands)

    def run(name: str) -> str:
        return app.test_cli_runner().invoke(args=["keys", name], catch_exceptions=False).output

    assert "students　3 行" in run("status")
    assert "重新加密了 9 行" in run("rotate")
    assert "没有要重新加密的" in run("rotate")
    assert "旧密钥可以从 security.data_keys 里去掉了" in run("status")


def test_the_database_compares_the_beginning_of_bytes(filled: Database):
    """Both databases cut bytes the same way."""
    with filled.read() as session:
        found = session.execute(text("SELECT substr(name, 1, 4) FROM students")).scalars()
        assert {bytes(one) for one in found} == {Cipher([OLD]).newest_key}
