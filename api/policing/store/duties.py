"""Table and queries of duties: every roster that ever was in force, line by line."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Row, Select, Table, Text, insert, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime
from api.policing.model import DAYS_A_WEEK, Dated, Duty, DutyRole, Weekly


class _DutyRow(Base):
    __tablename__ = "police_duty"
    __table_args__ = (CheckConstraint("(days IS NULL) <> (starts_at IS NULL)", name="weekly_or_dated"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: a station has many rows, one for each version.
    station_id: Mapped[UUID] = mapped_column(index=True)
    officer_id: Mapped[UUID] = mapped_column(ForeignKey("police_officer.id"), index=True)
    role: Mapped[str] = mapped_column(Text)
    stand_in_order: Mapped[int]
    days: Mapped[int | None]  # bit 0 is Monday
    from_minute: Mapped[int | None]
    until_minute: Mapped[int | None]
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    position: Mapped[int]
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


_DUTY = cast("Table", _DutyRow.__table__)


def add_duties(session: Session, duties: Collection[Duty]) -> None:
    """Keep the lines of a new roster."""
    if duties:
        session.execute(insert(_DUTY), [_columns(duty) for duty in duties])


def end_roster(session: Session, station_id: UUID, now: datetime) -> None:
    """End every line in force of a station's roster."""
    _end(session, _DUTY.c.station_id == station_id, now)


def end_duties_of(session: Session, officer_id: UUID, now: datetime) -> None:
    """End every line in force that an officer stands in, at any station."""
    _end(session, _DUTY.c.officer_id == officer_id, now)


def list_roster(session: Session, station_id: UUID) -> list[Duty]:
    """Return the roster in force of a station, in its own order."""
    query = _in_order().where(_DUTY.c.station_id == station_id, _DUTY.c.valid_until.is_(None))
    return _duties(session, query)


def list_duties(
    session: Session, since: datetime, until: datetime, station_id: UUID | None = None
) -> list[Duty]:
    """Return the lines of one station, or of all, that were in force at any time between these moments."""
    query = _in_order().where(
        _DUTY.c.valid_from < until, or_(_DUTY.c.valid_until.is_(None), _DUTY.c.valid_until > since)
    )
    return _duties(session, query if station_id is None else query.where(_DUTY.c.station_id == station_id))


def _end(session: Session, which: Any, now: datetime) -> None:  # noqa: ANN401 - a SQL condition
    query = update(_DUTY).where(which, _DUTY.c.valid_until.is_(None))
    session.execute(query.values(valid_until=now))


def _in_order() -> Select[Any]:
    return select(_DUTY).order_by(_DUTY.c.station_id, _DUTY.c.valid_from, _DUTY.c.position)


def _columns(duty: Duty) -> dict[str, object]:
    weekly = duty.when if isinstance(duty.when, Weekly) else None
    dated = duty.when if isinstance(duty.when, Dated) else None
    return {
        "id": duty.id,
        "station_id": duty.station_id,
        "officer_id": duty.officer_id,
        "role": duty.role.value,
        "stand_in_order": duty.order,
        "days": None if weekly is None else sum(1 << day for day in weekly.days),
        "from_minute": None if weekly is None else weekly.from_minute,
        "until_minute": None if weekly is None else weekly.until_minute,
        "starts_at": None if dated is None else dated.since,
        "ends_at": None if dated is None else dated.until,
        "position": duty.position,
        "valid_from": duty.valid_from,
        "valid_until": duty.valid_until,
    }


def _when(row: Row[Any]) -> Weekly | Dated:
    if row.days is None:
        return Dated(row.starts_at, row.ends_at)
    days = tuple(day for day in range(DAYS_A_WEEK) if row.days >> day & 1)
    return Weekly(days, row.from_minute, row.until_minute)


def _duties(session: Session, query: Select[Any]) -> list[Duty]:
    return [
        Duty(
            row.id,
            row.station_id,
            row.officer_id,
            DutyRole(row.role),
            row.stand_in_order,
            _when(row),
            row.position,
            row.valid_from,
            row.valid_until,
        )
        for row in session.execute(query)
    ]
