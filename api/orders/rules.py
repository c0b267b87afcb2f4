"""Decisions about orders and devices: what holds together, what is in force, where a device speaks."""

from datetime import datetime
from uuid import UUID

from api.kernel.config import SHARD_COUNT
from api.orders.model import MAX_RADIUS_M, MIN_RADIUS_M, BadOrder, OrderDraft, ProtectiveOrder


def has_ended(order: ProtectiveOrder, at: datetime) -> bool:
    """Say whether the order's time is over, by its own date or because the court revoked it."""
    return any(end is not None and end <= at for end in (order.valid_until, order.revoked_at))


def is_in_force(order: ProtectiveOrder, at: datetime) -> bool:
    """Say whether the order binds the wearer at this moment; the first moment counts, the last does not."""
    return order.valid_from <= at and not has_ended(order, at)


def check_order(draft: OrderDraft) -> None:
    """Raise BadOrder, naming every field at fault, unless dates, radii and people hold together."""
    faults: dict[str, list[str]] = {}
    if draft.valid_until is not None and draft.valid_until <= draft.valid_from:
        faults["valid_until"] = ["Must be later than valid_from."]
    for name, radius_m in (
        ("alert_radius_m", draft.alert_radius_m),
        ("warning_radius_m", draft.warning_radius_m),
    ):
        if not MIN_RADIUS_M <= radius_m <= MAX_RADIUS_M:  # also refuses what is no number
            faults[name] = [f"Must be from {MIN_RADIUS_M:g} to {MAX_RADIUS_M:g} metres."]
    if "warning_radius_m" not in faults and draft.warning_radius_m < draft.alert_radius_m:
        faults["warning_radius_m"] = ["Must not be less than alert_radius_m."]
    people = draft.protected_person_ids
    if not people:
        faults["protected_person_ids"] = ["An order protects at least one person."]
    elif len(set(people)) < len(people):
        faults["protected_person_ids"] = ["Each person once."]
    elif draft.wearer_id in people:
        faults["protected_person_ids"] = ["Nobody is protected from themselves."]
    if faults:
        raise BadOrder("The order does not hold together.", faults)


def check_change(seen: ProtectiveOrder, draft: OrderDraft) -> None:
    """Raise BadOrder unless the draft leaves alone what an order keeps for its whole life."""
    faults = {
        name: ["Cannot be changed: revoke this order and make another."]
        for name, old, new in (
            ("wearer_id", seen.wearer_id, draft.wearer_id),
            ("exercise", seen.exercise, draft.exercise),
        )
        if old != new
    }
    if faults:
        raise BadOrder("An order keeps its wearer and its kind.", faults)


def shard_of(device_id: UUID) -> int:
    """Return the shard, 0..63, in which a device speaks: its last random bits, so all fill alike."""
    return device_id.int % SHARD_COUNT
