"""Discs and zones as polygons that maps can draw: approximations, marked as such where they are written."""

import math
from collections.abc import Iterator, Sequence

from api.geofence.geometry.earth import Xyz, ecef, frame, point_of, surface
from api.geofence.model import Circle, ExclusionZone
from api.kernel.geo import Point

DISC_CORNERS = 16
"""A polygon of 16 corners inside a circle has 97 % of its area."""
CIRCLE_CORNERS = 64
_UNIT = [
    (math.cos(angle), math.sin(angle))
    for angle in (2 * math.pi * number / DISC_CORNERS for number in range(DISC_CORNERS))
]


class Plane:
    """Metres east and north of a place, in the plane that touches the Earth there.

    Exact to 1 m within 10 km, to 1 in 300 within 500 km: for drawings, never for judging.
    """

    def __init__(self, center: Point) -> None:
        """Touch the Earth at `center`."""
        self._origin = ecef(center)
        self._east, self._north, _up = frame(self._origin)

    def metres(self, point: Point) -> tuple[float, float]:
        """Return how far east and how far north a place is."""
        x, y, z = ecef(point)
        away = (x - self._origin[0], y - self._origin[1], z - self._origin[2])
        return _dot(away, self._east), _dot(away, self._north)

    def place(self, east_m: float, north_m: float) -> Point:
        """Return the place so far east and north."""
        pairs = zip(self._origin, self._east, self._north, strict=True)
        x, y, z = (origin + east_m * east + north_m * north for origin, east, north in pairs)
        return point_of(surface((x, y, z)))


def _dot(a: Xyz, b: Xyz) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def ring(center: Point, radius_m: float) -> list[Point]:
    """Return a closed ring of CIRCLE_CORNERS places at `radius_m` round a place, counter-clockwise."""
    plane = Plane(center)
    angles = (2 * math.pi * number / CIRCLE_CORNERS for number in range(CIRCLE_CORNERS))
    places = [plane.place(radius_m * math.cos(angle), radius_m * math.sin(angle)) for angle in angles]
    return [*places, places[0]]


def disc(center: Point, radius_m: float) -> list[Point]:
    """Return a small ring of DISC_CORNERS corners, to 1 in 1,000 of a radius under 5 km; faster by far."""
    plane = Plane(center)
    north_deg = plane.place(0.0, radius_m).lat - center.lat
    east_deg = (plane.place(radius_m, 0.0).lon - center.lon + 180.0) % 360.0 - 180.0
    places = [Point(center.lat + north_deg * sine, center.lon + east_deg * cosine) for cosine, sine in _UNIT]
    return [*places, places[0]]


def outlines(zone: ExclusionZone) -> Iterator[Sequence[Sequence[Point]]]:
    """Yield the rings of each part of a zone: the outline, then its holes."""
    if isinstance(zone.shape, Circle):
        yield [ring(zone.shape.center, zone.shape.radius_m)]
        return
    for part in zone.shape:
        yield part.rings
