"""Alerts know their ladder; the alert log cannot be changed.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

import bot.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQLITE_TRIGGERS = [
    f"""
    CREATE TRIGGER alert_log_no_{verb.lower()} BEFORE {verb} ON alert_log
    BEGIN SELECT RAISE(ABORT, 'alert_log is append-only'); END
    """
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL_TRIGGERS = [
    """
    CREATE FUNCTION refuse_alert_log_change() RETURNS trigger AS $$
    BEGIN RAISE EXCEPTION 'alert_log is append-only'; END
    $$ LANGUAGE plpgsql
    """,
    """
    CREATE TRIGGER alert_log_append_only BEFORE UPDATE OR DELETE ON alert_log
    FOR EACH ROW EXECUTE FUNCTION refuse_alert_log_change()
    """,
]


def upgrade() -> None:
    # Plain ADD COLUMN on both databases: a rebuilt table would lose SQLite's triggers and autoincrement.
    op.add_column("alerts", sa.Column("college", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("policy", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("alerts", sa.Column("step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("alerts", sa.Column("walk", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("alerts", sa.Column("told", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("alerts", sa.Column("acks", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("alerts", sa.Column("touched_at", bot.db.UtcDateTime(timezone=True), nullable=True))
    op.add_column("alerts", sa.Column("nudged", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alerts", sa.Column("merged_into", sa.Integer(), nullable=True))
    op.create_table(
        "alert_follow_ups",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("staff_no", sa.String(length=40), nullable=False),
        sa.Column("due_at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("next_at", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tellings", sa.Integer(), nullable=False),
        sa.Column("done_at", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_follow_ups_alert_id", "alert_follow_ups", ["alert_id"])
    op.create_index("ix_alert_follow_ups_next_at", "alert_follow_ups", ["next_at"])
    # Who has an alert already gets the whole time from now on: an update must not wake a school at night.
    op.execute(
        "UPDATE alerts SET touched_at = CURRENT_TIMESTAMP, next_notice_at = CURRENT_TIMESTAMP "
        "WHERE state = 'acknowledged' AND level IN ('red', 'orange')"
    )
    alerts = sa.table("alerts", sa.column("id"), sa.column("state"), sa.column("acknowledged_by"), sa.column("acks", sa.JSON()))
    staff = sa.table("staff", sa.column("staff_no"), sa.column("role"))
    taken = (
        sa.select(alerts.c.id, alerts.c.acknowledged_by, staff.c.role)
        .outerjoin_from(alerts, staff, alerts.c.acknowledged_by == staff.c.staff_no)
        .where(alerts.c.state == "acknowledged")
    )
    for number, staff_no, role in op.get_bind().execute(taken).all():
        op.execute(alerts.update().where(alerts.c.id == number).values(acks=[[staff_no, role or "counselor"]]))
    for statement in POSTGRESQL_TRIGGERS if op.get_bind().dialect.name == "postgresql" else SQLITE_TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER alert_log_append_only ON alert_log")
        op.execute("DROP FUNCTION refuse_alert_log_change()")
    else:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER alert_log_no_{verb}")
    op.drop_table("alert_follow_ups")
    for column in ("merged_into", "nudged", "touched_at", "acks", "told", "walk", "step", "policy", "college"):
        op.drop_column("alerts", column)
