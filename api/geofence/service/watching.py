"""What the control room may see of people under an unresolved alert: zones, positions, tracks."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import Sighting
from api.alerts.model.drills import Heard
from api.geofence.model import ExclusionZone, Fix, Limits
from api.geofence.service.zones import list_zones
from api.geofence.store.fixes import list_track
from api.geofence.store.limits import list_limits
from api.geofence.store.states import list_device_states
from api.kernel import audit
from api.orders import service as orders
from api.orders.model import Party, ProtectiveOrder, Watch

TRACK_FIXES = 2000
"""Points of one device in one answer: half an hour at one fix a second, and a picture stays readable."""


class Position(msgspec.Struct, frozen=True):
    """Where one party's device was last, and how doubtful that is."""

    order_id: UUID
    party: Party
    person_id: UUID | None
    fix: Fix
    doubts: tuple[str, ...]


class WatchedPicture(msgspec.Struct, frozen=True):
    """One order on the map."""

    order: ProtectiveOrder
    zones: tuple[ExclusionZone, ...]
    positions: tuple[Position, ...]
    limits: Limits


class Track(msgspec.Struct, frozen=True):
    """One party's path, oldest fix first."""

    device_id: UUID
    party: Party
    person_id: UUID | None
    fixes: tuple[Fix, ...]


def heard_of(session: Session, device_ids: Collection[UUID]) -> dict[UUID, Heard]:
    """Return when anything of these devices last reached us, and where from; who never spoke is missing."""
    return {
        device_id: Heard(state.heard_at, None if state.fix is None else _sighting(device_id, state.fix))
        for device_id, state in list_device_states(session, device_ids).items()
    }


def _sighting(device_id: UUID, fix: Fix) -> Sighting:
    return Sighting(device_id, fix.point, fix.accuracy_m, fix.fixed_at)


def positions_of(session: Session, order_ids: Collection[UUID]) -> list[Position]:
    """Return the last position of every device that these orders' parties carry."""
    if not order_ids:
        return []
    carried = [
        (watch.order.id, *carrier)
        for watch in orders.list_watches(session, order_ids)
        for carrier in _carriers(watch)
    ]
    devices = {device_id for _order, _party, _person, device_id in carried}
    states, carried_since = list_device_states(session, devices), orders.carried_since(session, devices)
    return [
        Position(order_id, party, person_id, state.fix, state.doubts)
        for order_id, party, person_id, device_id in carried
        if (state := states.get(device_id)) is not None
        and state.fix is not None
        and device_id in carried_since
        and state.fix.fixed_at >= carried_since[device_id]
    ]


def show_map(session: Session, house: Limits, actor_id: UUID, now: datetime) -> list[WatchedPicture]:
    """Return every order with an unresolved alert; a row of the audit trail says who looked at which."""
    order_ids = alerts.unresolved_order_ids(session)
    positions = positions_of(session, order_ids)
    zones = list_zones(session, order_ids) if order_ids else []
    own = list_limits(session, house, order_ids)
    pictures = []
    for watch in orders.list_watches(session, order_ids) if order_ids else []:
        order = watch.order
        audit.record(session, now, actor_id, "geofence.show_map", order.id, "unresolved alert")
        pictures.append(
            WatchedPicture(
                order,
                tuple(zone for zone in zones if zone.order_id == order.id),
                tuple(position for position in positions if position.order_id == order.id),
                own.get(order.id, house),
            )
        )
    return pictures


def show_tracks(session: Session, alert_id: UUID, minutes: int, actor_id: UUID, now: datetime) -> list[Track]:
    """Return where the parties of an alert went, from `minutes` before it opened until now or its end.

    Nothing from before a device came to whoever carries it now: that is another person's way.
    """
    alert = alerts.get_alert(session, alert_id, actor_id, now).view.alert
    if alert.order_id is None:
        return []
    since = alert.opened_at - timedelta(minutes=minutes)
    until = alert.resolved_at or now
    carriers = _carriers(orders.get_watch(session, alert.order_id))
    carried_since = orders.carried_since(session, {device_id for _party, _person, device_id in carriers})
    return [
        Track(
            device_id,
            party,
            person_id,
            tuple(list_track(session, device_id, max(since, carried_since[device_id]), until, TRACK_FIXES)),
        )
        for party, person_id, device_id in carriers
        if device_id in carried_since
    ]


def _carriers(watch: Watch) -> list[tuple[Party, UUID | None, UUID]]:
    wearer: list[tuple[Party, UUID | None, UUID]] = [
        (Party.WEARER, None, device_id) for device_id in watch.wearer_devices
    ]
    return wearer + [
        (Party.PROTECTED, person_id, device_id)
        for person_id, devices in watch.protected
        for device_id in devices
    ]
