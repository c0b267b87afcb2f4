"""What a run's own messages show, by geometry that is not the service's: when each alert is due.

Due is the first message, as it is published, from which the service can know. It rests on the readings,
not on the true positions: nobody can be expected to see what no device has said.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from simulator.exercise import OrderDraft
from simulator.plan import Plan
from simulator.schedule import Party, Sending
from simulator.sensor import Reading
from simulator.stories import Must, Purpose, Zone
from simulator.world import closest_m, distance_m

LATE_S = 120.0
"""Older than this on arrival is late data (field/monitoring.md kind 26)."""
UNKNOWN_ACCURACY_M = 100.0
"""What the field gives a fix that does not tell its accuracy; proposal."""
SLACK_M = 1.0
"""Roundings, and the step of a walker within the second of the stamp."""
GROUND_PART = 2.0
"""Twice the 68 % radius holds 99 % of such fixes (Rayleigh): an error in that is no fault of the service."""
APART_S = 600.0
"""Nothing near for this long ends an approach: longer than any leaving takes; proposal."""
EVENT_OF_ALARM = {
    "sos": "sos",
    "strap_cut": "strap_tamper",
    "case_open": "case_open",
    "separation": "separation",
    "rf_proximity": "proximity_rf",
    "jamming": "jam_shield",
    "shielding": "jam_shield",
    "power_off": "power_off",
    "tilt": "device_alarm",
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
ZONED = frozenset({"zone_breach", "zone_buffer", "zone_transit"})


def draft_of(must: Must, drafts: Sequence[OrderDraft]) -> OrderDraft:
    """Return the order that `must` is about: the one it names, else the first."""
    return next(draft for draft in drafts if must.order in {None, draft.name})


def is_derived(must: Must, draft: OrderDraft) -> bool:
    """Say whether the due message can be computed; hours of the wall clock are left to `by_s`."""
    return must.kind in DERIVED and (must.kind not in ZONED or bool(_zones(must, draft)))


def _zones(must: Must, draft: OrderDraft) -> list[Zone]:
    return [
        zone
        for zone in draft.zones
        if must.zone in {None, zone.name} and zone.purpose is Purpose.EXCLUSION and zone.schedule is None
    ]


def due(must: Must, draft: OrderDraft, plan: Plan) -> Sending | None:
    """Return the first message that shows what `must` asks for; None when no message does."""
    zones = _zones(must, draft)
    people = draft.people if must.whose is None else (must.whose,)
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
            return _first_pair(live, people, draft.alert_radius_m)
        case "proximity_warning":
            return _first_pair(live, people, draft.warning_radius_m)
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


def _first_pair(sendings: list[Sending], people: Sequence[str], radius_m: float) -> Sending | None:
    wearer: Sending | None = None
    last: dict[str, Sending] = {}
    for sending in sendings:
        if sending.reading is None or sending.alarm:
            continue
        if sending.party is Party.WEARER:
            wearer, others = sending, list(last.values())
        elif sending.whose in people:
            last[sending.whose] = sending
            others = [sending]
        else:
            continue
        if wearer is not None and any(_apart_m(wearer, other) <= radius_m for other in others):
            return sending
    return None


def _apart_m(a: Sending, b: Sending) -> float:
    return distance_m(a.reading.place, b.reading.place) if a.reading and b.reading else math.inf


def is_founded(kind: str, sending: Sending, zone: str | None, draft: OrderDraft, plan: Plan) -> bool:
    """Say whether the highest alarm that rests on `sending` had a ground, by where people truly were.

    A breach had one when, by twice the accuracy that the devices claimed, they may have been inside. An
    alarm had one when the device of that person raised it.
    """
    if kind == "zone_breach":
        return any(_touches(sending, item) for item in draft.zones if zone in {None, item.name})
    if kind == "proximity_breach":
        return any(_meet(sending, other, draft.alert_radius_m) for other in _partners(sending, draft, plan))
    if kind == "strap_tamper" and sending.strap_closed is False:
        return True
    return sending.genuine and EVENT_OF_ALARM.get(sending.alarm) == kind


def _touches(sending: Sending, zone: Zone) -> bool:
    reading = sending.reading
    return (
        reading is not None
        and zone.shape.edge_distance_m(reading.true) <= GROUND_PART * _doubt_m(reading) + SLACK_M
    )


def _doubt_m(reading: Reading) -> float:
    return reading.accuracy_m or UNKNOWN_ACCURACY_M


def _partners(sending: Sending, draft: OrderDraft, plan: Plan) -> list[Sending]:
    """Return what the others of an order said last before a message, one each."""
    others: dict[str, Sending] = {}
    for other in plan.sendings:
        if other.at_s > sending.at_s:
            break
        is_other = other.party is not sending.party
        if is_other and other.reading is not None and {other.whose, sending.whose} & set(draft.people):
            others[other.whose] = other
    return list(others.values())


def _meet(a: Sending, b: Sending, radius_m: float) -> bool:
    if a.reading is None or b.reading is None:
        return False
    apart_s = abs(a.stamp_s - b.stamp_s)
    moved_m = apart_s * max(a.reading.speed_m_s, b.reading.speed_m_s)  # meanwhile either went on
    doubt_m = GROUND_PART * (_doubt_m(a.reading) + _doubt_m(b.reading))
    reach_m = radius_m + doubt_m + moved_m + SLACK_M
    return distance_m(a.reading.true, b.reading.true) <= reach_m


def approaches(draft: OrderDraft, plan: Plan) -> int:
    """Return how many times the wearer came near a zone or a person of an order, as the messages show it.

    Near is within the warning line, doubt included; it is over when nothing has shown it for `APART_S`.
    """
    count, last_s, last = 0, -math.inf, dict[str, Sending]()
    for sending in plan.sendings:
        if sending.reading is None or sending.alarm or not sending.genuine or is_late(sending):
            continue
        last[sending.whose] = sending
        if not _is_near(sending, last, draft):
            continue
        if sending.story_s - last_s > APART_S:
            count += 1
        last_s = sending.story_s
    return count


def _is_near(sending: Sending, last: Mapping[str, Sending], draft: OrderDraft) -> bool:
    reading = sending.reading
    if reading is None:
        return False
    if sending.party is Party.WEARER:
        for zone in draft.zones:
            if zone.shape.edge_distance_m(reading.place) <= zone.buffer_m + _doubt_m(reading):
                return True
    names = draft.people if sending.party is Party.WEARER else (Party.WEARER.value,)
    return any(
        other.reading is not None
        and _apart_m(sending, other) <= draft.warning_radius_m + _doubt_m(reading) + _doubt_m(other.reading)
        for name in names
        if (other := last.get(name)) is not None and {other.whose, sending.whose} & set(draft.people)
    )
