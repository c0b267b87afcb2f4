"""Tables `step_run` and `task`: what an alert waits for, and the calls that somebody is to make."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    exists,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.alerts.model.playbooks import (
    Answer,
    RunState,
    StepRun,
    Task,
    TaskKind,
    TaskNotFound,
    TaskOutcome,
)
from api.alerts.store.alerts import _AlertRow
from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime

_WAITING: ColumnElement[str] = literal_column("'waiting'")
"""Written out in queries: a database uses a partial index only when it sees the same word there."""
_FRESH = {"populate_existing": True}


class _RunRow(Base):
    __tablename__ = "step_run"
    __table_args__ = (
        Index(
            "ix_step_run_due",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        ledger.chained(),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    playbook: Mapped[str] = mapped_column(Text)
    step: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class _TaskRow(Base):
    __tablename__ = "task"
    __table_args__ = (Index(None, "done_at", "created_at"), ledger.chained())

    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    run_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    about: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by: Mapped[UUID | None]
    outcome: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)


def add_runs(session: Session, runs: Sequence[StepRun]) -> None:
    """Store steps that begin."""
    if runs:
        session.execute(
            insert(_RunRow),
            [
                {
                    "id": run.id,
                    "alert_id": run.alert_id,
                    "playbook": run.playbook,
                    "step": run.step,
                    "answer": run.answer.value,
                    "state": run.state.value,
                    "started_at": run.started_at,
                    "due_at": run.due_at,
                    "ended_at": run.ended_at,
                }
                for run in runs
            ],
        )
        ledger.note(session, _RunRow, [run.id for run in runs])


def end_runs(session: Session, run_ids: Collection[UUID], state: RunState, at: datetime) -> None:
    """Note what became of steps that waited."""
    if run_ids:
        session.execute(update(_RunRow).where(_RunRow.id.in_(run_ids)).values(state=state.value, ended_at=at))
        ledger.note(session, _RunRow, list(run_ids))


def has_due(session: Session, now: datetime) -> bool:
    """Say whether a step has waited long enough: a read, so that an idle look takes no lock."""
    return bool(session.scalar(select(exists().where(_RunRow.state == _WAITING, _RunRow.due_at <= now))))


def list_due(session: Session, now: datetime, limit: int) -> list[StepRun]:
    """Return steps that have waited long enough: the worst alert's first, then the longest overdue."""
    rows = session.scalars(
        select(_RunRow)
        .join(_AlertRow, _AlertRow.id == _RunRow.alert_id)
        .where(_RunRow.state == _WAITING, _RunRow.due_at <= now)
        .order_by(_AlertRow.severity, _RunRow.due_at, _RunRow.id)
        .limit(limit),
        execution_options=_FRESH,
    )
    return [_run_of(row) for row in rows]


def list_waiting(session: Session, alert_ids: Collection[UUID]) -> list[StepRun]:
    """Return the steps of these alerts that wait for an answer."""
    if not alert_ids:
        return []
    rows = session.scalars(
        select(_RunRow).where(_RunRow.alert_id.in_(alert_ids), _RunRow.state == _WAITING),
        execution_options=_FRESH,
    )
    return [_run_of(row) for row in rows]


def find_run(session: Session, run_id: UUID) -> StepRun | None:
    """Return one step that began."""
    row = session.get(_RunRow, run_id, populate_existing=True)
    return None if row is None else _run_of(row)


def list_runs(session: Session, alert_ids: Collection[UUID]) -> list[StepRun]:
    """Return every step with a deadline that began for these alerts, oldest first."""
    rows = session.scalars(
        select(_RunRow).where(_RunRow.alert_id.in_(alert_ids)).order_by(_RunRow.started_at, _RunRow.id),
        execution_options=_FRESH,
    )
    return [_run_of(row) for row in rows]


def add_tasks(session: Session, tasks: Sequence[Task]) -> None:
    """Store calls that somebody is to make."""
    if tasks:
        session.execute(
            insert(_TaskRow),
            [
                {
                    "id": task.id,
                    "alert_id": task.alert_id,
                    "run_id": task.run_id,
                    "kind": task.kind.value,
                    "about": task.about,
                    "created_at": task.created_at,
                    "due_at": task.due_at,
                    "done_at": task.done_at,
                    "done_by": task.done_by,
                    "outcome": task.outcome.value if task.outcome else None,
                    "note": task.note,
                }
                for task in tasks
            ],
        )
        ledger.note(session, _TaskRow, [task.id for task in tasks])


def save_outcome(
    session: Session,
    task_ids: Collection[UUID],
    outcome: TaskOutcome,
    note: str,
    by: UUID | None,
    at: datetime,
) -> None:
    """Note what came of calls."""
    if task_ids:
        session.execute(
            update(_TaskRow)
            .where(_TaskRow.id.in_(task_ids))
            .values(outcome=outcome.value, note=note, done_by=by, done_at=at)
        )
        ledger.note(session, _TaskRow, list(task_ids))


def get_task(session: Session, task_id: UUID) -> Task:
    """Return one call; raises TaskNotFound."""
    row = session.get(_TaskRow, task_id, populate_existing=True)
    if row is None:
        raise TaskNotFound("There is no such task.")
    return _task_of(row)


def list_open_tasks(session: Session, alert_ids: Collection[UUID] | None, limit: int) -> list[Task]:
    """Return calls that nobody has made yet, of these alerts or (None) of all, the worst alerts first.

    By risk and only then by age: in a flood the call of a new severity 1 must not be behind a thousand.
    """
    statement = select(_TaskRow).join(_AlertRow, _AlertRow.id == _TaskRow.alert_id)
    statement = statement.where(_TaskRow.done_at.is_(None))
    if alert_ids is not None:
        statement = statement.where(_TaskRow.alert_id.in_(alert_ids))
    rows = session.scalars(
        statement.order_by(_AlertRow.severity, _TaskRow.created_at, _TaskRow.id).limit(limit),
        execution_options=_FRESH,
    )
    return [_task_of(row) for row in rows]


def list_tasks(session: Session, alert_ids: Collection[UUID]) -> list[Task]:
    """Return every call of these alerts, oldest first."""
    rows = session.scalars(
        select(_TaskRow).where(_TaskRow.alert_id.in_(alert_ids)).order_by(_TaskRow.created_at, _TaskRow.id),
        execution_options=_FRESH,
    )
    return [_task_of(row) for row in rows]


def _run_of(row: _RunRow) -> StepRun:
    return StepRun(
        id=row.id,
        alert_id=row.alert_id,
        playbook=row.playbook,
        step=row.step,
        answer=Answer(row.answer),
        state=RunState(row.state),
        started_at=row.started_at,
        due_at=row.due_at,
        ended_at=row.ended_at,
    )


def _task_of(row: _TaskRow) -> Task:
    return Task(
        id=row.id,
        alert_id=row.alert_id,
        run_id=row.run_id,
        kind=TaskKind(row.kind),
        about=row.about,
        created_at=row.created_at,
        due_at=row.due_at,
        done_at=row.done_at,
        done_by=row.done_by,
        outcome=TaskOutcome(row.outcome) if row.outcome else None,
        note=row.note,
    )
