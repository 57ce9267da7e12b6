"""Seals what is stored anew under the newest data key, so that the one before can be thrown away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Column, ColumnElement, LargeBinary, MetaData, Table, func, or_, select
from sqlalchemy.orm import Session

from bot.crypto import Cipher, UnreadableError
from bot.db import Database
from bot.records import METADATA

logger = structlog.get_logger(__name__)

_AT_ONCE = 500
_KEY_ID = 4
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed columns, and for each of them how its rows are named when they are sealed."""

    table: Table
    key: Column[Any]
    rows: Mapping[str, str]


def sealed_tables(metadata: MetaData = METADATA) -> Iterator[SealedTable]:
    """All of them. Raises LookupError for a column of bytes that does not say what it is sealed for."""
    for table in metadata.sorted_tables:
        rows = {column.name: _row(column) for column in table.columns if isinstance(column.type, LargeBinary)}
        if rows:
            (key,) = table.primary_key.columns
            yield SealedTable(table, key, rows)


class KeyChange:
    """Goes through the tables in batches. It can be killed at any point and run again: what is done is left alone."""

    def __init__(self, database: Database, cipher: Cipher, *, at_once: int = _AT_ONCE) -> None:
        """`at_once` rows are one transaction."""
        self._database = database
        self._cipher = cipher
        self._at_once = at_once

    def waiting(self) -> dict[str, int]:
        """How many rows of each table still need an older key."""
        with self._database.read() as session:
            return {
                one.table.name: session.scalar(select(func.count()).select_from(one.table).where(self._is_old(one)))
                or 0
                for one in sealed_tables()
            }

    def run(self, progress: Progress = lambda _: None) -> list[str]:
        """Every row is under the newest key, but for those returned (table and key), which no key opens.

        `progress` is told of the rows of each batch.
        """
        unreadable: list[str] = []
        for one in sealed_tables():
            after = ""
            while keys := self._next(one, after):
                with self._database.write() as session:
                    unreadable += self._change(session, one, keys)
                after = keys[-1]
                progress(len(keys))
        logger.info("data_key_changed", unreadable=len(unreadable))
        return unreadable

    def _is_old(self, one: SealedTable) -> ColumnElement[bool]:
        newest = self._cipher.newest_key
        return or_(*(func.substr(one.table.c[name], 1, _KEY_ID, type_=LargeBinary) != newest for name in one.rows))

    def _next(self, one: SealedTable, after: str) -> Sequence[str]:
        query = select(one.key).where(one.key > after, self._is_old(one)).order_by(one.key).limit(self._at_once)
        with self._database.read() as session:
            return session.scalars(query).all()

    def _change(self, session: Session, one: SealedTable, keys: Sequence[str]) -> list[str]:
        """The rows as they are now, locked: what somebody changed since they were found is not lost."""
        unreadable = []
        query = select(one.table).where(one.key.in_(keys), self._is_old(one)).with_for_update()
        for row in session.execute(query).mappings().all():
            try:
                values = {name: self._anew(row[name], for_row.format_map(row)) for name, for_row in one.rows.items()}
            except UnreadableError:
                unreadable.append(f"{one.table.name} {row[one.key.name]}")
                continue
            session.execute(one.table.update().where(one.key == row[one.key.name]).values(values))
        return unreadable

    def _anew(self, sealed: bytes, row: str) -> bytes:
        if sealed[:_KEY_ID] == self._cipher.newest_key:
            return sealed
        return self._cipher.seal(self._cipher.open(sealed, row=row), row=row)


def _row(column: Column[Any]) -> str:
    if "sealed_for" not in column.info:
        raise LookupError(f"{column.table.name}.{column.name} does not say what it is sealed for (bot.db.sealed_for)")
    return str(column.info["sealed_for"])
