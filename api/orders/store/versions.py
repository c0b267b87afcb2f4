"""What each order said from when on; nothing is overwritten here, so that a decision can be recomputed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Row, Table, Text, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime
from api.orders.model import ProtectiveOrder
from api.orders.store import batches


class _VersionRow(Base):
    __tablename__ = "order_version"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("protective_order.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    reference: Mapped[str] = mapped_column(Text)
    court: Mapped[str] = mapped_column(Text)
    wearer_id: Mapped[UUID] = mapped_column(index=True)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    alert_radius_m: Mapped[float]
    warning_radius_m: Mapped[float]
    exercise: Mapped[bool]
    protected_person_ids: Mapped[list[str]] = mapped_column(JSON)


_VERSION = cast("Table", _VersionRow.__table__)


def add_version(session: Session, order: ProtectiveOrder, since: datetime) -> None:
    """Append what an order says from `since` on; the caller lets one transaction at a time do this."""
    last = select(func.max(_VERSION.c.version)).where(_VERSION.c.order_id == order.id)
    version = (session.scalar(last) or 0) + 1
    people = [str(person_id) for person_id in order.protected_person_ids]
    values = {"order_id": order.id, "version": version, "since": since, "protected_person_ids": people}
    session.execute(insert(_VERSION).values(values | columns_of(order)))


def list_versions(
    session: Session, order_ids: Collection[UUID], wearer_ids: Collection[UUID]
) -> list[tuple[datetime, ProtectiveOrder]]:
    """Return what these orders, and all orders of these wearers, said and since when, oldest first."""
    found: dict[tuple[UUID, int], Row[Any]] = {}
    for column, ids in ((_VERSION.c.order_id, order_ids), (_VERSION.c.wearer_id, wearer_ids)):
        for batch in batches(ids):
            rows = session.execute(select(_VERSION).where(column.in_(batch)))
            found |= {(row.order_id, row.version): row for row in rows}
    ordered = sorted(found.values(), key=lambda row: (row.since, row.version))
    return [(row.since, _order(row)) for row in ordered]


def columns_of(order: ProtectiveOrder) -> dict[str, object]:
    """Return an order as columns, without its id and people."""
    return {
        "reference": order.reference,
        "court": order.court,
        "wearer_id": order.wearer_id,
        "valid_from": order.valid_from,
        "valid_until": order.valid_until,
        "revoked_at": order.revoked_at,
        "alert_radius_m": order.alert_radius_m,
        "warning_radius_m": order.warning_radius_m,
        "exercise": order.exercise,
    }


def _order(row: Row[Any]) -> ProtectiveOrder:
    return ProtectiveOrder(
        row.order_id,
        row.reference,
        row.court,
        row.wearer_id,
        tuple(UUID(person_id) for person_id in row.protected_person_ids),
        row.valid_from,
        row.valid_until,
        row.revoked_at,
        row.alert_radius_m,
        row.warning_radius_m,
        row.exercise,
    )
