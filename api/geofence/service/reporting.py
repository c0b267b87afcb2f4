"""Tells devices how often to report, where an order asks for it; out of memory, a command when it changes."""

from collections.abc import Sequence
from datetime import datetime

from api.geofence.memory import Changes, Memory, Place, WatchedOrder
from api.geofence.model import Visibility
from api.geofence.rules.horizon import USUAL_S, Reporting, is_to_be_told, safe_interval_s
from api.geofence.rules.quality import Seen
from api.geofence.rules.reach import person_gap_m, zone_gap_m
from api.orders.model import Party


def plan_reporting(
    memory: Memory, changes: Changes, now: Seen, places: Sequence[Place], before: Seen | None, at: datetime
) -> None:
    """Put what the device has to be told into `changes.reporting`, if it is another interval than before.

    A device under several orders is told what the most urgent asks. Where one order asks nothing (any
    more), a device that was never told stays as it is, and one that was is given back its usual rate:
    the same wherever anybody is.
    """
    told = memory.reporting(now.fix.device_id, changes)
    intervals = [_interval_s(memory, changes, now, place) for place in places]
    asked = [interval for interval in intervals if interval is not None]
    all_ask = bool(asked) and len(asked) == len(intervals)
    if not all_ask and told is None:
        return
    interval_s = min(asked) if all_ask else USUAL_S
    gap_s = None if before is None else now.at_s - before.at_s
    if is_to_be_told(told, interval_s, gap_s, at):
        changes.reporting[now.fix.device_id] = Reporting(interval_s, at)


def longest_interval_s(watched: WatchedOrder, party: Party) -> float:
    """Return how rarely an order lets a device report; 0 where it tells it nothing."""
    if party is not Party.WEARER:
        return watched.limits.longest_interval_s
    if any(zone.prepared.zone.visibility is Visibility.CONCEALED for zone in watched.zones):
        return 0.0  # a rate that changes near a secret address would show him where it is
    return watched.limits.wearer_longest_interval_s


def _interval_s(memory: Memory, changes: Changes, now: Seen, place: Place) -> int | None:
    """Return the interval that one order asks of this device; None when it asks nothing."""
    limits, watched = place.watched.limits, place.watched
    is_wearer = place.party is Party.WEARER
    longest_s = longest_interval_s(watched, place.party)
    if not longest_s:
        return None
    prepared = [zone.prepared for zone in watched.zones]
    allowed: list[int] = []
    if is_wearer and (found := zone_gap_m(now.xyz, now.disc_m, prepared)):
        # Buffers differ in width: the widest stands for all, on the safe side.
        widest_m = max(zone.zone.buffer_m for zone in prepared)
        allowed.append(safe_interval_s(max(0.0, found[0] - widest_m), 0.0, 1, longest_s, limits))
    for person in watched.people if place.person is None else (place.person,):
        other = memory.newest_of(person.devices if is_wearer else watched.wearer_devices, changes)
        if other is None:
            return safe_interval_s(0.0, 0.0, 2, longest_s, limits)  # nobody knows where the other is
        gap_m = person_gap_m(now.xyz, now.disc_m, other.xyz, other.disc_m, person.pair.warning_radius_m)
        age_s = max(0.0, now.at_s - other.at_s)
        allowed.append(safe_interval_s(gap_m, age_s, 2, longest_s, limits))
    return min(allowed, default=None)
