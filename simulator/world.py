"""Places, areas and distances as the simulator knows them, independent of the service's own geometry.

Distances are geopy's geodesic (Karney, exact to nanometres); the service computes by chords and
tangent planes, so an error there is not repeated here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import shapely
from geopy.distance import geodesic
from geopy.point import Point as GeopyPoint

M_PER_DEG_LAT = 111_320.0
"""Mean length of a degree of latitude; used only for offsets of a few hundred metres."""


class Place(NamedTuple):
    """A place in WGS-84 degrees."""

    lat: float
    lon: float


def distance_m(a: Place, b: Place) -> float:
    """Return the geodesic distance."""
    return float(geodesic(a, b).m)


def near_distance_m(a: Place, b: Place) -> float:
    """Return the distance of places at most a few hundred metres apart, to 1 % (equirectangular)."""
    return math.hypot(*shift_m(a, b))


def shift_m(a: Place, b: Place) -> tuple[float, float]:
    """Return how far east and north `b` lies of `a`, for places at most a few kilometres apart."""
    turn = (b.lon - a.lon + 180) % 360 - 180
    east_m = turn * M_PER_DEG_LAT * math.cos(math.radians(a.lat))
    return east_m, (b.lat - a.lat) * M_PER_DEG_LAT


def bearing_deg(a: Place, b: Place) -> float:
    """Return the initial course from `a` to `b`, degrees clockwise from north, 0..360 (spherical formula)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    turn = math.radians(b.lon - a.lon)
    y = math.sin(turn) * math.cos(lat_b)
    x = math.cos(lat_a) * math.sin(lat_b) - math.sin(lat_a) * math.cos(lat_b) * math.cos(turn)
    return math.degrees(math.atan2(y, x)) % 360


def destination(start: Place, course_deg: float, along_m: float) -> Place:
    """Return the place that lies `along_m` from `start` on that course."""
    point: GeopyPoint = geodesic(meters=along_m).destination(start, course_deg)
    return Place(float(point.latitude), float(point.longitude))


def offset(place: Place, east_m: float, north_m: float) -> Place:
    """Return the place shifted by metres; good to a centimetre within a few hundred metres."""
    lat = place.lat + north_m / M_PER_DEG_LAT
    lon = place.lon + east_m / (M_PER_DEG_LAT * math.cos(math.radians(place.lat)))
    return Place(lat, _wrapped(lon))


def between(a: Place, b: Place, part: float) -> Place:
    """Return the place `part` (0..1) of the way; linear in degrees, for points at most some km apart."""
    turn = (b.lon - a.lon + 180) % 360 - 180
    lon = a.lon + turn * part
    return Place(a.lat + (b.lat - a.lat) * part, _wrapped(lon))


def leg_points(a: Place, b: Place, step_m: float) -> list[Place]:
    """Return places from `a` to `b`, both included, at most `step_m` apart along the geodesic."""
    total_m = distance_m(a, b)
    count = max(1, math.ceil(total_m / step_m))
    course = bearing_deg(a, b)
    if count == 1:
        return [a, b]
    middle = [between(a, b, i / count) for i in range(1, count)]
    if total_m > 20_000:  # a straight line in degrees leaves the geodesic by metres here
        middle = [destination(a, course, total_m * i / count) for i in range(1, count)]
    return [a, *middle, b]


@dataclass(frozen=True, slots=True)
class Circle:
    """A disc on the ellipsoid."""

    center: Place
    radius_m: float

    def edge_distance_m(self, place: Place) -> float:
        """Return the distance to the edge, negative inside."""
        return distance_m(self.center, place) - self.radius_m

    def to_shape(self) -> dict[str, Any]:
        """Return it as the REST contract writes it: `[lon, lat]`."""
        return {"type": "Circle", "center": [self.center.lon, self.center.lat], "radius_m": self.radius_m}


@dataclass(frozen=True, slots=True)
class Area:
    """A polygon without holes; `corners` are not closed."""

    corners: tuple[Place, ...]

    def edge_distance_m(self, place: Place) -> float:
        """Return the distance to the edge, negative inside, in a plane round `place`."""
        ring = [_plane(place, corner) for corner in self.corners]
        outline = shapely.LinearRing(ring)
        here = shapely.Point(0, 0)
        distance = float(outline.distance(here))
        return -distance if shapely.Polygon(ring).contains(here) else distance

    def to_shape(self) -> dict[str, Any]:
        """Return it as GeoJSON, counter-clockwise and closed."""
        ring = [[corner.lon, corner.lat] for corner in (*self.corners, self.corners[0])]
        if not shapely.LinearRing(ring).is_ccw:
            ring.reverse()
        return {"type": "Polygon", "coordinates": [ring]}

    def fault(self) -> str:
        """Return why this is no area, or nothing."""
        if len(set(self.corners)) < 3:
            return "a polygon needs at least three different corners"
        polygon = shapely.Polygon([(corner.lon, corner.lat) for corner in self.corners])
        return "" if polygon.is_valid else shapely.is_valid_reason(polygon).lower()


Shape = Circle | Area


def closest_m(shape: Shape, path: Sequence[Place], step_m: float = 2.0) -> float:
    """Return the least edge distance met along a path, looked at every `step_m`."""
    nearest = shape.edge_distance_m(path[0])
    for a, b in pairwise(path):
        nearest = min(nearest, *(shape.edge_distance_m(point) for point in leg_points(a, b, step_m)))
    return nearest


def _plane(origin: Place, place: Place) -> tuple[float, float]:
    far_m = distance_m(origin, place)
    course = math.radians(bearing_deg(origin, place))
    return far_m * math.sin(course), far_m * math.cos(course)


def _wrapped(lon: float) -> float:
    """Return the longitude within -180..180, untouched when it is there already."""
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180
