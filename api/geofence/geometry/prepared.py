"""An exclusion zone made ready for one fix after another."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from api.geofence.geometry.earth import (
    ARC,
    MEAN_RADIUS_M,
    Xyz,
    beyond_m,
    chord_m,
    closest_approach,
    distance_against_m,
    ecef,
    frame,
    surface,
)
from api.geofence.geometry.large import LargeArea, large_area
from api.geofence.geometry.planar import PlanarArea, planar_area
from api.geofence.model import Circle, ExclusionZone, Polygon
from api.kernel.geo import Point

PLANAR_MAX_M = 20_000.0
"""Larger areas leave the tangent plane (field/geofencing.md section 8): it is 3 cm off there."""


@dataclass(frozen=True, slots=True)
class CircularArea:
    """A disc on the ellipsoid."""

    center: Xyz
    radius_m: float

    def signed_distance_m(self, xyz: Xyz, reach_m: float) -> float:
        """Return the distance to the edge, negative inside; a bound when it is outside and beyond reach."""
        # The chord is shorter than the geodesic: what it puts beyond reach is beyond reach.
        bound = chord_m(self.center, xyz) - self.radius_m
        if bound > reach_m:
            return bound
        return beyond_m(distance_against_m(self.center, xyz, self.radius_m, self.radius_m), self.radius_m)

    def segment_touches(self, start: Xyz, end: Xyz) -> bool:
        """Return whether the way from start to end meets the disc."""
        nearest_m, _ = closest_approach(start, end, self.center, self.center)
        return beyond_m(nearest_m, self.radius_m) <= 0.0


@dataclass(frozen=True, slots=True)
class PreparedZone:
    """A zone with its geometry worked out; every place in it is within `bounding_radius_m` of `center`.

    Attributes:
        watch_m: Bounding radius and buffer: a fix whose disc stays beyond this concerns the zone in no way.
    """

    zone: ExclusionZone
    center: Xyz
    bounding_radius_m: float
    watch_m: float
    area: CircularArea | PlanarArea | LargeArea

    @classmethod
    def from_zone(cls, zone: ExclusionZone) -> "PreparedZone":
        """Prepare a zone whose shape is valid."""
        shape = zone.shape
        if isinstance(shape, Circle):
            center = ecef(shape.center)
            area: CircularArea | PlanarArea | LargeArea = CircularArea(center, shape.radius_m)
            return cls(zone, center, shape.radius_m, shape.radius_m + zone.buffer_m, area)
        center, radius_m, area = _prepared(shape)
        return cls(zone, center, radius_m, radius_m + zone.buffer_m, area)

    def signed_distance_m(self, xyz: Xyz, reach_m: float) -> float:
        """Return the distance to the edge: negative inside, exactly 0 on the line, which is inside.

        Args:
            xyz: A place on the ellipsoid.
            reach_m: Only a distance up to this must be exact, >= 0; a farther one may come back as any
                figure between reach and the truth, with the right sign.
        """
        bound = chord_m(self.center, xyz) - self.bounding_radius_m
        if bound > reach_m:
            return bound
        return self.area.signed_distance_m(xyz, reach_m)

    def segment_touches(self, start: Xyz, end: Xyz) -> bool:
        """Return whether a straight way between two places meets the zone."""
        return self.area.segment_touches(start, end)


@lru_cache(maxsize=64)
def _prepared(shape: tuple[Polygon, ...]) -> tuple[Xyz, float, PlanarArea | LargeArea]:
    """Return middle, radius and area; the many orders of one territory share what took a second to make."""
    parts = [[[_one_name(point) for point in ring] for ring in polygon.rings] for polygon in shape]
    center, radius_m = _bounds(parts)
    if radius_m > PLANAR_MAX_M:
        return center, radius_m, large_area(center, parts)
    return (
        center,
        radius_m,
        planar_area(center, [[[ecef(point) for point in ring] for ring in part] for part in parts]),
    )


def _one_name(point: Point) -> Point:
    """Give the antimeridian and the poles one longitude, so that two pieces share corners to the last bit."""
    if abs(point.lat) == 90.0:
        return Point(point.lat, 0.0)
    return Point(point.lat, 180.0) if point.lon == -180.0 else point


def _bounds(parts: Sequence[Sequence[Sequence[Point]]]) -> tuple[Xyz, float]:
    """Return the middle of an area and a radius that holds it."""
    points = {ecef(point) for part in parts for ring in part for point in ring}
    count = len(points)
    rough = surface(
        (
            sum(x for x, _, _ in points) / count,
            sum(y for _, y, _ in points) / count,
            sum(z for _, _, z in points) / count,
        )
    )
    # The mean leans to where the points are dense; the middle of the extent makes a smaller circle.
    middle = list(rough)
    for axis in frame(rough):
        along = [sum((p - r) * a for p, r, a in zip(xyz, rough, axis, strict=True)) for xyz in points]
        half = (min(along) + max(along)) / 2.0
        middle = [m + half * a for m, a in zip(middle, axis, strict=True)]
    center = surface((middle[0], middle[1], middle[2]))
    radius_m = max(chord_m(center, xyz) for xyz in points)
    # Corners lie within the radius, and the straight lines between them; the geodesic bulges above those.
    longest_m = max(
        chord_m(ecef(a), ecef(b)) for part in parts for ring in part for a, b in itertools.pairwise(ring)
    )
    return center, radius_m + longest_m**2 / (8.0 * MEAN_RADIUS_M) * 1.1 + radius_m**3 * ARC + 0.01
