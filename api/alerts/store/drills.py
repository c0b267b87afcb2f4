"""Table `drill`: which test runs were started, by whom."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.alerts.model.drills import Drill, DrillNotFound
from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime


class _DrillRow(Base):
    __tablename__ = "drill"
    __table_args__ = ledger.chained()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(index=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alert.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_by: Mapped[UUID | None]


def add_drill(session: Session, drill: Drill) -> None:
    """Store a test run that begins."""
    session.execute(
        insert(_DrillRow).values(
            id=drill.id,
            order_id=drill.order_id,
            alert_id=drill.alert_id,
            started_at=drill.started_at,
            started_by=drill.started_by,
        )
    )
    ledger.note(session, _DrillRow, [drill.id])


def get_drill(session: Session, drill_id: UUID) -> Drill:
    """Return one test run; raises DrillNotFound."""
    row = session.get(_DrillRow, drill_id)
    if row is None:
        raise DrillNotFound("There is no such test run.")
    return _drill_of(row)


def list_drills(session: Session, order_id: UUID, limit: int) -> list[Drill]:
    """Return the latest test runs of an order, newest first."""
    rows = session.scalars(
        select(_DrillRow)
        .where(_DrillRow.order_id == order_id)
        .order_by(_DrillRow.started_at.desc(), _DrillRow.id)
        .limit(limit)
    )
    return [_drill_of(row) for row in rows]


def last_drills(session: Session, order_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when the last test run of each of these orders began; orders without one are missing."""
    query = (
        select(_DrillRow.order_id, func.max(_DrillRow.started_at).label("last"))
        .where(_DrillRow.order_id.in_(order_ids))
        .group_by(_DrillRow.order_id)
    )
    return {row.order_id: row.last for row in session.execute(query)}


def _drill_of(row: _DrillRow) -> Drill:
    return Drill(row.id, row.order_id, row.alert_id, row.started_at, row.started_by)
