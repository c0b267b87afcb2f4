"""How far a single fix can be believed, and when it was: nothing is ever dropped here."""

import math
from datetime import datetime
from enum import StrEnum

import msgspec

from api.alerts.model import Doubt, Sighting
from api.geofence.geometry.earth import Xyz, chord_m, ecef
from api.geofence.model import Fix, Limits


class Timing(StrEnum):
    """LIVE; LATE: the newest of its device, but old on arrival; PAST: older than one known before."""

    LIVE = "live"
    LATE = "late"
    PAST = "past"


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A fix as judged: made by `see`.

    Attributes:
        xyz: Its place in Earth-centred metres.
        at_s: `fixed_at` as Unix seconds, for arithmetic.
        disc_m: Radius of the disc that the fix stands for, > 0; a default where the device did not say.
        from_xyz: Where the path to this fix began; None when there is none that can be believed.
        from_s: When it began, Unix seconds; equals `at_s` without a path.
        step_m: Length of that path, >= 0.
        anchor_xyz: Last place believed before a jump, or this one.
        anchor_s: When that was.
        anchor_disc_m: And how far that could be believed.
        sure_xyz: Last place before this fix that was without doubts; None when there was none.
        sure_s: When that was.
        velocity: Metres per second in Earth-centred axes, smoothed over about VELOCITY_S; None without a
            path that can be believed.
        speed_m_s: Its length, 0 without one.
    """

    fix: Fix
    xyz: Xyz
    at_s: float
    disc_m: float
    doubts: tuple[Doubt, ...]
    from_xyz: Xyz | None
    from_s: float
    step_m: float
    anchor_xyz: Xyz
    anchor_s: float
    anchor_disc_m: float
    sure_xyz: Xyz | None = None
    sure_s: float = 0.0
    velocity: Xyz | None = None
    speed_m_s: float = 0.0


VELOCITY_S = 30.0
"""Steps older than this count for little: the error of a phone's fix wanders about as slowly; proposal."""
NONE: tuple[Doubt, ...] = ()
_NO_ACCURACY = (Doubt.NO_ACCURACY,)
_COARSE = (Doubt.COARSE,)
_OF_ACCURACY = (NONE, _NO_ACCURACY, _COARSE)
_WITH_JUMP = tuple((*doubts, Doubt.JUMP) for doubts in _OF_ACCURACY)


def clock_fault(fix: Fix, limits: Limits) -> str | None:
    """Return `future` or `ancient` when the device's clock cannot be right, else None."""
    age_s = (fix.received_at - fix.fixed_at).total_seconds()
    if age_s < -limits.future_s:
        return "future"
    return "ancient" if age_s > limits.ancient_s else None


def believed_moment(occurred_at: datetime, received_at: datetime, limits: Limits) -> datetime:
    """Return when an alarm happened: a clock that cannot be right must not part it from its order."""
    age_s = (received_at - occurred_at).total_seconds()
    return occurred_at if -limits.future_s <= age_s <= limits.ancient_s else received_at


def timing_of(fix: Fix, last_fixed_at: datetime | None, limits: Limits) -> Timing:
    """Return whether a fix is live, late or past, as of its arrival."""
    if last_fixed_at is not None and fix.fixed_at < last_fixed_at:
        return Timing.PAST
    if (fix.received_at - fix.fixed_at).total_seconds() > limits.late_s:
        return Timing.LATE
    return Timing.LIVE


def see(fix: Fix, previous: Seen | None, limits: Limits) -> Seen:
    """Return the fix with its doubts and the path that led to it.

    A fix that cannot have been reached from the last believed place at `max_speed_m_s`, both discs
    allowed for, is a JUMP. The second fix that agrees with a jump is believed: two outliers at one
    place are a place. A fix that agrees with the place before the jump shows the jump as the outlier.
    """
    accuracy = fix.accuracy_m
    number = 0
    if accuracy is None:
        accuracy = limits.unknown_accuracy_m
        number = 1
    elif accuracy > limits.good_accuracy_m:
        number = 2
    xyz = ecef(fix.point)
    at_s = fix.fixed_at.timestamp()
    if previous is None:
        return Seen(fix, xyz, at_s, accuracy, _OF_ACCURACY[number], None, at_s, 0.0, xyz, at_s, accuracy)
    sure = (previous.sure_xyz, previous.sure_s) if previous.doubts else (previous.xyz, previous.at_s)
    start_xyz, start_s = previous.xyz, previous.at_s
    step_m = chord_m(xyz, start_xyz)
    reach_m = accuracy + limits.max_speed_m_s * (at_s - start_s) + previous.disc_m
    jumped = Doubt.JUMP in previous.doubts
    if step_m > reach_m or (jumped and _is_reachable(xyz, at_s, accuracy, previous, limits)):
        start_xyz, start_s, start_disc_m = previous.anchor_xyz, previous.anchor_s, previous.anchor_disc_m
        step_m = chord_m(xyz, start_xyz)
        if step_m > accuracy + limits.max_speed_m_s * (at_s - start_s) + start_disc_m:
            anchor = (start_xyz, start_s, start_disc_m)
            return Seen(fix, xyz, at_s, accuracy, _WITH_JUMP[number], None, at_s, 0.0, *anchor, *sure)
        # The fix before was the outlier: this one goes on from where the device was believed to be.
        jumped = False
    doubts = _OF_ACCURACY[number]
    if jumped or at_s - start_s > limits.segment_max_s:
        return Seen(fix, xyz, at_s, accuracy, doubts, None, at_s, 0.0, xyz, at_s, accuracy, *sure)
    velocity = _velocity(xyz, at_s, start_xyz, start_s, previous.velocity)
    if velocity is None:
        return Seen(fix, xyz, at_s, accuracy, doubts, start_xyz, start_s, step_m, xyz, at_s, accuracy, *sure)
    x, y, z = velocity
    speed_m_s = math.sqrt(x * x + y * y + z * z)
    path = (start_xyz, start_s, step_m)
    return Seen(fix, xyz, at_s, accuracy, doubts, *path, xyz, at_s, accuracy, *sure, velocity, speed_m_s)


def _velocity(xyz: Xyz, at_s: float, start_xyz: Xyz, start_s: float, before: Xyz | None) -> Xyz | None:
    """Return the velocity after a step, what was known before fading with time; a second has one only."""
    took_s = at_s - start_s
    if took_s <= 0.0:
        return before
    fresh = 1.0 / took_s
    if before is None:
        return (
            (xyz[0] - start_xyz[0]) * fresh,
            (xyz[1] - start_xyz[1]) * fresh,
            (xyz[2] - start_xyz[2]) * fresh,
        )
    keep = math.exp(-took_s / VELOCITY_S)
    fresh *= 1.0 - keep
    return (
        before[0] * keep + (xyz[0] - start_xyz[0]) * fresh,
        before[1] * keep + (xyz[1] - start_xyz[1]) * fresh,
        before[2] * keep + (xyz[2] - start_xyz[2]) * fresh,
    )


def _is_reachable(xyz: Xyz, at_s: float, accuracy: float, previous: Seen, limits: Limits) -> bool:
    """Say whether the last believed place before a jump explains this one as well."""
    reach_m = accuracy + limits.max_speed_m_s * (at_s - previous.anchor_s) + previous.anchor_disc_m
    return chord_m(xyz, previous.anchor_xyz) <= reach_m


def sighting_of(seen: Seen) -> Sighting:
    """Return what an event says of where somebody was."""
    fix = seen.fix
    return Sighting(fix.device_id, fix.point, fix.accuracy_m, fix.fixed_at, seen.doubts)
