"""One fix against everything that its carrier's orders ask, out of memory: no database is touched here."""

from api.alerts.model import Event
from api.geofence.memory import Changes, Memory, Place, WatchedOrder
from api.geofence.rules.exempting import exempted
from api.geofence.rules.inclusion import judge_bound
from api.geofence.rules.proximity import judge_proximity
from api.geofence.rules.quality import Seen, Timing
from api.geofence.rules.zones import judge_zone
from api.orders.model import Party


def judge_fix(memory: Memory, changes: Changes, now: Seen, place: Place, timing: Timing) -> list[Event]:
    """Judge a device's newest fix for one order; new states go to `changes`, what it means comes back.

    Args:
        memory: What is known; not altered.
        changes: Of this batch so far; `now` is in its `seen` already.
        now: The fix, LIVE or LATE.
        place: Whose device it is, in an order that is in force at the fix's time.
        timing: Never PAST: such a fix moves no state.
    """
    watched, limits = place.watched, place.watched.limits
    events: list[Event] = []
    if place.party is Party.WEARER:
        x, y, z = now.xyz
        reach_m = now.disc_m + now.step_m
        for zone in watched.zones:
            center_x, center_y, center_z, watch_m = zone.sphere
            dx, dy, dz, far_m = x - center_x, y - center_y, z - center_z, watch_m + reach_m
            # A chord is never longer than the way along the ground, so what it shows as far is far.
            if dx * dx + dy * dy + dz * dz > far_m * far_m and memory.rests(zone.key, changes):
                continue
            state = memory.presence(zone.key, changes)
            after, told = judge_zone(
                now, zone.prepared, state, timing, limits, exercise=watched.order.exercise
            )
            if after is not state:
                changes.presences[zone.key] = after
            events += told
        if watched.bounds and timing is Timing.LIVE:
            events += _judge_bounds(memory, changes, now, watched)
    for person in watched.people if place.person is None else (place.person,):
        others = person.devices if place.party is Party.WEARER else watched.wearer_devices
        other = memory.newest_of(others, changes)
        if other is None:
            continue  # nothing is known of the other side yet; silence is the watchdog's matter
        wearer, protected = (now, other) if place.party is Party.WEARER else (other, now)
        state = memory.presence(person.key, changes)
        after, told = judge_proximity(wearer, protected, place.party, person.pair, state, timing, limits)
        if after is not state:
            changes.presences[person.key] = after
        events += told
    return exempted(events, watched.exemptions, limits) if events else events


def _judge_bounds(memory: Memory, changes: Changes, now: Seen, watched: WatchedOrder) -> list[Event]:
    """Judge the wearer's live fix against the areas that he must be in."""
    events: list[Event] = []
    for bound in watched.bounds:
        state = memory.presence(bound.key, changes)
        exercise = watched.order.exercise
        after, told = judge_bound(now, bound.prepared, state, watched.limits, exercise=exercise)
        if after is not state:
            changes.presences[bound.key] = after
        events += told
    return events
