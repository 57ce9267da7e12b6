"""Runs migrations on the connection that bot/migrations.py hands over, or on the configured database."""

from alembic import context

from bot.records import METADATA

config = context.config


def run() -> None:
    """Applies the pending revisions in one transaction."""
    connection = config.attributes.get("connection")
    if connection is None:
        from app import create_application  # noqa: PLC0415 - only for `alembic` on the command line

        with create_application().database.engine.connect() as opened:
            _migrate(opened)
            opened.commit()
        return
    _migrate(connection)


def _migrate(connection: object) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,  # SQLite cannot alter a column in place
        compare_type=True,
        user_module_prefix="bot.db.",
    )
    with context.begin_transaction():
        context.run_migrations()


run()
