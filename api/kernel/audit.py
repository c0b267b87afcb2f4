"""The append-only trail of who saw or changed what, and why."""

import uuid
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime


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
