"""Who makes the distance shrink, how fast, and whether he will be there before anybody can act."""

import msgspec

from api.alerts.model import Mover
from api.geofence.model import Limits, Presence, PresenceState
from api.geofence.rules.quality import Seen

CLOSING_FIXES = 2
"""Fixes in a row that must agree: one says as much of its error as of his course; proposal."""
CLOSING_TOLD = CLOSING_FIXES + 1
HIS_PART = 0.5
"""She may drive towards him on the same road: it is his approach when half of it is his; proposal."""


class Closing(msgspec.Struct, frozen=True):
    """How two people come together.

    Attributes:
        wearer_part_m_s, protected_part_m_s: What each one's way adds to the closing speed; negative when
            it takes away.
        eta_s: Until he is at the alert distance at this speed; None while they part or he is there.
        miss_m: The least distance to come if both go on as they do.
        is_wearer_still: He stands.
        is_traffic: Both are in vehicles.
    """

    wearer_part_m_s: float
    protected_part_m_s: float
    eta_s: float | None
    miss_m: float
    is_wearer_still: bool
    is_traffic: bool
    mover: Mover

    @property
    def closing_m_s(self) -> float:
        """Return the speed at which the distance shrinks; negative while it grows."""
        return self.wearer_part_m_s + self.protected_part_m_s


def closing_of(wearer: Seen, protected: Seen, alert_radius_m: float, limits: Limits) -> Closing | None:
    """Return how the two come together; None while the velocity of one of them is not known, or is old.

    Velocities are straight lines in space: over five minutes and 20 km they are off by metres.
    """
    if wearer.velocity is None or protected.velocity is None:
        return None
    if abs(wearer.at_s - protected.at_s) > limits.near_silence_s:
        return None  # who stood two minutes ago may be running now
    apart = tuple(p - w for p, w in zip(protected.xyz, wearer.xyz, strict=True))
    apart_m = sum(a * a for a in apart) ** 0.5
    if apart_m == 0.0:
        unit: tuple[float, ...] = (0.0, 0.0, 0.0)
    else:
        unit = tuple(a / apart_m for a in apart)
    his = sum(v * u for v, u in zip(wearer.velocity, unit, strict=True))
    hers = -sum(v * u for v, u in zip(protected.velocity, unit, strict=True))
    closing_m_s = his + hers
    beyond_m = apart_m - alert_radius_m
    relative = [p - w for p, w in zip(protected.velocity, wearer.velocity, strict=True)]
    return Closing(
        wearer_part_m_s=his,
        protected_part_m_s=hers,
        eta_s=beyond_m / closing_m_s if closing_m_s > 0.0 and beyond_m > 0.0 else None,
        miss_m=_miss_m(apart, relative),
        is_wearer_still=wearer.speed_m_s < limits.still_m_s,
        is_traffic=min(wearer.speed_m_s, protected.speed_m_s) >= limits.traffic_m_s,
        mover=_mover(wearer, protected, his, hers, limits),
    )


def closing_reach_m(wearer: Seen, protected: Seen, alert_radius_m: float, limits: Limits) -> float:
    """Return from how far apart, at most, closing fast can be found; 0 while he is too slow for it."""
    speed_m_s = wearer.speed_m_s + protected.speed_m_s
    if wearer.speed_m_s < HIS_PART * limits.closing_min_m_s:
        return 0.0
    return alert_radius_m + limits.closing_eta_s * speed_m_s


def is_closing_fast(found: Closing, warning_radius_m: float, limits: Limits) -> bool:
    """Say whether he will soon be at the alert distance, on a course that leads to her."""
    return (
        found.eta_s is not None
        and found.eta_s <= limits.closing_eta_s
        and found.closing_m_s >= limits.closing_min_m_s
        and found.wearer_part_m_s >= HIS_PART * found.closing_m_s
        and found.miss_m <= warning_radius_m
    )


def next_closing(state: PresenceState, found: Closing | None, *, is_fast: bool) -> int:
    """Return the count of fixes in a row that show him closing fast, as of one more of his fixes.

    Once told it stays so until they part beyond the warning line: slowing down at a crossing does not
    end it.
    """
    if state.closing == CLOSING_TOLD:
        is_parting = found is not None and found.closing_m_s < 0.0
        return 0 if is_parting and state.presence is Presence.OUTSIDE else CLOSING_TOLD
    count = state.closing + 1 if is_fast else 0
    return CLOSING_TOLD if count == CLOSING_FIXES else count


def is_mild(found: Closing | None, state: PresenceState, inside_s: float, limits: Limits) -> bool:
    """Say whether being this near is not an approach of his: she came to him, or both pass in traffic.

    Args:
        found: How they come together; not known counts against him.
        state: Before this fix; what was told as mild stays mild while he stands.
        inside_s: How long they have been this near, 0 at the entry.
        limits: `still_m_s`, `passing_s`.
    """
    if found is None:
        return False
    if found.is_traffic:
        return inside_s < limits.passing_s
    return found.is_wearer_still and (state.mild or found.protected_part_m_s >= limits.still_m_s)


def _mover(wearer: Seen, protected: Seen, his: float, hers: float, limits: Limits) -> Mover:
    if min(wearer.speed_m_s, protected.speed_m_s) >= limits.traffic_m_s:
        return Mover.TRAFFIC
    if his >= limits.still_m_s:
        return Mover.BOTH if hers >= limits.still_m_s else Mover.WEARER
    return Mover.PROTECTED if hers >= limits.still_m_s else Mover.NEITHER


def _miss_m(apart: tuple[float, ...], relative: list[float]) -> float:
    """Return the least distance from now on, both going straight on."""
    square = sum(v * v for v in relative)
    along = -sum(a * v for a, v in zip(apart, relative, strict=True))
    ahead_s = max(0.0, along / square) if square > 0.0 else 0.0
    return float(sum((a + v * ahead_s) ** 2 for a, v in zip(apart, relative, strict=True)) ** 0.5)
