"""Test runs of an order's whole chain."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_drill_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill")),
    )
    op.create_index(op.f("ix_drill_alert_id"), "drill", ["alert_id"])
    op.create_index(op.f("ix_drill_order_id"), "drill", ["order_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_drill_order_id"), table_name="drill")
    op.drop_index(op.f("ix_drill_alert_id"), table_name="drill")
    op.drop_table("drill")
