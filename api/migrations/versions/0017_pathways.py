"""Agencies with their people and duty times, pathways with steps and hand-offs, how she may be reached."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_agency()
    _add_agency_member()
    _add_pathway()
    _add_agency_duty()
    _add_contact_attempt()
    _add_pathway_event()
    _add_pathway_exclusion()
    _add_pathway_handoff()
    _add_pathway_step()
    _add_safe_contact()
    _add_safe_contact_seen()


def _add_agency() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
    )


def _add_agency_member() -> None:
    op.create_table(
        "agency_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("away_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_agency_member_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_member")),
    )
    op.create_index(op.f("ix_agency_member_account_id"), "agency_member", ["account_id"])
    op.create_index(
        "uq_agency_member_working",
        "agency_member",
        ["agency_id", "account_id"],
        unique=True,
        sqlite_where=sa.text("left_at IS NULL"),
        postgresql_where=sa.text("left_at IS NULL"),
    )


def _add_pathway() -> None:
    op.create_table(
        "pathway",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("deputy_id", sa.Uuid(), nullable=True),
        sa.Column("next_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content_version", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_pathway_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pathway")),
        sa.UniqueConstraint("reference", name=op.f("uq_pathway_reference")),
    )
    op.create_index(op.f("ix_pathway_account_id"), "pathway", ["account_id"])
    op.create_index(op.f("ix_pathway_agency_id"), "pathway", ["agency_id"])


def _add_agency_duty() -> None:
    op.create_table(
        "agency_duty",
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("from_minute", sa.Integer(), nullable=False),
        sa.Column("until_minute", sa.Integer(), nullable=False),
        sa.Column("stand_in_order", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_agency_duty_agency_id")),
        sa.ForeignKeyConstraint(["member_id"], ["agency_member.id"], name=op.f("fk_agency_duty_member_id")),
        sa.PrimaryKeyConstraint("agency_id", "position", name=op.f("pk_agency_duty")),
    )


def _add_contact_attempt() -> None:
    op.create_table(
        "contact_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pathway_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"], name=op.f("fk_contact_attempt_pathway_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_attempt")),
    )
    op.create_index(op.f("ix_contact_attempt_pathway_id"), "contact_attempt", ["pathway_id"])


def _add_pathway_event() -> None:
    op.create_table(
        "pathway_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pathway_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"], name=op.f("fk_pathway_event_pathway_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pathway_event")),
    )
    op.create_index(op.f("ix_pathway_event_pathway_id"), "pathway_event", ["pathway_id"])


def _add_pathway_exclusion() -> None:
    op.create_table(
        "pathway_exclusion",
        sa.Column("pathway_id", sa.Uuid(), nullable=False),
        sa.Column("name_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"], name=op.f("fk_pathway_exclusion_pathway_id")),
        sa.PrimaryKeyConstraint("pathway_id", "name_hash", name=op.f("pk_pathway_exclusion")),
    )


def _add_pathway_handoff() -> None:
    op.create_table(
        "pathway_handoff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pathway_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_agency_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=True),
        sa.Column("to_agency_id", sa.Uuid(), nullable=False),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("worker_minutes", sa.Integer(), nullable=False),
        sa.Column("deputy_minutes", sa.Integer(), nullable=False),
        sa.Column("coordinator_minutes", sa.Integer(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_agency_id"], ["agency.id"], name=op.f("fk_pathway_handoff_from_agency_id")
        ),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"], name=op.f("fk_pathway_handoff_pathway_id")),
        sa.ForeignKeyConstraint(
            ["to_agency_id"], ["agency.id"], name=op.f("fk_pathway_handoff_to_agency_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pathway_handoff")),
    )
    op.create_index(op.f("ix_pathway_handoff_next_at"), "pathway_handoff", ["next_at"])
    op.create_index(op.f("ix_pathway_handoff_pathway_id"), "pathway_handoff", ["pathway_id"])
    op.create_index(op.f("ix_pathway_handoff_to_agency_id"), "pathway_handoff", ["to_agency_id"])
    op.create_index(
        "uq_pathway_handoff_waiting",
        "pathway_handoff",
        ["pathway_id", "number"],
        unique=True,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _add_pathway_step() -> None:
    op.create_table(
        "pathway_step",
        sa.Column("pathway_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_pathway_step_agency_id")),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"], name=op.f("fk_pathway_step_pathway_id")),
        sa.PrimaryKeyConstraint("pathway_id", "number", name=op.f("pk_pathway_step")),
    )
    op.create_index(op.f("ix_pathway_step_agency_id"), "pathway_step", ["agency_id"])
    op.create_index(op.f("ix_pathway_step_remind_at"), "pathway_step", ["remind_at"])


def _add_safe_contact() -> None:
    op.create_table(
        "safe_contact",
        sa.Column("pathway_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("code_word_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sign_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("not_safe_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"], name=op.f("fk_safe_contact_pathway_id")),
        sa.PrimaryKeyConstraint("pathway_id", name=op.f("pk_safe_contact")),
    )


def _add_safe_contact_seen() -> None:
    op.create_table(
        "safe_contact_seen",
        sa.Column("pathway_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"], name=op.f("fk_safe_contact_seen_pathway_id")),
        sa.PrimaryKeyConstraint("pathway_id", "account_id", name=op.f("pk_safe_contact_seen")),
    )


def downgrade() -> None:
    op.drop_table("safe_contact_seen")
    op.drop_table("safe_contact")
    op.drop_table("pathway_step")
    op.drop_table("pathway_handoff")
    op.drop_table("pathway_exclusion")
    op.drop_table("pathway_event")
    op.drop_table("contact_attempt")
    op.drop_table("agency_duty")
    op.drop_table("pathway")
    op.drop_table("agency_member")
    op.drop_table("agency")
