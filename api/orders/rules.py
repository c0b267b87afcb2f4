"""Decisions about orders and devices: what holds together, what is in force, where a device speaks."""

from datetime import datetime, timedelta
from uuid import UUID

from api.kernel.config import SHARD_COUNT
from api.orders.model import (
    LONGEST_EXEMPTION,
    MAX_RADIUS_M,
    MAX_REASON_CHARACTERS,
    MIN_RADIUS_M,
    AgreedPlace,
    BadExemption,
    BadOrder,
    Exemption,
    ExemptionDraft,
    OrderDraft,
    ProtectiveOrder,
)


def has_ended(order: ProtectiveOrder, at: datetime) -> bool:
    """Say whether the order's time is over, by its own date or because the court revoked it."""
    until, revoked_at = order.valid_until, order.revoked_at
    return (until is not None and until <= at) or (revoked_at is not None and revoked_at <= at)


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


def check_exemption(draft: ExemptionDraft, order: ProtectiveOrder, now: datetime) -> None:
    """Raise BadExemption, naming every field at fault, unless it is bounded and only about this order.

    Whether the zones are the order's is not asked: one that is not covers nothing.
    """
    faults: dict[str, list[str]] = {}
    if not draft.reason.strip() or len(draft.reason) > MAX_REASON_CHARACTERS:
        faults["reason"] = [f"Must be 1 to {MAX_REASON_CHARACTERS} characters that say something."]
    if strangers := [str(one) for one in draft.person_ids if one not in order.protected_person_ids]:
        faults["person_ids"] = [f"Not protected by this order: {', '.join(strangers)}."]
    for name, ids in (("person_ids", draft.person_ids), ("zone_ids", draft.zone_ids)):
        if len(set(ids)) < len(ids):
            faults[name] = ["Each once."]
    if draft.place is not None and not _is_on_the_map(draft.place):
        faults["place"] = [f"Must be on the Earth and {MIN_RADIUS_M:g} to {MAX_RADIUS_M:g} metres wide."]
    longest = LONGEST_EXEMPTION[draft.kind]
    if draft.valid_until <= max(draft.valid_from, now):
        faults["valid_until"] = ["Must be later than valid_from, and not over already."]
    elif draft.valid_until - draft.valid_from > longest:
        faults["valid_until"] = [f"At most {longest / timedelta(hours=1):g} hours after valid_from."]
    if faults:
        raise BadExemption("The exemption does not hold together.", faults)


def _is_on_the_map(place: AgreedPlace) -> bool:
    lat, lon = place.center
    is_somewhere = -90.0 <= lat <= 90.0 and -180.0 <= lon <= 180.0
    return is_somewhere and MIN_RADIUS_M <= place.radius_m <= MAX_RADIUS_M  # what is no number is neither


def exempt_from(exemption: Exemption) -> datetime:
    """Return the first moment covered: what nobody had agreed to in the register is never made undone."""
    return max(exemption.valid_from, exemption.created_at)


def is_exempt_at(exemption: Exemption, at: datetime) -> bool:
    """Say whether it covers this moment; the first moment counts, the last does not."""
    end = exemption.valid_until
    if exemption.ended_at is not None:
        end = min(end, exemption.ended_at)
    return exempt_from(exemption) <= at < end


def covers_subject(exemption: Exemption, zone_id: UUID | None, person_id: UUID | None) -> bool:
    """Say whether it is about this zone or, without a zone, this person.

    One that names people or zones covers what it names and nothing else: a hand-over with her must not open
    the zone round another's home. What is about neither (he is silent) concerns
    everybody: only an exemption that names nothing covers it.
    """
    if not exemption.person_ids and not exemption.zone_ids:
        return True
    return zone_id in exemption.zone_ids if zone_id is not None else person_id in exemption.person_ids


def shard_of(device_id: UUID) -> int:
    """Return the shard, 0..63, in which a device speaks: its last random bits, so all fill alike."""
    return device_id.int % SHARD_COUNT
