"""A recording as a scene: stamped anew, with a zone laid across it and the alerts that are due.

Time. A recorded second lasts 1/N real seconds at `--speed N`, but no step is made faster than
`COMPRESSED_MAX_M_S` (unless the recording itself is), for the service calls 70 m/s a jump. Stamps are
whole seconds, so of several points in one second the first is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from simulator import truth
from simulator.exercise import OrderDraft
from simulator.motion import WALK_M_S
from simulator.plan import SEQ_STEP, Plan
from simulator.run import Scene
from simulator.schedule import Party, Sending
from simulator.sensor import Reading
from simulator.stories import ANY, COMPRESSED_MAX_M_S, Device, DeviceKind, Expectation, Must, Zone
from simulator.tracks import RecordedPoint, clock_fault, read_track
from simulator.world import Circle, bearing_deg, distance_m

CLEAR_M = 5.0
"""Slack beyond the accuracy before a zone counts as never touched: roundings and 1 s of walking."""
BROKEN_CLOCK_GAP_S = 0.05


@dataclass(frozen=True, slots=True)
class ReplayDraft:
    """What `replay` is asked for.

    Attributes:
        zone: The exclusion zone; None lays one round the point at `fraction` of the wearer's points.
        accuracy_m: For points that do not tell theirs; None leaves it out of the message.
        raw_time: Send the recording's own times.
    """

    wearer: Path
    protected: Path | None
    zone: Circle | None
    fraction: float
    radius_m: float
    buffer_m: float
    alert_radius_m: float
    warning_radius_m: float
    accuracy_m: float | None
    speed: float
    raw_time: bool


def scene_of(draft: ReplayDraft) -> tuple[Scene, list[str]]:
    """Return the scene and what the viewer has to know about it."""
    notes: list[str] = []
    recorded = {Party.WEARER: read_track(draft.wearer)}
    if draft.protected is not None:
        recorded[Party.PROTECTED] = read_track(draft.protected)
    sendings: list[Sending] = []
    for party, points in recorded.items():
        path = draft.wearer if party is Party.WEARER else draft.protected
        sendings += _sendings(points, party, draft, notes, path.name if path else "")
    sendings.sort(key=lambda sending: sending.at_s)
    plan = Plan(tuple(sendings), sendings[-1].at_s)
    order = _order(draft, recorded)
    notes.append(_describe(order.zones[0], recorded[Party.WEARER]))
    expect = Expectation(must_not=frozenset({ANY})) if draft.raw_time else _expectation(order, plan)
    return Scene(f"Replay of {draft.wearer.name}", order, plan, expect, draft.speed, 3.0), notes


def _sendings(
    points: Sequence[RecordedPoint], party: Party, draft: ReplayDraft, notes: list[str], name: str
) -> list[Sending]:
    fault = clock_fault(points)
    if fault and draft.raw_time:
        notes.append(f"{name}: {fault}; its times are sent as they are, the service must keep them aside")
    elif fault:
        notes.append(f"{name}: no usable times ({fault}); replayed at a walking pace of {WALK_M_S} m/s")
    if draft.accuracy_m is not None and any(point.accuracy_m is None for point in points):
        notes.append(f"{name}: does not tell its accuracy; {draft.accuracy_m:g} m is said (--accuracy)")
    if draft.raw_time:
        moments = [BROKEN_CLOCK_GAP_S * number for number in range(len(points))]
    else:
        moments = real_moments(points, draft.speed, has_clock=not fault)
    sendings: list[Sending] = []
    last_stamp_s = -1
    for number, moment_s in enumerate(moments):
        if not draft.raw_time and int(moment_s) == last_stamp_s:
            continue
        last_stamp_s = int(moment_s)
        sendings.append(_sending(points, number, last_stamp_s, party, draft, moment_s))
    if (dropped := len(points) - len(sendings)) and not draft.raw_time:
        notes.append(f"{name}: {dropped} of {len(points)} points fall into a second already taken")
    return sendings


def real_moments(points: Sequence[RecordedPoint], speed: float, *, has_clock: bool) -> list[float]:
    """Return when each point is sent, real seconds from the beginning."""
    moments = [0.0]
    for before, point in pairwise(points):
        step_m = distance_m(before.place, point.place)
        recorded_s = step_m / WALK_M_S
        if has_clock and before.unix_s is not None and point.unix_s is not None:
            recorded_s = point.unix_s - before.unix_s
        least_s = min(recorded_s, step_m / COMPRESSED_MAX_M_S)
        moments.append(moments[-1] + max(recorded_s / speed, least_s))
    return moments


def _sending(
    points: Sequence[RecordedPoint],
    number: int,
    stamp_s: int,
    party: Party,
    draft: ReplayDraft,
    moment_s: float,
) -> Sending:
    point, before = points[number], points[max(0, number - 1)]
    accuracy_m = point.accuracy_m or draft.accuracy_m
    course_deg = bearing_deg(before.place, point.place) if before.place != point.place else 0.0
    reading = Reading(moment_s, point.place, point.place, accuracy_m, 0.0, course_deg)
    return Sending(
        at_s=moment_s if draft.raw_time else stamp_s + (0.1 if party is Party.WEARER else 0.3),
        stamp_s=stamp_s,
        story_s=moment_s,
        party=party,
        seq=number * SEQ_STEP,
        by=party,
        reading=reading,
        strap_closed=True if party is Party.WEARER else None,
        raw_tst=int(point.unix_s or 0) if draft.raw_time else None,
    )


def _order(draft: ReplayDraft, recorded: dict[Party, list[RecordedPoint]]) -> OrderDraft:
    points = recorded[Party.WEARER]
    circle = draft.zone or Circle(points[round(draft.fraction * (len(points) - 1))].place, draft.radius_m)
    kinds = {Party.WEARER: DeviceKind.ANKLE_MONITOR, Party.PROTECTED: DeviceKind.PERSONAL_DEVICE}
    return OrderDraft(
        title=f"replay-{draft.wearer.stem}",
        alert_radius_m=draft.alert_radius_m,
        warning_radius_m=draft.warning_radius_m,
        zones=(Zone("across the walk", circle, draft.buffer_m, "declared"),),
        devices=tuple((party, Device(kinds[party], 1, sealed=True)) for party in recorded),
    )


def _expectation(order: OrderDraft, plan: Plan) -> Expectation:
    """Return what the recording itself, measured by the geodesic, says must and must not be alerted."""
    kinds = ["zone_buffer", "zone_breach"]
    if len(order.devices) == 2:
        kinds += ["proximity_warning", "proximity_breach"]
    musts, must_not = [], set()
    for kind in kinds:
        must = Must(kind, person=kind.endswith("_breach"))
        if truth.due(must, order, plan) is not None:
            musts.append(must)
        elif not kind.startswith("zone") or _is_clear(order.zones[0], plan, kind):
            must_not.add(kind)
    return Expectation(tuple(musts), frozenset(must_not))


def _is_clear(zone: Zone, plan: Plan, kind: str) -> bool:
    """Say whether every fix with its doubt, and every line between two, stays out of reach."""
    reach_m = zone.buffer_m if kind == "zone_buffer" else 0.0
    readings = [sending.reading for sending in plan.sendings if sending.party is Party.WEARER]
    return all(
        zone.shape.edge_distance_m(reading.place) > reach_m + (reading.accuracy_m or 100.0) + CLEAR_M
        for reading in readings
        if reading is not None
    )


def _describe(zone: Zone, points: Sequence[RecordedPoint]) -> str:
    edges = [zone.shape.edge_distance_m(point.place) for point in points]
    inside = sum(edge <= 0 for edge in edges)
    ring = sum(0 < edge <= zone.buffer_m for edge in edges)
    return f"the zone holds {inside} of {len(points)} recorded points, its buffer {ring} more"
