"""Police stations, officers, rosters and absences."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

IS_CURRENT = sa.text("valid_until IS NULL")


def upgrade() -> None:
    op.create_table(
        "police_station",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("seat_lat", sa.Double(), nullable=False),
        sa.Column("seat_lon", sa.Double(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_end", sa.Text(), nullable=False),
        sa.Column("desk_address", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_police_station")),
    )
    for name, column in (("current", "id"), ("reference", "reference")):
        op.create_index(
            f"uq_police_station_{name}",
            "police_station",
            [column],
            unique=True,
            sqlite_where=IS_CURRENT,
            postgresql_where=IS_CURRENT,
        )
    op.create_table(
        "police_officer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_end", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_police_officer")),
        sa.UniqueConstraint("reference", name=op.f("uq_police_officer_reference")),
    )
    op.create_index(op.f("ix_police_officer_station_id"), "police_officer", ["station_id"])
    _add_duties()
    _add_absences()


def _add_duties() -> None:
    op.create_table(
        "police_duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("stand_in_order", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("from_minute", sa.Integer(), nullable=True),
        sa.Column("until_minute", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(days IS NULL) <> (starts_at IS NULL)", name=op.f("ck_police_duty_weekly_or_dated")
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["police_officer.id"], name=op.f("fk_police_duty_officer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_police_duty")),
    )
    for column in ("station_id", "officer_id", "valid_until"):
        op.create_index(op.f(f"ix_police_duty_{column}"), "police_duty", [column])


def _add_absences() -> None:
    op.create_table(
        "police_absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["police_officer.id"], name=op.f("fk_police_absence_officer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_police_absence")),
    )
    for column in ("officer_id", "ends_at"):
        op.create_index(op.f(f"ix_police_absence_{column}"), "police_absence", [column])


def downgrade() -> None:
    op.drop_table("police_absence")
    op.drop_table("police_duty")
    op.drop_table("police_officer")
    op.drop_table("police_station")
