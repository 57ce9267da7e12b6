"""The database's promises, on both kinds: durable, no lost updates under load, readers in nobody's way."""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import String, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Mapped, mapped_column
from support.threads import run_together

from bot.beats import BeatRecord, beat, find_beats
from bot.cases.records import CaseRecord
from bot.clock import FakeClock
from bot.db import Base, Database, DatabaseBusyError, WriterLock
from bot.migrations import is_current, upgrade
from bot.records import METADATA
from bot.students.records import OptOutRecord

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2027, 6, 8, 4, 0, 0, 123456, tzinfo=UTC)


class TallyRecord(Base):
    """A number that tests count up. Its table is made and dropped here, not by the migrations."""

    __tablename__ = "test_tally"

    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    number: Mapped[int] = mapped_column(default=0)


METADATA.remove(TallyRecord.__table__)  # type: ignore[arg-type]  # no other test's business


@pytest.fixture
def tally(database: Database) -> Iterator[Database]:
    """A database with a number that is 0."""
    TallyRecord.__table__.create(database.engine)  # type: ignore[attr-defined]
    with database.write() as session:
        session.add(TallyRecord(name="n", number=0))
    yield database
    TallyRecord.__table__.drop(database.engine)  # type: ignore[attr-defined]


def number(database: Database) -> int:
    with database.read() as session:
        return session.get_one(TallyRecord, "n").number


def set_beat(database: Database, name: str, at: datetime) -> None:
    with database.write() as session:
        beat(session, name, at)


class TestTransactions:
    def test_a_block_that_ends_is_stored(self, database: Database):
        set_beat(database, "x", NOW)
        with database.read() as session:
            assert find_beats(session) == {"x": NOW}

    def test_a_block_that_raises_leaves_nothing(self, database: Database):
        def fail() -> None:
            with database.write() as session:
                beat(session, "x", NOW)
                session.flush()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with database.read() as session:
            assert find_beats(session) == {}

    def test_what_a_reader_changes_is_thrown_away(self, database: Database):
        with database.read() as session:
            beat(session, "x", NOW)
            session.flush()
        with database.read() as session:
            assert find_beats(session) == {}

    def test_a_broken_block_gives_its_lock_back(self, database: Database):
        for _ in range(70):  # more than the pool has connections
            with pytest.raises(ZeroDivisionError), database.write():
                raise ZeroDivisionError
        set_beat(database, "x", NOW)

    def test_objects_can_be_read_after_their_session(self, database: Database):
        with database.write() as session:
            record = BeatRecord(name="x", at=NOW)
            session.add(record)
        assert record.at == NOW


class TestSnapshot:
    def test_a_reader_sees_one_moment(self, tally: Database):
        """Figures that are read one after another must fit together."""
        with tally.read() as session:
            first = session.scalar(select(TallyRecord.number))
            with tally.write() as writing:
                writing.get_one(TallyRecord, "n").number = 5
            assert session.scalar(select(TallyRecord.number)) == first == 0
        assert number(tally) == 5


class TestConcurrency:
    def test_read_then_write_of_eight_threads_loses_nothing(self, tally: Database):
        """A transaction that reads first and then writes: neither "database is locked" nor a lost step."""

        def count(_: int) -> None:
            for _ in range(15):
                with tally.write() as session:
                    record = session.get_one(TallyRecord, "n", with_for_update=True)
                    record.number += 1

        run_together(8, count)
        assert number(tally) == 120

    def test_two_processes_lose_nothing(self, tally: Database, database_url: str):
        """A second Database object has a lock of its own, as another process has."""
        other = Database(database_url)

        def count(worker: int) -> None:
            for _ in range(15):
                with (tally, other)[worker % 2].write() as session:
                    session.get_one(TallyRecord, "n", with_for_update=True).number += 1

        run_together(4, count)
        other.dispose()
        assert number(tally) == 60

    def test_readers_wait_for_no_writer(self, tally: Database):
        with tally.write() as session:
            session.get_one(TallyRecord, "n").number = 7
            session.flush()
            assert run_together(1, lambda _: number(tally)) == [0]
        assert number(tally) == 7

    def test_writers_wait_for_no_reader(self, tally: Database):
        def write(_: int) -> None:
            with tally.write() as session:
                session.get_one(TallyRecord, "n").number = 7

        with tally.read() as session:
            assert session.scalar(select(TallyRecord.number)) == 0
            run_together(1, write)
            assert number(tally) == 7

    def test_a_second_writer_waits_until_the_first_is_done(self, tally: Database):
        """It then sees what the first has written, on both databases."""
        inside, order = threading.Event(), []

        def second() -> None:
            assert inside.wait(5)
            with tally.write() as session:
                record = session.get_one(TallyRecord, "n", with_for_update=True)
                order.append(record.number)

        thread = threading.Thread(target=second)
        thread.start()
        with tally.write() as session:
            session.get_one(TallyRecord, "n", with_for_update=True).number = 1
            session.flush()
            inside.set()
            order.append(-1)
        thread.join(10)
        assert order == [-1, 1]


class TestMoments:
    def test_an_aware_moment_comes_back_in_utc_to_the_microsecond(self, database: Database):
        set_beat(database, "x", NOW.astimezone(timezone(timedelta(hours=8))))
        with database.read() as session:
            (at,) = find_beats(session).values()
        assert at == NOW
        assert at.utcoffset() == timedelta()

    def test_a_naive_moment_is_refused(self, database: Database):
        with pytest.raises(StatementError, match="naive datetime"):
            set_beat(database, "x", datetime(2027, 6, 8, 4))  # noqa: DTZ001 - the very mistake

    def test_a_naive_moment_is_refused_in_a_question_too(self, database: Database):
        with database.read() as session, pytest.raises(StatementError, match="naive datetime"):
            session.scalar(select(BeatRecord.name).where(BeatRecord.at > datetime(2027, 6, 8, 4)))  # noqa: DTZ001 - the very mistake

    def test_moments_of_different_zones_compare_rightly(self, database: Database):
        zone = timezone(timedelta(hours=8))
        set_beat(database, "early", datetime(2027, 6, 8, 11, 59, tzinfo=zone))
        set_beat(database, "late", datetime(2027, 6, 8, 4, 1, tzinfo=UTC))
        with database.read() as session:
            noon = datetime(2027, 6, 8, 12, tzinfo=zone)
            assert session.scalars(select(BeatRecord.name).where(BeatRecord.at <= noon)).all() == ["early"]


class TestRules:
    def test_foreign_keys_are_checked(self, database: Database):
        with pytest.raises(IntegrityError), database.write() as session:
            session.add(OptOutRecord(contact="nobody", topic="反诈", since=NOW))

    def test_one_open_case_for_each_contact(self, database: Database):
        def open_case(state: str) -> None:
            with database.write() as session:
                session.add(CaseRecord(contact="o1", state=state, opened_at=NOW, reply_by=NOW))

        for state in ("closed", "open", "closed"):
            open_case(state)
        with pytest.raises(IntegrityError):
            open_case("open")

    def test_an_error_does_not_quote_what_was_to_be_stored(self, database: Database):
        """The text of an error lands in logs and on pages."""
        with pytest.raises(IntegrityError) as caught, database.write() as session:
            session.add(OptOutRecord(contact="openid-of-li", topic="反诈", since=NOW))
        assert "反诈" not in str(caught.value.statement)
        assert caught.value.hide_parameters


class TestSqlite:
    @pytest.fixture
    def sqlite(self, tmp_path: Path) -> Database:
        made = Database(f"sqlite:///{tmp_path / 's.db'}")
        yield made
        made.dispose()

    def test_it_syncs_every_commit(self, sqlite: Database):
        """A distress message must survive a power cut: FULL is 2, and WAL keeps readers going."""
        for session_of in (sqlite.read, sqlite.write):
            with session_of() as session:
                pragmas = [
                    session.scalar(text(f"PRAGMA {name}"))
                    for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
                ]
            assert pragmas == ["wal", 2, 1, 3500]

    def test_every_new_connection_is_prepared(self, sqlite: Database):
        barrier = threading.Barrier(6)

        def look(_: int) -> int:
            with sqlite.read() as session:
                got = session.scalar(text("PRAGMA synchronous"))
                barrier.wait(10)
                return int(got or 0)

        assert run_together(6, look) == [2] * 6

    def test_writers_take_the_lock_at_once_and_readers_do_not(self, sqlite: Database, tmp_path: Path):
        other = Database(f"sqlite:///{tmp_path / 's.db'}")
        with sqlite.read() as reading:
            reading.execute(text("SELECT 1"))
            with other.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout=0")
        with sqlite.write() as writing:
            writing.execute(text("SELECT 1"))
            with other.engine.execution_options(lixiao_write=True).connect() as connection:
                connection.connection.dbapi_connection.execute("PRAGMA busy_timeout=0")  # type: ignore[union-attr]
                with pytest.raises(Exception, match="locked"):
                    connection.execute(text("SELECT 1"))
        other.dispose()


class TestMigrations:
    def test_a_migrated_database_is_current(self, database: Database):
        assert is_current(database, ROOT)

    def test_an_empty_one_is_not(self, database_url: str):
        empty = Database(database_url)
        assert not is_current(empty, ROOT)
        empty.dispose()

    def test_processes_that_start_together_migrate_once(self, database_url: str):
        def start(_: int) -> None:
            own = Database(database_url)
            upgrade(own, ROOT)
            assert is_current(own, ROOT)
            own.dispose()

        run_together(3, start)

    def test_the_newest_file_is_the_last_revision(self, database: Database):
        """Files are numbered, each after the one before it: `is_current` needs no more than their names."""
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - needed here only

        revisions = list(ScriptDirectory(str(ROOT / "migrations")).walk_revisions())
        names = sorted((Path(one.path).name for one in revisions), reverse=True)
        assert [name.partition("_")[0] for name in names] == [one.revision for one in revisions]
        newest = revisions[0].revision
        try:
            for version in ("0001", newest):
                with database.write() as session:
                    session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
                assert is_current(database, ROOT) is (version == newest)
        finally:  # the next test has the same database
            with database.write() as session:
                session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": newest})

    def test_the_migrations_make_what_the_records_say(self, database: Database):
        """Nothing was forgotten: no table, column, index or type differs."""
        from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - needed here only
        from alembic.migration import MigrationContext  # noqa: PLC0415 - needed here only

        with database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, METADATA) == []


def test_the_clock_of_tests_fits_the_database(database: Database, clock: FakeClock):
    set_beat(database, "x", clock.now())
    with database.read() as session:
        assert find_beats(session)["x"] == clock.now()


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def _is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class TestWriteLock:
    def test_a_writer_that_hangs_stops_the_others_only_for_a_while(self, tmp_path: Path):
        """Who cannot have the lock in time hears so; when it is free again it is not taken by who has given up."""
        hanging, waiting = (WriterLock(tmp_path / "lock", wait_s=0.1) for _ in range(2))
        with hanging:
            for _ in range(2):
                with pytest.raises(DatabaseBusyError), waiting:
                    pytest.fail("two writers at once")
        with waiting, pytest.raises(DatabaseBusyError), hanging:
            pytest.fail("two writers at once")
        for lock in (hanging, waiting):
            with lock, lock:  # may be entered again within
                pass
            lock.close()

    def test_threads_write_in_the_order_in_which_they_came(self, tmp_path: Path):
        """A campaign's thread that writes again and again must not be quicker than an alert's that waits."""
        lock, order, standing = WriterLock(tmp_path / "lock"), [], []

        def write(number: int) -> None:
            with lock:
                order.append(number)

        with lock:
            for number in range(6):
                thread = threading.Thread(target=write, args=[number])
                thread.start()
                standing.append(thread)
                wait_until(lambda: len(lock._mine._waiting) == len(standing))
        with lock:
            order.append("again")
        for thread in standing:
            thread.join()
        assert order == [0, 1, 2, 3, 4, 5, "again"]
        lock.close()

    def test_a_process_that_has_just_written_lets_one_that_waits_go_first(self, tmp_path: Path):
        """Two locks on the same file are as two processes."""
        busy, other = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
        order: list[str] = []

        def write() -> None:
            with other:
                order.append("other")

        thread = threading.Thread(target=write)
        with busy:
            thread.start()
            wait_until(lambda: _is_locked(tmp_path / "lock.queue"))
        for _ in range(3):
            with busy:
                order.append("busy")
        thread.join()
        assert order == ["other", "busy", "busy", "busy"]
        for lock in (busy, other):
            lock.close()

    def test_without_a_lock_file_writers_go_on(self, tmp_path: Path):
        """A full disk must not stop the alerts; SQLite's own lock still keeps writers apart."""
        (tmp_path / "file").write_text("")
        written = []
        with WriterLock(tmp_path / "file" / "lock"):
            written.append("an alert")
        assert written == ["an alert"]


def test_connections_that_the_server_has_ended_are_replaced(database: Database):
    """After a restart of PostgreSQL the next caller gets a living connection, not an error. SQLite has no server."""
    caller = Database(database.url.render_as_string(hide_password=False), ping_after_s=0)
    with caller.read() as session:
        mine = None if database.is_sqlite else session.scalar(text("SELECT pg_backend_pid()"))
    if mine is not None:
        with database.write() as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
    with caller.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    caller.dispose()
