"""Many rows in one statement, for either database.

PostgreSQL takes them as one JSON parameter: an executemany is a message a row there, and under load half of a
batch's time went into those. SQLite is called in this process and takes them one by one.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, TextClause, text
from sqlalchemy.orm import Session

from bot.db import insert_into

Row = Mapping[str, Any]


def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows that have the same columns. Raises IntegrityError if one of them is there already."""
    _execute(session, table, rows, key="", keep=())


def upsert_rows(session: Session, table: Table, rows: Sequence[Row], *, key: str, keep: tuple[str, ...] = ()) -> None:
    """Inserts rows, or replaces those with the same `key`, of which the columns in `keep` stay as they are.

    No key may occur twice among `rows`.
    """
    _execute(session, table, rows, key=key, keep=keep)


def _execute(session: Session, table: Table, rows: Sequence[Row], *, key: str, keep: tuple[str, ...]) -> None:
    if not rows:
        return
    connection = session.connection()
    columns = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        connection.execute(_from_json(table, columns, key, keep), {"rows": json.dumps(rows, default=_plain)})
    else:
        connection.execute(_one_by_one(table, columns, key, keep), rows)


def _plain(value: object) -> str:
    """A value that JSON does not know, as PostgreSQL reads it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    message = f"no way to write {type(value).__name__}"
    raise TypeError(message)


@cache
def _from_json(table: Table, columns: tuple[str, ...], key: str, keep: tuple[str, ...]) -> TextClause:
    names = ", ".join(columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in {key, *keep})
    conflict = f" ON CONFLICT ({key}) DO UPDATE SET {changes}" if key else ""
    # names of our own tables and columns, no values
    source = f"SELECT {names} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"  # noqa: S608
    return text(f"INSERT INTO {table.name} ({names}) {source}{conflict}")


@cache
def _one_by_one(table: Table, columns: tuple[str, ...], key: str, keep: tuple[str, ...]) -> Insert:
    statement = insert_into("sqlite", table)
    if not key:
        return statement
    changes = {name: statement.excluded[name] for name in columns if name not in {key, *keep}}
    upserting: Insert = statement.on_conflict_do_update(index_elements=[key], set_=changes)
    return upserting
