"""A wearer's live fix against an area that he must be in, or must not come near the edge of: curfew, border.

The state is a `PresenceState` whose INSIDE means that it is told and lasts; one doubtful fix makes it never.
"""

from datetime import datetime

import msgspec

from api.alerts.model import Doubt, Event, EventKind
from api.geofence.geometry.earth import chord_m
from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Limits, Presence, PresenceState, Purpose
from api.geofence.rules.presence import next_presence
from api.geofence.rules.quality import Seen, sighting_of
from api.geofence.rules.schedule import applies_at

REPEAT_S = 900.0
"""What lasts is told again after this: 15 min, proposal."""
LEAVE_PART = 0.1
"""A border is left behind by this part of its distance more, so that its line tells once; proposal."""


def judge_bound(
    now: Seen,
    zone: PreparedZone,
    state: PresenceState,
    limits: Limits,
    *,
    exercise: bool = False,
) -> tuple[PresenceState, tuple[Event, ...]]:
    """Return the wearer's new state for an inclusion zone or a territory, and what there is to tell of it.

    Args:
        now: The wearer's newest fix, LIVE: what is late tells nothing here and moves no state.
        zone: Of an order that is in force at the fix's time; no exclusion zone.
        state: As of the fix before; the very same object comes back when nothing changed.
        limits: The order's.
        exercise: The order is an exercise.
    """
    if zone.zone.purpose is Purpose.TERRITORY:
        kind, after = EventKind.BORDER_APPROACH, _after_territory(now, zone, state, limits)
    else:
        kind, after = EventKind.INCLUSION_BREACH, _after_inclusion(now, zone, state, limits)
    lasted, at = state.presence is Presence.INSIDE, now.fix.fixed_at
    if after.presence is not Presence.INSIDE:
        if not lasted:
            return after, ()
        reason = kind.value
        return after, (_event(EventKind.CONDITION_ENDED, now, zone, exercise=exercise, reason=reason),)
    if lasted and not _is_due(after, at):
        return after, ()
    told = _event(kind, now, zone, exercise=exercise, repeat=lasted)
    return msgspec.structs.replace(after, told_at=at), (told,)


def _after_inclusion(now: Seen, zone: PreparedZone, state: PresenceState, limits: Limits) -> PresenceState:
    """Return the state after a fix: away is told when a whole good disc is outside, or two doubtful are.

    He is back when the middles of `leave_fixes` fixes in a row over `leave_s` are inside: who stands on the
    line is told once. A jump there may be an outlier; the next fix tells.
    """
    schedule, at = zone.zone.schedule, now.fix.fixed_at
    if schedule is not None and not applies_at(schedule, at):
        return _well(state, at)
    distance_m = zone.signed_distance_m(now.xyz, now.disc_m)
    if state.presence is Presence.INSIDE:
        return _after_back(state, at, limits, is_in=distance_m <= 0.0 and Doubt.JUMP not in now.doubts)
    is_away = distance_m > now.disc_m
    window = (1 << limits.confirm_window) - 1
    recent = (state.doubtful_recent << 1 | (is_away and bool(now.doubts))) & window
    if is_away and (not now.doubts or recent.bit_count() >= limits.confirm_fixes):
        return PresenceState(Presence.INSIDE, at)
    if recent == state.doubtful_recent:
        return state
    return PresenceState(since=state.since, doubtful_recent=recent)


def _after_back(state: PresenceState, at: datetime, limits: Limits, *, is_in: bool) -> PresenceState:
    """Return the state of somebody who was away, after one more fix in the zone or out of it."""
    if not is_in:
        return msgspec.structs.replace(state, clear_fixes=0, clear_since=None) if state.clear_fixes else state
    since = state.clear_since or at
    fixes = min(state.clear_fixes + 1, limits.leave_fixes)
    if fixes >= limits.leave_fixes and (at - since).total_seconds() >= limits.leave_s:
        return _well(state, at)
    return msgspec.structs.replace(state, clear_fixes=fixes, clear_since=since)


def _well(state: PresenceState, at: datetime) -> PresenceState:
    if state.presence is Presence.INSIDE:
        return PresenceState(since=at)
    return PresenceState(since=state.since) if state.doubtful_recent else state


def _after_territory(now: Seen, zone: PreparedZone, state: PresenceState, limits: Limits) -> PresenceState:
    """Return the state after a fix, as if all but the inner part of the country were an exclusion zone."""
    band_m = max(LEAVE_PART * limits.border_m, limits.leave_band_min_m)
    # A metre more: what is beyond reach may come back as the reach itself, which must be beyond the band.
    distance_m = zone.signed_distance_m(now.xyz, limits.border_m + band_m + now.disc_m + 1.0)
    beyond_m = -distance_m - limits.border_m
    at = now.fix.fixed_at
    return next_presence(state, beyond_m, beyond_m, now.disc_m, now.doubts, at, band_m, limits)


def _is_due(state: PresenceState, at: datetime) -> bool:
    """Say whether what lasts is to be told again; not while it seems to end."""
    if state.told_at is None or state.clear_fixes:
        return False
    return (at - state.told_at).total_seconds() >= REPEAT_S


def _event(
    kind: EventKind,
    now: Seen,
    zone: PreparedZone,
    *,
    exercise: bool,
    repeat: bool = False,
    reason: str = "",
) -> Event:
    # Judging needs no distance beyond reach; whoever reads the event does.
    reach_m = chord_m(now.xyz, zone.center) + zone.bounding_radius_m
    return Event(
        kind=kind,
        occurred_at=now.fix.fixed_at,
        order_id=zone.zone.order_id,
        device_id=now.fix.device_id,
        zone_id=zone.zone.id,
        zone_version=zone.zone.version,
        wearer=sighting_of(now),
        distance_m=zone.signed_distance_m(now.xyz, reach_m),
        doubts=now.doubts,
        repeat=repeat,
        exercise=exercise,
        reason=reason,
    )
