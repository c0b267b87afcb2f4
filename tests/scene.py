"""One order with its people, devices and a zone, made through the services, and messages from its devices."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from api.geofence.model import Circle, ExclusionZone, Visibility
from api.geofence.service.judging import Received
from api.geofence.store.zones import add_version
from api.kernel.db import transaction
from api.kernel.geo import Point
from api.kernel.mqtt import topic_of
from api.orders import service as orders
from api.orders.model import Device, DeviceDraft, DeviceKind, OrderDraft
from tests.factories import NOW

HOME = Point(51.9225, 4.4792)
"""Where the zone of 500 m lies, with a buffer of 250 m."""
M_PER_DEG_LAT = 111_250.0
"""Near enough at this latitude for tests that keep tens of metres from every edge."""


def north_of(place: Point, metres: float) -> Point:
    """A place so many metres to the north."""
    return Point(place.lat + metres / M_PER_DEG_LAT, place.lon)


FAR = north_of(HOME, 20_000)
"""Where the wearer is when nothing is the matter."""


@dataclass(frozen=True)
class Scene:
    """What a test needs to know of the order it plays with."""

    order_id: UUID
    wearer_id: UUID
    person_id: UUID
    zone_id: UUID
    ankle: Device
    phone: Device
    ankle_secret: str
    phone_secret: str


def make_scene(engine: Engine, now: datetime = NOW, **more: Any) -> Scene:
    """Put one exercise order into the register: wearer with ankle monitor, person with phone, one zone."""
    zone: dict[str, Any] = {
        "visibility": Visibility.DECLARED,
        "shape": Circle(HOME, 500.0),
        "buffer_m": 250.0,
    }
    zone |= more.pop("zone", {})
    sealed = more.pop("sealed", False)
    with transaction(engine) as session:
        wearer = orders.add_wearer(session, f"W-{uuid4().hex[:6]}", "Wearer Name", None, now)
        person = orders.add_person(session, f"P-{uuid4().hex[:6]}", "Person Name", None, now)
        values: dict[str, Any] = {
            "reference": f"C-{uuid4().hex[:8]}",
            "court": "Rechtbank Rotterdam",
            "wearer_id": wearer.id,
            "protected_person_ids": (person.id,),
            "valid_from": now - timedelta(days=1),
            "valid_until": now + timedelta(days=365),
            "alert_radius_m": 500.0,
            "warning_radius_m": 1000.0,
            "exercise": True,
        }
        order = orders.add_order(session, OrderDraft(**(values | more)), None, now)
        kinds = (DeviceKind.ANKLE_MONITOR, DeviceKind.PHONE)
        drafts = [
            DeviceDraft(kind, "test", sealed=sealed, require_sealed=sealed, simulated=True) for kind in kinds
        ]
        (ankle, ankle_secret), (phone, phone_secret) = [
            orders.add_device(session, draft, None, now) for draft in drafts
        ]
        begun = now - timedelta(days=40)  # longer ago than any message that is still judged
        orders.assign_device(session, ankle.id, wearer.id, None, None, now, since=begun)
        orders.assign_device(session, phone.id, None, person.id, None, now, since=begun)
        zone_id = uuid4()
        add_version(session, ExclusionZone(zone_id, 1, order.id, "home", **zone), None, now)
        orders.note_change(session, now, order_id=order.id)
    return Scene(order.id, wearer.id, person.id, zone_id, ankle, phone, ankle_secret, phone_secret)


def location(point: Point, at: datetime, **more: Any) -> bytes:
    """A position message; `acc=None` leaves the accuracy out."""
    message = {"_type": "location", "lat": point.lat, "lon": point.lon, "tst": int(at.timestamp()), "acc": 8}
    return json.dumps({name: value for name, value in (message | more).items() if value is not None}).encode()


def received(device: Device, payload: bytes, at: datetime, lane: str = "") -> Received:
    """The message as the worker gets it from the broker."""
    return Received(topic_of(device.shard, device.id, lane), payload, at)


def position(device: Device, point: Point, at: datetime, **more: Any) -> Received:
    """A position that arrives `delay_s` after it was fixed."""
    delay = timedelta(seconds=more.pop("delay_s", 1))
    return received(device, location(point, at, **more), at + delay)
