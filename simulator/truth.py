"""What a run's own messages show, by geometry that is not the service's: when each alert is due.

Due is the first message, as it is published, from which the service can know. It rests on the readings,
not on the true positions: nobody can be expected to see what no device has said.
"""

from collections.abc import Iterable

from simulator.exercise import OrderDraft
from simulator.plan import Plan
from simulator.schedule import Party, Sending
from simulator.stories import Must, Zone
from simulator.world import closest_m, distance_m

LATE_S = 120.0
"""Older than this on arrival is late data (field/monitoring.md kind 26)."""
EVENT_OF_ALARM = {
    "sos": "sos",
    "strap_cut": "strap_tamper",
    "case_open": "case_open",
    "separation": "separation",
    "rf_proximity": "proximity_rf",
    "jamming": "jam_shield",
    "shielding": "jam_shield",
    "power_off": "power_off",
}
"""Which event an alarm of a device becomes (field/monitoring.md section 8b)."""
DERIVED = frozenset(
    {
        "zone_breach",
        "zone_buffer",
        "zone_transit",
        "proximity_breach",
        "proximity_warning",
        "late_data_breach",
    }
) | set(EVENT_OF_ALARM.values())
"""Kinds whose due message can be computed; the others are judged by `by_s` alone."""


def due(must: Must, draft: OrderDraft, plan: Plan) -> Sending | None:
    """Return the first message that shows what `must` asks for; None when no message does."""
    zones = [zone for zone in draft.zones if must.zone in {None, zone.name}]
    honest = [sending for sending in plan.sendings if sending.genuine]
    live = [sending for sending in honest if not is_late(sending)]
    match must.kind:
        case "zone_breach":
            return _first(_wearers(live), zones, 0.0)
        case "zone_buffer":
            return _first(_wearers(live), zones, None)
        case "late_data_breach":
            return _first([sending for sending in _wearers(honest) if is_late(sending)], zones, 0.0)
        case "zone_transit":
            return _first_transit(_wearers(live), zones)
        case "proximity_breach":
            return _first_pair(live, draft.alert_radius_m)
        case "proximity_warning":
            return _first_pair(live, draft.warning_radius_m)
    for sending in honest:
        if EVENT_OF_ALARM.get(sending.alarm) == must.kind and must.party in {None, sending.party}:
            return sending
    return None


def is_late(sending: Sending) -> bool:
    """Say whether a message is late data when it arrives."""
    return sending.at_s - sending.stamp_s > LATE_S


def is_forged(sending: Sending) -> bool:
    """Say whether somebody else than the device made the message."""
    return sending.by is not sending.party or (sending.plain and not sending.genuine)


def _wearers(sendings: Iterable[Sending]) -> list[Sending]:
    return [s for s in sendings if s.party is Party.WEARER and s.reading is not None and not s.alarm]


def _first(sendings: list[Sending], zones: list[Zone], margin_m: float | None) -> Sending | None:
    """Return the first position within `margin_m` of a zone, within its buffer when None."""
    for sending in sendings:
        for zone in zones:
            reach_m = zone.buffer_m if margin_m is None else margin_m
            if sending.reading and zone.shape.edge_distance_m(sending.reading.place) <= reach_m:
                return sending
    return None


def _first_transit(sendings: list[Sending], zones: list[Zone]) -> Sending | None:
    before = None
    for sending in sendings:
        if before is not None and before.reading and sending.reading:
            path = [before.reading.place, sending.reading.place]
            ends = [zone for zone in zones if min(map(zone.shape.edge_distance_m, path)) > 0]
            if any(closest_m(zone.shape, path) < 0 for zone in ends):
                return sending
        before = sending
    return None


def _first_pair(sendings: list[Sending], radius_m: float) -> Sending | None:
    last: dict[Party, Sending] = {}
    for sending in sendings:
        if sending.reading is None or sending.alarm:
            continue
        last[sending.party] = sending
        pair = [s.reading.place for s in last.values() if s.reading]
        if len(pair) == 2 and distance_m(pair[0], pair[1]) <= radius_m:
            return sending
    return None
