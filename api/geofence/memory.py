"""What a worker knows without asking the database: the register, zones, newest fixes and states.

Restored at start, refreshed when the register changes. Judging a batch never alters it: the changes are
collected beside it and taken over after the commit, so that a rolled-back batch leaves no trace here.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import WELL, ExclusionZone, Fix, Limits, PresenceState, Purpose
from api.geofence.rules.horizon import Reporting
from api.geofence.rules.presence import is_resting
from api.geofence.rules.proximity import Pair, pair_of
from api.geofence.rules.quality import Seen, see
from api.geofence.store.fixes import FixKey, list_last
from api.geofence.store.limits import list_limits
from api.geofence.store.reporting import list_reporting
from api.geofence.store.states import (
    DeviceState,
    StateKey,
    Subject,
    list_device_states,
    list_presences,
)
from api.geofence.store.zones import list_zones
from api.orders import service as orders
from api.orders.model import Device, Exemption, Party, ProtectiveOrder, Watch

UNSEEN = PresenceState()
LOOK_BACK_FIXES = 5
"""A path is believed over one outlier, and two that agree are a place: with these the last fix is seen as it
was before a restart."""


class WatchedZone(msgspec.Struct, frozen=True):
    """A zone of one order, and under which key the wearer's presence in it is known.

    Attributes:
        sphere: Centre in Earth-centred metres and `watch_m`: figures of their own that lie side by side,
            because with thousands of orders looking them up costs more than calculating (decision 0003).
    """

    key: StateKey
    prepared: PreparedZone
    sphere: tuple[float, float, float, float]

    @classmethod
    def of(cls, zone: ExclusionZone) -> "WatchedZone":
        """Prepare a zone for judging."""
        prepared = PreparedZone.from_zone(zone)
        x, y, z = prepared.center
        sphere = (x * 1.0, y * 1.0, z * 1.0, prepared.watch_m * 1.0)
        return cls(StateKey.of(zone.order_id, Subject.ZONE, zone.id), prepared, sphere)


class WatchedPerson(msgspec.Struct, frozen=True):
    """A protected person of one order, the limits between her and the wearer, and the key of their state."""

    key: StateKey
    id: UUID
    devices: tuple[UUID, ...]
    pair: Pair


class WatchedOrder(msgspec.Struct, frozen=True):
    """One order with everything that judging needs, ready for the hot path.

    Attributes:
        zones: Where the wearer must not be: exclusion zones only.
        bounds: Where he must be: inclusion zones and territories.
        limits: The house's with what this order has of its own.
    """

    order: ProtectiveOrder
    wearer_devices: tuple[UUID, ...]
    people: tuple[WatchedPerson, ...]
    zones: tuple[WatchedZone, ...]
    bounds: tuple[WatchedZone, ...]
    limits: Limits
    exemptions: tuple[Exemption, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """On which side of which order a device stands; `person` is None for the wearer's device."""

    watched: WatchedOrder
    party: Party
    person: WatchedPerson | None


class Changes:
    """What one batch changed; taken over by `Memory.take_over` after the commit.

    `events` and `rejected` only count: what was told, and what was kept aside.
    """

    def __init__(self) -> None:
        """Start with nothing changed."""
        self.events = self.rejected = 0
        self.seen: dict[UUID, Seen] = {}
        self.latest: dict[UUID, frozenset[FixKey]] = {}
        self.devices: dict[UUID, DeviceState] = {}
        self.presences: dict[StateKey, PresenceState] = {}
        self.reporting: dict[UUID, Reporting] = {}


class Memory:
    """The register and the states of every device, by id."""

    def __init__(self, limits: Limits) -> None:
        """Start empty; `restore` fills it."""
        self.limits = limits
        self.revision = 0
        self.restored_at: datetime | None = None
        self.devices: dict[UUID, Device] = {}
        self.places: dict[UUID, tuple[Place, ...]] = {}
        self._carried_since: dict[UUID, datetime] = {}
        self._watched: dict[UUID, WatchedOrder] = {}
        self._seen: dict[UUID, Seen] = {}
        self._latest: dict[UUID, frozenset[FixKey]] = {}
        self._device_states: dict[UUID, DeviceState] = {}
        self._presences: dict[StateKey, PresenceState] = {}
        self._reporting: dict[UUID, Reporting] = {}

    @property
    def watched(self) -> Collection[WatchedOrder]:
        """Return every order, ended ones included."""
        return self._watched.values()

    def restore_register(self, session: Session, now: datetime) -> None:
        """Read orders, zones and who carries what; nothing of what devices said."""
        self.revision = orders.latest_revision(session)
        self.devices = {device.id: device for device in orders.list_devices(session)}
        self._carried_since = orders.carried_since(session)
        self._watched.clear()
        self.places.clear()
        own = list_limits(session, self.limits)
        self.put_orders(orders.list_watches(session, now=now), list_zones(session), own)

    def restore(self, session: Session, now: datetime) -> None:
        """Read everything; used at start and after the database was away."""
        self.restore_register(session, now)
        self.restored_at = now
        stored = list_presences(session)
        self._latest.clear()
        self._presences = {key: state for key, state in stored.items() if not is_resting(state)}
        self._device_states = list_device_states(session)
        self._reporting = list_reporting(session)
        believed = timedelta(seconds=self.limits.segment_max_s)
        self._seen = {
            state.device_id: self._see_again(session, state.fix, now - believed)
            for state in self._device_states.values()
            if state.fix is not None
        }
        for device_id in self._carried_since:
            self._forget_former_holder(device_id)

    def refresh(self, session: Session) -> bool:
        """Take over what changed in the register since the last look; returns whether anything did."""
        changes = orders.changes_after(session, self.revision)
        if not changes:
            return False
        self.revision = changes[-1].revision
        device_ids = {change.device_id for change in changes if change.device_id}
        order_ids = {change.order_id for change in changes if change.order_id}
        if device_ids:
            self.devices |= {device.id: device for device in orders.list_devices(session, device_ids)}
            for device_id in device_ids:
                self._carried_since.pop(device_id, None)
            self._carried_since |= orders.carried_since(session, device_ids)
            for device_id in device_ids:
                self._forget_former_holder(device_id)
        if order_ids:
            self._forget(order_ids)
            own = list_limits(session, self.limits, order_ids)
            self.put_orders(orders.list_watches(session, order_ids), list_zones(session, order_ids), own)
        return True

    def put_orders(
        self,
        watches: Iterable[Watch],
        zones: Iterable[ExclusionZone],
        own_limits: Mapping[UUID, Limits] = MappingProxyType({}),
    ) -> None:
        """Prepare orders, none of which is known yet, for judging, with their zones and own limits."""
        zones_of: dict[UUID, list[WatchedZone]] = {}
        bounds_of: dict[UUID, list[WatchedZone]] = {}
        for zone in zones:
            kept = zones_of if zone.purpose is Purpose.EXCLUSION else bounds_of
            kept.setdefault(zone.order_id, []).append(WatchedZone.of(zone))
        for watch in watches:
            watched = WatchedOrder(
                order=watch.order,
                wearer_devices=watch.wearer_devices,
                people=tuple(
                    WatchedPerson(
                        StateKey.of(watch.order.id, Subject.PERSON, person_id),
                        person_id,
                        devices,
                        pair_of(watch.order, person_id),
                    )
                    for person_id, devices in watch.protected
                ),
                zones=tuple(zones_of.get(watch.order.id, ())),
                bounds=tuple(bounds_of.get(watch.order.id, ())),
                limits=own_limits.get(watch.order.id, self.limits),
                exemptions=watch.exemptions,
            )
            self._watched[watch.order.id] = watched
            for device_id in watched.wearer_devices:
                self._place(device_id, Place(watched, Party.WEARER, None))
            for person in watched.people:
                for device_id in person.devices:
                    self._place(device_id, Place(watched, Party.PROTECTED, person))

    def take_over(self, changes: Changes) -> None:
        """Make a committed batch part of what is known."""
        self._seen |= changes.seen
        self._latest |= changes.latest
        self._device_states |= changes.devices
        self._reporting |= changes.reporting
        for key, state in changes.presences.items():
            if is_resting(state):
                self._presences.pop(key, None)
            else:
                self._presences[key] = state

    def was_carried(self, device_id: UUID, at: datetime) -> bool:
        """Say whether whoever carries the device now had it at that time.

        A device's clock may be off by `future_s`; what it said earlier is another person's.
        """
        since = self._carried_since.get(device_id)
        return since is not None and at >= since - timedelta(seconds=self.limits.future_s)

    def seen(self, device_id: UUID, changes: Changes) -> Seen | None:
        """Return a device's newest fix, this batch's included."""
        return changes.seen.get(device_id) or self._seen.get(device_id)

    def latest(self, device_id: UUID, changes: Changes) -> frozenset[FixKey] | None:
        """Return the keys of all fixes of a device's newest second; None when only the database knows."""
        return changes.latest.get(device_id) or self._latest.get(device_id)

    def newest_of(self, device_ids: Iterable[UUID], changes: Changes) -> Seen | None:
        """Return the newest fix over somebody's devices."""
        newest: Seen | None = None
        for device_id in device_ids:
            seen = self.seen(device_id, changes)
            if seen is not None and (newest is None or seen.at_s > newest.at_s):
                newest = seen
        return newest

    def device_state(self, device_id: UUID, changes: Changes) -> DeviceState | None:
        """Return a device's last word, this batch's included."""
        return changes.devices.get(device_id) or self._device_states.get(device_id)

    def reporting(self, device_id: UUID, changes: Changes) -> Reporting | None:
        """Return what a device was told of its interval, this batch's included."""
        return changes.reporting.get(device_id) or self._reporting.get(device_id)

    def presence(self, key: StateKey, changes: Changes) -> PresenceState:
        """Return the state of one zone or pair, this batch's included; what rests is not remembered."""
        return changes.presences.get(key) or self._presences.get(key, UNSEEN)

    def rests(self, key: StateKey, changes: Changes) -> bool:
        """Say whether a fix that is far from this zone or person changes nothing."""
        if key in changes.presences:
            return is_resting(changes.presences[key])
        return key not in self._presences

    def _see_again(self, session: Session, fix: Fix, believed_since: datetime) -> Seen:
        """Rebuild a device's newest fix; those before it count while the path between is believed."""
        seen: Seen | None = None
        if fix.fixed_at >= believed_since:
            for earlier in list_last(session, fix.device_id, LOOK_BACK_FIXES):
                seen = see(earlier, seen, self.limits)
        return seen or see(fix, None, self.limits)

    def _forget_former_holder(self, device_id: UUID) -> None:
        """Drop where a device was in other hands, and its troubles there: nothing of who has it now."""
        seen = self._seen.get(device_id)
        is_carried = device_id in self._carried_since
        if seen is not None and is_carried and not self.was_carried(device_id, seen.fix.fixed_at):
            del self._seen[device_id]
            self._latest.pop(device_id, None)
        state = self._device_states.get(device_id)
        if state is not None and is_carried and not self.was_carried(device_id, state.heard_at):
            # What was told of it then was told to others.
            fresh = msgspec.structs.replace(state, strap_heard_at=None, health=WELL)
            self._device_states[device_id] = fresh

    def _forget(self, order_ids: Collection[UUID]) -> None:
        for order_id in order_ids:
            watched = self._watched.pop(order_id, None)
            if watched is None:
                continue
            for device_id in _devices_of(watched):
                left = tuple(p for p in self.places.get(device_id, ()) if p.watched.order.id != order_id)
                if left:
                    self.places[device_id] = left
                else:
                    self.places.pop(device_id, None)

    def _place(self, device_id: UUID, place: Place) -> None:
        self.places[device_id] = (*self.places.get(device_id, ()), place)


def _devices_of(watched: WatchedOrder) -> set[UUID]:
    return {*watched.wearer_devices, *(device for person in watched.people for device in person.devices)}
