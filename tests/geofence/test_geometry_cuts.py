"""Zones across the antimeridian and round a pole, drawn whole or cut as RFC 7946 section 3.1.9 asks."""

import math

import pytest

from api.geofence.geometry.earth import ecef
from api.geofence.geometry.large import LargeArea
from api.geofence.geometry.planar import PlanarArea
from api.geofence.geometry.prepared import PreparedZone
from api.kernel.geo import Point
from tests.geofence.test_geometry_reference import (
    Part,
    Ring,
    box,
    closed,
    edges_of,
    outline_distance_m,
    part_way,
    prepared,
    told_within_m,
)

FAR_M = 1e6
GOAL_M = 0.02
Corners = tuple[float, float, float, float]

SMALL: Corners = (-17.005, 179.99, -16.995, -179.992)
NORTHERN: Corners = (69.998, 179.99, 70.003, -179.98)
LARGE: Corners = (64.5, 179.0, 65.2, -178.5)
boxes = pytest.mark.parametrize("corners", [SMALL, NORTHERN, LARGE])


def signed_m(zone: PreparedZone, place: Point) -> float:
    return zone.signed_distance_m(ecef(place), FAR_M)


def halves(corners: Corners) -> tuple[Part, Part]:
    """Return a box across the antimeridian as the two boxes that it is cut into there.

    Its northern and southern edges bend where they are cut: both halves end on the whole one's geodesic.
    """
    south, west, north, east = corners
    top = crossing_lat(Point(north, west), Point(north, east))
    bottom = crossing_lat(Point(south, west), Point(south, east))
    western = closed((south, west), (bottom, 180.0), (top, 180.0), (north, west))
    eastern = closed((bottom, -180.0), (south, east), (north, east), (top, -180.0))
    return (western,), (eastern,)


def crossing_lat(a: Point, b: Point) -> float:
    """Return the latitude at which the geodesic from west to east crosses the antimeridian."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if part_way(a, b, middle).lon > 0.0:
            low = middle
        else:
            high = middle
    return part_way(a, b, low).lat


@boxes
@pytest.mark.parametrize("is_cut", [False, True])
def test_a_zone_across_the_antimeridian_is_there_and_not_on_the_other_side(
    corners: Corners, is_cut: bool
) -> None:
    south, west, north, east = corners
    zone = prepared(*(halves(corners) if is_cut else ((box(*corners),),)))
    middle = (south + north) / 2.0
    for lon in (west + 0.001, 179.9999, -179.9999, east - 0.001):
        assert signed_m(zone, Point(middle, lon)) < 0.0
    for lon in (0.0, west - 0.001, east + 0.001, 90.0, -90.0):
        assert signed_m(zone, Point(middle, lon)) > 0.0


@boxes
def test_the_cut_at_the_antimeridian_is_no_edge(corners: Corners) -> None:
    south, west, north, east = corners
    whole, cut = prepared((box(*corners),)), prepared(*halves(corners))
    edges = edges_of((box(*corners),))
    for share in (0.1, 0.5, 0.8):
        for lon in (180.0, -180.0, 179.9999, (west + 180.0) / 2.0, (east - 180.0) / 2.0):
            place = Point(south + (north - south) * share, lon)
            truth_m = -outline_distance_m(place, edges)
            assert signed_m(whole, place) == pytest.approx(truth_m, abs=GOAL_M)
            assert signed_m(cut, place) == pytest.approx(truth_m, abs=GOAL_M)


@boxes
def test_the_corners_on_the_antimeridian_are_on_the_line(corners: Corners) -> None:
    zone = prepared(*halves(corners))
    for a, _ in edges_of(*halves(corners)):
        assert abs(signed_m(zone, a)) < 1e-6


@boxes
def test_a_hole_on_the_cut_is_a_hole(corners: Corners) -> None:
    south, west, north, east = corners
    low, high = south + (north - south) * 0.4, south + (north - south) * 0.6
    left, right = (west + 180.0) / 2.0, (east - 180.0) / 2.0
    western = closed(
        (south, west), (south, 180.0), (low, 180.0), (low, left), (high, left), (high, 180.0), (north, 180.0),
        (north, west),
    )  # fmt: skip
    eastern = closed(
        (south, -180.0), (south, east), (north, east), (north, -180.0), (high, -180.0), (high, right),
        (low, right), (low, -180.0),
    )  # fmt: skip
    zone = prepared((western,), (eastern,))
    middle = (low + high) / 2.0
    edges = edges_of(
        (closed((low, left), (low, 180.0), (low, right), (high, right), (high, 180.0), (high, left)),)
    )
    for lon in (180.0, -180.0, 179.9999, -179.9999):
        truth_m = outline_distance_m(Point(middle, lon), edges)
        assert signed_m(zone, Point(middle, lon)) == pytest.approx(truth_m, abs=GOAL_M)
        assert signed_m(zone, Point((south + low) / 2.0, lon)) < 0.0
    hop = 0.3 * (right + 180.0)
    assert not zone.segment_touches(ecef(Point(middle, 180.0 - hop)), ecef(Point(middle, hop - 180.0)))
    assert zone.segment_touches(ecef(Point(middle, 180.0 - hop)), ecef(Point(north, 180.0 - hop)))


# Not the same all round, so that the middle of the cap is not the pole.
PLANAR_LATS = (89.99, 89.985, 89.98, 89.992)
LARGE_LATS = (89.0, 88.8, 88.5, 89.2)
SIGNS = (1.0, -1.0)


def round_the_pole(sign: float, lats: tuple[float, ...]) -> Ring:
    """Return the ring round a pole as a person would draw it on a globe."""
    return closed(*((sign * lat, lon) for lat, lon in zip(lats, (-180.0, -90.0, 0.0, 90.0), strict=True)))


def down_to_the_pole(sign: float, lats: tuple[float, ...]) -> Ring:
    """Return it as map programs do: along the lower edge of the map and up to the pole at both ends."""
    lons = (-180.0, -90.0, 0.0, 90.0, 180.0)
    along = [(sign * lat, lon) for lat, lon in zip((*lats, lats[0]), lons, strict=True)]
    return closed(*along, (sign * 90.0, 180.0), (sign * 90.0, -180.0))


def in_halves(sign: float, lats: tuple[float, ...]) -> tuple[Part, Part]:
    """Return it as two parts that meet along the meridians 0 and 180."""
    first, second, third, fourth = (sign * lat for lat in lats)
    western = closed((first, -180.0), (second, -90.0), (third, 0.0), (sign * 90.0, 0.0))
    eastern = closed((third, 0.0), (fourth, 90.0), (first, 180.0), (sign * 90.0, 180.0))
    return (western,), (eastern,)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(("lats", "kind"), [(PLANAR_LATS, PlanarArea), (LARGE_LATS, LargeArea)])
def test_a_cap_is_one_area_however_it_is_drawn(
    sign: float, lats: tuple[float, ...], kind: type[PlanarArea | LargeArea]
) -> None:
    ring = round_the_pole(sign, lats)
    zones = [
        prepared((ring,)),
        prepared((down_to_the_pole(sign, lats),)),
        prepared(*in_halves(sign, lats)),
    ]
    assert all(isinstance(zone.area, kind) for zone in zones)
    south = 90.0 - min(lats)
    places = [
        Point(sign * (90.0 - south * share), lon)
        for share in (0.001, 0.05, 0.3, 0.9, 1.5)
        for lon in (-180.0, -179.99, -73.0, 0.0, 0.01, 90.0, 150.0, 180.0)
    ]
    for place in places:
        truth_m = outline_distance_m(place, edges_of((ring,)))
        figures = [signed_m(zone, place) for zone in zones]
        assert [abs(figure) for figure in figures] == pytest.approx([truth_m] * 3, abs=told_within_m(truth_m))
        assert len({math.copysign(1.0, figure) for figure in figures}) == 1


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("lats", [PLANAR_LATS, LARGE_LATS])
def test_the_pole_is_deep_inside_its_cap(sign: float, lats: tuple[float, ...]) -> None:
    zone = prepared((round_the_pole(sign, lats),))
    for lon in (-180.0, 0.0, 123.0):
        assert signed_m(zone, Point(sign * 90.0, lon)) < -500.0
    assert signed_m(zone, Point(-sign * 90.0, 0.0)) > 0.0
    assert signed_m(zone, Point(sign * 80.0, 0.0)) > 0.0


@pytest.mark.parametrize("sign", SIGNS)
def test_a_ring_round_a_pole_with_a_hole_is_a_belt(sign: float) -> None:
    zone = prepared(
        (round_the_pole(sign, PLANAR_LATS), round_the_pole(sign, (89.997, 89.997, 89.997, 89.997)))
    )
    assert signed_m(zone, Point(sign * 90.0, 0.0)) > 0.0
    assert signed_m(zone, Point(sign * 89.994, -90.0)) < 0.0
    assert zone.segment_touches(ecef(Point(sign * 90.0, 0.0)), ecef(Point(sign * 89.0, 33.0)))
    assert not zone.segment_touches(ecef(Point(sign * 89.999, 0.0)), ecef(Point(sign * 89.999, 180.0)))
