"""Use cases of protective orders."""

import uuid
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import audit
from api.kernel.db import serialise
from api.orders import rules
from api.orders.model import (
    BadOrder,
    OrderChanged,
    OrderDraft,
    OrderRevoked,
    ProtectiveOrder,
    ReferenceTaken,
    SimulatedOnRealOrder,
)
from api.orders.service.watches import REGISTER, note_orders
from api.orders.store import devices, orders, people


def add_order(session: Session, draft: OrderDraft, actor_id: UUID | None, now: datetime) -> ProtectiveOrder:
    """Register an order; raises BadOrder, ReferenceTaken or SimulatedOnRealOrder."""
    serialise(session, REGISTER)
    order = _order(draft, uuid.uuid4())
    _check(session, draft, order, now)
    orders.add_order(session, order, now)
    note_orders(session, now, [order])
    audit.record(session, now, actor_id, "orders.add", order.id)
    return order


def change_order(
    session: Session, seen: ProtectiveOrder, draft: OrderDraft, actor_id: UUID | None, now: datetime
) -> ProtectiveOrder:
    """Change an order that is still as the caller has seen it.

    Raises:
        OrderChanged: It is not.
        OrderRevoked: It was revoked.
        BadOrder, ReferenceTaken, SimulatedOnRealOrder: The draft cannot be.
    """
    serialise(session, REGISTER)
    if orders.get_order(session, seen.id) != seen:
        raise OrderChanged("Somebody else changed the order meanwhile: read it again.")
    if seen.revoked_at is not None:
        raise OrderRevoked("The order was revoked: the court has to make another.")
    rules.check_change(seen, draft)
    order = _order(draft, seen.id)
    _check(session, draft, order, now)
    orders.save_order(session, order, now)
    note_orders(session, now, [order])
    audit.record(session, now, actor_id, "orders.change", order.id)
    return order


def revoke_order(session: Session, order_id: UUID, actor_id: UUID | None, now: datetime) -> ProtectiveOrder:
    """End an order now; doing it again changes nothing, so that a lost answer may be asked for again."""
    serialise(session, REGISTER)
    order = orders.get_order(session, order_id)
    if order.revoked_at is not None:
        return order
    revoked = replace(order, revoked_at=now)
    orders.save_order(session, revoked, now)
    note_orders(session, now, [revoked])
    audit.record(session, now, actor_id, "orders.revoke", order_id)
    return revoked


def get_order(session: Session, order_id: UUID) -> ProtectiveOrder:
    """Return one order; raises OrderNotFound."""
    return orders.get_order(session, order_id)


def count_orders(session: Session) -> int:
    """Return how many orders there are."""
    return orders.count_orders(session)


def list_orders(session: Session, first: int, limit: int) -> list[ProtectiveOrder]:
    """Return part of all orders by reference, from the `first`-th (0 = first)."""
    return orders.page_orders(session, first, limit)


def added_since(session: Session, since: datetime) -> frozenset[UUID]:
    """Return the orders that joined the register at this moment or later."""
    return frozenset(orders.list_added_since(session, since))


def _order(draft: OrderDraft, order_id: UUID) -> ProtectiveOrder:
    return ProtectiveOrder(id=order_id, revoked_at=None, **asdict(draft))


def _check(session: Session, draft: OrderDraft, order: ProtectiveOrder, now: datetime) -> None:
    """Raise unless the order holds together, everybody in it exists and no simulated device is real."""
    rules.check_order(draft)
    faults: dict[str, list[str]] = {}
    if not people.list_wearer_references(session, [draft.wearer_id]):
        faults["wearer_id"] = ["There is no such wearer."]
    known = people.list_person_references(session, draft.protected_person_ids)
    if missing := [str(person_id) for person_id in draft.protected_person_ids if person_id not in known]:
        faults["protected_person_ids"] = [f"There is no such protected person: {', '.join(missing)}."]
    if faults:
        raise BadOrder("The order names people who are not registered.", faults)
    if orders.find_order_id(session, draft.reference) not in {None, order.id}:
        message = "Another order has this reference already."
        raise ReferenceTaken(message, {"reference": [message]})
    if not order.exercise and not rules.has_ended(order, now):
        _check_devices_are_real(session, order)


def _check_devices_are_real(session: Session, order: ProtectiveOrder) -> None:
    carried = devices.list_current_assignments_of(session, [order.wearer_id], order.protected_person_ids)
    for device in devices.list_devices(session, [assignment.device_id for assignment in carried]):
        if device.simulated:
            message = f"Device {device.id} of these people is simulated: an order with it is an exercise."
            raise SimulatedOnRealOrder(message, {"exercise": [message]})
