"""Table and queries of the log that tells running workers what to read again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Integer, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime
from api.orders.model import RegisterChange


class _ChangeRow(Base):
    __tablename__ = "register_change"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - a number is never given twice

    revision: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # No foreign keys: a notice outlives what it speaks of.
    order_id: Mapped[UUID | None]
    device_id: Mapped[UUID | None]


def add_changes(session: Session, now: datetime, changed: Sequence[tuple[UUID | None, UUID | None]]) -> None:
    """Append notices as (order_id, device_id); the caller lets one transaction at a time do this."""
    if changed:
        rows = [{"at": now, "order_id": order_id, "device_id": device_id} for order_id, device_id in changed]
        session.execute(insert(_ChangeRow), rows)


def latest_revision(session: Session) -> int:
    """Return the last notice's number; 0 before the first."""
    return session.scalar(select(func.max(_ChangeRow.revision))) or 0


def list_changes_after(session: Session, revision: int) -> list[RegisterChange]:
    """Return the notices after this number, oldest first."""
    columns = select(_ChangeRow.revision, _ChangeRow.order_id, _ChangeRow.device_id)
    query = columns.where(_ChangeRow.revision > revision).order_by(_ChangeRow.revision)
    return [RegisterChange(*row) for row in session.execute(query)]


def list_moments(session: Session) -> list[tuple[int, datetime]]:
    """Return every notice's number and when it was given, by number."""
    query = select(_ChangeRow.revision, _ChangeRow.at).order_by(_ChangeRow.revision)
    return [(revision, at) for revision, at in session.execute(query)]
