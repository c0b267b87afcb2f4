"""What is remembered of a device's troubles."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device_state", sa.Column("strap_heard_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("device_state", sa.Column("spoke_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("device_state", sa.Column("health", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("device_state", "health")
    op.drop_column("device_state", "spoke_at")
    op.drop_column("device_state", "strap_heard_at")
