"""Use cases of devices: the register, their secrets, and who carries which."""

import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import audit, crypto
from api.kernel.db import serialise
from api.orders import rules
from api.orders.model import (
    Assignment,
    BadAssignment,
    BadDevice,
    Device,
    DeviceDraft,
    DeviceRetired,
    DeviceTaken,
    DeviceUnassigned,
    ProtectiveOrder,
    SimulatedOnRealOrder,
)
from api.orders.service.watches import REGISTER, note_change, note_orders
from api.orders.store import devices, orders, people


def add_device(
    session: Session, draft: DeviceDraft, actor_id: UUID | None, now: datetime
) -> tuple[Device, str]:
    """Register a device; returns it with its broker password, which is stored nowhere in clear."""
    if draft.require_sealed and not draft.sealed:
        message = "A device that must seal needs a sealing key: set sealed too."
        raise BadDevice(message, {"require_sealed": [message]})
    device_id, secret = uuid.uuid4(), crypto.new_token()
    device = Device(
        id=device_id,
        kind=draft.kind,
        label=draft.label,
        shard=rules.shard_of(device_id),
        secret_hash=crypto.hash_device_secret(secret),
        sealing_key=crypto.new_key() if draft.sealed else None,
        require_sealed=draft.require_sealed,
        simulated=draft.simulated,
        retired_at=None,
    )
    devices.add_device(session, device, now)
    note_change(session, now, device_id=device_id)
    audit.record(session, now, actor_id, "orders.add_device", device_id)
    return device, secret


def renew_secret(
    session: Session, device_id: UUID, actor_id: UUID | None, now: datetime
) -> tuple[Device, str]:
    """Give a device another broker password; returns it once. Raises DeviceRetired."""
    device, secret = _usable(session, device_id), crypto.new_token()
    hashed = crypto.hash_device_secret(secret)
    devices.save_secret(session, device_id, hashed)
    note_change(session, now, device_id=device_id)
    audit.record(session, now, actor_id, "orders.renew_secret", device_id)
    return replace(device, secret_hash=hashed), secret


def retire_device(session: Session, device_id: UUID, actor_id: UUID | None, now: datetime) -> Device:
    """Take a device out of use for good; doing it again changes nothing.

    Raises DeviceTaken while somebody carries it: a wearer's monitoring must not end as a side effect.
    """
    serialise(session, REGISTER)
    device = devices.get_device(session, device_id)
    if device.retired_at is not None:
        return device
    if devices.find_current_assignment(session, device_id) is not None:
        raise DeviceTaken("The device is assigned to somebody: unassign it first.")
    devices.save_retired(session, device_id, now)
    note_change(session, now, device_id=device_id)
    audit.record(session, now, actor_id, "orders.retire_device", device_id)
    return replace(device, retired_at=now)


def assign_device(
    session: Session,
    device_id: UUID,
    wearer_id: UUID | None,
    protected_person_id: UUID | None,
    actor_id: UUID | None,
    now: datetime,
    *,
    since: datetime | None = None,
) -> Assignment:
    """Hand a device to a wearer or to a protected person.

    `since` is when that really happened, if it is entered afterwards; None is now. What the device said
    before belongs to whoever had it then and is never held against this holder.

    Raises:
        BadAssignment: Not exactly one holder, or one who does not exist; or `since` cannot be.
        DeviceRetired, DeviceTaken: It cannot be handed out.
        SimulatedOnRealOrder: It is played by software and an order of the holder is real.
    """
    device = _usable(session, device_id)
    _check_holder(session, wearer_id, protected_person_id)
    if devices.find_current_assignment(session, device_id) is not None:
        raise DeviceTaken("The device is assigned to somebody already: unassign it first.")
    since = _check_since(session, device_id, since or now, now)
    assignment = Assignment(uuid.uuid4(), device_id, wearer_id, protected_person_id, since, None, now)
    affected = _orders_of(session, assignment)
    if device.simulated and any(not o.exercise and not rules.has_ended(o, now) for o in affected):
        raise SimulatedOnRealOrder("The device is simulated and the holder has an order that is real.")
    devices.add_assignment(session, assignment)
    note_change(session, now, device_id=device_id)
    note_orders(session, now, affected)
    audit.record(session, now, actor_id, "orders.assign_device", device_id, _holder(assignment))
    return assignment


def unassign_device(session: Session, device_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Take a device back; raises DeviceUnassigned when nobody carries it."""
    serialise(session, REGISTER)
    devices.get_device(session, device_id)
    assignment = devices.find_current_assignment(session, device_id)
    if assignment is None:
        raise DeviceUnassigned("The device is assigned to nobody.")
    devices.end_assignment(session, assignment.id, now)
    note_change(session, now, device_id=device_id)
    note_orders(session, now, _orders_of(session, assignment))
    audit.record(session, now, actor_id, "orders.unassign_device", device_id, _holder(assignment))


def get_device(session: Session, device_id: UUID) -> Device:
    """Return one device; raises DeviceNotFound."""
    return devices.get_device(session, device_id)


def list_devices(session: Session, device_ids: Collection[UUID] | None = None) -> list[Device]:
    """Return every device, retired ones included, or those of these ids that exist."""
    return devices.list_devices(session, device_ids)


def count_devices(session: Session) -> int:
    """Return how many devices there are, retired ones included."""
    return devices.count_devices(session)


def page_devices(session: Session, first: int, limit: int) -> list[Device]:
    """Return part of all devices, newest first, from the `first`-th (0 = first)."""
    return devices.page_devices(session, first, limit)


def list_assignments(session: Session, device_id: UUID) -> list[Assignment]:
    """Return who carried a device, oldest first; raises DeviceNotFound."""
    devices.get_device(session, device_id)
    return devices.list_assignments(session, device_id)


def authenticate_device(session: Session, device_id: UUID, secret: str) -> Device | None:
    """Return the device if this is its password and it is in use; the unknown costs the same time."""
    found = devices.list_devices(session, [device_id])
    device = found[0] if found and found[0].retired_at is None else None
    hashed = device.secret_hash if device else _hash_of_nothing()
    return device if crypto.is_device_secret(hashed, secret) else None


@lru_cache(maxsize=1)
def _hash_of_nothing() -> str:
    return crypto.hash_device_secret(crypto.new_token())


def _usable(session: Session, device_id: UUID) -> Device:
    serialise(session, REGISTER)
    device = devices.get_device(session, device_id)
    if device.retired_at is not None:
        raise DeviceRetired("The device is retired.")
    return device


def _check_holder(session: Session, wearer_id: UUID | None, person_id: UUID | None) -> None:
    if (wearer_id is None) == (person_id is None):
        message = "Give exactly one of wearer_id and protected_person_id."
        raise BadAssignment(message, {"wearer_id": [message], "protected_person_id": [message]})
    if wearer_id is not None and not people.list_wearer_references(session, [wearer_id]):
        raise BadAssignment("There is no such wearer.", {"wearer_id": ["There is no such wearer."]})
    if person_id is not None and not people.list_person_references(session, [person_id]):
        message = "There is no such protected person."
        raise BadAssignment(message, {"protected_person_id": [message]})


def _check_since(session: Session, device_id: UUID, since: datetime, now: datetime) -> datetime:
    if since > now:
        message = "A device cannot be handed out in the future."
        raise BadAssignment(message, {"since": [message]})
    handed_back = [a.unassigned_at for a in devices.list_assignments(session, device_id) if a.unassigned_at]
    if handed_back and since < max(handed_back):
        message = f"The device was handed back at {max(handed_back).isoformat(timespec='seconds')}."
        raise BadAssignment(message, {"since": [message]})
    return since


def _orders_of(session: Session, assignment: Assignment) -> list[ProtectiveOrder]:
    wearer_ids = [assignment.wearer_id] if assignment.wearer_id else []
    person_ids = [assignment.protected_person_id] if assignment.protected_person_id else []
    return orders.list_orders_of(session, wearer_ids, person_ids)


def _holder(assignment: Assignment) -> str:
    """Return the holder's id for the audit trail."""
    return str(assignment.wearer_id or assignment.protected_person_id)
