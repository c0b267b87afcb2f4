"""A wearer's fix against one exclusion zone."""

from api.alerts.model import Doubt, Event, EventKind
from api.geofence.geometry.earth import chord_m
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Limits, Presence, PresenceState, Visibility
from api.geofence.rules.loitering import after_contact
from api.geofence.rules.presence import (
    Telling,
    after_late,
    after_telling,
    disc_doubts,
    is_in_force,
    is_inside,
    is_resting,
    leave_band_m,
    next_presence,
    telling,
    was_near,
)
from api.geofence.rules.quality import Seen, Timing, sighting_of

_KIND = {
    Telling.ENTERED: EventKind.ZONE_BREACH,
    Telling.ENTERED_LATE: EventKind.LATE_DATA_BREACH,
    Telling.STILL_INSIDE: EventKind.ZONE_BREACH,
    Telling.WARNED: EventKind.ZONE_BUFFER,
    Telling.LEFT: EventKind.ZONE_LEFT,
}


def judge_zone(
    now: Seen,
    zone: PreparedZone,
    state: PresenceState,
    timing: Timing,
    limits: Limits,
    *,
    exercise: bool = False,
) -> tuple[PresenceState, tuple[Event, ...]]:
    """Return the wearer's new state for one zone and the events that the change means, oldest first.

    Args:
        now: The wearer's newest fix; a PAST one goes to `judge_past_zone`.
        zone: Of an order that is in force at the fix's time.
        state: As of the fix before; the very same object comes back when nothing changed.
        timing: LATE moves the state as well, but tells of a breach as late and of no warning.
        limits: Every threshold.
        exercise: The order is an exercise.
    """
    disc_m, doubts, at, live = now.disc_m, now.doubts, now.fix.fixed_at, timing is Timing.LIVE
    reach_m = zone.zone.buffer_m + disc_m + now.step_m + limits.leave_band_max_m
    distance_m = zone.signed_distance_m(now.xyz, reach_m)
    warning_m = distance_m - zone.zone.buffer_m
    band_m = leave_band_m(zone.bounding_radius_m, limits)
    after = next_presence(state, distance_m, warning_m, disc_m, doubts, at, band_m, limits)
    crossed = _is_crossed(now, zone, distance_m, state, after, limits)
    if after is state and not crossed and is_resting(state):
        return state, ()
    events: tuple[Event, ...] = ()
    if crossed:
        kind, way = (EventKind.ZONE_TRANSIT if live else EventKind.LATE_DATA_BREACH), Doubt.BETWEEN_FIXES
        events = (_event(kind, now, zone, distance_m, (*doubts, way), live=live, exercise=exercise),)
        if live and after.presence is Presence.OUTSIDE:
            # He was nearer than the warning line a moment ago, and is watched as such until he has left.
            after = was_near(after, at)
    inside, warned = is_inside(distance_m, disc_m, doubts), warning_m - disc_m <= 0.0
    if live and (nearer := after_late(state, after, at, warned=warned, inside=inside)):
        state = after = nearer
    if live:
        after, is_pattern = after_contact(state, after, at, limits)
        if is_pattern:
            kind = EventKind.BOUNDARY_LOITER
            events = (*events, _event(kind, now, zone, distance_m, doubts, live=True, exercise=exercise))
    told = telling(state, after, at, limits, live=live, inside=inside, warned=warned)
    if told is None:
        return after, events
    live, repeat = told is not Telling.ENTERED_LATE, told is Telling.STILL_INSIDE
    doubts = disc_doubts(distance_m, warning_m, disc_m, doubts)
    event = _event(_KIND[told], now, zone, distance_m, doubts, live=live, repeat=repeat, exercise=exercise)
    return after_telling(after, told, at), (*events, event)


def judge_past_zone(
    now: Seen, zone: PreparedZone, state: PresenceState, limits: Limits, *, exercise: bool = False
) -> tuple[Event, ...]:
    """Return what a fix proves by itself that is older than one judged before; no state is touched.

    A delivery for the second time is such a fix too: the caller drops those. `state` is the present one:
    what belongs to a breach in force has its alert already.
    """
    if is_in_force(state, now.fix.fixed_at, limits):
        return ()
    distance_m = zone.signed_distance_m(now.xyz, now.disc_m + limits.leave_band_max_m)
    if not is_inside(distance_m, now.disc_m, now.doubts):
        return ()
    kind = EventKind.LATE_DATA_BREACH
    return (_event(kind, now, zone, distance_m, now.doubts, live=False, exercise=exercise),)


def _is_crossed(
    now: Seen,
    zone: PreparedZone,
    distance_m: float,
    before: PresenceState,
    after: PresenceState,
    limits: Limits,
) -> bool:
    """Say whether the believed way to this fix led through the zone while both its ends lie outside."""
    # From so far outside, so short a way cannot have met the zone.
    if now.from_xyz is None or not 0.0 < distance_m <= now.step_m:
        return False
    if before.presence is Presence.INSIDE or after.presence is Presence.INSIDE:
        return False
    start = now.from_xyz
    if zone.signed_distance_m(start, 0.0) <= 0.0:
        # It begins at a doubtful fix inside, which must not hide the way between the good ones round it.
        if now.sure_xyz is None or now.at_s - now.sure_s > limits.segment_max_s:
            return False
        start = now.sure_xyz
    return zone.signed_distance_m(start, 0.0) > 0.0 and zone.segment_touches(start, now.xyz)


def _event(
    kind: EventKind,
    now: Seen,
    zone: PreparedZone,
    distance_m: float,
    doubts: tuple[Doubt, ...],
    *,
    live: bool,
    exercise: bool,
    repeat: bool = False,
) -> Event:
    # Judging needs no distance beyond reach; whoever reads the event does.
    reach_m = chord_m(now.xyz, zone.center) + zone.bounding_radius_m
    distance_m = zone.signed_distance_m(now.xyz, reach_m)
    return Event(
        kind=kind,
        occurred_at=now.fix.fixed_at,
        order_id=zone.zone.order_id,
        device_id=now.fix.device_id,
        zone_id=zone.zone.id,
        zone_version=zone.zone.version,
        wearer=sighting_of(now),
        distance_m=distance_m,
        doubts=doubts,
        live=live,
        repeat=repeat,
        concealed=zone.zone.visibility is Visibility.CONCEALED,
        exercise=exercise,
    )
