"""Looks into the database that can be asked alone, or several in one round trip.

Under load a process waits longer for its turn in the interpreter after each answer of PostgreSQL than PostgreSQL
takes; so what a batch of messages wants to know is asked in one statement there. SQLite is called in this process
and answers one by one.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import (
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
    if connection.dialect.name != "postgresql":
        return tuple(question.ask(session) for question in questions)
    parameters = {name: value for question in questions for name, value in question.parameters.items()}
    statement, readers = _together(tuple(question.statement for question in questions))
    row = connection.execute(statement, parameters).one()
    return tuple(
        question.read([reader(one) for one in json.loads(found or "[]")])
        for question, reader, found in zip(questions, readers, row, strict=True)
    )


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
def _together(statements: tuple[Statement, ...]) -> tuple[Select[Any], tuple[Callable[[Any], Any], ...]]:
    asked: list[ReturnsRows] = [statement("postgresql") for statement in statements]
    parts = [one.cte(f"part{number}") for number, one in enumerate(asked)]  # type: ignore[attr-defined]  # what has rows has it
    gathered = [
        select(cast(func.json_agg(literal_column(part.name)), Text)).select_from(part).scalar_subquery()
        for part in parts
    ]
    return select(*gathered), tuple(map(_reader, asked))


def _reader(statement: ReturnsRows) -> Callable[[Mapping[str, Any]], Any]:
    """Makes a row, with its columns' own types, of what JSON has made of it."""
    columns = [(column.key or "", _from_json(column.type)) for column in statement.exported_columns]
    row = namedtuple("row", [name for name, _ in columns])  # type: ignore[misc]  # noqa: PYI024 - its fields are known now
    return lambda found: row(*(convert(found[name]) for name, convert in columns))


def _from_json(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, UtcDateTime):
        return lambda value: value and datetime.fromisoformat(value)
    if isinstance(kind, LargeBinary):
        return lambda value: value and bytes.fromhex(value.removeprefix("\\x"))
    return lambda value: value
