"""Builds values with harmless defaults, so that a test names only what it is about."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from api.geofence.model import Circle, ExclusionZone, Fix, Visibility
from api.kernel.geo import Point
from api.orders.model import ProtectiveOrder

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLACE = Point(52.0, 4.5)


def make_fix(*, at: datetime = NOW, point: Point = PLACE, accuracy_m: float | None = 5.0, **more: Any) -> Fix:
    """A live fix with a good accuracy."""
    more.setdefault("device_id", uuid.UUID(int=1))
    more.setdefault("received_at", at)
    return Fix(fixed_at=at, point=point, accuracy_m=accuracy_m, **more)


def make_circle_zone(*, center: Point = PLACE, radius_m: float = 500.0, **more: Any) -> ExclusionZone:
    """A declared circle with a 250 m buffer."""
    values: dict[str, Any] = {
        "id": uuid.UUID(int=2),
        "version": 1,
        "order_id": uuid.UUID(int=3),
        "name": "home",
        "buffer_m": 250.0,
        "visibility": Visibility.DECLARED,
    }
    return ExclusionZone(shape=Circle(center, radius_m), **(values | more))


def make_order(**more: Any) -> ProtectiveOrder:
    """An order in force from a day ago, without an end: 500 m alert, 1,000 m warning."""
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "reference": f"C-{uuid.uuid4().hex[:8]}",
        "court": "Rechtbank Rotterdam",
        "wearer_id": uuid.uuid4(),
        "protected_person_ids": (uuid.uuid4(),),
        "valid_from": NOW - timedelta(days=1),
        "valid_until": None,
        "revoked_at": None,
        "alert_radius_m": 500.0,
        "warning_radius_m": 1000.0,
        "exercise": True,
    }
    return ProtectiveOrder(**(values | more))
