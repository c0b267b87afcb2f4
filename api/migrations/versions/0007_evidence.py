"""What decisions rest on: batches and places in them, reports, the history of orders."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FIX = {"sqlite_with_rowid": False}


def upgrade() -> None:
    op.create_table(
        "judged_batch",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("judge", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_judged_batch")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_judged_batch_judged_at"), "judged_batch", ["judged_at"], unique=False)
    op.create_table(
        "device_report",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", "number", name=op.f("pk_device_report")),
    )
    _add_places()
    _add_order_versions()


def _add_places() -> None:
    """Batch 0, place 0: what was judged before is ordered by time alone."""
    with op.batch_alter_table("fix", table_kwargs=FIX) as batch_op:
        batch_op.add_column(sa.Column("batch", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("place", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("device_alarm") as batch_op:
        batch_op.add_column(sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("batch", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("place", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE device_alarm SET judged_at = received_at")
    with op.batch_alter_table("fix", table_kwargs=FIX) as batch_op:
        for column in ("batch", "place"):
            batch_op.alter_column(column, server_default=None)
    with op.batch_alter_table("device_alarm") as batch_op:
        batch_op.alter_column("judged_at", nullable=False)
        for column in ("batch", "place"):
            batch_op.alter_column(column, server_default=None)


def _add_order_versions() -> None:
    """Each order's present words become its first version: what it said before is not known."""
    version = op.create_table(
        "order_version",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("court", sa.Text(), nullable=False),
        sa.Column("wearer_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alert_radius_m", sa.Double(), nullable=False),
        sa.Column("warning_radius_m", sa.Double(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("protected_person_ids", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["protective_order.id"], name=op.f("fk_order_version_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "version", name=op.f("pk_order_version")),
    )
    op.create_index(op.f("ix_order_version_wearer_id"), "order_version", ["wearer_id"], unique=False)
    connection = op.get_bind()
    names = ["reference", "court", "wearer_id", "valid_from", "valid_until", "revoked_at"]
    names += ["alert_radius_m", "warning_radius_m", "exercise"]
    copied: list[sa.ColumnClause[object]] = [sa.column(name) for name in names]
    protective_order = sa.table("protective_order", sa.column("id"), sa.column("created_at"), *copied)
    nobody = sa.literal(json.dumps([]), sa.Text())
    columns = ["order_id", "version", "since", *names, "protected_person_ids"]
    chosen = sa.select(
        protective_order.c.id,
        sa.literal(1),
        protective_order.c.created_at,
        *(protective_order.c[name] for name in names),
        sa.cast(nobody, sa.JSON()) if connection.dialect.name == "postgresql" else nobody,
    )
    connection.execute(sa.insert(version).from_select(columns, chosen))
    person = sa.table(
        "order_person",
        sa.column("order_id", sa.Uuid()),
        sa.column("person_id", sa.Uuid()),
        sa.column("position"),
    )
    people: dict[object, list[str]] = {}
    for order_id, person_id in connection.execute(
        sa.select(person.c.order_id, person.c.person_id).order_by(person.c.position)
    ):
        people.setdefault(order_id, []).append(str(person_id))
    for order_id, ids in people.items():
        connection.execute(
            sa.update(version).where(version.c.order_id == order_id).values(protected_person_ids=ids)
        )


def downgrade() -> None:
    op.drop_index(op.f("ix_order_version_wearer_id"), table_name="order_version")
    op.drop_table("order_version")
    with op.batch_alter_table("device_alarm") as batch_op:
        for column in ("place", "batch", "judged_at"):
            batch_op.drop_column(column)
    with op.batch_alter_table("fix", table_kwargs=FIX) as batch_op:
        for column in ("place", "batch"):
            batch_op.drop_column(column)
    op.drop_table("device_report")
    op.drop_index(op.f("ix_judged_batch_judged_at"), table_name="judged_batch")
    op.drop_table("judged_batch")
