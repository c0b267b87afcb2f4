"""Safe-horizon reporting: how rarely a device may report so that nobody can cover the distance unseen.

The proof is in ops/docs/horizon.md. In short: at a device's own report, with the gap g that both discs
leave to the warning line, the other's position a seconds old and `movers` people moving at v at most, after T
seconds at most v·a + movers·v·T of g is used up. T = (g - v·a) / (movers·v) leaves it unused.
"""

from datetime import datetime

import msgspec

from api.geofence.model import Limits

STEPS_S = (15, 30, 60, 120, 300, 600)
"""Intervals that are told: few, so that a device is not told another one with each report; proposal.
15 s is pursuit mode, 60 s the usual rate of ankle monitors (field/monitoring.md section 5, V2 and V9)."""
USUAL_S = 60
"""What a device is given back when nobody asks for another rate any more: the usual one of V2 and V9."""
AGAIN_S = 60.0
"""A device that goes on as before is told again after this: a command may be lost; proposal."""


class Reporting(msgspec.Struct, frozen=True):
    """What a device was told of its interval, and when."""

    interval_s: int
    told_at: datetime


def safe_interval_s(gap_m: float, other_age_s: float, movers: int, longest_s: float, limits: Limits) -> int:
    """Return the longest step at which nobody can cover the gap unseen; the shortest where there is none.

    Args:
        gap_m: From both discs of doubt to the warning line, >= 0.
        other_age_s: Age of the other party's position, >= 0; 0 for a zone, which stays.
        movers: How many of the two can move towards each other: 2 people, or 1 and a zone.
        longest_s: Not beyond this, however far.
        limits: `horizon_speed_m_s`.
    """
    speed_m_s = limits.horizon_speed_m_s
    free_s = (gap_m - speed_m_s * other_age_s) / (movers * speed_m_s)
    allowed = [step for step in STEPS_S if step <= min(free_s, longest_s)]
    return allowed[-1] if allowed else STEPS_S[0]


def is_to_be_told(told: Reporting | None, interval_s: int, gap_s: float | None, now: datetime) -> bool:
    """Say whether a device has to be told its interval: another one, or the same if it does not keep to it.

    `gap_s` is the time between its last two reports, None when there was none before.
    """
    if told is None or told.interval_s != interval_s:
        return True
    keeps_to_it = gap_s is None or gap_s <= 1.5 * interval_s + STEPS_S[0]
    return not keeps_to_it and (now - told.told_at).total_seconds() >= AGAIN_S
