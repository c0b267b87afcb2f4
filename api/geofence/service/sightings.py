"""Use cases of sightings by other means than a device: entered, judged at once, listed."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import RULE_VERSION, Event
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import BadSighting, ExternalSighting, Fix, Limits, Purpose, SightingSource
from api.geofence.rules.proximity import pair_of
from api.geofence.rules.sightings import Counterpart, judge_sighting
from api.geofence.store import sightings as store
from api.geofence.store.evidence import Judge, add_batch
from api.geofence.store.fixes import find_around
from api.geofence.store.limits import list_limits
from api.geofence.store.zones import list_zones
from api.kernel import audit
from api.kernel.geo import Point
from api.orders import service as orders
from api.orders.model import Party, ProtectiveOrder, Watch


@dataclass(frozen=True, slots=True)
class SightingDraft:
    """What is told of a sighting; fields as in `ExternalSighting`.

    `person_id` may be None for a protected person where the order protects one only.
    """

    party: Party
    person_id: UUID | None
    seen_at: datetime
    point: Point
    accuracy_m: float
    source: SightingSource
    note: str


def add_sighting(
    session: Session,
    order_id: UUID,
    draft: SightingDraft,
    house: Limits,
    actor_id: UUID | None,
    now: datetime,
) -> ExternalSighting:
    """Keep a sighting and raise what follows from it, under every order of who was seen.

    A wearer under two orders may be seen in the zone of the one that the operator has not opened.

    Raises:
        OrderNotFound: There is no such order.
        BadSighting: It is in the future, or does not say whom it is of.
    """
    order = orders.get_order(session, order_id)
    _check(order, draft, house, now)
    people = order.protected_person_ids
    sighting = ExternalSighting(
        id=uuid.uuid4(),
        order_id=order_id,
        party=draft.party,
        person_id=(draft.person_id or people[0]) if draft.party is Party.PROTECTED else None,
        seen_at=draft.seen_at,
        received_at=now,
        point=draft.point,
        accuracy_m=draft.accuracy_m,
        source=draft.source,
        note=draft.note,
        author_id=actor_id,
    )
    audit.record(session, now, actor_id, "geofence.add_sighting", sighting.id, f"order {order_id}")
    take_sighting(session, sighting, house)
    return sighting


def take_sighting(session: Session, sighting: ExternalSighting, house: Limits) -> None:
    """Keep a sighting and raise what follows from it as of its arrival; a replay takes it again."""
    now, order = sighting.received_at, orders.get_order(session, sighting.order_id)
    store.add_sighting(session, sighting)
    if events := _judge(session, sighting, order, house):
        add_batch(session, Judge.STAFF, now, orders.latest_revision(session), None, RULE_VERSION)
        alerts.open_alerts(session, events, now)


def list_seen(session: Session, order_ids: Collection[UUID]) -> list[ExternalSighting]:
    """Return every sighting of these orders, the first entered first: for a replay, not for a page."""
    return [
        seen
        for order_id in order_ids
        for seen in store.page_sightings(session, order_id, 0, store.count_sightings(session, order_id))[::-1]
    ]


def count_sightings(session: Session, order_id: UUID) -> int:
    """Return how many sightings were entered under an order; raises OrderNotFound."""
    orders.get_order(session, order_id)
    return store.count_sightings(session, order_id)


def list_sightings(
    session: Session, order_id: UUID, first: int, limit: int, actor_id: UUID, now: datetime
) -> list[ExternalSighting]:
    """Return part of an order's sightings, the last entered first; the audit trail says who looked."""
    audit.record(session, now, actor_id, "geofence.list_sightings", order_id)
    return store.page_sightings(session, order_id, first, limit)


def _check(order: ProtectiveOrder, draft: SightingDraft, house: Limits, now: datetime) -> None:
    faults: dict[str, list[str]] = {}
    if (draft.seen_at - now).total_seconds() > house.future_s:
        faults["seen_at"] = ["Must not be in the future."]
    people = order.protected_person_ids
    if draft.party is Party.WEARER and draft.person_id is not None:
        faults["person_id"] = ["Must be left out: the wearer was seen."]
    elif draft.person_id is not None and draft.person_id not in people:
        faults["person_id"] = ["The order does not protect this person."]
    elif draft.party is Party.PROTECTED and draft.person_id is None and len(people) > 1:
        faults["person_id"] = ["The order protects several people: say which was seen."]
    if faults:
        raise BadSighting("This cannot have been seen.", faults)


def _judge(
    session: Session, sighting: ExternalSighting, order: ProtectiveOrder, house: Limits
) -> list[Event]:
    """Hold a sighting against every order in which who was seen has a part."""
    her = sighting.person_id
    wearers, persons = ([], [her]) if her else ([order.wearer_id], [])
    watches = orders.list_watches_of(session, wearers, persons)
    ids = [watch.order.id for watch in watches]
    zones, own_limits = list_zones(session, ids), list_limits(session, house, ids)
    devices = {device_id for watch in watches for device_id in _devices_of(watch)}
    fixes = _Fixes(session, orders.carried_since(session, devices), sighting.seen_at)
    forbidden = [zone for zone in zones if zone.purpose is Purpose.EXCLUSION]
    events: list[Event] = []
    for watch in watches:
        hers = dict(watch.protected)
        own = hers[her] if her else watch.wearer_devices
        others = {her: watch.wearer_devices} if her else hers
        events += judge_sighting(
            sighting,
            watch.order,
            *fixes.around(own),
            [PreparedZone.from_zone(zone) for zone in forbidden if zone.order_id == watch.order.id],
            [
                Counterpart(
                    pair_of(watch.order, person_id),
                    tuple(fix for fix in fixes.around(theirs) if fix is not None),
                )
                for person_id, theirs in others.items()
            ],
            own_limits.get(watch.order.id, house),
        )
    return events


def _devices_of(watch: Watch) -> list[UUID]:
    return [*watch.wearer_devices, *(device for _person, devices in watch.protected for device in devices)]


class _Fixes:
    """Fixes round one moment, of who carries the devices now: earlier ones are another person's."""

    def __init__(self, session: Session, carried_since: Mapping[UUID, datetime], at: datetime) -> None:
        self._session = session
        self._carried_since = carried_since
        self._at = at

    def around(self, device_ids: Sequence[UUID]) -> tuple[Fix | None, Fix | None]:
        """Return the last fix not after the moment and the first after it, over these devices."""
        mine = [device_id for device_id in device_ids if device_id in self._carried_since]
        before, after = find_around(self._session, mine, self._at) if mine else (None, None)
        return self._own(before), self._own(after)

    def _own(self, fix: Fix | None) -> Fix | None:
        return fix if fix and fix.fixed_at >= self._carried_since[fix.device_id] else None
