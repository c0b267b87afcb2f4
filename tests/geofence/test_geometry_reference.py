"""The reference that the geometry is held against: geodesics by geopy, in or out by shapely.

It shares no code with `api.geofence.geometry`, and is itself checked here against what is known on paper.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import msgspec
import pytest
import shapely
from geographiclib.geodesic import Geodesic  # type: ignore[import-untyped]  # it ships no types
from geographiclib.geodesicline import GeodesicLine  # type: ignore[import-untyped]  # it ships no types
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon
from shapely.geometry import Polygon as FlatPolygon

from api.geofence.geometry.prepared import PreparedZone
from api.geofence.model import Polygon
from api.kernel.geo import Point, distance_m
from tests.factories import make_circle_zone

WGS84 = Geodesic.WGS84
EQUATOR_RADIUS_M = 6378137.0
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
Ring = tuple[Point, ...]
Part = tuple[Ring, ...]
FlatMap = Callable[[Point], tuple[float, float]]

NOTABLE = (
    Point(52.0, 4.5),
    Point(0.0, 0.0),
    Point(70.0, 25.0),
    Point(-70.0, -60.0),
    Point(-17.0, 180.0),
    Point(65.0, -179.999),
    Point(90.0, 0.0),
    Point(-90.0, 77.0),
    Point(89.999, -100.0),
    Point(-89.99, 180.0),
)
"""Where geometry goes wrong if it goes wrong: meridian cuts, far north and south, near and on a pole."""


def away(start: Point, azimuth_deg: float, way_m: float) -> Point:
    """Return where the geodesic from `start` arrives; the azimuth is clockwise from north."""
    end = WGS84.Direct(start.lat, start.lon, azimuth_deg, way_m)
    return Point(end["lat2"], end["lon2"])


def azimuth_of(start: Point, end: Point) -> float:
    """Return the direction in which the geodesic from start to end sets out, degrees clockwise from north."""
    return float(WGS84.Inverse(start.lat, start.lon, end.lat, end.lon)["azi1"])


@cache
def line_of(a: Point, b: Point) -> GeodesicLine:
    return WGS84.InverseLine(a.lat, a.lon, b.lat, b.lon)


def part_way(a: Point, b: Point, fraction: float) -> Point:
    """Return the place on the geodesic from a to b at `fraction` 0..1 of its length."""
    line = line_of(a, b)
    place = line.Position(line.s13 * fraction)
    return Point(place["lat2"], place["lon2"])


def densified(places: Sequence[Point], step_m: float) -> list[Point]:
    """Return the chain with more places on its geodesics, so that none is farther apart than a step."""
    dense = [places[0]]
    for a, b in pairwise(places):
        count = max(1, math.ceil(distance_m(a, b) / step_m))
        dense += [*(part_way(a, b, cut / count) for cut in range(1, count)), b]
    return dense


def least(figure: Callable[[float], float], within: float) -> float:
    """Return the least value of a function with one valley on 0..1, found to `within` by golden section."""
    low, high = 0.0, 1.0
    left, right = high - GOLDEN, low + GOLDEN
    at_left, at_right = figure(left), figure(right)
    while high - low > within:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = figure(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = figure(right)
    return min(at_left, at_right, figure(0.0), figure(1.0))


def edge_distance_m(place: Point, a: Point, b: Point) -> float:
    """Return the least geopy distance from a place to the geodesic between a and b, to a millimetre."""
    within = 0.0005 / line_of(a, b).s13
    return least(lambda fraction: distance_m(place, part_way(a, b, fraction)), within)


def outline_distance_m(place: Point, edges: Sequence[tuple[Point, Point]]) -> float:
    """Return the distance to the nearest of the geodesic edges, to a millimetre."""
    best = math.inf
    halves = {(a, b): line_of(a, b).s13 / 2.0 for a, b in edges}
    # Nothing on an edge is nearer than its middle less half its length: most need no search.
    bounds = {edge: distance_m(place, part_way(*edge, 0.5)) - half for edge, half in halves.items()}
    for edge in sorted(bounds, key=bounds.__getitem__):
        if bounds[edge] < best:
            best = min(best, edge_distance_m(place, *edge))
    return best


def told_within_m(distance: float) -> float:
    """Return how exact a distance to an edge must be: 2 cm, and beyond 100 km what one mean radius leaves.

    The quick arc is off by 1.2 cm at 100 km, and by the cube of the distance (`earth.ARC`).
    """
    return 0.02 + 0.013 * (distance / 100_000.0) ** 3


def edges_of(*parts: Part) -> list[tuple[Point, Point]]:
    return [edge for part in parts for ring in part for edge in pairwise(ring)]


def flat_map(center: Point) -> FlatMap:
    """Return the azimuthal equidistant map round a centre: distances from the centre are true on it."""

    def place(point: Point) -> tuple[float, float]:
        far_m, azimuth = distance_m(center, point), math.radians(azimuth_of(center, point))
        return far_m * math.sin(azimuth), far_m * math.cos(azimuth)

    return place


def flat_area(parts: Sequence[Part], to_flat: FlatMap, step_m: float) -> MultiPolygon:
    """Return the area for shapely, its geodesic edges drawn with a point every `step_m`."""
    flat = [[[to_flat(place) for place in densified(ring, step_m)] for ring in part] for part in parts]
    area = MultiPolygon([FlatPolygon(rings[0], rings[1:]) for rings in flat])
    assert area.is_valid, shapely.is_valid_reason(area)
    return area


def flat_way(a: Point, b: Point, to_flat: FlatMap, step_m: float = 500.0) -> LineString:
    return LineString([to_flat(place) for place in densified([a, b], step_m)])


def closed(*corners: tuple[float, float]) -> Ring:
    """Return a closed ring of (latitude, longitude) corners."""
    ring = tuple(Point(*corner) for corner in corners)
    return (*ring, ring[0])


def box(south: float, west: float, north: float, east: float) -> Ring:
    return closed((south, west), (south, east), (north, east), (north, west))


def regular(center: Point, radius_m: float, count: int, first_deg: float = 0.0) -> Ring:
    """Return a closed ring of corners at one distance from a centre, anticlockwise."""
    corners = [away(center, first_deg - 360.0 * index / count, radius_m) for index in range(count)]
    return (*corners, corners[0])


def prepared(*parts: Part, buffer_m: float = 250.0) -> PreparedZone:
    """Return a zone of polygons, each a tuple of rings, made ready."""
    shape = tuple(Polygon(rings) for rings in parts)
    return PreparedZone.from_zone(msgspec.structs.replace(make_circle_zone(buffer_m=buffer_m), shape=shape))


def prepared_circle(center: Point, radius_m: float) -> PreparedZone:
    return PreparedZone.from_zone(make_circle_zone(center=center, radius_m=radius_m))


def anywhere() -> st.SearchStrategy[Point]:
    return st.sampled_from(NOTABLE) | st.builds(Point, st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))


azimuths = st.floats(0.0, 360.0)
parts_of_1 = st.floats(0.0, 1.0)


@st.composite
def star_parts(draw: st.DrawFn, least_m: float, most_m: float) -> tuple[Point, float, Part]:
    """Draw a centre, a radius and a polygon seen whole from the centre, with or without a hole there."""
    center = draw(anywhere())
    radius_m = draw(st.floats(least_m, most_m))
    count = draw(st.integers(5, 9))
    corners = [
        away(
            center,
            -360.0 * (index + draw(st.floats(0.0, 0.4))) / count,
            radius_m * draw(st.floats(0.3, 1.0)),
        )
        for index in range(count)
    ]
    outline = (*corners, corners[0])
    if draw(st.booleans()):
        # The outline never comes nearer than 0.19 of the radius: neighbours are at most 101 degrees apart.
        return center, radius_m, (outline, regular(center, radius_m * 0.15, 4)[::-1])
    return center, radius_m, (outline,)


@st.composite
def places_about(draw: st.DrawFn, center: Point, radius_m: float, part: Part) -> Point:
    """Draw a place within two radii, or right at an edge, or on a corner."""
    where = draw(st.sampled_from(["about", "edge", "corner"]))
    if where == "about":
        return away(center, draw(azimuths), 2.0 * radius_m * draw(parts_of_1))
    a, b = draw(st.sampled_from(edges_of(part)))
    if where == "corner":
        return a
    aside_m = draw(st.sampled_from([0.0, 0.01, 0.1, 1.0, 20.0]))
    return away(part_way(a, b, draw(parts_of_1)), draw(azimuths), aside_m)


def test_the_reference_knows_the_distance_to_the_equator() -> None:
    # Length of the meridian from the equator: Snyder, Map Projections (USGS PP 1395), equation 3-21.
    e2 = 0.00669437999014
    for degrees in (-1.0, 0.01, 1.0, 3.0):
        phi = math.radians(abs(degrees))
        metres = EQUATOR_RADIUS_M * (
            (1.0 - e2 / 4.0 - 3.0 * e2**2 / 64.0 - 5.0 * e2**3 / 256.0) * phi
            - (3.0 * e2 / 8.0 + 3.0 * e2**2 / 32.0 + 45.0 * e2**3 / 1024.0) * math.sin(2.0 * phi)
            + (15.0 * e2**2 / 256.0 + 45.0 * e2**3 / 1024.0) * math.sin(4.0 * phi)
            - 35.0 * e2**3 / 3072.0 * math.sin(6.0 * phi)
        )
        found = edge_distance_m(Point(degrees, 5.3), Point(0.0, 4.0), Point(0.0, 7.0))
        assert found == pytest.approx(metres, abs=1e-3)


def test_the_reference_finds_the_end_of_an_edge_when_that_is_nearest() -> None:
    beyond = 1.5 * math.radians(1.0) * EQUATOR_RADIUS_M
    assert edge_distance_m(Point(0.0, 5.5), Point(0.0, 3.0), Point(0.0, 4.0)) == pytest.approx(
        beyond, abs=1e-3
    )
    assert edge_distance_m(Point(0.0, -179.5), Point(0.0, 178.0), Point(0.0, 179.0)) == pytest.approx(
        beyond, abs=1e-3
    )


def test_the_reference_skips_no_edge_that_could_be_nearest() -> None:
    ring = regular(Point(70.0, 179.999), 1500.0, 9)
    for azimuth in range(0, 360, 17):
        place = away(Point(70.0, 179.999), azimuth, 900.0 + azimuth)
        every = min(edge_distance_m(place, a, b) for a, b in pairwise(ring))
        assert outline_distance_m(place, edges_of((ring,))) == every


def test_the_flat_map_is_true_from_its_centre() -> None:
    to_flat = flat_map(Point(-89.99, 180.0))
    for azimuth in range(0, 360, 45):
        x, y = to_flat(away(Point(-89.99, 180.0), azimuth, 3000.0))
        assert math.hypot(x, y) == pytest.approx(3000.0, abs=1e-6)
        assert (math.degrees(math.atan2(x, y)) - azimuth + 180.0) % 360.0 == pytest.approx(180.0, abs=1e-6)


def test_a_densified_chain_keeps_its_corners_and_its_length() -> None:
    ring = box(50.0, 4.0, 50.5, 4.5)
    dense = densified(ring, 1000.0)
    assert dense[0] == dense[-1]
    assert set(ring) <= set(dense)
    assert max(distance_m(a, b) for a, b in pairwise(dense)) <= 1000.0
    length_m = sum(distance_m(a, b) for a, b in pairwise(ring))
    assert sum(distance_m(a, b) for a, b in pairwise(dense)) == pytest.approx(length_m, abs=1e-5)
