"""Tables and queries of steps and hand-offs; deadlines are moments in rows and outlive a process."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Row, Select, Table, Text, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime
from api.pathways.model.agencies import MemberRole
from api.pathways.model.content import HandoffLimits
from api.pathways.model.steps import (
    Handoff,
    HandoffState,
    ImpossibleReason,
    Step,
    StepNotFound,
    StepState,
)


class _StepRow(Base):
    __tablename__ = "pathway_step"

    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    owner_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    remind_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    reason: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[UUID | None]


class _HandoffRow(Base):
    __tablename__ = "pathway_handoff"
    __table_args__ = (
        Index(
            "uq_pathway_handoff_waiting",
            "pathway_id",
            "number",
            unique=True,
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pathway_id: Mapped[UUID] = mapped_column(ForeignKey("pathway.id"), index=True)
    number: Mapped[int]
    from_agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"))
    from_id: Mapped[UUID | None]
    to_agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    rung: Mapped[str] = mapped_column(Text)
    worker_minutes: Mapped[int]
    deputy_minutes: Mapped[int]
    coordinator_minutes: Mapped[int]
    offered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(Text)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_by: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(Text)


STEP = cast("Table", _StepRow.__table__)
HANDOFF = cast("Table", _HandoffRow.__table__)


def add_steps(session: Session, steps: Collection[Step]) -> None:
    """Keep the steps of a new pathway."""
    session.execute(insert(STEP), [_step_columns(step) for step in steps])


def save_step(session: Session, step: Step) -> None:
    """Write down what a step is now."""
    where = (STEP.c.pathway_id == step.pathway_id, STEP.c.number == step.number)
    session.execute(update(STEP).where(*where).values(_step_columns(step)))


def get_step(session: Session, pathway_id: UUID, number: int) -> Step:
    """Return one step; raises StepNotFound."""
    query = select(STEP).where(STEP.c.pathway_id == pathway_id, STEP.c.number == number)
    row = session.execute(query).one_or_none()
    if row is None:
        raise StepNotFound("There is no such step.")
    return _step(row)


def list_steps(session: Session, pathway_ids: Collection[UUID]) -> list[Step]:
    """Return the steps of these pathways, by number within each."""
    query = select(STEP).where(STEP.c.pathway_id.in_(pathway_ids))
    return [_step(row) for row in session.execute(query.order_by(STEP.c.pathway_id, STEP.c.number))]


def list_step_reminders(session: Session, now: datetime, limit: int) -> list[tuple[UUID, int]]:
    """Return pathway and number of the steps whose reminder is due, earliest first."""
    query = select(STEP.c.pathway_id, STEP.c.number).where(STEP.c.remind_at <= now)
    rows = session.execute(query.order_by(STEP.c.remind_at).limit(limit))
    return [(row.pathway_id, row.number) for row in rows]


def add_handoff(session: Session, handoff: Handoff) -> None:
    """Keep a new offer."""
    session.execute(insert(HANDOFF).values(_handoff_columns(handoff)))


def save_handoff(session: Session, handoff: Handoff) -> None:
    """Write down what an offer is now."""
    query = update(HANDOFF).where(HANDOFF.c.id == handoff.id)
    session.execute(query.values(_handoff_columns(handoff)))


def find_handoff(session: Session, handoff_id: UUID) -> Handoff | None:
    """Return one offer."""
    row = session.execute(select(HANDOFF).where(HANDOFF.c.id == handoff_id)).one_or_none()
    return None if row is None else _handoff(row)


def find_waiting(session: Session, pathway_id: UUID, number: int) -> Handoff | None:
    """Return the offer of a step that waits for an answer."""
    found = _handoffs(session, _waiting([pathway_id]).where(HANDOFF.c.number == number))
    return found[0] if found else None


def list_waiting(session: Session, pathway_ids: Collection[UUID]) -> list[Handoff]:
    """Return the offers of these pathways that wait for an answer, oldest first."""
    return _handoffs(session, _waiting(pathway_ids))


def list_due_handoffs(session: Session, now: datetime, limit: int) -> list[UUID]:
    """Return the offers of which something is due, earliest first."""
    query = select(HANDOFF.c.id).where(HANDOFF.c.next_at <= now)
    return list(session.scalars(query.order_by(HANDOFF.c.next_at, HANDOFF.c.id).limit(limit)))


def postpone_handoff(session: Session, handoff_id: UUID, next_at: datetime) -> None:
    """Look at an offer again later, and touch nothing else of it."""
    session.execute(update(HANDOFF).where(HANDOFF.c.id == handoff_id).values(next_at=next_at))


def postpone_reminder(session: Session, pathway_id: UUID, number: int, remind_at: datetime | None) -> None:
    """Remind of a step at another time, or not at all, and touch nothing else of it."""
    where = (STEP.c.pathway_id == pathway_id, STEP.c.number == number)
    session.execute(update(STEP).where(*where).values(remind_at=remind_at))


def _waiting(pathway_ids: Collection[UUID]) -> Select[Any]:
    return select(HANDOFF).where(
        HANDOFF.c.pathway_id.in_(pathway_ids), HANDOFF.c.state == HandoffState.WAITING.value
    )


def _handoffs(session: Session, query: Select[Any]) -> list[Handoff]:
    rows = session.execute(query.order_by(HANDOFF.c.offered_at, HANDOFF.c.id))
    return [_handoff(row) for row in rows]


def _step_columns(step: Step) -> dict[str, object]:
    return {
        "pathway_id": step.pathway_id,
        "number": step.number,
        "state": step.state.value,
        "before": step.before and step.before.value,
        "agency_id": step.agency_id,
        "owner_id": step.owner_id,
        "due_at": step.due_at,
        "remind_at": step.remind_at,
        "reason": step.reason and step.reason.value,
        "changed_at": step.changed_at,
        "changed_by": step.changed_by,
    }


def _step(row: Row[Any]) -> Step:
    return Step(
        pathway_id=row.pathway_id,
        number=row.number,
        state=StepState(row.state),
        before=None if row.before is None else StepState(row.before),
        agency_id=row.agency_id,
        owner_id=row.owner_id,
        due_at=row.due_at,
        remind_at=row.remind_at,
        reason=None if row.reason is None else ImpossibleReason(row.reason),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def _handoff_columns(handoff: Handoff) -> dict[str, object]:
    return {
        "id": handoff.id,
        "pathway_id": handoff.pathway_id,
        "number": handoff.number,
        "from_agency_id": handoff.from_agency_id,
        "from_id": handoff.from_id,
        "to_agency_id": handoff.to_agency_id,
        "rung": handoff.rung.value,
        "worker_minutes": handoff.limits.worker,
        "deputy_minutes": handoff.limits.deputy,
        "coordinator_minutes": handoff.limits.coordinator,
        "offered_at": handoff.offered_at,
        "due_at": handoff.due_at,
        "next_at": handoff.next_at,
        "reminded_at": handoff.reminded_at,
        "state": handoff.state.value,
        "answered_at": handoff.answered_at,
        "answered_by": handoff.answered_by,
        "reason": handoff.reason and handoff.reason.value,
    }


def _handoff(row: Row[Any]) -> Handoff:
    return Handoff(
        id=row.id,
        pathway_id=row.pathway_id,
        number=row.number,
        from_agency_id=row.from_agency_id,
        from_id=row.from_id,
        to_agency_id=row.to_agency_id,
        rung=MemberRole(row.rung),
        limits=HandoffLimits(row.worker_minutes, row.deputy_minutes, row.coordinator_minutes),
        offered_at=row.offered_at,
        due_at=row.due_at,
        next_at=row.next_at,
        reminded_at=row.reminded_at,
        state=HandoffState(row.state),
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        reason=None if row.reason is None else ImpossibleReason(row.reason),
    )
