"""What became of each reminder for each student, reminders that follow a departure step, and subscription taps"""

import sqlalchemy as sa
from alembic import op

import bot.db


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reminder_dues",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contact", sa.String(length=80), nullable=False),
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("due_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["contact"], ["contacts.contact"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contact", "series", "step"),
    )
    op.create_index("ix_reminder_dues_due", "reminder_dues", ["state", "due_at"])
    op.create_table(
        "reminder_ledger",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source_id", sa.String(length=26), nullable=False),
        sa.Column("contact", sa.String(length=80), nullable=False),
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact"], ["contacts.contact"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "contact"),
    )
    op.create_index("ix_reminder_ledger_contact", "reminder_ledger", ["contact", "at"])
    op.create_table(
        "subscriptions",
        sa.Column("contact", sa.String(length=80), nullable=False),
        sa.Column("template", sa.String(length=80), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("spent", sa.Integer(), nullable=False),
        sa.Column("refused_at", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("updated_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact"], ["contacts.contact"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("contact", "template"),
    )

    # Jobs were a part of 反诈 and are a topic of their own now; who wanted nothing wants none of the new topics.
    op.execute("INSERT INTO opt_outs (contact, topic, since) SELECT contact, '求职', since FROM opt_outs WHERE topic = '反诈'")
    op.execute(
        "INSERT INTO opt_outs (contact, topic, since) SELECT contact, '全部', MAX(since) FROM opt_outs"
        " WHERE topic IN ('反诈', '安全', '证件', '离校') GROUP BY contact HAVING COUNT(*) = 4"
    )


def downgrade() -> None:
    op.execute("DELETE FROM opt_outs WHERE topic IN ('求职', '全部')")
    op.drop_table("subscriptions")
    op.drop_index("ix_reminder_ledger_contact", table_name="reminder_ledger")
    op.drop_table("reminder_ledger")
    op.drop_index("ix_reminder_dues_due", table_name="reminder_dues")
    op.drop_table("reminder_dues")
