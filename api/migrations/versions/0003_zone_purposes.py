"""What a zone is for, and when it applies."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("exclusion_zone") as batch_op:
        batch_op.add_column(sa.Column("purpose", sa.Text(), nullable=False, server_default="exclusion"))
        batch_op.add_column(sa.Column("schedule", sa.Text(), nullable=True))
    with op.batch_alter_table("exclusion_zone") as batch_op:
        batch_op.alter_column("purpose", server_default=None)


def downgrade() -> None:
    # What keeps the wearer in would be read as what keeps him out: the order is left without it.
    op.execute("DELETE FROM exclusion_zone WHERE purpose <> 'exclusion'")
    with op.batch_alter_table("exclusion_zone") as batch_op:
        batch_op.drop_column("schedule")
        batch_op.drop_column("purpose")
