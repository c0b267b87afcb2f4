"""The append-only trail of who saw or changed what, and why."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, insert, select
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
