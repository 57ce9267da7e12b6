"""Rotations, overrides and swaps of the duty rota; drills; how often each loop is to go round"""

import sqlalchemy as sa
from alembic import op

import bot.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rotations",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("college", sa.String(length=80), nullable=False),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("turn_days", sa.Integer(), nullable=False),
        sa.Column("starts", sa.String(length=5), nullable=False),
        sa.Column("ends", sa.String(length=5), nullable=False),
        sa.Column("days", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "rota_overrides",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("starts_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("college", sa.String(length=80), nullable=False),
        sa.Column("instead_of", sa.String(length=40), nullable=False),
        sa.Column("staff_no", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("starts_at", "ends_at", "college", "instead_of", "staff_no"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("rota_overrides", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rota_overrides_ends_at"), ["ends_at"], unique=False)
    op.create_table(
        "rota_swaps",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("first_no", sa.String(length=40), nullable=False),
        sa.Column("first_starts_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("first_ends_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("first_agreed_at", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("second_no", sa.String(length=40), nullable=False),
        sa.Column("second_starts_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("second_ends_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("second_agreed_at", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "drills",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("college", sa.String(length=80), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=True),
        sa.Column("started_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drills_ended_at"), ["ended_at"], unique=False)
    with op.batch_alter_table("beats", schema=None) as batch_op:
        batch_op.add_column(sa.Column("within_s", sa.Integer(), nullable=False, server_default="30"))


def downgrade() -> None:
    with op.batch_alter_table("beats", schema=None) as batch_op:
        batch_op.drop_column("within_s")
    op.drop_table("drills")
    op.drop_table("rota_swaps")
    op.drop_table("rota_overrides")
    op.drop_table("rotations")
