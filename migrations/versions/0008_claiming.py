"""Indexes by which a claim reads only what it takes, however much waits"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_deliveries_due", "deliveries")
    op.drop_index("ix_deliveries_recipient", "deliveries")
    op.create_index("ix_deliveries_due", "deliveries", ["state", "priority", "not_before", "id"])
    op.create_index("ix_deliveries_recipient", "deliveries", ["recipient", "state", "channel", "priority", "id"])


def downgrade() -> None:
    op.drop_index("ix_deliveries_recipient", "deliveries")
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index("ix_deliveries_recipient", "deliveries", ["recipient", "state"])
    op.create_index("ix_deliveries_due", "deliveries", ["state", "priority", "not_before"])
