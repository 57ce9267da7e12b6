"""The database: one engine, readers and writers apart, and the column types that all tables share. No tables here."""

import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import DateTime, Dialect, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

_BUSY_TIMEOUT_MS = 3500  # a callback has 4.5 s; waiting longer for the write lock would be waiting in vain


_PING_AFTER_S = 2.0


class DatabaseBusyError(OperationalError):
    """Another process has been writing for longer than anybody here can wait."""

    def __init__(self) -> None:
        super().__init__("waiting for the write lock", None, TimeoutError("the write lock was not free in time"))


class Base(DeclarativeBase):
    """What every Record derives from."""


def table_of(record: type[Base]) -> Table:
    """The record's table, for statements over many rows that need no objects."""
    return cast("Table", record.__table__)


def sealed_for(row: str) -> dict[str, str]:
    """The `info` of a column whose values are sealed: for which row, with the key columns' names in braces.

    Sealing anew under another key (bot/keys.py) finds by it what there is.
    """
    return {"sealed_for": row}


def insert_into(database: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT for the named database ("postgresql" or "sqlite"), which can say what to do on a conflict."""
    return postgresql.insert(table) if database == "postgresql" else sqlite.insert(table)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC. Refuses naive datetimes, which would mean another zone to each reader."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Converts to UTC. Raises ValueError for a naive value."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive datetime has no place in the database"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Gives an aware moment in UTC; SQLite returns what it stored without its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """Hands out sessions: `read()` for looking, `write()` for a transaction that commits when the block ends.

    SQLite runs in WAL with synchronous=FULL (a distress row must survive power loss); writers take the write lock
    at once (BEGIN IMMEDIATE), because a transaction that reads and then writes fails under load otherwise, and queue
    on a lock file, which is fairer than SQLite's polling: two busy processes would starve each other for seconds.
    """

    def __init__(self, url: str, *, ping_after_s: float = _PING_AFTER_S) -> None:
        """A connection to PostgreSQL that has rested for `ping_after_s` is asked whether it still lives."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url, ping_after_s=ping_after_s)
        looking = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._read = sessionmaker(looking, expire_on_commit=False)
        self._write = sessionmaker(self.engine.execution_options(lixiao_write=True), expire_on_commit=False)
        self._writer: AbstractContextManager[Any] = (
            WriterLock(Path(f"{self.url.database}.lock")) if self.is_sqlite else nullcontext()
        )

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one snapshot. What it changes is thrown away."""
        with self._read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        with self._writer, self._write.begin() as session:
            yield session

    def turn(self) -> AbstractContextManager[object]:
        """This thread's turn to write, for those who want to choose what to write when it has come.

        Raises DatabaseBusyError when it has not come in time. On PostgreSQL it is always there.
        """
        return self._writer

    def dispose(self) -> None:
        """Closes all connections."""
        self.engine.dispose()
        if isinstance(self._writer, WriterLock):
            self._writer.close()


class WriterLock:
    """One writer at a time, in this process and in all others that open the same file. May be entered again within.

    Who came first is first, so that what writes all the time (a campaign) starves nobody (an alert): threads of one
    process are served in order, and a process that has just written lets one that waits go before it. The kernel takes
    the lock back from a process that dies.
    """

    def __init__(self, path: Path, *, wait_s: float = _BUSY_TIMEOUT_MS / 1000) -> None:
        """`wait_s` is how long another process is waited for before DatabaseBusyError."""
        self._path = path
        self._wait_s = wait_s
        self._mine = _Turns()
        self._let_go = False
        self._files: tuple[int, int, int] | None = None

    def __enter__(self) -> None:
        if self._mine.acquire() > 1:
            return
        try:
            self._wait_for(*self._descriptors())
        except DatabaseBusyError:
            self._mine.release()
            raise
        except OSError:  # no lock file (a full disk, say): SQLite's own lock still keeps writers apart
            self._let_go = False
        else:
            self._let_go = True

    def __exit__(self, *_: object) -> None:
        if self._mine.depth == 1 and self._let_go and self._files is not None:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)
        self._mine.release()

    def close(self) -> None:
        """Gives the lock files' descriptors back."""
        if self._files is not None:
            _close(*self._files[:2])
            self._files = None

    def _wait_for(self, queue: int, lock: int) -> None:
        """The lock is ours. A blocking flock has no time-out, so a thread of its own waits for it.

        A lock that comes too late is given back at once. Raises DatabaseBusyError.
        """
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(queue, fcntl.LOCK_UN)
        except BlockingIOError:
            locked: Future[None] = Future()
            threading.Thread(target=_lock, args=(queue, lock, locked), name="write_lock", daemon=True).start()
            try:
                locked.result(self._wait_s)
            except TimeoutError:
                self._files = None  # the next try has descriptors of its own; closing these gives their locks back
                locked.add_done_callback(lambda _: _close(queue, lock))
                raise DatabaseBusyError from None

    def _descriptors(self) -> tuple[int, int]:
        """This process's own, of the queue and of the lock; one that came over a fork would share with the parent."""
        if self._files is None or self._files[2] != os.getpid():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            queue = os.open(self._path.with_suffix(".queue"), flags, 0o600)
            self._files = (queue, os.open(self._path, flags, 0o600), os.getpid())
        return self._files[:2]


class _Turns:
    """A lock whose waiting threads get it in the order in which they came; Python's own gives it to who is quickest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[tuple[int, threading.Lock]] = deque()
        self._owner = 0
        self.depth = 0

    def acquire(self) -> int:
        """Waits for this thread's turn; how often it is in now."""
        me = threading.get_ident()
        with self._guard:
            if self._owner == me or (self._owner == 0 and not self._waiting):
                self._owner = me
                self.depth += 1
                return self.depth
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append((me, gate))
        gate.acquire()
        return 1

    def release(self) -> None:
        """One step out; with the last one it is the next thread's turn."""
        with self._guard:
            self.depth -= 1
            if self.depth:
                return
            self._owner = 0
            if self._waiting:
                self._owner, gate = self._waiting.popleft()
                self.depth = 1
                gate.release()


def _lock(queue: int, lock: int, locked: "Future[None]") -> None:
    """Stands in the queue until the lock is free: nobody can take it meanwhile without standing behind."""
    try:
        fcntl.flock(queue, fcntl.LOCK_EX)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            fcntl.flock(queue, fcntl.LOCK_UN)
    except OSError as error:
        locked.set_exception(error)
    else:
        locked.set_result(None)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=20,
        max_overflow=40,
        hide_parameters=True,  # an error's text must not carry a student's words
        connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; pysqlite's own is deferred and late
        for pragma in ("synchronous=FULL", f"busy_timeout={_BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _use_wal(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("lixiao_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _use_wal(connection: Any) -> None:
    """The file is in WAL mode.

    SQLite's busy timeout does not cover this switch, so processes that make a new file together would get "database
    is locked"; we wait as long as it would.
    """
    give_up_at = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def _postgresql_engine(url: str, *, ping_after_s: float) -> Engine:
    # With PostgreSQL's own 4, meant for turning disks, what is planned while the tables are empty reads them whole
    # at every message, until autovacuum has counted them.
    costs = "-c random_page_cost=1.1"
    options = f"-c lock_timeout={_BUSY_TIMEOUT_MS} -c statement_timeout=15000 -c timezone=UTC {costs}"
    engine = create_engine(
        url,
        pool_size=20,
        max_overflow=40,
        hide_parameters=True,
        connect_args={"connect_timeout": 3, "options": options},
    )

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping_if_idle(connection: Any, record: Any, _proxy: Any) -> None:
        """SQLAlchemy's own ping asks each time; under load that is one round trip in ten."""
        if time.monotonic() - record.info.get("used_at", time.monotonic()) < ping_after_s:
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except Exception as error:  # whatever is wrong with it, the pool tries another
            raise DisconnectionError from error

    return engine
