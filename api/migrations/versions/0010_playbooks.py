"""Playbooks, the steps that wait for an answer, and the calls that somebody is to make."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "playbook",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_playbook")),
    )
    op.create_index(op.f("ix_playbook_digest"), "playbook", ["digest"])
    op.create_table(
        "step_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_step_run_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_run")),
    )
    op.create_index(op.f("ix_step_run_alert_id"), "step_run", ["alert_id"])
    op.create_index("ix_step_run_due", "step_run", ["due_at"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_task_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_alert_id"), "task", ["alert_id"])
    op.create_index(op.f("ix_task_done_at_created_at"), "task", ["done_at", "created_at"])
    op.add_column("alert_entry", sa.Column("detail", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("notification", sa.Column("run_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("notification", "run_id")
    op.drop_column("alert_entry", "detail")
    op.drop_index(op.f("ix_task_done_at_created_at"), table_name="task")
    op.drop_index(op.f("ix_task_alert_id"), table_name="task")
    op.drop_table("task")
    op.drop_index("ix_step_run_due", table_name="step_run")
    op.drop_index(op.f("ix_step_run_alert_id"), table_name="step_run")
    op.drop_table("step_run")
    op.drop_index(op.f("ix_playbook_digest"), table_name="playbook")
    op.drop_table("playbook")
