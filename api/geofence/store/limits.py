"""Limits of the house and what single orders have of their own, in all versions: nothing is overwritten."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Row, Text, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.model import Limits, LimitsVersion
from api.geofence.rules.limits import limits_of
from api.kernel.db import Base, UtcDateTime

_overrides = msgspec.json.Decoder(dict[str, int | float])


class _LimitsRow(Base):
    __tablename__ = "order_limits"

    # No foreign key: orders belong to another room, which never deletes one.
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    overrides: Mapped[str] = mapped_column(Text)  # JSON: name of the limit to number
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    author_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(Text)


class _HouseRow(Base):
    __tablename__ = "house_limits"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    values: Mapped[str] = mapped_column(Text)  # JSON: every limit, so that no later default alters the past
    since: Mapped[datetime] = mapped_column(UtcDateTime)


_COLUMNS = (
    _LimitsRow.order_id,
    _LimitsRow.version,
    _LimitsRow.overrides,
    _LimitsRow.since,
    _LimitsRow.author_id,
    _LimitsRow.reason,
)
_Version = Row[UUID, int, str, datetime, UUID | None, str]


def add_version(session: Session, made: LimitsVersion) -> None:
    """Keep one version; its number must be the next of its order."""
    session.execute(
        insert(_LimitsRow).values(
            order_id=made.order_id,
            version=made.version,
            overrides=msgspec.json.encode(made.overrides).decode(),
            since=made.since,
            author_id=made.author_id,
            reason=made.reason,
        )
    )


def list_versions(session: Session, order_id: UUID) -> list[LimitsVersion]:
    """Return every version of one order's limits, the newest first; none when they never differed."""
    query = select(*_COLUMNS).where(_LimitsRow.order_id == order_id).order_by(_LimitsRow.version.desc())
    return [_to_version(row) for row in session.execute(query)]


def list_current(session: Session) -> list[LimitsVersion]:
    """Return the newest version of every order that ever had limits of its own, by order.

    These are few among many orders, and are looked at every few seconds: one statement for all.
    """
    newest = (
        select(_LimitsRow.order_id, func.max(_LimitsRow.version).label("version"))
        .group_by(_LimitsRow.order_id)
        .subquery()
    )
    query = (
        select(*_COLUMNS)
        .join(
            newest,
            (newest.c.order_id == _LimitsRow.order_id) & (newest.c.version == _LimitsRow.version),
        )
        .order_by(_LimitsRow.order_id)
    )
    return [_to_version(row) for row in session.execute(query)]


def list_limits(
    session: Session, house: Limits, order_ids: Collection[UUID] | None = None
) -> dict[UUID, Limits]:
    """Return the limits of those orders, or of these, that differ from the house's."""
    return {
        made.order_id: limits_of(house, made.overrides)
        for made in list_current(session)
        if made.overrides and (order_ids is None or made.order_id in order_ids)
    }


def list_house(session: Session) -> list[tuple[datetime, Limits]]:
    """Return by which limits this house judged from when on, oldest first."""
    query = select(_HouseRow.since, _HouseRow.values).order_by(_HouseRow.version)
    return [(since, msgspec.json.decode(values, type=Limits)) for since, values in session.execute(query)]


def note_house(session: Session, house: Limits, since: datetime) -> None:
    """Keep by which limits this house judges from now on, unless they are the ones kept last."""
    kept = list_house(session)
    if kept and kept[-1][1] == house:
        return
    values = msgspec.json.encode(house).decode()
    session.execute(insert(_HouseRow).values(version=len(kept) + 1, values=values, since=since))


def _to_version(row: _Version) -> LimitsVersion:
    order_id, version, overrides, since, author_id, reason = row
    return LimitsVersion(order_id, version, _overrides.decode(overrides), since, author_id, reason)
