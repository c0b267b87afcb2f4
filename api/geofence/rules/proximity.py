"""The distance between a wearer and a protected person, on either one's update."""

from datetime import datetime
from itertools import pairwise
from uuid import UUID

import msgspec

from api.alerts.model import Doubt, Event, EventKind, Mover
from api.geofence.geometry.earth import (
    Xyz,
    between,
    beyond_m,
    closest_approach,
    distance_against_m,
    distance_m,
)
from api.geofence.model import Limits, Presence, PresenceState
from api.geofence.rules.closing import (
    CLOSING_TOLD,
    Closing,
    closing_of,
    closing_reach_m,
    is_closing_fast,
    is_mild,
    next_closing,
)
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
from api.orders.model import Party, ProtectiveOrder

_KIND = {
    Telling.ENTERED: EventKind.PROXIMITY_BREACH,
    Telling.ENTERED_LATE: EventKind.LATE_DATA_BREACH,
    Telling.STILL_INSIDE: EventKind.PROXIMITY_BREACH,
    Telling.WARNED: EventKind.PROXIMITY_WARNING,
    Telling.LEFT: EventKind.PROXIMITY_LEFT,
}


class Pair(msgspec.Struct, frozen=True):
    """A wearer and one protected person of an order, with the radii between them."""

    order_id: UUID
    person_id: UUID
    alert_radius_m: float
    warning_radius_m: float
    exercise: bool


def pair_of(order: ProtectiveOrder, person_id: UUID) -> Pair:
    """Return what judging needs of an order for one of its people."""
    return Pair(order.id, person_id, order.alert_radius_m, order.warning_radius_m, order.exercise)


def judge_proximity(
    wearer: Seen,
    protected: Seen,
    mover: Party,
    pair: Pair,
    state: PresenceState,
    timing: Timing,
    limits: Limits,
) -> tuple[PresenceState, tuple[Event, ...]]:
    """Return the pair's new state and the events that the change means, oldest first.

    Args:
        wearer: His newest fix.
        protected: Her newest fix.
        mover: Whose update this is.
        pair: Of an order that is in force at the mover's fix time.
        state: As of the update before; the very same object comes back when nothing changed.
        timing: The mover's. LATE holds the mover's fix against where the other was at that time, as far
            as the other's last path tells; it tells of a breach as late and of no warning.
        limits: Every threshold.
    """
    x, y, z = wearer.xyz
    other_x, other_y, other_z = protected.xyz
    x -= other_x
    y -= other_y
    z -= other_z
    far_m = pair.warning_radius_m + wearer.disc_m + protected.disc_m + wearer.step_m + protected.step_m
    if wearer.speed_m_s >= limits.still_m_s:
        far_m = max(far_m, closing_reach_m(wearer, protected, pair.alert_radius_m, limits))
    # A chord is never longer than the way along the ground, so what it shows as far is far.
    if x * x + y * y + z * z > far_m * far_m and is_resting(state):
        return state, ()
    return _judge_near(wearer, protected, mover, pair, state, timing, limits)


def _judge_near(
    wearer: Seen,
    protected: Seen,
    mover: Party,
    pair: Pair,
    state: PresenceState,
    timing: Timing,
    limits: Limits,
) -> tuple[PresenceState, tuple[Event, ...]]:
    now, other = (wearer, protected) if mover is Party.WEARER else (protected, wearer)
    live = timing is Timing.LIVE
    disc_m = wearer.disc_m + protected.disc_m
    doubts = _doubts(wearer, protected, limits)
    apart_m = _apart_m(now.xyz, other.xyz if live else _place_at(other, now.at_s), pair)
    breach_m, warning_m = (beyond_m(apart_m, m) for m in (pair.alert_radius_m, pair.warning_radius_m))
    inside = is_inside(breach_m, disc_m, doubts)
    at = now.fix.fixed_at if now.at_s >= other.at_s else other.fix.fixed_at
    after = next_presence(
        state,
        breach_m,
        warning_m,
        disc_m,
        doubts,
        at,
        leave_band_m(pair.alert_radius_m, limits),
        limits,
        # However often she reports: one doubtful fix of his is one, and none is pushed out.
        again=mover is Party.PROTECTED and (bool(wearer.doubts) or not inside),
        may_leave=not _is_departure_unproven(wearer, protected, doubts),
    )
    found = closing_of(wearer, protected, pair.alert_radius_m, limits) if live else None
    picture = _Picture(wearer, protected, now, pair, apart_m, doubts, found)
    events: tuple[Event, ...] = ()
    nearest_m = _nearest_between(now, other, breach_m, pair, state, after)
    if nearest_m is not None and nearest_m <= pair.alert_radius_m:
        kind = EventKind.PROXIMITY_BREACH if live else EventKind.LATE_DATA_BREACH
        passing = msgspec.structs.replace(picture, apart_m=nearest_m, doubts=(*doubts, Doubt.BETWEEN_FIXES))
        events = (passing.event(kind, live=live),)
        if live and after.presence is Presence.OUTSIDE:
            # He was nearer than the warning line a moment ago, and is watched as such until he has left.
            after = was_near(after, at)
    warned = warning_m - disc_m <= 0.0
    if live and (nearer := after_late(state, after, at, warned=warned, inside=inside)):
        state = after = nearer
    if live:
        after, beside = _beside(state, after, picture, mover, limits)
        events = (*events, *beside)
    picture = msgspec.structs.replace(picture, doubts=disc_doubts(breach_m, warning_m, disc_m, doubts))
    return _told(state, after, picture, at, events, limits, live=live, inside=inside, warned=warned)


def _told(
    state: PresenceState,
    after: PresenceState,
    picture: "_Picture",
    at: datetime,
    events: tuple[Event, ...],
    limits: Limits,
    *,
    live: bool,
    inside: bool,
    warned: bool,
) -> tuple[PresenceState, tuple[Event, ...]]:
    """Return the state and the events with what the change of presence tells, in the kind that fits."""
    found = picture.found
    inside_s = (at - after.since).total_seconds() if after.since else 0.0
    mild = not picture.wearer.doubts and is_mild(found, state, inside_s, limits)
    told = telling(state, after, at, limits, live=live, inside=inside, warned=warned, mild=mild)
    if told is None:
        return after, events
    kind = _KIND[told]
    if mild and kind is EventKind.PROXIMITY_BREACH and found and not found.is_traffic:
        kind = EventKind.PROTECTED_APPROACHES
    live = told is not Telling.ENTERED_LATE
    event = picture.event(kind, live=live, repeat=told is Telling.STILL_INSIDE, mild=mild)
    return after_telling(after, told, at, mild=mild), (*events, event)


def _beside(
    state: PresenceState, after: PresenceState, picture: "_Picture", mover: Party, limits: Limits
) -> tuple[PresenceState, tuple[Event, ...]]:
    """Return what a live fix shows beside the presence: closing fast, and one contact too many."""
    found, pair = picture.found, picture.pair
    kinds: list[EventKind] = []
    if after.presence is not Presence.INSIDE and mover is Party.WEARER and not picture.doubts:
        is_fast = found is not None and is_closing_fast(found, pair.warning_radius_m, limits)
        count = next_closing(after, found, is_fast=is_fast)
        if count == CLOSING_TOLD and after.closing != CLOSING_TOLD:
            kinds.append(EventKind.CLOSING_FAST)
        if after.closing == CLOSING_TOLD and not count and not _tells_departure(state):
            kinds.append(EventKind.PROXIMITY_LEFT)
        if count != after.closing:
            after = msgspec.structs.replace(after, closing=count)
    after, is_pattern = after_contact(state, after, picture.now.fix.fixed_at, limits)
    if is_pattern:
        kinds.append(EventKind.BOUNDARY_LOITER)
    return after, tuple(picture.event(kind, live=True) for kind in kinds)


def _tells_departure(before: PresenceState) -> bool:
    """Say whether leaving this presence is told by itself."""
    return before.presence is Presence.INSIDE or before.told_at is not None


def judge_past_proximity(
    now: Seen,
    mover: Party,
    before: Seen | None,
    after: Seen | None,
    pair: Pair,
    state: PresenceState,
    limits: Limits,
) -> tuple[Event, ...]:
    """Return what an older fix proves, held against where the other party was at that time.

    Args:
        now: The older fix.
        mover: Whose it is.
        before: The other party's last fix not after it, if any.
        after: The other party's first fix after it, if any.
        pair: Of an order that was in force at that time.
        state: The present one; what belongs to a breach in force has its alert already.
        limits: Every threshold.
    """
    if is_in_force(state, now.fix.fixed_at, limits):
        return ()
    around = [seen for seen in (before, after) if seen is not None]
    if not around:
        return ()
    other = min(around, key=lambda seen: abs(seen.at_s - now.at_s))
    wearer, protected = (now, other) if mover is Party.WEARER else (other, now)
    doubts = _doubts(wearer, protected, limits)
    apart_m = _apart_m(now.xyz, other.xyz, pair)
    if before and after and 0.0 < after.at_s - before.at_s <= limits.segment_max_s:
        fraction = (now.at_s - before.at_s) / (after.at_s - before.at_s)
        passing_m = _apart_m(now.xyz, between(before.xyz, after.xyz, fraction), pair)
        if passing_m <= pair.alert_radius_m < apart_m:
            apart_m, doubts = passing_m, (*doubts, Doubt.BETWEEN_FIXES)
    if not is_inside(beyond_m(apart_m, pair.alert_radius_m), wearer.disc_m + protected.disc_m, doubts):
        return ()
    picture = _Picture(wearer, protected, now, pair, apart_m, doubts, None)
    return (picture.event(EventKind.LATE_DATA_BREACH, live=False),)


def _apart_m(a: Xyz, b: Xyz, pair: Pair) -> float:
    return distance_against_m(a, b, pair.alert_radius_m, pair.warning_radius_m)


def _doubts(wearer: Seen, protected: Seen, limits: Limits) -> tuple[Doubt, ...]:
    doubts = wearer.doubts
    if abs(wearer.at_s - protected.at_s) > limits.partner_stale_s:
        doubts = (*doubts, Doubt.PARTNER_STALE)
    if protected.doubts:
        doubts = (*doubts, Doubt.PARTNER_DOUBTFUL)
    return doubts


def _is_departure_unproven(wearer: Seen, protected: Seen, doubts: tuple[Doubt, ...]) -> bool:
    """Say whether the distance rests on where he was long ago, or on a place she cannot have reached."""
    is_old = Doubt.PARTNER_STALE in doubts and wearer.at_s < protected.at_s
    return is_old or Doubt.JUMP in protected.doubts


def _nearest_between(
    now: Seen, other: Seen, breach_m: float, pair: Pair, before: PresenceState, after: PresenceState
) -> float | None:
    """Return the least distance on the mover's believed way, aligned in time; None if it can be no news.

    The other is held still before the beginning and after the end of the way that is known.
    """
    if now.from_xyz is None or Presence.INSIDE in {before.presence, after.presence}:
        return None
    # From so far apart, so short ways cannot have met the radius.
    if not 0.0 < breach_m <= now.step_m + other.step_m:
        return None
    # Where it begins within the radius, that was judged then; if only doubtfully, it is no surer now.
    if distance_m(now.from_xyz, _place_at(other, now.from_s)) <= pair.alert_radius_m:
        return None
    knots = [now.from_s, *(s for s in (other.from_s, other.at_s) if now.from_s < s < now.at_s), now.at_s]
    return min(
        closest_approach(
            _place_at(now, start_s),
            _place_at(now, stop_s),
            _place_at(other, start_s),
            _place_at(other, stop_s),
        )[0]
        for start_s, stop_s in pairwise(knots)
    )


def _place_at(seen: Seen, at_s: float) -> Xyz:
    """Return where somebody was on the believed way, held still before and after it."""
    if seen.from_xyz is None or at_s >= seen.at_s:
        return seen.xyz
    if at_s <= seen.from_s:
        return seen.from_xyz
    return between(seen.from_xyz, seen.xyz, (at_s - seen.from_s) / (seen.at_s - seen.from_s))


class _Picture(msgspec.Struct, frozen=True):
    """What every event of one judged fix says: where both were, how far apart, how they move."""

    wearer: Seen
    protected: Seen
    now: Seen
    pair: Pair
    apart_m: float
    doubts: tuple[Doubt, ...]
    found: Closing | None

    def event(self, kind: EventKind, *, live: bool, repeat: bool = False, mild: bool = False) -> Event:
        """Return the event of this kind."""
        found, mover = self.found, self.found.mover if self.found else None
        if mover is Mover.TRAFFIC and not mild:
            mover = Mover.BOTH  # traffic that goes on beside her is no passing any more
        return Event(
            kind=kind,
            occurred_at=self.now.fix.fixed_at,
            order_id=self.pair.order_id,
            device_id=self.now.fix.device_id,
            person_id=self.pair.person_id,
            wearer=sighting_of(self.wearer),
            protected=sighting_of(self.protected),
            distance_m=self.apart_m,
            protected_age_s=abs(self.wearer.at_s - self.protected.at_s),
            doubts=self.doubts,
            mover=mover,
            closing_m_s=found.closing_m_s if found else None,
            wearer_part_m_s=found.wearer_part_m_s if found else None,
            eta_s=found.eta_s if found else None,
            live=live,
            repeat=repeat,
            exercise=self.pair.exercise,
        )
