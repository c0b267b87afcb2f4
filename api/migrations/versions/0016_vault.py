"""What a protected person's PIN opens: slots, their halves, what is open now, codes; two documents each."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_pin_slots()
    _add_pin_half()
    _add_session_number()
    _add_entry()
    _add_entry_code()
    _add_document()


def _add_pin_slots() -> None:
    op.create_table(
        "pin_slots",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("first", sa.LargeBinary(), nullable=False),
        sa.Column("second", sa.LargeBinary(), nullable=False),
        sa.Column("hidden_until", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_pin_slots_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_pin_slots")),
    )


def _add_pin_half() -> None:
    op.create_table(
        "pin_half",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.LargeBinary(), nullable=False),
        sa.Column("second", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_pin_half_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_pin_half")),
    )


def _add_session_number() -> None:
    op.create_table(
        "session_number",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_hash"],
            ["session.token_hash"],
            name=op.f("fk_session_number_token_hash"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session_number")),
    )


def _add_entry() -> None:
    op.create_table(
        "entry",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_entry")),
    )
    op.create_index(op.f("ix_entry_account_id"), "entry", ["account_id"])
    op.create_index(op.f("ix_entry_expires_at"), "entry", ["expires_at"])


def _add_entry_code() -> None:
    op.create_table(
        "entry_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("for_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_entry_code_code_hash")),
    )


def _add_document() -> None:
    op.create_table(
        "document",
        sa.Column("vault_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "index", name=op.f("pk_document")),
    )


def downgrade() -> None:
    op.drop_table("document")
    op.drop_table("entry_code")
    op.drop_table("entry")
    op.drop_table("session_number")
    op.drop_table("pin_half")
    op.drop_table("pin_slots")
