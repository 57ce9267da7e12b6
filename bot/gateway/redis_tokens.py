"""The shared access tokens in Redis, for several machines."""

import time

from redis import Redis
from redis.exceptions import RedisError

from bot.channel.errors import TemporarySendError
from bot.clock import Chance
from bot.crypto import Cipher, UnreadableError
from bot.gateway.tokens import FETCH_FOR, LOOK_S, WAIT_S, Fetch, usable

_DELETE_IF_SAME = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"


class RedisTokenStore:
    """A TokenStore in Redis. If Redis is away, sends wait; nothing is lost."""

    def __init__(self, url: str, chance: Chance, cipher: Cipher) -> None:
        self._redis = Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
        self._chance = chance
        self._cipher = cipher

    def get(self, key: str, fetch: Fetch) -> str:
        """See TokenStore."""
        name, lock, me = f"lixiao:token:{key}", f"lixiao:token-lock:{key}", self._chance.new_id()
        give_up_at = time.monotonic() + WAIT_S
        try:
            while True:
                token = self._find(name)
                if token is not None:
                    return token
                if self._redis.set(lock, me, nx=True, px=FETCH_FOR):
                    return self._fetched(name, lock, me, fetch)
                if time.monotonic() > give_up_at:
                    raise TemporarySendError(code="token_wait")
                time.sleep(LOOK_S)
        except RedisError as error:
            raise TemporarySendError(code=f"redis_{type(error).__name__}") from None

    def invalidate(self, key: str, token: str) -> None:
        """See TokenStore."""
        name = f"lixiao:token:{key}"
        try:
            blob = self._redis.get(name)
            if isinstance(blob, bytes) and self._open(name, blob) == token:
                self._redis.eval(_DELETE_IF_SAME, 1, name, blob)
        except RedisError as error:
            raise TemporarySendError(code=f"redis_{type(error).__name__}") from None

    def _find(self, name: str) -> str | None:
        blob = self._redis.get(name)
        return self._open(name, blob) if isinstance(blob, bytes) else None

    def _open(self, name: str, blob: bytes) -> str | None:
        try:
            return self._cipher.open(blob, row=name)
        except UnreadableError:
            return None

    def _fetched(self, name: str, lock: str, me: str, fetch: Fetch) -> str:
        try:
            token = self._find(name)  # somebody may have fetched it just before we got the lock
            if token is None:
                fresh = fetch()
                token = fresh.token
                self._redis.set(name, self._cipher.seal(token, row=name), px=usable(fresh.life))
            return token
        finally:
            self._redis.eval(_DELETE_IF_SAME, 1, lock, me)
