"""Fixes as they were received and judged: written in batches, found again by device and time."""

import hashlib
import struct
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Index, LargeBinary, Row, Table, Text, func, insert, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.model import Fix, FixSource
from api.kernel.db import Base, UtcDateTime
from api.kernel.geo import Point

KEYS_PER_QUERY = 300
"""Three bound values per key stay far below SQLite's limit of 32,766 and keep the plan simple."""


class _FixRow(Base):
    __tablename__ = "fix"
    __table_args__ = (Index(None, "received_at"), {"sqlite_with_rowid": False})

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    fixed_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    digest: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    judged_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lat: Mapped[float]
    lon: Mapped[float]
    accuracy_m: Mapped[float | None]
    seq: Mapped[int | None] = mapped_column(BigInteger)
    altitude_m: Mapped[float | None]
    speed_m_s: Mapped[float | None]
    course_deg: Mapped[float | None]
    battery_pct: Mapped[int | None]
    source: Mapped[str] = mapped_column(Text)
    strap_closed: Mapped[bool | None]
    timing: Mapped[str] = mapped_column(Text)
    doubts: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    batch: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[int]


_INSERT = insert(cast("Table", _FixRow.__table__))


class FixRecord(msgspec.Struct, frozen=True):
    """A fix with how it was judged.

    Attributes:
        timing: `live`, `late` or `past`, as the rules said.
        doubts: `Doubt` values.
        payload: The message as the device sent it, sealed or not: evidence.
        place: In its batch (`evidence.Batch`).
    """

    fix: Fix
    judged_at: datetime
    timing: str
    doubts: tuple[str, ...]
    payload: bytes
    place: int = 0


FixKey = tuple[UUID, datetime, int]


def key_of(fix: Fix) -> FixKey:
    """Return what makes a fix the same as one delivered before.

    Neither the counter nor the time is enough: a counter starts again with the device, and a phone
    may report two places within one second (ops/decisions/0005).
    """
    said = struct.pack("<qdd", -1 if fix.seq is None else fix.seq, fix.point.lat, fix.point.lon)
    digest = int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "little", signed=True)
    return fix.device_id, fix.fixed_at, digest


def find_known(session: Session, keys: Collection[FixKey]) -> set[FixKey]:
    """Return those keys that are stored already."""
    known: set[FixKey] = set()
    ordered = list(keys)
    columns = tuple_(_FixRow.device_id, _FixRow.fixed_at, _FixRow.digest)
    for start in range(0, len(ordered), KEYS_PER_QUERY):
        part = ordered[start : start + KEYS_PER_QUERY]
        rows = session.execute(
            select(_FixRow.device_id, _FixRow.fixed_at, _FixRow.digest).where(columns.in_(part))
        )
        known.update((device_id, fixed_at, digest) for device_id, fixed_at, digest in rows)
    return known


def save_fixes(session: Session, batch: int, records: Mapping[FixKey, FixRecord]) -> None:
    """Insert the new fixes of a batch; the keys must not be stored yet (`find_known`)."""
    if not records:
        return
    session.connection().execute(
        _INSERT,
        [
            {
                "device_id": device_id,
                "fixed_at": fixed_at,
                "digest": digest,
                "received_at": record.fix.received_at,
                "judged_at": record.judged_at,
                "lat": record.fix.point.lat,
                "lon": record.fix.point.lon,
                "accuracy_m": record.fix.accuracy_m,
                "seq": record.fix.seq,
                "altitude_m": record.fix.altitude_m,
                "speed_m_s": record.fix.speed_m_s,
                "course_deg": record.fix.course_deg,
                "battery_pct": record.fix.battery_pct,
                "source": record.fix.source.value,
                "strap_closed": record.fix.strap_closed,
                "timing": record.timing,
                "doubts": ",".join(record.doubts),
                "payload": record.payload,
                "batch": batch,
                "place": record.place,
            }
            for (device_id, fixed_at, digest), record in records.items()
        ],
    )


def find_around(session: Session, device_ids: Sequence[UUID], at: datetime) -> tuple[Fix | None, Fix | None]:
    """Return the last fix at or before `at` and the first after it, over all these devices."""
    mine = _FixRow.device_id.in_(device_ids)
    before = session.scalars(
        select(_FixRow)
        .where(mine, _FixRow.fixed_at <= at)
        .order_by(_FixRow.fixed_at.desc(), _FixRow.digest)
        .limit(1)
    ).first()
    after = session.scalars(
        select(_FixRow).where(mine, _FixRow.fixed_at > at).order_by(_FixRow.fixed_at, _FixRow.digest).limit(1)
    ).first()
    return (_fix(before) if before else None), (_fix(after) if after else None)


def list_last(session: Session, device_id: UUID, limit: int) -> list[Fix]:
    """Return the last fixes that moved a device's present state, oldest first; evidence did not."""
    rows = session.scalars(
        select(_FixRow)
        .where(_FixRow.device_id == device_id, _FixRow.timing != "past")
        .order_by(_FixRow.fixed_at.desc(), _FixRow.digest)
        .limit(limit)
    )
    return [_fix(row) for row in rows][::-1]


def list_track(session: Session, device_id: UUID, since: datetime, until: datetime, limit: int) -> list[Fix]:
    """Return a device's fixes with `since` <= fixed_at <= `until`, oldest first, `limit` newest."""
    rows = session.scalars(
        select(_FixRow)
        .where(_FixRow.device_id == device_id, _FixRow.fixed_at >= since, _FixRow.fixed_at <= until)
        .order_by(_FixRow.fixed_at.desc(), _FixRow.digest)
        .limit(limit)
    )
    return [_fix(row) for row in rows][::-1]


class StoredFix(msgspec.Struct, frozen=True):
    """A fix as it was judged; fields as in `FixRecord`."""

    fix: Fix
    judged_at: datetime
    timing: str
    doubts: tuple[str, ...]


def list_stored(session: Session, device_id: UUID, since: datetime, until: datetime) -> list[StoredFix]:
    """Return every fix of a device with `since` <= fixed_at < `until`, oldest first."""
    table = cast("Table", _FixRow.__table__)
    query = select(table).where(
        table.c.device_id == device_id, table.c.fixed_at >= since, table.c.fixed_at < until
    )
    rows = session.execute(query.order_by(table.c.fixed_at, table.c.batch, table.c.place))
    return [
        StoredFix(_fix(row), row.judged_at, row.timing, tuple(filter(None, row.doubts.split(","))))
        for row in rows
    ]


def count_fixes(session: Session) -> int:
    """Return how many fixes are stored."""
    return session.scalar(select(func.count()).select_from(_FixRow)) or 0


def _fix(row: _FixRow | Row[Any]) -> Fix:
    return Fix(
        device_id=row.device_id,
        fixed_at=row.fixed_at,
        received_at=row.received_at,
        point=Point(row.lat, row.lon),
        accuracy_m=row.accuracy_m,
        seq=row.seq,
        altitude_m=row.altitude_m,
        speed_m_s=row.speed_m_s,
        course_deg=row.course_deg,
        battery_pct=row.battery_pct,
        source=FixSource(row.source),
        strap_closed=row.strap_closed,
    )
