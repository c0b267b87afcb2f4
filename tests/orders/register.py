"""Fills the register through its services, with harmless defaults."""

import uuid
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.orders import service
from api.orders.model import Device, DeviceDraft, DeviceKind, OrderDraft, ProtectiveOrder
from tests.factories import NOW


def make_draft(**more: Any) -> OrderDraft:
    """A draft in force from a day ago, without an end: 500 m alert, 1,000 m warning, no exercise."""
    values: dict[str, Any] = {
        "reference": f"C-{uuid.uuid4().hex[:8]}",
        "court": "Rechtbank Rotterdam",
        "wearer_id": uuid.uuid4(),
        "protected_person_ids": (uuid.uuid4(),),
        "valid_from": NOW - timedelta(days=1),
        "valid_until": None,
        "alert_radius_m": 500.0,
        "warning_radius_m": 1000.0,
        "exercise": False,
    }
    return OrderDraft(**(values | more))


def add_wearer(session: Session) -> UUID:
    return service.add_wearer(session, f"W-{uuid.uuid4().hex[:8]}", "Jan Jansen", None, NOW).id


def add_person(session: Session) -> UUID:
    return service.add_person(session, f"P-{uuid.uuid4().hex[:8]}", "Anna de Vries", None, NOW).id


def add_order(session: Session, now: datetime = NOW, **more: Any) -> ProtectiveOrder:
    """An order between people who are made too unless given."""
    people: dict[str, Any] = {}
    if "wearer_id" not in more:
        people["wearer_id"] = add_wearer(session)
    if "protected_person_ids" not in more:
        people["protected_person_ids"] = (add_person(session),)
    return service.add_order(session, make_draft(**(people | more)), None, now)


def add_device(session: Session, **more: Any) -> Device:
    values: dict[str, Any] = {
        "kind": DeviceKind.ANKLE_MONITOR,
        "label": "nr. 7",
        "sealed": False,
        "require_sealed": False,
        "simulated": False,
    }
    return service.add_device(session, DeviceDraft(**(values | more)), None, NOW)[0]


def assign_to_wearer(session: Session, device: Device, wearer_id: UUID, now: datetime = NOW) -> None:
    service.assign_device(session, device.id, wearer_id, None, None, now)


def assign_to_person(session: Session, device: Device, person_id: UUID, now: datetime = NOW) -> None:
    service.assign_device(session, device.id, None, person_id, None, now)
