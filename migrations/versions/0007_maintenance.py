"""The switch of maintenance mode"""

import sqlalchemy as sa
from alembic import op

import bot.db


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "maintenance",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("maintenance")
