"""Brings a database to the newest schema, and says whether it is there."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from bot.db import Database

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where it is used: a web worker never does, and starts sooner and smaller without it.


def upgrade(database: Database, root: Path) -> None:
    """The schema is the newest. Safe to call from several processes at once."""
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
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    with database.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == ScriptDirectory.from_config(_config(root)).get_current_head()


def _config(root: Path) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config(str(root / "alembic.ini"))
    config.attributes["configure_logger"] = False
    return config
