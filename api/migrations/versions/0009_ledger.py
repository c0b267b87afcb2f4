"""The hash chain; rows that are older than it are linked when the migration has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_table_name_row_key"), "ledger", ["table_name", "row_key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_ledger_table_name_row_key"), table_name="ledger")
    op.drop_table("ledger")
