"""Staff: second factor, sessions that can be listed, accounts that can be closed, keys of machines."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SESSION = sa.table(
    "session",
    sa.column("token_hash", sa.Text()),
    sa.column("id", sa.Uuid()),
    sa.column("purpose", sa.Text()),
    sa.column("seen_at", sa.DateTime(timezone=True)),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.add_column("account", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("session", sa.Column("id", sa.Uuid(), nullable=True))
    op.add_column("session", sa.Column("purpose", sa.Text(), nullable=True))
    op.add_column("session", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    _fill_sessions()
    with op.batch_alter_table("session") as batch_op:
        batch_op.alter_column("id", existing_type=sa.Uuid(), nullable=False)
        batch_op.alter_column("purpose", existing_type=sa.Text(), nullable=False)
        batch_op.alter_column("seen_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    op.create_index(op.f("ix_session_id"), "session", ["id"], unique=True)
    _create_factors()
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_key_key_hash")),
    )


def _fill_sessions() -> None:
    """Sessions that are open stay so: a protected person's stream would end, and she would not notice."""
    connection = op.get_bind()
    for token_hash, created_at in connection.execute(
        sa.select(SESSION.c.token_hash, SESSION.c.created_at)
    ).all():
        values = {"id": uuid.uuid4(), "purpose": "full", "seen_at": created_at}
        connection.execute(sa.update(SESSION).where(SESSION.c.token_hash == token_hash).values(**values))


def _create_factors() -> None:
    op.create_table(
        "totp",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_totp_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_totp")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_recovery_code_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "oidc_identity",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("identity_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_oidc_identity_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_oidc_identity")),
        sa.UniqueConstraint("identity_hash", name=op.f("uq_oidc_identity_identity_hash")),
    )


def downgrade() -> None:
    for table in ("api_key", "oidc_identity", "recovery_code", "totp"):
        op.drop_table(table)
    # A session for enrolment may do nothing; without its purpose it could do everything.
    op.execute("DELETE FROM session WHERE purpose <> 'full'")
    op.drop_index(op.f("ix_session_id"), table_name="session")
    with op.batch_alter_table("session") as batch_op:
        batch_op.drop_column("seen_at")
        batch_op.drop_column("purpose")
        batch_op.drop_column("id")
    with op.batch_alter_table("account") as batch_op:
        batch_op.drop_column("disabled_at")
