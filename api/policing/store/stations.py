"""Stations in all their versions: a change ends a version, nothing is overwritten.

Where an alert went is told by the area, the address and the clocks of that time.
"""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import Index, Row, Select, Table, Text, func, insert, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.crypto import ColumnCipher
from api.kernel.db import Base, UtcDateTime, server_key
from api.kernel.geo import Point
from api.policing.model import MAX_STATIONS, Area, Station, StationNotFound

_IS_CURRENT = text("valid_until IS NULL")


class _StationRow(Base):
    __tablename__ = "police_station"
    __table_args__ = (
        Index(
            "uq_police_station_current",
            "id",
            unique=True,
            sqlite_where=_IS_CURRENT,
            postgresql_where=_IS_CURRENT,
        ),
        Index(
            "uq_police_station_reference",
            "reference",
            unique=True,
            sqlite_where=_IS_CURRENT,
            postgresql_where=_IS_CURRENT,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)  # JSON of model.Area, each corner [lat, lon]
    seat_lat: Mapped[float]
    seat_lon: Mapped[float]
    phone_sealed: Mapped[bytes]
    phone_end: Mapped[str] = mapped_column(Text)
    desk_address: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_by: Mapped[UUID | None]


_STATION = cast("Table", _StationRow.__table__)
_areas = msgspec.json.Decoder(Area)


def add_station(session: Session, station: Station, phone: str, actor_id: UUID | None, now: datetime) -> None:
    """Keep the first version of a station."""
    sealed = _cipher(session).seal(station.id, phone.encode())
    session.execute(insert(_STATION).values(_columns(station, sealed, actor_id, now)))


def save_station(
    session: Session, station: Station, phone: str | None, actor_id: UUID | None, now: datetime
) -> None:
    """End the current version and keep this as the next; without a `phone` the number stays."""
    current = (_STATION.c.id == station.id) & _STATION.c.valid_until.is_(None)
    if phone is None:
        sealed = session.execute(select(_STATION.c.phone_sealed).where(current)).scalar_one()
    else:
        sealed = _cipher(session).seal(station.id, phone.encode())
    session.execute(update(_STATION).where(current).values(valid_until=now))
    session.execute(insert(_STATION).values(_columns(station, sealed, actor_id, now)))


def get_station(session: Session, station_id: UUID) -> Station:
    """Return the current version of a station, retired or not; raises StationNotFound."""
    row = session.execute(_current().where(_STATION.c.id == station_id)).one_or_none()
    if row is None:
        raise StationNotFound("There is no such police station.")
    return _station(row)


def find_station_ids(session: Session, references: Collection[str]) -> dict[str, UUID]:
    """Return which stations have these references now."""
    query = select(_STATION.c.reference, _STATION.c.id).where(
        _STATION.c.valid_until.is_(None), _STATION.c.reference.in_(references)
    )
    return dict(session.execute(query).all())


def count_stations(session: Session, *, retired: bool = True) -> int:
    """Return how many stations there are, with or without those that were closed."""
    query = select(func.count()).select_from(_STATION).where(_STATION.c.valid_until.is_(None))
    return session.scalar(query if retired else query.where(_STATION.c.retired_at.is_(None))) or 0


def page_stations(session: Session, first: int, limit: int) -> list[Station]:
    """Return part of all stations by reference, from the `first`-th (0 = first)."""
    query = _current().order_by(_STATION.c.reference).offset(first).limit(limit)
    return [_station(row) for row in session.execute(query)]


def list_stations_at(session: Session, at: datetime) -> list[Station]:
    """Return the stations that were open at this moment, as they were then, by reference."""
    query = select(_STATION).where(
        _STATION.c.valid_from <= at,
        or_(_STATION.c.valid_until.is_(None), _STATION.c.valid_until > at),
        _STATION.c.retired_at.is_(None),
    )
    return [_station(row) for row in session.execute(query.order_by(_STATION.c.reference))]


def list_phones(session: Session, station_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the desks' numbers of those ids that are open stations."""
    query = select(_STATION.c.id, _STATION.c.phone_sealed).where(
        _STATION.c.valid_until.is_(None), _STATION.c.retired_at.is_(None), _STATION.c.id.in_(station_ids)
    )
    cipher = _cipher(session)
    return {row.id: cipher.unseal(row.id, row.phone_sealed).decode() for row in session.execute(query)}


def _current() -> Select[Any]:
    return select(_STATION).where(_STATION.c.valid_until.is_(None))


def _columns(station: Station, sealed: bytes, actor_id: UUID | None, now: datetime) -> dict[str, object]:
    return {
        "id": station.id,
        "version": station.version,
        "reference": station.reference,
        "name": station.name,
        "area": msgspec.json.encode(station.area).decode(),
        "seat_lat": station.seat.lat,
        "seat_lon": station.seat.lon,
        "phone_sealed": sealed,
        "phone_end": station.phone_end,
        "desk_address": station.desk_address,
        "time_zone": station.time_zone,
        "retired_at": station.retired_at,
        "valid_from": now,
        "valid_until": None,
        "changed_by": actor_id,
    }


@lru_cache(maxsize=MAX_STATIONS)
def _area_of(text: str) -> Area:
    """Decode an area; every alert looks at all of them, and they hardly ever change."""
    area: Area = _areas.decode(text)
    return area


def _station(row: Row[Any]) -> Station:
    return Station(
        row.id,
        row.version,
        row.reference,
        row.name,
        _area_of(row.area),
        Point(row.seat_lat, row.seat_lon),
        row.phone_end,
        row.desk_address,
        row.time_zone,
        row.retired_at,
    )


def _cipher(session: Session) -> ColumnCipher:
    return ColumnCipher(server_key(session), "police_station.phone")
