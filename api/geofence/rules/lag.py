"""Whether what devices say reaches us late for all of them: then it is we who are behind."""

from collections.abc import Collection
from statistics import median

from api.geofence.model import Limits

LEAST_DEVICES = 5
"""One device that empties its store is late by itself; from so many on it is no accident; proposal."""
OVER_PART = 0.5
"""The lag is over when half of it is gone: it must not flicker on the line; proposal."""


def is_lagging(ages_s: Collection[float], limits: Limits, *, was_lagging: bool) -> bool:
    """Say whether intake lags: half of the devices heard lately were heard later than `intake_lag_s`.

    Args:
        ages_s: Per device, how old its newest message was on arrival, seconds; of the last minute.
        limits: `intake_lag_s`.
        was_lagging: What was said before; too few devices begin no lag, and nobody heard ends none.
    """
    if not ages_s:
        return was_lagging
    if len(ages_s) < LEAST_DEVICES and not was_lagging:
        return False
    limit_s = limits.intake_lag_s * (OVER_PART if was_lagging else 1.0)
    return median(ages_s) > limit_s
