"""Looks into the database that can be asked alone, or several in one round trip.

Under load a process waits longer for its turn in the interpreter after each answer of PostgreSQL than PostgreSQL
takes, and after each row of SQLite likewise; so what a batch of messages wants to know is asked in one statement, and
comes as one row.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    CTE,
    JSON,
    Boolean,
    ColumnElement,
    Dialect,
    LargeBinary,
    ReturnsRows,
    Select,
    String,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator, TypeEngine

from bot.db import UtcDateTime

T = TypeVar("T")
Statement = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """`statement` gives the SQL for a database's name, the same object each time; `read` makes an answer of its rows.

    Its parameters have names that no other question has that it is asked with.
    """

    statement: Statement
    parameters: Mapping[str, Any]
    read: Callable[[Sequence[Any]], T]

    def ask(self, session: Session) -> T:
        """The answer."""
        connection = session.connection()
        return self.read(connection.execute(self.statement(connection.dialect.name), self.parameters).all())


def ask_together(session: Session, *questions: Question[Any]) -> tuple[Any, ...]:
    """The answers, in order."""
    connection = session.connection()
    database = connection.dialect.name
    answers: dict[int, Any] = {}
    together: list[int] = []
    for number, question in enumerate(questions):
        if database == "postgresql" or isinstance(question.statement(database), Select):
            together.append(number)
        else:  # SQLite has no statement that writes and is part of another one
            answers[number] = question.ask(session)
    shared = [questions[number] for number in together]
    parameters = {name: value for question in shared for name, value in question.parameters.items()}
    statement, readers = _together(tuple(question.statement for question in shared), database)
    row = connection.execute(statement, parameters).one()
    for number, reader, found in zip(together, readers, row, strict=True):
        answers[number] = questions[number].read([reader(one) for one in json.loads(found or "[]")])
    return tuple(answers[number] for number in range(len(questions)))


class _Many(TypeDecorator[list[str]]):
    """A list of texts as one parameter: an array, or JSON where there are none."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See SQLAlchemy."""
        return dialect.type_descriptor(ARRAY(String) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        """See SQLAlchemy."""
        return value if dialect.name == "postgresql" else json.dumps(value)


def each(name: str, database: str) -> Select[tuple[str]]:
    """A query with one row for each text in the list that is given as parameter `name`, in its order."""
    many = bindparam(name, type_=_Many())
    if database == "postgresql":
        return select(func.unnest(many, type_=String).column_valued(name))
    return select(func.json_each(many).table_valued("value").c.value)


def among(column: Any, name: str, database: str) -> ColumnElement[bool]:
    """True where `column` is one of the texts in the list that is given as parameter `name`."""
    if database == "postgresql":
        return column == any_(bindparam(name, type_=_Many()))  # type: ignore[no-any-return]  # `==` of a column
    return column.in_(each(name, database))  # type: ignore[no-any-return]  # likewise


@cache
def _together(statements: tuple[Statement, ...], database: str) -> tuple[Select[Any], tuple[Callable[[Any], Any], ...]]:
    """One row with an array of JSON for each statement, and what makes a row again of an array's element."""
    asked: list[ReturnsRows] = [statement(database) for statement in statements]
    parts = [one.cte(f"part{number}") for number, one in enumerate(asked)]  # type: ignore[attr-defined]  # what has rows has it
    gathered = [select(_gathered(part, database)).select_from(part).scalar_subquery() for part in parts]
    return select(*gathered), tuple(_reader(one, database) for one in asked)


def _gathered(part: CTE, database: str) -> ColumnElement[Any]:
    if database == "postgresql":
        return cast(func.json_agg(literal_column(part.name)), Text)
    columns = [func.hex(column) if isinstance(column.type, LargeBinary) else column for column in part.c]
    return cast(func.json_group_array(func.json_array(*columns)), Text)


def _reader(statement: ReturnsRows, database: str) -> Callable[[Any], Any]:
    """Makes a row, with its columns' own types, of what JSON has made of it."""
    from_json = _from_postgresql if database == "postgresql" else _from_sqlite
    columns = [(column.key or "", from_json(column.type)) for column in statement.exported_columns]
    row = namedtuple("row", [name for name, _ in columns])  # type: ignore[misc]  # noqa: PYI024 - its fields are known now
    if database == "postgresql":
        return lambda found: row(*(convert(found[name]) for name, convert in columns))
    converters = [convert for _, convert in columns]
    return lambda found: row(*(convert(value) for convert, value in zip(converters, found, strict=True)))


def _from_postgresql(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, UtcDateTime):
        return lambda value: value and datetime.fromisoformat(value)
    if isinstance(kind, LargeBinary):
        return lambda value: value and bytes.fromhex(value.removeprefix("\\x"))
    return lambda value: value


def _from_sqlite(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, UtcDateTime):
        return lambda value: value and datetime.fromisoformat(value).replace(tzinfo=UTC)
    if isinstance(kind, LargeBinary):
        return bytes.fromhex
    if isinstance(kind, JSON):
        return lambda value: value and json.loads(value)
    if isinstance(kind, Boolean):
        return lambda value: value if value is None else bool(value)
    return lambda value: value
