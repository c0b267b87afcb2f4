"""Zones in all their versions: a change or a removal retires a version, nothing is overwritten.

A decision names the version that it was judged with, so every version stays readable for evidence.
"""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from sqlalchemy import Index, Row, Select, Text, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.model import (
    Circle,
    ExclusionZone,
    Polygon,
    Purpose,
    Schedule,
    Visibility,
    ZoneNotFound,
)
from api.kernel.db import Base, UtcDateTime

ORDERS_PER_QUERY = 5_000
"""Far below the 32,766 values that SQLite takes in one statement."""
_IS_CURRENT = text("retired_at IS NULL")


class _ZoneRow(Base):
    __tablename__ = "exclusion_zone"
    __table_args__ = (
        # Two people who change one zone at once: the database lets only one of them make the next version.
        Index(
            "uq_exclusion_zone_current",
            "id",
            unique=True,
            sqlite_where=_IS_CURRENT,
            postgresql_where=_IS_CURRENT,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # No foreign key: orders belong to another room, which never deletes one.
    order_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(Text)
    shape: Mapped[str] = mapped_column(Text)  # JSON of model.Circle or a list of model.Polygon
    buffer_m: Mapped[float]
    visibility: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID | None]
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    purpose: Mapped[str] = mapped_column(Text)
    schedule: Mapped[str | None] = mapped_column(Text)  # JSON of model.Schedule


_Versions = Select[UUID, int, UUID, str, str, float, str, str, str | None]
_Version = Row[UUID, int, UUID, str, str, float, str, str, str | None]
_shapes = msgspec.json.Decoder(Circle | tuple[Polygon, ...])
_schedules = msgspec.json.Decoder(Schedule)
_ALL = select(
    _ZoneRow.id,
    _ZoneRow.version,
    _ZoneRow.order_id,
    _ZoneRow.name,
    _ZoneRow.shape,
    _ZoneRow.buffer_m,
    _ZoneRow.visibility,
    _ZoneRow.purpose,
    _ZoneRow.schedule,
).order_by(_ZoneRow.order_id, _ZoneRow.id)


def add_version(session: Session, zone: ExclusionZone, created_by: UUID | None, now: datetime) -> None:
    """Keep one version of a zone; the one before it must be retired. `created_by` None: the command line."""
    session.execute(
        insert(_ZoneRow).values(
            id=zone.id,
            version=zone.version,
            order_id=zone.order_id,
            name=zone.name,
            shape=msgspec.json.encode(zone.shape).decode(),
            buffer_m=zone.buffer_m,
            visibility=zone.visibility.value,
            created_at=now,
            created_by=created_by,
            retired_at=None,
            purpose=zone.purpose.value,
            schedule=msgspec.json.encode(zone.schedule).decode() if zone.schedule else None,
        )
    )


def retire_version(session: Session, zone_id: UUID, version: int, now: datetime) -> bool:
    """End one version; False when it is not the current one (any more)."""
    retired = session.scalar(
        update(_ZoneRow)
        .where(_ZoneRow.id == zone_id, _ZoneRow.version == version, _ZoneRow.retired_at.is_(None))
        .values(retired_at=now)
        .returning(_ZoneRow.version)
    )
    return retired is not None


def get_zone(session: Session, order_id: UUID, zone_id: UUID) -> ExclusionZone:
    """Return the current version of a zone of this order; raises ZoneNotFound."""
    return _get(session, _current().where(_ZoneRow.order_id == order_id, _ZoneRow.id == zone_id))


def get_zone_version(session: Session, zone_id: UUID, version: int) -> ExclusionZone:
    """Return one version, retired or not: what a past decision was judged with; raises ZoneNotFound."""
    return _get(session, _ALL.where(_ZoneRow.id == zone_id, _ZoneRow.version == version))


def list_zones(session: Session, order_ids: Collection[UUID] | None = None) -> list[ExclusionZone]:
    """Return the current zones of these orders, or of all, by order and id."""
    if order_ids is None:
        return [_to_zone(row) for row in session.execute(_current())]
    wanted = sorted(order_ids)
    batches = (wanted[start : start + ORDERS_PER_QUERY] for start in range(0, len(wanted), ORDERS_PER_QUERY))
    return [
        _to_zone(row)
        for batch in batches
        for row in session.execute(_current().where(_ZoneRow.order_id.in_(batch)))
    ]


def list_versions(
    session: Session, order_ids: Collection[UUID]
) -> list[tuple[ExclusionZone, datetime, datetime | None]]:
    """Return every version of these orders' zones, from when until when it was in force."""
    times = select(_ZoneRow.id, _ZoneRow.version, _ZoneRow.created_at, _ZoneRow.retired_at)
    wanted = sorted(order_ids)
    found = []
    for start in range(0, len(wanted), ORDERS_PER_QUERY):
        mine = _ZoneRow.order_id.in_(wanted[start : start + ORDERS_PER_QUERY])
        times_of = {row[:2]: row[2:] for row in session.execute(times.where(mine))}
        found += [
            (zone, *times_of[zone.id, zone.version])
            for zone in map(_to_zone, session.execute(_ALL.where(mine)))
        ]
    return found


def _current() -> _Versions:
    return _ALL.where(_ZoneRow.retired_at.is_(None))


def _get(session: Session, query: _Versions) -> ExclusionZone:
    row = session.execute(query).one_or_none()
    if row is None:
        raise ZoneNotFound("There is no such zone on this order.")
    return _to_zone(row)


@lru_cache(maxsize=64)
def _shape_of(text: str) -> Circle | tuple[Polygon, ...]:
    """Decode a shape; the many orders of one territory share one."""
    shape: Circle | tuple[Polygon, ...] = _shapes.decode(text)
    return shape


def _to_zone(row: _Version) -> ExclusionZone:
    zone_id, version, order_id, name, shape, buffer_m, visibility, purpose, schedule = row
    return ExclusionZone(
        id=zone_id,
        version=version,
        order_id=order_id,
        name=name,
        shape=_shape_of(shape),
        buffer_m=buffer_m,
        visibility=Visibility(visibility),
        purpose=Purpose(purpose),
        schedule=_schedules.decode(schedule) if schedule else None,
    )
