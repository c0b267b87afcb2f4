"""How often each device was told to report."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.rules.horizon import Reporting
from api.kernel.db import Base, UtcDateTime


class _ReportingRow(Base):
    __tablename__ = "reporting"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    interval_s: Mapped[int]
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)


def save_reporting(session: Session, told: Mapping[UUID, Reporting]) -> None:
    """Write what devices were told, over what they were told before; few in a batch."""
    if not told:
        return
    session.execute(delete(_ReportingRow).where(_ReportingRow.device_id.in_(told)))
    session.execute(
        insert(_ReportingRow),
        [
            {"device_id": device_id, "interval_s": said.interval_s, "told_at": said.told_at}
            for device_id, said in told.items()
        ],
    )


def list_reporting(session: Session, device_ids: Collection[UUID] | None = None) -> dict[UUID, Reporting]:
    """Return what every device, or each of a few, was told last; who was told nothing is left out."""
    query = select(_ReportingRow)
    if device_ids is not None:
        query = query.where(_ReportingRow.device_id.in_(device_ids))
    return {row.device_id: Reporting(row.interval_s, row.told_at) for row in session.scalars(query)}
