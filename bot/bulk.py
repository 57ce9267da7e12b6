"""Many rows in one statement, for either database.

PostgreSQL takes them as one JSON parameter: an executemany is a message a row there, and under load half of a
batch's time went into those. SQLite is called in this process and takes them one by one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, TextClause, text
from sqlalchemy.orm import Session

from bot.db import insert_into

Row = Mapping[str, Any]


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
        rows = {f"rows{number}": json.dumps(write.rows, default=_plain) for number, write in enumerate(filled)}
        connection.execute(_from_json(tuple(write.shape for write in filled)), rows)
    else:
        for write in filled:
            connection.execute(_one_by_one(*write.shape), write.rows)


def _plain(value: object) -> str:
    """A value that JSON does not know, as PostgreSQL reads it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    message = f"no way to write {type(value).__name__}"
    raise TypeError(message)


@cache
def _from_json(shapes: tuple[_Shape, ...]) -> TextClause:
    """One statement for several tables: what its parts refer to is checked at its end."""
    parts = [_part(number, *shape) for number, shape in enumerate(shapes)]
    named = ", ".join(f"write{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return text(f"WITH {named} {parts[-1]}" if named else parts[-1])


def _part(number: int, table: Table, columns: tuple[str, ...], key: str, keep: tuple[str, ...]) -> str:
    names = ", ".join(columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in {key, *keep})
    conflict = f" ON CONFLICT ({key}) DO UPDATE SET {changes}" if key else ""
    # names of our own tables and columns, no values
    source = f"SELECT {names} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows{number} AS json))"  # noqa: S608
    return f"INSERT INTO {table.name} ({names}) {source}{conflict}"


@cache
def _one_by_one(table: Table, columns: tuple[str, ...], key: str, keep: tuple[str, ...]) -> Insert:
    statement = insert_into("sqlite", table)
    if not key:
        return statement
    changes = {name: statement.excluded[name] for name in columns if name not in {key, *keep}}
    upserting: Insert = statement.on_conflict_do_update(index_elements=[key], set_=changes)
    return upserting
