"""Access tokens shared by all processes: one fetch at a time, with an expiry that everybody sees."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Row, bindparam, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bot.channel.errors import TemporarySendError
from bot.channel.records import AccessTokenRecord
from bot.clock import Chance, Clock
from bot.crypto import Cipher, UnreadableError
from bot.db import Database, table_of

logger = structlog.get_logger(__name__)

_EARLY = timedelta(minutes=5)  # WeChat keeps the old token good for five minutes after a renewal
FETCH_FOR = timedelta(seconds=20)  # a fetch takes seconds; a process that dies in it holds the others up so long
WAIT_S = 15
LOOK_S = 0.05
_TOKENS = table_of(AccessTokenRecord)
_LOOK = select(_TOKENS).where(_TOKENS.c.key == bindparam("whose"))  # for every send there is one look


@dataclass(frozen=True, slots=True)
class FreshToken:
    """A token as the platform gave it, and how long it says that it lives."""

    token: str
    life: timedelta


Fetch = Callable[[], FreshToken]


class TokenStore(Protocol):
    """Keeps one token for each key (account)."""

    def get(self, key: str, fetch: Fetch) -> str:
        """A token that is good now. At most one caller of all processes runs `fetch`; its errors go to that caller.

        The others wait for it, 15 s at most, and then raise TemporarySendError.
        """
        ...

    def invalidate(self, key: str, token: str) -> None:
        """The platform refused `token`. It is dropped, unless another has taken its place already."""
        ...


class DatabaseTokenStore:
    """The token is a sealed row; who fetches has a lease in it."""

    def __init__(self, database: Database, clock: Clock, chance: Chance, cipher: Cipher) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self._cipher = cipher

    def get(self, key: str, fetch: Fetch) -> str:
        """See TokenStore."""
        give_up_at = time.monotonic() + WAIT_S
        try:
            while True:
                token, fetching = self._look(key)  # only reads: fifty waiting callers must not queue for the write lock
                if token is not None:
                    return token
                me = self._chance.new_id()
                if not fetching and self._may_fetch(key, me):
                    return self._fetched(key, me, fetch)
                if time.monotonic() > give_up_at:
                    raise TemporarySendError(code="token_wait")
                time.sleep(LOOK_S)
        except SQLAlchemyError as error:  # a busy database: the message waits, it is not lost
            raise TemporarySendError(code=f"database_{type(error).__name__}") from None

    def invalidate(self, key: str, token: str) -> None:
        """See TokenStore."""
        try:
            with self._database.write() as session:
                record = session.get(AccessTokenRecord, key, with_for_update=True)
                if record is not None and record.expires_at is not None and self._open(record) == token:
                    record.expires_at = None
        except SQLAlchemyError as error:
            raise TemporarySendError(code=f"database_{type(error).__name__}") from None

    def _look(self, key: str) -> tuple[str | None, bool]:
        """The token if it is good now, and whether somebody is fetching one."""
        now = self._clock.now()
        with self._database.read() as session:
            record = session.connection().execute(_LOOK, {"whose": key}).first()
        if record is None:
            return None, False
        good = record.expires_at is not None and record.expires_at > now
        fetching = record.fetching_until is not None and record.fetching_until > now
        return self._open(record) if good else None, fetching

    def _may_fetch(self, key: str, me: str) -> bool:
        now = self._clock.now()
        try:
            with self._database.write() as session:
                record = session.get(AccessTokenRecord, key, with_for_update=True)
                if record is None:
                    record = AccessTokenRecord(key=key, token=b"")
                    session.add(record)
                elif record.expires_at is not None and record.expires_at > now and self._open(record) is not None:
                    return False  # somebody fetched it while we waited for the lock
                elif record.fetching_until is not None and record.fetching_until > now:
                    return False
                record.fetching_by, record.fetching_until = me, now + FETCH_FOR
        except IntegrityError:  # another process made the row first
            return False
        return True

    def _fetched(self, key: str, me: str, fetch: Fetch) -> str:
        fresh = None
        try:
            fresh = fetch()
            return fresh.token
        finally:
            try:
                self._keep(key, me, fresh)
            except SQLAlchemyError as error:  # the token is good all the same, and the lease runs out by itself
                logger.warning("token_not_kept", error=type(error).__name__)

    def _keep(self, key: str, me: str, fresh: FreshToken | None) -> None:
        """The lease is given back, and the new token stored if there is one and nobody took the lease over."""
        with self._database.write() as session:
            record = session.get(AccessTokenRecord, key, with_for_update=True)
            if record is None or record.fetching_by != me:
                return
            record.fetching_by, record.fetching_until = "", None
            if fresh is not None:
                record.token = self._cipher.seal(fresh.token, row=f"access_tokens:{key}")
                record.expires_at = self._clock.now() + usable(fresh.life)

    def _open(self, record: AccessTokenRecord | Row[Any]) -> str | None:
        try:
            return self._cipher.open(record.token, row=f"access_tokens:{record.key}")
        except UnreadableError:  # a data key was taken away: fetch anew
            return None


def usable(life: timedelta) -> timedelta:
    """How long to use a token that lives for `life`: five minutes less, but at least half of it."""
    return max(life - _EARLY, life / 2)
