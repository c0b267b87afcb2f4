"""Sightings by other means than a device: written once, never changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.model import ExternalSighting, SightingSource
from api.kernel.db import Base, UtcDateTime
from api.kernel.geo import Point
from api.orders.model import Party


class _SightingRow(Base):
    __tablename__ = "sighting"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign keys: orders and people belong to another room, which never deletes one.
    order_id: Mapped[UUID] = mapped_column(index=True)
    party: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID | None]
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lat: Mapped[float]
    lon: Mapped[float]
    accuracy_m: Mapped[float]
    source: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    author_id: Mapped[UUID | None]


def add_sighting(session: Session, sighting: ExternalSighting) -> None:
    """Keep one sighting."""
    session.execute(
        insert(_SightingRow).values(
            id=sighting.id,
            order_id=sighting.order_id,
            party=sighting.party.value,
            person_id=sighting.person_id,
            seen_at=sighting.seen_at,
            received_at=sighting.received_at,
            lat=sighting.point.lat,
            lon=sighting.point.lon,
            accuracy_m=sighting.accuracy_m,
            source=sighting.source.value,
            note=sighting.note,
            author_id=sighting.author_id,
        )
    )


def count_sightings(session: Session, order_id: UUID) -> int:
    """Return how many sightings were entered under an order."""
    query = select(func.count()).select_from(_SightingRow).where(_SightingRow.order_id == order_id)
    return session.scalar(query) or 0


def page_sightings(session: Session, order_id: UUID, first: int, limit: int) -> list[ExternalSighting]:
    """Return part of an order's sightings, what was entered last at the head (0 = first)."""
    rows = session.scalars(
        select(_SightingRow)
        .where(_SightingRow.order_id == order_id)
        .order_by(_SightingRow.received_at.desc(), _SightingRow.id)
        .offset(first)
        .limit(limit)
    )
    return [
        ExternalSighting(
            id=row.id,
            order_id=row.order_id,
            party=Party(row.party),
            person_id=row.person_id,
            seen_at=row.seen_at,
            received_at=row.received_at,
            point=Point(row.lat, row.lon),
            accuracy_m=row.accuracy_m,
            source=SightingSource(row.source),
            note=row.note,
            author_id=row.author_id,
        )
        for row in rows
    ]
