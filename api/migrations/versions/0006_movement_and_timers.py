"""What pair and zone states remember of movement, and which timers have told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
COUNTED = {"sqlite_autoincrement": True}
"""Without it SQLite would give a number of the outbox, which is a cursor, a second time."""


def upgrade() -> None:
    with op.batch_alter_table("presence_state") as batch_op:
        batch_op.add_column(sa.Column("mild", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("closing", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("contacts", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("presence_state") as batch_op:
        for column in ("mild", "closing", "contacts"):
            batch_op.alter_column(column, server_default=None)
    with op.batch_alter_table("notification", table_kwargs=COUNTED) as batch_op:
        batch_op.alter_column("alert_id", existing_type=sa.Uuid(), nullable=True)
    op.create_table(
        "reporting",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_reporting")),
    )
    op.create_table(
        "timer_state",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "device_id", "condition", name=op.f("pk_timer_state")),
    )


def downgrade() -> None:
    op.drop_table("timer_state")
    op.drop_table("reporting")
    op.execute(
        "DELETE FROM attempt WHERE notification_id IN (SELECT id FROM notification WHERE alert_id IS NULL)"
    )
    op.execute("DELETE FROM notification WHERE alert_id IS NULL")
    with op.batch_alter_table("notification", table_kwargs=COUNTED) as batch_op:
        batch_op.alter_column("alert_id", existing_type=sa.Uuid(), nullable=False)
    with op.batch_alter_table("presence_state") as batch_op:
        for column in ("contacts", "closing", "mild"):
            batch_op.drop_column(column)
