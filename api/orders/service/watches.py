"""What the geofence needs to know of the register, and the log that tells it what has changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel.db import serialise
from api.orders.model import (
    EXEMPTIONS_KEPT,
    Assignment,
    Exemption,
    OrderNotFound,
    ProtectiveOrder,
    RegisterChange,
    Watch,
)
from api.orders.store import changes, devices, exemptions, orders

REGISTER = "orders.register"
"""One transaction at a time changes the register, so that a check still holds when it is acted on."""


def list_watches(
    session: Session, order_ids: Collection[UUID] | None = None, *, now: datetime | None = None
) -> list[Watch]:
    """Return every order, ended ones included, or those of these ids, with who carries what now.

    With `now`, exemptions that ended more than EXEMPTIONS_KEPT ago are left out: no data is judged by them.
    Four statements for all orders, so that a worker starts in seconds with 100,000 of them.
    """
    exempted = exemptions.list_exemptions(session, order_ids, None if now is None else now - EXEMPTIONS_KEPT)
    chosen = orders.list_orders(session, order_ids)
    if order_ids is None:
        carried = devices.list_current_assignments(session)
    else:
        wearer_ids = {order.wearer_id for order in chosen}
        person_ids = {person_id for order in chosen for person_id in order.protected_person_ids}
        carried = devices.list_current_assignments_of(session, wearer_ids, person_ids)
    return _join(chosen, carried, exempted)


def list_watches_of(
    session: Session, wearer_ids: Collection[UUID], person_ids: Collection[UUID]
) -> list[Watch]:
    """Return every order in which any of a few people has a part, with who carries what now."""
    return list_watches(
        session, [order.id for order in orders.list_orders_of(session, wearer_ids, person_ids)]
    )


def get_watch(session: Session, order_id: UUID) -> Watch:
    """Return one order with who carries what now; raises OrderNotFound."""
    watches = list_watches(session, [order_id])
    if not watches:
        raise OrderNotFound("There is no such order.")
    return watches[0]


def carried_since(session: Session, device_ids: Collection[UUID] | None = None) -> dict[UUID, datetime]:
    """Return since when each device, or each of these, has been carried by whom it is assigned to now."""
    found = devices.list_current_assignments(session, device_ids)
    return {assignment.device_id: assignment.assigned_at for assignment in found}


def listened_since(session: Session) -> dict[UUID, datetime]:
    """Return since when each device that is carried now could be heard: a hand-over may be entered late."""
    return {found.device_id: found.entered_at for found in devices.list_current_assignments(session)}


def note_change(
    session: Session, now: datetime, order_id: UUID | None = None, device_id: UUID | None = None
) -> None:
    """Tell running workers to read an order's watch or a device's entry again."""
    serialise(session, REGISTER)
    changes.add_changes(session, now, [(order_id, device_id)])


def note_orders(session: Session, now: datetime, changed: Iterable[ProtectiveOrder]) -> None:
    """Tell running workers to read these orders' watches again."""
    serialise(session, REGISTER)
    changes.add_changes(session, now, [(order.id, None) for order in changed])


def latest_revision(session: Session) -> int:
    """Return the number of the last change; read it before the watches, in the same transaction."""
    return changes.latest_revision(session)


def changes_after(session: Session, revision: int) -> list[RegisterChange]:
    """Return what changed after this number, oldest first."""
    return changes.list_changes_after(session, revision)


def _join(chosen: list[ProtectiveOrder], carried: list[Assignment], exempted: list[Exemption]) -> list[Watch]:
    by_order: defaultdict[UUID, list[Exemption]] = defaultdict(list)
    for exemption in exempted:
        by_order[exemption.order_id].append(exemption)
    by_holder: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for assignment in carried:
        holder_id = assignment.wearer_id or assignment.protected_person_id
        if holder_id is not None:
            by_holder[holder_id].append(assignment.device_id)
    return [
        Watch(
            order,
            tuple(by_holder.get(order.wearer_id, ())),
            tuple(
                (person_id, tuple(by_holder.get(person_id, ()))) for person_id in order.protected_person_ids
            ),
            tuple(by_order.get(order.id, ())),
        )
        for order in chosen
    ]
