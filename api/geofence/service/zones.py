"""Use cases of zones; every change reaches the worker through the register's revision."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.geofence.geometry.validity import Shape
from api.geofence.model import BadZone, ExclusionZone, Purpose, Schedule, Visibility, ZoneChanged
from api.geofence.store import zones as store
from api.kernel import audit
from api.orders import service as orders

MAX_BUFFER_M = 10_000.0
"""France warns at twice a radius of 1-10 km (field/monitoring.md section 2); wider is a slip; proposal."""


@dataclass(frozen=True, slots=True)
class ZoneDraft:
    """What a person decides about a zone; fields as in `ExclusionZone`, the shape checked already."""

    name: str
    shape: Shape
    buffer_m: float
    visibility: Visibility
    purpose: Purpose = Purpose.EXCLUSION
    schedule: Schedule | None = None


def list_zones(session: Session, order_ids: Collection[UUID] | None = None) -> list[ExclusionZone]:
    """Return the zones in force of these orders, or of all orders."""
    return store.list_zones(session, order_ids)


def list_order_zones(session: Session, order_id: UUID) -> list[ExclusionZone]:
    """Return the zones in force of one order; raises OrderNotFound."""
    orders.get_order(session, order_id)
    return store.list_zones(session, (order_id,))


def get_zone(session: Session, order_id: UUID, zone_id: UUID) -> ExclusionZone:
    """Return a zone in force; raises ZoneNotFound."""
    return store.get_zone(session, order_id, zone_id)


def get_zone_version(session: Session, zone_id: UUID, version: int) -> ExclusionZone:
    """Return the version that a decision was judged with, in force or not; raises ZoneNotFound."""
    return store.get_zone_version(session, zone_id, version)


def add_zone(
    session: Session, order_id: UUID, draft: ZoneDraft, actor_id: UUID | None, now: datetime
) -> ExclusionZone:
    """Draw a zone; raises OrderNotFound."""
    orders.get_order(session, order_id)
    zone = _zone_of(draft, uuid.uuid4(), 1, order_id)
    store.add_version(session, zone, actor_id, now)
    _tell(session, zone, "geofence.add_zone", actor_id, now)
    return zone


def change_zone(
    session: Session, seen: ExclusionZone, draft: ZoneDraft, actor_id: UUID | None, now: datetime
) -> ExclusionZone:
    """Put a new version in the place of the one that the author saw; raises BadZone, ZoneChanged."""
    if draft.purpose is not seen.purpose:
        said = f"Stays {seen.purpose.value}: remove this zone and draw another."
        raise BadZone("A zone keeps its purpose.", {"purpose": [said]})
    _retire(session, seen, now)
    zone = _zone_of(draft, seen.id, seen.version + 1, seen.order_id)
    store.add_version(session, zone, actor_id, now)
    _tell(session, zone, "geofence.change_zone", actor_id, now)
    return zone


def remove_zone(session: Session, seen: ExclusionZone, actor_id: UUID | None, now: datetime) -> None:
    """End the zone that the author saw; raises ZoneChanged. Its versions stay readable for evidence."""
    _retire(session, seen, now)
    _tell(session, seen, "geofence.remove_zone", actor_id, now)


def _zone_of(draft: ZoneDraft, zone_id: UUID, version: int, order_id: UUID) -> ExclusionZone:
    return ExclusionZone(
        id=zone_id,
        version=version,
        order_id=order_id,
        name=draft.name,
        shape=draft.shape,
        buffer_m=draft.buffer_m,
        visibility=draft.visibility,
        purpose=draft.purpose,
        schedule=draft.schedule,
    )


def _retire(session: Session, seen: ExclusionZone, now: datetime) -> None:
    if not store.retire_version(session, seen.id, seen.version, now):
        raise ZoneChanged("Somebody else changed or removed this zone meanwhile: read it again.")


def _tell(session: Session, zone: ExclusionZone, act: str, actor_id: UUID | None, now: datetime) -> None:
    audit.record(session, now, actor_id, act, zone.id, f"version {zone.version}")
    orders.note_change(session, now, order_id=zone.order_id)
