"""Many rows in one statement, for either database.

PostgreSQL takes them as one JSON parameter: an executemany is a message a row there, and under load half of a
batch's time went into those. SQLite takes them as values of a statement: at each row of an executemany the
interpreter goes to another thread, and comes back when that one lets it go.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

Row = Mapping[str, Any]
_MOST_AT_ONCE = 32
_SQLITE = sqlite.dialect()


@dataclass(frozen=True, slots=True)
class Write:
    """Rows that have the same columns, for one table: inserted, or, where `key` says by what, replaced.

    No key may occur twice. The columns in `keep` stay as they are where a row is replaced.
    """

    table: Table
    rows: Sequence[Row]
    key: str = ""
    keep: tuple[str, ...] = ()

    @property
    def shape(self) -> "_Shape":
        """All that its SQL depends on."""
        return self.table, tuple(self.rows[0]), self.key, self.keep


_Shape = tuple[Table, tuple[str, ...], str, tuple[str, ...]]


def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows that have the same columns. Raises IntegrityError if one of them is there already."""
    write_rows(session, Write(table, rows))


def upsert_rows(session: Session, table: Table, rows: Sequence[Row], *, key: str, keep: tuple[str, ...] = ()) -> None:
    """Inserts rows, or replaces those with the same `key`. See Write."""
    write_rows(session, Write(table, rows, key, keep))


def write_rows(session: Session, *writes: Write) -> None:
    """Everything is written, each table once; in one round trip on PostgreSQL.

    Raises IntegrityError if a row that is to be inserted is there already.
    """
    filled = [write for write in writes if write.rows]
    if not filled:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        written = {f"rows{number}": json.dumps(write.rows, default=_plain) for number, write in enumerate(filled)}
        connection.execute(_from_json(tuple(write.shape for write in filled)), written)
    else:
        for write in filled:
            converters = _converters(write.shape)
            for rows in _portions(write.rows):
                values = tuple(convert(row[name]) for row in rows for name, convert in converters)
                connection.exec_driver_sql(_values(write.shape, len(rows)), values)


def _plain(value: object) -> str:
    """A value that JSON does not know, as PostgreSQL reads it."""
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    message = f"no way to write {type(value).__name__}"
    raise TypeError(message)


@lru_cache(maxsize=256)
def _moment(value: datetime) -> str:
    """Remembered: a batch has one moment in all its rows."""
    return value.isoformat()


@cache
def _from_json(shapes: tuple[_Shape, ...]) -> TextClause:
    """One statement for several tables: what its parts refer to is checked at its end."""
    parts = [_part(number, *shape) for number, shape in enumerate(shapes)]
    named = ", ".join(f"write{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return text(f"WITH {named} {parts[-1]}" if named else parts[-1])


def _part(number: int, table: Table, columns: tuple[str, ...], key: str, keep: tuple[str, ...]) -> str:
    names = ", ".join(columns)
    # names of our own tables and columns, no values
    source = f"SELECT {names} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows{number} AS json))"  # noqa: S608
    return f"INSERT INTO {table.name} ({names}) {source}{_replacing(columns, key, keep)}"


def _replacing(columns: tuple[str, ...], key: str, keep: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in {key, *keep})
    return f" ON CONFLICT ({key}) DO UPDATE SET {changes}" if key else ""


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Rows in portions of 32, 16, 8, 4, 2 and 1: few statements, and few different ones, which SQLite remembers."""
    start = 0
    while rest := len(rows) - start:
        size = min(_MOST_AT_ONCE, 1 << (rest.bit_length() - 1))
        yield rows[start : start + size]
        start += size


@cache
def _values(shape: _Shape, count: int) -> str:
    table, columns, key, keep = shape
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * count)
    names = ", ".join(columns)  # of our own tables and columns, no values
    return f"INSERT INTO {table.name} ({names}) VALUES {values}{_replacing(columns, key, keep)}"  # noqa: S608


@cache
def _converters(shape: _Shape) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """How each column's values are written by SQLite."""
    table, columns, _, _ = shape
    kinds = [(name, table.c[name].type.dialect_impl(_SQLITE)) for name in columns]
    return tuple((name, kind.bind_processor(_SQLITE) or _as_it_is) for name, kind in kinds)


def _as_it_is(value: Any) -> Any:
    return value
