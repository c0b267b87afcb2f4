"""One state machine for every ring: a zone and its buffer, or the two radii round a protected person.

Entering is immediate; leaving takes distance, fixes and time. Doubt counts against the wearer: for a
warning at once, for a breach when it repeats.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from api.alerts.model import Doubt
from api.geofence.model import Limits, Presence, PresenceState

_RANK = {Presence.OUTSIDE: 0, Presence.BUFFER: 1, Presence.INSIDE: 2}
_WIDE_DOUBTS = frozenset({Doubt.NO_ACCURACY, Doubt.COARSE, Doubt.PARTNER_DOUBTFUL})
"""Doubts that make the disc, not its middle, the place to judge."""


class Telling(StrEnum):
    """What is worth telling after a fix."""

    ENTERED = "entered"
    ENTERED_LATE = "entered_late"
    STILL_INSIDE = "still_inside"
    WARNED = "warned"
    LEFT = "left"


def leave_band_m(radius_m: float, limits: Limits) -> float:
    """Return how far beyond an edge counts as left: 10 % of the radius, 20 m to 50 m."""
    return min(max(limits.leave_band_part * radius_m, limits.leave_band_min_m), limits.leave_band_max_m)


def is_resting(state: PresenceState) -> bool:
    """Say whether a fix whose whole disc is beyond the warning line changes nothing."""
    return (
        state.presence is Presence.OUTSIDE
        and not state.doubtful_recent
        and not state.closing
        and not state.contacts
    )


def is_inside(breach_m: float, disc_m: float, doubts: tuple[Doubt, ...]) -> bool:
    """Say whether a fix shows a breach: for sure without doubts, otherwise as one that must repeat."""
    if doubts and not _WIDE_DOUBTS.isdisjoint(doubts):
        return breach_m - disc_m <= 0.0
    return breach_m <= 0.0


def disc_doubts(
    breach_m: float, warning_m: float, disc_m: float, doubts: tuple[Doubt, ...]
) -> tuple[Doubt, ...]:
    """Return the doubts, and DISC_ONLY for a good fix that is on this side of a line by its disc only."""
    if not doubts and (breach_m - disc_m <= 0.0 < breach_m or warning_m - disc_m <= 0.0 < warning_m):
        return (Doubt.DISC_ONLY,)
    return doubts


def next_presence(
    state: PresenceState,
    breach_m: float,
    warning_m: float,
    disc_m: float,
    doubts: tuple[Doubt, ...],
    fixed_at: datetime,
    band_m: float,
    limits: Limits,
    *,
    again: bool = False,
    may_leave: bool = True,
) -> PresenceState:
    """Return the state after one fix; the very same object when nothing changed.

    Args:
        state: As of the fix before.
        breach_m: Signed distance to the line of breach, <= 0 inside and on it.
        warning_m: Signed distance to the line of warning, <= breach_m.
        disc_m: Radius of doubt, > 0; for a pair the sum of both.
        doubts: Empty for a fix that proves a position.
        fixed_at: Not before any judged earlier.
        band_m: Beyond a line by this much, > 0, counts as having left.
        limits: `confirm_fixes`, `confirm_window`, `leave_fixes`, `leave_s`.
        again: It rests on the same doubtful fix as before, which is not counted a second time.
        may_leave: The fix can prove a departure; one that cannot begins none either.
    """
    inside = is_inside(breach_m, disc_m, doubts)
    doubtful = inside and bool(doubts)
    recent = 0
    if state.presence is not Presence.INSIDE:
        before = state.doubtful_recent if again else state.doubtful_recent << 1
        recent = (before | doubtful) & ((1 << limits.confirm_window) - 1)
    here = Presence.OUTSIDE
    if inside and (not doubts or recent.bit_count() >= limits.confirm_fixes):
        here = Presence.INSIDE
    elif warning_m - disc_m <= 0.0:
        here = Presence.BUFFER
    if _RANK[here] > _RANK[state.presence]:
        return _entered(state, here, fixed_at, 0 if here is Presence.INSIDE else recent)
    edge_m = breach_m if state.presence is Presence.INSIDE else warning_m
    if here is state.presence or edge_m <= band_m or edge_m - disc_m <= 0.0:
        return _stay(state, recent)
    if Doubt.JUMP in doubts or not may_leave:
        return _stay(state, recent)
    if warning_m <= band_m:
        here = Presence.BUFFER  # its own line has the same band, however he comes to it
    return _leave(state, here, recent, fixed_at, limits)


def is_only_late(before: PresenceState, after: PresenceState) -> bool:
    """Say whether the breach in force is one that late data found and no live event has told of."""
    return before.presence is after.presence is Presence.INSIDE and after.told_at is None


def after_late(
    before: PresenceState, after: PresenceState, at: datetime, *, warned: bool, inside: bool
) -> PresenceState | None:
    """Return the state to go on from when what late data found is over and he is still near, else None.

    That he is this near has been told to nobody: the live warning must not be silenced by a late breach.
    """
    if warned and is_only_late(before, after) and not inside:
        return _entered(after, Presence.BUFFER, at, 0)
    return None


def was_near(state: PresenceState, at: datetime) -> PresenceState:
    """Return the state of somebody who, between two fixes, was nearer than the warning line, as was told."""
    return _entered(state, Presence.BUFFER, at, 0, told_at=at)


def is_in_force(state: PresenceState, at: datetime, limits: Limits) -> bool:
    """Say whether a breach at a past moment is part of the one that is in force: then it is no news.

    On a bad network positions overtake each other, and the first that arrives is not the first inside.
    """
    if state.presence is not Presence.INSIDE or state.since is None:
        return False
    return (state.since - at).total_seconds() <= limits.late_s


def _entered(
    state: PresenceState, here: Presence, at: datetime, recent: int, told_at: datetime | None = None
) -> PresenceState:
    """Return a presence that begins now; what is remembered beside it stays."""
    return PresenceState(
        here, at, 0, None, recent, told_at, mild=False, closing=state.closing, contacts=state.contacts
    )


def _stay(state: PresenceState, recent: int) -> PresenceState:
    """Return the state without any beginning of leaving."""
    if state.clear_fixes == 0 and state.doubtful_recent == recent:
        return state
    return msgspec.structs.replace(state, clear_fixes=0, clear_since=None, doubtful_recent=recent)


def _leave(
    state: PresenceState,
    here: Presence,
    recent: int,
    fixed_at: datetime,
    limits: Limits,
) -> PresenceState:
    """Count one more fix beyond the line; the state falls after enough of them and enough time."""
    since = state.clear_since or fixed_at
    fixes = min(state.clear_fixes + 1, limits.leave_fixes)
    if fixes >= limits.leave_fixes and (fixed_at - since).total_seconds() >= limits.leave_s:
        # One level at a time is not needed: the fix that ends it tells where the wearer is now.
        return _entered(state, here, fixed_at, recent, state.told_at)
    return msgspec.structs.replace(state, clear_fixes=fixes, clear_since=since, doubtful_recent=recent)


def after_telling(state: PresenceState, told: Telling, at: datetime, *, mild: bool = False) -> PresenceState:
    """Return the state with the moment at which it was told live; late data and an end do not count."""
    if told in {Telling.ENTERED_LATE, Telling.LEFT}:
        return state
    return msgspec.structs.replace(state, told_at=at, mild=mild)


def telling(
    before: PresenceState,
    after: PresenceState,
    at: datetime,
    limits: Limits,
    *,
    live: bool,
    inside: bool,
    warned: bool,
    mild: bool = False,
) -> Telling | None:
    """Return what is worth telling of a fix; `inside` and `warned` say what it shows by itself.

    `mild` says that it shows no approach of his; what was told as mild and is no longer is told anew.
    `told_at` is None until a live event told of the presence in force, so what late data found is told
    by the first live fix that finds it still so. That it ended is told whatever the data's age: it is
    the newest there is, and rings nowhere.
    """
    if _RANK[after.presence] < _RANK[before.presence]:
        if before.presence is Presence.BUFFER and before.told_at is None:
            return None
        return Telling.LEFT
    if not live:
        entered = after.presence is Presence.INSIDE and before.presence is not Presence.INSIDE
        return Telling.ENTERED_LATE if entered else None
    if after.presence is Presence.INSIDE:
        if after.told_at is None or (after.mild and not mild):
            return Telling.ENTERED if inside else None
        if after.clear_fixes == 0 and (at - after.told_at).total_seconds() >= limits.repeat_s:
            return Telling.STILL_INSIDE
        return None
    if after.presence is Presence.BUFFER and after.told_at is None and warned:
        return Telling.WARNED
    return None
