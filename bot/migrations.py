"""Brings a database to the newest schema, and says whether it is there."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from bot.db import Database

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where it is used, when there is something to do: everything starts sooner and smaller without it.


def upgrade(database: Database, root: Path) -> None:
    """The schema is the newest. Safe to call from several processes at once."""
    if is_current(database, root):
        return
    from alembic import command  # noqa: PLC0415

    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
    config = _config(root)
    with database.engine.execution_options(lixiao_write=True).begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(7215)"))  # any number, the same in every process
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(database: Database, root: Path) -> bool:
    """True if the database has the newest schema."""
    if database.is_sqlite and database.url.database and not Path(database.url.database).exists():
        return False
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        present = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return present == [_newest(root)]


def _newest(root: Path) -> str:
    """The last revision: the files are numbered, and a file's name begins with its revision."""
    return max(path.name.partition("_")[0] for path in (root / "migrations" / "versions").glob("[0-9]*_*.py"))


def _config(root: Path) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config(str(root / "alembic.ini"))
    config.attributes["configure_logger"] = False
    return config
