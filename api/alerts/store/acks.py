"""Table `police_ack`: what the police's machine answered, each answer once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime, serialise


class _PoliceAckRow(Base):
    __tablename__ = "police_ack"
    __table_args__ = ledger.chained()

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    notification_id: Mapped[UUID] = mapped_column(ForeignKey("notification.id"), index=True)
    type: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    sent: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


def lock_acks(session: Session) -> None:
    """Let one acknowledgement at a time be taken: the same one may come twice at once."""
    serialise(session, "police_ack")


def find_ack(session: Session, ack_id: str) -> UUID | None:
    """Return the message that an acknowledgement of this id was for, None for a new one."""
    return session.scalar(select(_PoliceAckRow.notification_id).where(_PoliceAckRow.id == ack_id))


def add_ack(
    session: Session,
    ack_id: str,
    notification_id: UUID,
    kind: str,
    who: str,
    sent: datetime,
    received_at: datetime,
) -> None:
    """Keep one acknowledgement."""
    session.execute(
        insert(_PoliceAckRow).values(
            id=ack_id,
            notification_id=notification_id,
            type=kind,
            who=who,
            sent=sent,
            received_at=received_at,
        )
    )
    ledger.note(session, _PoliceAckRow, [ack_id])
