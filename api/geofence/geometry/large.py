"""Areas over 20 km: edges laid along the geodesic at load, places looked up on a map of the whole globe."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from geographiclib.geodesic import Geodesic  # type: ignore[import-untyped]  # it ships no types

from api.geofence.geometry.earth import (
    ARC,
    MEAN_RADIUS_M,
    Xyz,
    between,
    beyond_m,
    chord_m,
    ecef,
    frame,
    surface,
)
from api.geofence.geometry.outline import EDGES_PER_BOX, Outline, outline_of, true_edges
from api.kernel.geo import Point

EDGE_MAX_M = 1000.0
"""Edges are cut to this (field/geofencing.md section 8): a straight one then runs 2 cm under its geodesic."""
STEP_MAX_M = 2000.0
"""Ways are cut to this, which keeps them within 8 cm * tan(half the angle from the centre) on the map."""
FARTHEST_M = 1e15
"""Where the antipode is drawn, beyond any place that a double tells from it."""

Edge3 = tuple[Xyz, Xyz, float]
"""(start, to the end, 1 / length^2)."""
Ball = tuple[Xyz, float, tuple[Edge3, ...]]
"""(middle, radius that holds them, some edges in a row)."""
Cluster = tuple[Xyz, float, tuple[Ball, ...]]
"""(middle, radius that holds them, some balls in a row)."""
BALLS_PER_CLUSTER = 16
"""A country has hundreds of balls, of which a place is near to a few: about the root of their number."""


@dataclass(frozen=True, slots=True)
class LargeArea:
    """An outline on a stereographic map round `center`, and its edges in space; made by `large_area`.

    The map, which can show all but the antipode, only tells inside from outside; distances are in space.
    """

    east: Xyz
    north: Xyz
    up: Xyz
    outline: Outline
    clusters: tuple[Cluster, ...]

    def signed_distance_m(self, xyz: Xyz, reach_m: float) -> float:
        """Return the distance to the nearest edge, negative inside; a bound when that is beyond reach."""
        best = reach_m + 1.0
        nearest: Xyz | None = None
        close: list[tuple[float, tuple[Edge3, ...]]] = []
        for middle, radius_m, balls in self.clusters:
            if chord_m(xyz, middle) - radius_m >= best:
                continue
            for ball_middle, ball_radius_m, edges in balls:
                gap_m = chord_m(xyz, ball_middle) - ball_radius_m
                if gap_m < best:
                    close.append((gap_m, edges))
        close.sort(key=itemgetter(0))
        for gap_m, edges in close:
            if gap_m >= best:
                break
            for start, way, per_length2 in edges:
                place = _nearest(xyz, start, way, per_length2)
                chord = chord_m(xyz, place)
                if chord < best:
                    best, nearest = chord, place
        if nearest is not None:
            chord = chord_m(xyz, surface(nearest))
            best = beyond_m(chord + chord * chord * chord * ARC, 0.0)
        return -best if self.outline.contains(*_flat(xyz, self.east, self.north, self.up)) else best

    def segment_touches(self, start: Xyz, end: Xyz) -> bool:
        """Return whether the way from start to end meets the area."""
        steps = max(1, math.ceil(chord_m(start, end) / STEP_MAX_M))
        places = [
            _flat(between(start, end, step / steps), self.east, self.north, self.up)
            for step in range(steps + 1)
        ]
        if self.outline.contains(*places[0]):
            return True
        return any(self.outline.crosses(*a, *b) for a, b in itertools.pairwise(places))


def _nearest(xyz: Xyz, start: Xyz, way: Xyz, per_length2: float) -> Xyz:
    x, y, z = start
    way_x, way_y, way_z = way
    along = ((xyz[0] - x) * way_x + (xyz[1] - y) * way_y + (xyz[2] - z) * way_z) * per_length2
    along = min(1.0, max(0.0, along))
    return (x + along * way_x, y + along * way_y, z + along * way_z)


def _flat(xyz: Xyz, east: Xyz, north: Xyz, up: Xyz) -> tuple[float, float]:
    """Return metres on the stereographic map; the antipode, which has no place there, lands beyond all."""
    x, y, z = xyz
    length = math.sqrt(x * x + y * y + z * z)
    height = x * up[0] + y * up[1] + z * up[2]
    if length + height < 1e-6:
        return (FARTHEST_M, FARTHEST_M)
    scale = 2.0 * MEAN_RADIUS_M / (length + height)
    return (
        (x * east[0] + y * east[1] + z * east[2]) * scale,
        (x * north[0] + y * north[1] + z * north[2]) * scale,
    )


def _along_geodesic(a: Point, b: Point) -> list[Point]:
    """Return a, the places that cut the geodesic into edges, and not b."""
    # Always from the same end, so that two neighbours cut the edge they share at the same places.
    first, last = sorted((a, b))
    line = Geodesic.WGS84.InverseLine(first.lat, first.lon, last.lat, last.lon)
    count = max(1, math.ceil(line.s13 / EDGE_MAX_M))
    cuts = [line.Position(line.s13 * cut / count) for cut in range(1, count)]
    places = [first, *(Point(cut["lat2"], cut["lon2"]) for cut in cuts), last]
    return places[:-1] if first == a else places[:0:-1]


def _ball(edges: Sequence[tuple[Xyz, Xyz]]) -> Ball:
    middle = between(edges[0][0], edges[-1][1], 0.5)
    radius_m = max(chord_m(middle, place) for edge in edges for place in edge)
    prepared: list[Edge3] = []
    for start, end in edges:
        way = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
        prepared.append((start, way, 1.0 / chord_m(start, end) ** 2))
    return middle, radius_m, tuple(prepared)


def _cluster(balls: tuple[Ball, ...]) -> Cluster:
    count = len(balls)
    xs, ys, zs = zip(*(middle for middle, _, _ in balls), strict=True)
    center = (sum(xs) / count, sum(ys) / count, sum(zs) / count)
    return center, max(chord_m(center, middle) + radius_m for middle, radius_m, _ in balls), balls


def large_area(center: Xyz, parts: Sequence[Sequence[Sequence[Point]]]) -> LargeArea:
    """Prepare closed rings of any size short of half the globe round `center`."""
    # The map is round the direction from the Earth's centre, 0.2 degrees off the plumb line at most.
    length = chord_m(center, (0.0, 0.0, 0.0))
    up = (center[0] / length, center[1] / length, center[2] / length)
    east, _, _ = frame(center)
    north = (
        up[1] * east[2] - up[2] * east[1],
        up[2] * east[0] - up[0] * east[2],
        up[0] * east[1] - up[1] * east[0],
    )
    in_space: dict[tuple[float, float], Xyz] = {}
    flat_parts: list[list[list[tuple[float, float]]]] = []
    for part in parts:
        flat_part: list[list[tuple[float, float]]] = []
        for ring in part:
            cut = [place for a, b in itertools.pairwise(ring) for place in _along_geodesic(a, b)]
            spaced = [ecef(place) for place in [*cut, cut[0]]]
            flat_ring = [_flat(xyz, east, north, up) for xyz in spaced]
            in_space.update(zip(flat_ring, spaced, strict=True))
            flat_part.append(flat_ring)
        flat_parts.append(flat_part)
    edges = [[(in_space[a], in_space[b]) for a, b in ring] for ring in true_edges(flat_parts)]
    balls = tuple(
        _ball(ring[first : first + EDGES_PER_BOX])
        for ring in edges
        for first in range(0, len(ring), EDGES_PER_BOX)
    )
    clusters = tuple(
        _cluster(balls[first : first + BALLS_PER_CLUSTER])
        for first in range(0, len(balls), BALLS_PER_CLUSTER)
    )
    return LargeArea(east, north, up, outline_of(flat_parts), clusters)
