"""Table `attempt`: every try to send a message, and every receipt of one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.alerts.model import Attempt
from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime


class _AttemptRow(Base):
    __tablename__ = "attempt"
    __table_args__ = ledger.chained()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    notification_id: Mapped[UUID] = mapped_column(ForeignKey("notification.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    succeeded: Mapped[bool]
    outcome: Mapped[str] = mapped_column(Text)


def add_attempts(session: Session, attempts: Sequence[Attempt]) -> None:
    """Store tries to send."""
    if attempts:
        session.execute(
            insert(_AttemptRow),
            [
                {
                    "id": attempt.id,
                    "notification_id": attempt.notification_id,
                    "at": attempt.at,
                    "succeeded": attempt.succeeded,
                    "outcome": attempt.outcome,
                }
                for attempt in attempts
            ],
        )
        ledger.note(session, _AttemptRow, [attempt.id for attempt in attempts])


def list_attempts(session: Session, notification_ids: Collection[UUID]) -> list[Attempt]:
    """Return the tries to send these messages, oldest first."""
    rows = session.scalars(
        select(_AttemptRow)
        .where(_AttemptRow.notification_id.in_(notification_ids))
        .order_by(_AttemptRow.at, _AttemptRow.id)
    )
    return [Attempt(row.id, row.notification_id, row.at, row.succeeded, row.outcome) for row in rows]
