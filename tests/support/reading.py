"""Reads what a database holds: everything as bytes, as a thief of the file sees it, and every sealed word opened."""

from typing import Any

from sqlalchemy import LargeBinary, Table

from bot.crypto import Cipher, UnreadableError
from bot.db import Database
from bot.records import METADATA


def rows_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, by table."""
    with database.read() as session:
        return {
            table.name: [dict(row) for row in session.execute(table.select()).mappings()]
            for table in METADATA.sorted_tables
        }


def raw(database: Database) -> bytes:
    """Everything in all tables, sealed as it is."""
    cells = [cell for rows in rows_of(database).values() for row in rows for cell in row.values()]
    return b"\x00".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)


def opened(database: Database, cipher: Cipher) -> dict[str, list[str]]:
    """Every sealed text that the rows hold, opened, by table."""
    found: dict[str, list[str]] = {}
    for table in METADATA.sorted_tables:
        sealed = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
        for row in rows_of(database)[table.name] if sealed else []:
            found.setdefault(table.name, []).extend(_open(cipher, table, row, name) for name in sealed)
    return found


def _open(cipher: Cipher, table: Table, row: dict[str, Any], column: str) -> str:
    key = row[next(iter(table.primary_key.columns)).name]
    for bound in (f"{table.name}:{key}:{column}", f"{table.name}:{key}", str(key)):
        try:
            return cipher.open(row[column], row=bound)
        except UnreadableError:
            continue
    raise UnreadableError(f"{table.name}.{column} of {key}")
