"""How far somebody is from where he must not be: what has to be covered before anything can happen."""

from collections.abc import Iterable

from api.geofence.geometry.earth import Xyz, distance_m
from api.geofence.geometry.prepared import PreparedZone

EXACT_M = 50_000.0
"""Farther zones may come out nearer than they are: it takes forty minutes to cover this at 72 km/h."""


def zone_gap_m(xyz: Xyz, disc_m: float, zones: Iterable[PreparedZone]) -> tuple[float, bool] | None:
    """Return the way to the nearest edge, >= 0, and whether that zone is concealed; None without a zone."""
    nearest: tuple[float, bool] | None = None
    for zone in zones:
        gap_m = max(0.0, zone.signed_distance_m(xyz, EXACT_M) - disc_m)
        if nearest is None or gap_m < nearest[0]:
            nearest = (gap_m, zone.zone.visibility == "concealed")
    return nearest


def person_gap_m(
    wearer: Xyz, wearer_disc_m: float, protected: Xyz, protected_disc_m: float, radius_m: float
) -> float:
    """Return the way to a radius round her that both discs leave, >= 0."""
    return max(0.0, distance_m(wearer, protected) - radius_m - wearer_disc_m - protected_disc_m)
