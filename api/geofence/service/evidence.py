"""What past decisions rested on, read back in the order in which it was judged, and zones taken again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.geofence.model import ExclusionZone, Limits, LimitsVersion
from api.geofence.rules.limits import limits_of
from api.geofence.store import evidence, fixes, limits, rejected, zones
from api.geofence.store.evidence import UNREADABLE_ALARM, Batch, Judge, Judged
from api.geofence.store.fixes import StoredFix
from api.geofence.store.rejected import Rejected
from api.geofence.wire import opened
from api.orders import service as orders
from api.orders.model import Device

__all__ = [
    "UNREADABLE_ALARM",
    "Batch",
    "Judge",
    "Judged",
    "LimitsStep",
    "RawMessage",
    "Rejected",
    "StoredFix",
    "ZoneStep",
    "count_dropped",
    "enact",
    "limits_at",
    "list_batches",
    "list_batches_at",
    "list_fixes",
    "list_house_limits",
    "list_judged",
    "list_kept_aside",
    "list_limits_steps",
    "list_messages",
    "list_zone_steps",
]

count_dropped = evidence.count_dropped
list_batches = evidence.list_batches
list_batches_at = evidence.list_batches_at
list_house_limits = limits.list_house
list_judged = evidence.list_judged
list_fixes = fixes.list_stored
list_kept_aside = rejected.list_received


class RawMessage(msgspec.Struct, frozen=True):
    """A message as it was received, and the text of a sealed one: `opened` is None when it came plain."""

    judged: Judged
    opened: bytes | None


def list_messages(
    session: Session, devices: Collection[Device], since: datetime, until: datetime
) -> list[RawMessage]:
    """Return what arrived of these devices from `since` to `until` and was judged, in that order."""
    by_id = {device.id: device for device in devices}
    return [
        RawMessage(one, opened(by_id[one.device_id], one.payload) if one.payload else None)
        for one in evidence.list_received(session, by_id, since, until)
    ]


def limits_at(session: Session, order_id: UUID | None, at: datetime, today: Limits) -> Limits:
    """Return by which limits an order was judged at a moment; `today` stands in where none were kept yet."""
    house = [made for since, made in limits.list_house(session) if since <= at]
    own = [made for made in limits.list_versions(session, order_id) if made.since <= at] if order_id else []
    return limits_of(house[-1] if house else today, own[0].overrides if own else {})


class ZoneStep(msgspec.Struct, frozen=True):
    """A version of a zone that came into force at `at`, or with `is_end` went out of it."""

    at: datetime
    zone: ExclusionZone
    is_end: bool


class LimitsStep(msgspec.Struct, frozen=True):
    """Limits of its own that an order was given at `at`."""

    at: datetime
    limits: LimitsVersion


def list_limits_steps(session: Session, order_ids: Collection[UUID]) -> list[LimitsStep]:
    """Return how the limits of these orders came to be what they are, oldest first."""
    steps = [
        LimitsStep(made.since, made)
        for order_id in order_ids
        for made in limits.list_versions(session, order_id)
    ]
    return sorted(steps, key=lambda step: (step.at, step.limits.order_id, step.limits.version))


def list_zone_steps(session: Session, order_ids: Collection[UUID]) -> list[ZoneStep]:
    """Return how the zones of these orders came to be what they are, oldest first."""
    steps: list[ZoneStep] = []
    for zone, created_at, retired_at in zones.list_versions(session, order_ids):
        steps.append(ZoneStep(created_at, zone, is_end=False))
        if retired_at is not None:
            steps.append(ZoneStep(retired_at, zone, is_end=True))
    return sorted(steps, key=lambda step: (step.at, not step.is_end, step.zone.id))


def enact(session: Session, step: ZoneStep | LimitsStep) -> None:
    """Take one step of zones or limits again, under the same ids; workers are told as they were then."""
    if isinstance(step, LimitsStep):
        limits.add_version(session, step.limits)
        orders.note_change(session, step.at, order_id=step.limits.order_id)
        return
    zone = step.zone
    if step.is_end:
        zones.retire_version(session, zone.id, zone.version, step.at)
    else:
        zones.add_version(session, zone, None, step.at)
    orders.note_change(session, step.at, order_id=zone.order_id)
