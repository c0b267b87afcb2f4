"""What the worker remembers between fixes: presence per zone and person, and each device's last word."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Self, cast
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Insert, Table, Text, and_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.geofence.model import WELL, Fix, Health, Presence, PresenceState
from api.kernel.db import Base, UtcDateTime
from api.kernel.geo import Point


class Subject(StrEnum):
    """What a presence is about."""

    ZONE = "zone"
    PERSON = "person"


class StateKey(bytes):
    """Order, kind of subject, and which zone or protected person: 33 bytes, whose hash is computed once."""

    __slots__ = ()

    @classmethod
    def of(cls, order_id: UUID, subject: Subject, subject_id: UUID) -> Self:
        """Return the key of one state."""
        return cls(order_id.bytes + _MARK_OF[subject] + subject_id.bytes)

    @property
    def order_id(self) -> UUID:
        """The order."""
        return UUID(bytes=self[:16])

    @property
    def subject(self) -> Subject:
        """What the state is about."""
        return _SUBJECT_OF[self[16:17]]

    @property
    def subject_id(self) -> UUID:
        """The zone or protected person."""
        return UUID(bytes=self[17:])


_MARK_OF = {Subject.ZONE: b"z", Subject.PERSON: b"p"}
_SUBJECT_OF = {mark: subject for subject, mark in _MARK_OF.items()}


class DeviceState(msgspec.Struct, frozen=True):
    """A device's last word.

    Attributes:
        heard_at: When anything of it last reached us.
        fix: Its newest fix by the device's time; None before the first.
        doubts: `Doubt` values of that fix.
        strap_closed: The last that it said of its strap.
        strap_heard_at: When a message last said anything of its strap; None when none ever did.
        spoke_at: When its last position or status came: what can say something of a strap.
        health: Its troubles as far as they were told.
    """

    device_id: UUID
    heard_at: datetime
    fix: Fix | None = None
    doubts: tuple[str, ...] = ()
    strap_closed: bool | None = None
    battery_pct: int | None = None
    strap_heard_at: datetime | None = None
    spoke_at: datetime | None = None
    health: Health = WELL


_decode_health = msgspec.json.Decoder(Health).decode


class _PresenceRow(Base):
    __tablename__ = "presence_state"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    presence: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    clear_fixes: Mapped[int]
    clear_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    doubtful_recent: Mapped[int]
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mild: Mapped[bool]
    closing: Mapped[int]
    contacts: Mapped[list[str]] = mapped_column(JSON)


class _DeviceStateRow(Base):
    __tablename__ = "device_state"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)
    fixed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    doubts: Mapped[str] = mapped_column(Text)
    strap_closed: Mapped[bool | None]
    battery_pct: Mapped[int | None]
    strap_heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    spoke_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    health: Mapped[str | None] = mapped_column(Text)


IDS_PER_QUERY = 1000
"""Far below SQLite's limit of 32,766 bound values; after an outage of a network thousands are asked for."""
_READABLE = (
    _PresenceRow.presence.in_([presence.value for presence in Presence]),
    _PresenceRow.subject.in_([subject.value for subject in Subject]),
)


def save_presences(session: Session, states: Mapping[StateKey, PresenceState]) -> None:
    """Write the states that changed, new or not."""
    _upsert(
        session,
        cast("Table", _PresenceRow.__table__),
        [
            {
                "order_id": key.order_id,
                "subject": key.subject.value,
                "subject_id": key.subject_id,
                "presence": state.presence.value,
                "since": state.since,
                "clear_fixes": state.clear_fixes,
                "clear_since": state.clear_since,
                "doubtful_recent": state.doubtful_recent,
                "told_at": state.told_at,
                "mild": state.mild,
                "closing": state.closing,
                "contacts": [contact.isoformat() for contact in state.contacts],
            }
            for key, state in states.items()
        ],
    )


def list_presences(
    session: Session, order_ids: Collection[UUID] | None = None
) -> dict[StateKey, PresenceState]:
    """Return every stored state, or those of some orders, without those that cannot be read."""
    query = select(_PresenceRow)
    if order_ids is not None:
        query = query.where(_PresenceRow.order_id.in_(order_ids))
    rows = session.scalars(query.where(*_READABLE))
    return {
        StateKey.of(row.order_id, Subject(row.subject), row.subject_id): PresenceState(
            presence=Presence(row.presence),
            since=row.since,
            clear_fixes=row.clear_fixes,
            clear_since=row.clear_since,
            doubtful_recent=row.doubtful_recent,
            told_at=row.told_at,
            mild=row.mild,
            closing=row.closing,
            contacts=tuple(datetime.fromisoformat(contact) for contact in row.contacts),
        )
        for row in rows
    }


def list_unreadable_orders(session: Session) -> list[UUID]:
    """Return the orders with a state in words that we do not know: another version of us wrote it."""
    query = select(_PresenceRow.order_id).where(~and_(*_READABLE)).distinct()
    return list(session.scalars(query))


def save_device_states(session: Session, states: Collection[DeviceState]) -> None:
    """Write the devices that were heard, new or not."""
    _upsert(session, cast("Table", _DeviceStateRow.__table__), [_device_values(state) for state in states])


def list_device_states(
    session: Session, device_ids: Collection[UUID] | None = None
) -> dict[UUID, DeviceState]:
    """Return the last word of every device ever heard, or of some."""
    if device_ids is None:
        return {row.device_id: _device_state(row) for row in session.scalars(select(_DeviceStateRow))}
    states: dict[UUID, DeviceState] = {}
    wanted = list(device_ids)
    for first in range(0, len(wanted), IDS_PER_QUERY):
        part = _DeviceStateRow.device_id.in_(wanted[first : first + IDS_PER_QUERY])
        states |= {
            row.device_id: _device_state(row) for row in session.scalars(select(_DeviceStateRow).where(part))
        }
    return states


def list_fresh(session: Session, since: datetime) -> set[UUID]:
    """Return the devices that were heard, and placed, since then: nothing is missed of them."""
    return set(
        session.scalars(
            select(_DeviceStateRow.device_id).where(
                _DeviceStateRow.heard_at >= since, _DeviceStateRow.fixed_at >= since
            )
        )
    )


def _device_values(state: DeviceState) -> dict[str, Any]:
    fix = state.fix
    return {
        "device_id": state.device_id,
        "heard_at": state.heard_at,
        "fixed_at": fix.fixed_at if fix else None,
        "received_at": fix.received_at if fix else None,
        "lat": fix.point.lat if fix else None,
        "lon": fix.point.lon if fix else None,
        "accuracy_m": fix.accuracy_m if fix else None,
        "doubts": ",".join(state.doubts),
        "strap_closed": state.strap_closed,
        "battery_pct": state.battery_pct,
        "strap_heard_at": state.strap_heard_at,
        "spoke_at": state.spoke_at,
        "health": None if state.health is WELL else msgspec.json.encode(state.health).decode(),
    }


def _device_state(row: _DeviceStateRow) -> DeviceState:
    fix = None
    if (
        row.fixed_at is not None
        and row.received_at is not None
        and row.lat is not None
        and row.lon is not None
    ):
        fix = Fix(
            device_id=row.device_id,
            fixed_at=row.fixed_at,
            received_at=row.received_at,
            point=Point(row.lat, row.lon),
            accuracy_m=row.accuracy_m,
        )
    return DeviceState(
        device_id=row.device_id,
        heard_at=row.heard_at,
        fix=fix,
        doubts=tuple(row.doubts.split(",")) if row.doubts else (),
        strap_closed=row.strap_closed,
        battery_pct=row.battery_pct,
        strap_heard_at=row.strap_heard_at,
        spoke_at=row.spoke_at,
        health=_health(row.health),
    )


def _health(stored: str | None) -> Health:
    """Return what was stored; what another version of us wrote counts as not told, and is told again."""
    if stored is None:
        return WELL
    try:
        return _decode_health(stored)
    except msgspec.ValidationError:
        return WELL


def _upsert(session: Session, table: Table, values: list[dict[str, Any]]) -> None:
    if values:
        session.connection().execute(_upsert_into(table, session.get_bind().dialect.name), values)


@cache
def _upsert_into(table: Table, dialect_name: str) -> Insert:
    """Return the statement; building it costs as much as fifty rows, so that each is built once."""
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    statement = (postgresql if dialect_name == "postgresql" else sqlite).insert(table)
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in others}
    )
    return upsert
