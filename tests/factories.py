"""Builds values with harmless defaults, so that a test names only what it is about."""

import uuid
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from api.geofence.model import Circle, ExclusionZone, Fix, Visibility
from api.kernel.geo import Point
from api.orders.model import Exemption, ExemptionDraft, ExemptionKind, ProtectiveOrder

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


def make_exemption_draft(**more: Any) -> ExemptionDraft:
    """A hand-over from now on for an hour, of everybody and every zone, anywhere."""
    values: dict[str, Any] = {
        "kind": ExemptionKind.AGREED_HANDOVER,
        "reason": "the children",
        "person_ids": (),
        "zone_ids": (),
        "place": None,
        "valid_from": NOW,
        "valid_until": NOW + timedelta(hours=1),
    }
    return ExemptionDraft(**(values | more))


def make_exemption(**more: Any) -> Exemption:
    """The same, agreed a day ago for the order of `make_circle_zone`."""
    values: dict[str, Any] = {
        "id": uuid.UUID(int=70),
        "order_id": uuid.UUID(int=3),
        "created_by": None,
        "created_at": NOW - timedelta(days=1),
        "ended_at": None,
        "ended_by": None,
    }
    draft = {
        name: more.pop(name) for name in [field.name for field in fields(ExemptionDraft)] if name in more
    }
    return Exemption(**(_fields(make_exemption_draft(**draft)) | values | more))


def _fields(draft: ExemptionDraft) -> dict[str, Any]:
    return {field.name: getattr(draft, field.name) for field in fields(draft)}
