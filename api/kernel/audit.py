"""The append-only trail of who saw or changed what, and why."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the trail; `actor_id` None is the command line or a process of ours."""

    at: datetime
    actor_id: UUID | None
    act: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the trail as an auditor sees it: ids and kinds, none of the texts that people wrote."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    act: str
    object_id: UUID | None
    has_reason: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows; None asks for all.

    Attributes:
        act: `<room>` or `<room>.<verb>`.
        since: The first moment.
        until: The first moment no longer.
    """

    actor_id: UUID | None = None
    object_id: UUID | None = None
    act: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class _AuditRow(Base):
    __tablename__ = "audit"
    __table_args__ = ledger.chained()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor_id: Mapped[UUID | None] = mapped_column(index=True)
    act: Mapped[str] = mapped_column(Text)
    object_id: Mapped[UUID | None] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(Text)


def record(
    session: Session, now: datetime, actor_id: UUID | None, act: str, object_id: UUID | None, reason: str = ""
) -> None:
    """Append one act in the caller's transaction: `act` is `<room>.<verb>`, e.g. `alerts.acknowledge`."""
    row_id = uuid.uuid4()
    session.execute(
        insert(_AuditRow).values(
            id=row_id, at=now, actor_id=actor_id, act=act, object_id=object_id, reason=reason
        )
    )
    ledger.note(session, _AuditRow, [row_id])


def list_about(session: Session, object_id: UUID) -> list[Act]:
    """Return who saw or changed one thing, oldest first."""
    query = select(_AuditRow.at, _AuditRow.actor_id, _AuditRow.act, _AuditRow.reason)
    query = query.where(_AuditRow.object_id == object_id).order_by(_AuditRow.at, _AuditRow.act, _AuditRow.id)
    return [Act(*row) for row in session.execute(query)]


def count(session: Session, asked: Asked) -> int:
    """Return how many rows there are of what is asked for."""
    return session.scalar(select(func.count()).select_from(_AuditRow).where(*_conditions(asked))) or 0


def page(session: Session, asked: Asked, first: int, limit: int) -> list[Row]:
    """Return rows of what is asked for, the newest first, from the `first`-th (0 is the first) on."""
    columns = (_AuditRow.id, _AuditRow.at, _AuditRow.actor_id, _AuditRow.act, _AuditRow.object_id)
    query = select(*columns, _AuditRow.reason != "").where(*_conditions(asked))
    query = query.order_by(_AuditRow.at.desc(), _AuditRow.id).offset(first).limit(limit)
    return [Row(*row) for row in session.execute(query)]


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.actor_id is not None:
        found.append(_AuditRow.actor_id == asked.actor_id)
    if asked.object_id is not None:
        found.append(_AuditRow.object_id == asked.object_id)
    if asked.act is not None:
        is_room = "." not in asked.act
        found.append(
            _AuditRow.act.startswith(f"{asked.act}.", autoescape=True)
            if is_room
            else _AuditRow.act == asked.act
        )
    if asked.since is not None:
        found.append(_AuditRow.at >= asked.since)
    if asked.until is not None:
        found.append(_AuditRow.at < asked.until)
    return found
