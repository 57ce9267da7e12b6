"""Fixtures for all tests: both databases, a clock that stands still, and the secrets of nobody."""

import base64
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, make_url, text

from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.logs import configure_logs
from bot.migrations import upgrade
from bot.outbox.outbox import Outbox
from bot.records import METADATA
from bot.staff.store import Directory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent))
ZONE = ZoneInfo("Asia/Shanghai")
settings.register_profile(  # a busy machine is no fault of the code
    "lixiao", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lixiao")
NOON = datetime(2027, 6, 8, 12, 0, tzinfo=ZONE)  # a Tuesday of the season


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    configure_logs("error")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a real PostgreSQL, started from the pgserver package; one for each test process."""
    pgserver = pytest.importorskip("pgserver", reason="pip install pgserver 才能跑 PostgreSQL 测试")
    folder = Path(tempfile.mkdtemp(prefix="lixiao-pg-"))
    with pgserver.get_server(folder, cleanup_mode=None) as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # no test pulls its plug
                connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        admin.dispose()
        yield url


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The name of this test process under pytest-xdist, or main."""
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    if not {"database", "build_world"}.isdisjoint(
        request.fixturenames
    ):  # to empty a migrated one is four times as fast as to make one
        yield _emptied(request.getfixturevalue("migrated_postgresql"))
        return
    with _new_postgresql_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> Iterator[str]:
    """A migrated PostgreSQL database that tests use one after another, each emptying it first."""
    with _new_postgresql_database(postgresql_server) as url:
        made = Database(url)
        upgrade(made, ROOT)
        made.dispose()
        yield url


@contextmanager
def _new_postgresql_database(server: str) -> Iterator[str]:
    name = f"t_{secrets.token_hex(6)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def _emptied(url: str) -> str:
    """The same address; all its tables are empty and their numbers begin at 1."""
    tables = METADATA.tables
    # most tests touch few of the tables, and TRUNCATE makes new files for each
    used = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables)  # noqa: S608 - our own tables' names
    counted = (
        "SELECT tablename FROM pg_tables JOIN pg_sequences USING (schemaname)"
        " WHERE last_value IS NOT NULL AND sequencename LIKE tablename || '_%'"
    )
    admin = create_engine(url)
    with admin.begin() as connection:
        names = set(connection.scalars(text(f"{used} UNION ALL {counted}"))) & tables.keys()
        if names:
            connection.execute(text(f"TRUNCATE {', '.join(sorted(names))} RESTART IDENTITY CASCADE"))
    admin.dispose()
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a migrated and empty database: to copy it is twenty times as fast as to make one."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    made = Database(f"sqlite:///{path}")
    upgrade(made, ROOT)
    made.dispose()
    return path


@pytest.fixture
def database(database_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of each kind."""
    made = Database(database_url)
    if made.is_sqlite:
        shutil.copy(request.getfixturevalue("migrated_sqlite"), str(made.url.database))
    yield made
    made.dispose()


@pytest.fixture
def clock() -> FakeClock:
    """Noon of a day in June, until the test moves it."""
    return FakeClock(NOON)


@pytest.fixture
def chance(clock: FakeClock) -> Chance:
    """Jitter that repeats."""
    return Chance(clock, seed=7)


@pytest.fixture
def cipher() -> Cipher:
    """A key of nobody's."""
    return Cipher([base64.b64decode("c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4=")])


@pytest.fixture
def outbox(clock: FakeClock, chance: Chance, cipher: Cipher) -> Outbox:
    """The door out, with the test's clock and key."""
    return Outbox(clock, chance, cipher)


@pytest.fixture
def directory(cipher: Cipher) -> Directory:
    """The staff list, with the test's key."""
    return Directory(cipher)
