"""Somebody was seen by other means than a device: what that says against the device, and of a breach.

"Device present" is not "person present": a bracelet said 80 km away while cameras filmed him at her home
(field/monitoring.md section 1, E24).
"""

from collections.abc import Sequence

import msgspec

from api.alerts.model import Doubt, Event, EventKind, Sighting
from api.geofence.geometry.earth import Xyz, beyond_m, chord_m, distance_against_m, distance_m, ecef
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import ExternalSighting, Fix, Limits, Visibility
from api.geofence.rules.proximity import Pair
from api.geofence.rules.quality import Seen, see, sighting_of
from api.orders.model import Party, ProtectiveOrder
from api.orders.rules import is_in_force

CONTRADICTS_DEVICE = "contradicts_device"
SAME_MOMENT_S = 1.0
"""Devices tell the time of a fix in whole seconds."""
BREACH = "breach"


class Counterpart(msgspec.Struct, frozen=True):
    """Who must not be near whom was seen: their pair, and the other's fixes round that time, in any order."""

    pair: Pair
    fixes: tuple[Fix, ...]


def judge_sighting(
    sighting: ExternalSighting,
    order: ProtectiveOrder,
    before: Fix | None,
    after: Fix | None,
    zones: Sequence[PreparedZone],
    others: Sequence[Counterpart],
    limits: Limits,
) -> list[Event]:
    """Return what a sighting means for one order: breaches first, then a contradiction; often nothing.

    Args:
        sighting: Of the order's wearer, or of one of its protected people.
        order: One in which who was seen has a part; nothing follows if it was not in force then.
        before: The last fix of the devices of who was seen, not after the sighting, if any.
        after: The first one after it, if any.
        zones: Of this order; only the wearer is held against them.
        others: Of this order; for a protected person that is the wearer alone.
        limits: The order's.

    Returns:
        EXTERNAL_SIGHTING with the reason BREACH or CONTRADICTS_DEVICE. A breach that was told later than
        `late_s` is late data. A contradiction is not: like a cut strap it holds until the device is looked
        at, so it counts as live while the order is in force.
    """
    if not is_in_force(order, sighting.seen_at):
        return []
    xyz = ecef(sighting.point)
    events = _zone_breaches(sighting, xyz, order, zones, limits)
    for other in others:
        if (near := _nearest(sighting, xyz, other, limits)) is not None:
            events.append(_proximity_breach(sighting, order, other.pair, *near, limits))
    if is_in_force(order, sighting.received_at):
        contrary = _contrary(sighting, xyz, before, after, limits)
        if contrary is not None:
            events.append(_contradiction(sighting, xyz, order, contrary, limits))
    return events


def _zone_breaches(
    sighting: ExternalSighting,
    xyz: Xyz,
    order: ProtectiveOrder,
    zones: Sequence[PreparedZone],
    limits: Limits,
) -> list[Event]:
    if sighting.party is not Party.WEARER:
        return []
    events = []
    for zone in zones:
        distance = zone.signed_distance_m(xyz, chord_m(xyz, zone.center) + zone.bounding_radius_m)
        if distance - sighting.accuracy_m > 0.0:
            continue
        told = _event(sighting, order, BREACH, _doubts(sighting, distance, limits))
        events.append(
            msgspec.structs.replace(
                told,
                live=_is_live(sighting, limits),
                zone_id=zone.zone.id,
                zone_version=zone.zone.version,
                distance_m=distance,
                concealed=zone.zone.visibility is Visibility.CONCEALED,
            )
        )
    return events


def _nearest(
    sighting: ExternalSighting, xyz: Xyz, other: Counterpart, limits: Limits
) -> tuple[Seen, float] | None:
    """Return where the other was and how far apart, if within the alert radius by both discs."""
    radius_m = other.pair.alert_radius_m
    near = [
        (seen, apart_m)
        for seen in (see(fix, None, limits) for fix in other.fixes)
        if abs(seen.at_s - sighting.seen_at.timestamp()) <= limits.partner_stale_s
        and beyond_m(apart_m := distance_against_m(xyz, seen.xyz, radius_m, radius_m), radius_m)
        <= sighting.accuracy_m + seen.disc_m
    ]
    return min(near, key=lambda found: found[1], default=None)


def _proximity_breach(
    sighting: ExternalSighting,
    order: ProtectiveOrder,
    pair: Pair,
    seen: Seen,
    apart_m: float,
    limits: Limits,
) -> Event:
    doubts = _doubts(sighting, apart_m - pair.alert_radius_m, limits)
    if seen.doubts:
        doubts = (*doubts, Doubt.PARTNER_DOUBTFUL)
    told = _event(sighting, order, BREACH, doubts)
    party = "protected" if sighting.party is Party.WEARER else "wearer"
    return msgspec.structs.replace(
        told,
        live=_is_live(sighting, limits),
        person_id=pair.person_id,
        distance_m=apart_m,
        protected_age_s=abs(seen.at_s - sighting.seen_at.timestamp()),
        **{party: sighting_of(seen)},
    )


def _contrary(
    sighting: ExternalSighting, xyz: Xyz, before: Fix | None, after: Fix | None, limits: Limits
) -> Seen | None:
    """Return the fix that can be reconciled least with the sighting; None when all can.

    Where the device's own fixes cannot be reconciled with each other, one of them is an outlier: then it
    takes both to contradict the sighting. A fix of the same second that agrees with it settles the matter.
    """
    around = [see(fix, None, limits) for fix in (before, after) if fix is not None]
    place = (xyz, sighting.accuracy_m, sighting.seen_at.timestamp())
    contrary = [(excess_m, seen) for seen in around if (excess_m := _excess_m(*place, seen, limits)) > 0.0]
    agreed = (seen for seen in around if abs(seen.at_s - place[2]) <= SAME_MOMENT_S)
    if not contrary or any(_excess_m(*place, seen, limits) <= 0.0 for seen in agreed):
        return None
    if len(contrary) < len(around):
        first, second = around
        if _excess_m(first.xyz, first.disc_m, first.at_s, second, limits) > 0.0:
            return None
    return max(contrary, key=lambda found: found[0])[1]


def _excess_m(xyz: Xyz, disc_m: float, at_s: float, seen: Seen, limits: Limits) -> float:
    """Return by how much a fix is farther away than both discs and the way at `horizon_speed_m_s` explain.

    What accuses a device needs the speed that nobody exceeds, not the one at which silence begins to count.
    """
    return distance_m(xyz, seen.xyz) - disc_m - seen.disc_m - limits.horizon_speed_m_s * abs(seen.at_s - at_s)


def _contradiction(
    sighting: ExternalSighting, xyz: Xyz, order: ProtectiveOrder, contrary: Seen, limits: Limits
) -> Event:
    return msgspec.structs.replace(
        _event(sighting, order, CONTRADICTS_DEVICE, _doubts(sighting, 0.0, limits)),
        device_id=contrary.fix.device_id,
        distance_m=distance_m(xyz, contrary.xyz),
        reach_m=limits.horizon_speed_m_s * abs(contrary.at_s - sighting.seen_at.timestamp()),
    )


def _is_live(sighting: ExternalSighting, limits: Limits) -> bool:
    return (sighting.received_at - sighting.seen_at).total_seconds() <= limits.late_s


def _doubts(sighting: ExternalSighting, breach_m: float, limits: Limits) -> tuple[Doubt, ...]:
    if sighting.accuracy_m > limits.good_accuracy_m:
        return (Doubt.COARSE,)
    return (Doubt.DISC_ONLY,) if breach_m > 0.0 else ()


def _event(
    sighting: ExternalSighting, order: ProtectiveOrder, reason: str, doubts: tuple[Doubt, ...]
) -> Event:
    """Return what every event of a sighting says; the note is not in it."""
    seen = Sighting(None, sighting.point, sighting.accuracy_m, sighting.seen_at, doubts)
    is_wearer = sighting.party is Party.WEARER
    return Event(
        kind=EventKind.EXTERNAL_SIGHTING,
        occurred_at=sighting.seen_at,
        order_id=order.id,
        person_id=sighting.person_id,
        wearer=seen if is_wearer else None,
        protected=None if is_wearer else seen,
        doubts=doubts,
        exercise=order.exercise,
        reason=reason,
    )
