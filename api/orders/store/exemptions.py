"""Table and queries of exemptions: agreed exceptions to an order, never deleted."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Select, Text, insert, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime
from api.kernel.geo import Point
from api.orders.model import AgreedPlace, Exemption, ExemptionKind, ExemptionNotFound
from api.orders.store import batches


class _ExemptionRow(Base):
    __tablename__ = "exemption"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("protective_order.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    person_ids: Mapped[list[str]] = mapped_column(JSON)
    zone_ids: Mapped[list[str]] = mapped_column(JSON)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    radius_m: Mapped[float | None]
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[UUID | None]


_EXEMPTION = _ExemptionRow.__table__


def add_exemption(session: Session, exemption: Exemption) -> None:
    """Keep a new exemption."""
    place = exemption.place
    session.execute(
        insert(_ExemptionRow).values(
            id=exemption.id,
            order_id=exemption.order_id,
            kind=exemption.kind.value,
            reason=exemption.reason,
            person_ids=[str(person_id) for person_id in exemption.person_ids],
            zone_ids=[str(zone_id) for zone_id in exemption.zone_ids],
            lat=place.center.lat if place else None,
            lon=place.center.lon if place else None,
            radius_m=place.radius_m if place else None,
            valid_from=exemption.valid_from,
            valid_until=exemption.valid_until,
            created_by=exemption.created_by,
            created_at=exemption.created_at,
            ended_at=exemption.ended_at,
            ended_by=exemption.ended_by,
        )
    )


def save_end(session: Session, exemption_id: UUID, ended_at: datetime, ended_by: UUID | None) -> None:
    """Write down who ended an exemption early, and when."""
    query = update(_ExemptionRow).where(_ExemptionRow.id == exemption_id)
    session.execute(query.values(ended_at=ended_at, ended_by=ended_by))


def get_exemption(session: Session, order_id: UUID, exemption_id: UUID) -> Exemption:
    """Return one exemption of an order; raises ExemptionNotFound."""
    query = _in_order().where(_EXEMPTION.c.id == exemption_id, _EXEMPTION.c.order_id == order_id)
    found = _load(session, query)
    if not found:
        raise ExemptionNotFound("There is no such exemption of this order.")
    return found[0]


def list_exemptions(
    session: Session, order_ids: Collection[UUID] | None = None, since: datetime | None = None
) -> list[Exemption]:
    """Return the exemptions of every order or of these, earliest first, that had not ended before `since`."""
    query = _in_order()
    if since is not None:
        is_kept = or_(_EXEMPTION.c.ended_at.is_(None), _EXEMPTION.c.ended_at >= since)
        query = query.where(_EXEMPTION.c.valid_until >= since, is_kept)
    if order_ids is None:
        return _load(session, query)
    return [
        found
        for batch in batches(order_ids)
        for found in _load(session, query.where(_EXEMPTION.c.order_id.in_(batch)))
    ]


def _in_order() -> Select[Any]:
    return select(_EXEMPTION).order_by(_EXEMPTION.c.valid_from, _EXEMPTION.c.id)


def _load(session: Session, query: Select[Any]) -> list[Exemption]:
    return [
        Exemption(
            row.id,
            row.order_id,
            ExemptionKind(row.kind),
            row.reason,
            tuple(UUID(person_id) for person_id in row.person_ids),
            tuple(UUID(zone_id) for zone_id in row.zone_ids),
            None if row.radius_m is None else AgreedPlace(Point(row.lat, row.lon), row.radius_m),
            row.valid_from,
            row.valid_until,
            row.created_by,
            row.created_at,
            row.ended_at,
            row.ended_by,
        )
        for row in session.execute(query)
    ]
