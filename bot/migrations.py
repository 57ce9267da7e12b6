"""Brings a database to the newest schema, and says whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bot.db import Database


def upgrade(database: Database, root: Path) -> None:
    """The schema is the newest. Safe to call from several processes at once."""
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
    with database.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == ScriptDirectory.from_config(_config(root)).get_current_head()


def _config(root: Path) -> Config:
    config = Config(str(root / "alembic.ini"))
    config.attributes["configure_logger"] = False
    return config
