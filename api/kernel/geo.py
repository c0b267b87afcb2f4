"""A place on Earth and the reference distance between two; the only importer of geopy."""

from typing import NamedTuple

from geopy.distance import geodesic


class Point(NamedTuple):
    """A place in WGS-84 degrees: `lat` in -90..90, `lon` in -180..180."""

    lat: float
    lon: float


def distance_m(a: Point, b: Point) -> float:
    """Return the geodesic distance in metres, >= 0.

    Karney's algorithm through geopy: exact to nanometres, about 100 times slower than the chord of
    `geofence.geometry.earth`, so it serves tests, evidence and decisions within 1 cm of a threshold.
    """
    return float(geodesic(a, b).m)
