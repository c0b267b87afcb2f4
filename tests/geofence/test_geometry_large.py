"""Areas over 20 km: edges along the geodesic, distances in space, in or out on a map of the whole globe."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point as Spot

from api.geofence.geometry.earth import ecef
from api.geofence.geometry.large import LargeArea
from api.geofence.geometry.prepared import PLANAR_MAX_M, PreparedZone
from api.kernel.geo import Point, distance_m
from tests.geofence.test_geometry_reference import (
    NOTABLE,
    Part,
    away,
    azimuth_of,
    azimuths,
    box,
    closed,
    edges_of,
    flat_area,
    flat_map,
    flat_way,
    outline_distance_m,
    part_way,
    parts_of_1,
    places_about,
    prepared,
    prepared_circle,
    regular,
    star_parts,
    told_within_m,
)

HOME = Point(52.0, 4.5)
FAR_M = 1e6
LONGEST_WAY_M = 21_000.0  # Limits.segment_max_s at Limits.max_speed_m_s


def signed_m(zone: PreparedZone, place: Point, reach_m: float = FAR_M) -> float:
    return zone.signed_distance_m(ecef(place), reach_m)


def is_met(zone: PreparedZone, start: Point, end: Point) -> bool:
    return zone.segment_touches(ecef(start), ecef(end))


@given(star_parts(80_000.0, 290_000.0), st.data())
@settings(max_examples=12, deadline=None)
def test_large_areas_agree_with_geodesic_edges_and_with_shapely(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    center, radius_m, part = drawn
    zone = prepared(part)
    assert isinstance(zone.area, LargeArea)
    to_flat = flat_map(center)
    area = flat_area([part], to_flat, 2000.0)
    for _ in range(4):
        place = data.draw(places_about(center, radius_m, part))
        got_m = signed_m(zone, place)
        truth_m = outline_distance_m(place, edges_of(part))
        assert abs(got_m) == pytest.approx(truth_m, abs=told_within_m(truth_m))
        spot = Spot(*to_flat(place))
        if area.boundary.distance(spot) > 0.2:  # a chord of 2 km runs up to 8 cm beside its geodesic
            assert (got_m < 0.0) == area.contains(spot)
        reach_m = data.draw(st.sampled_from([0.0, 50.0, 2_000.0, 80_000.0]))
        assert_within_reach(signed_m(zone, place, reach_m), got_m, reach_m)


def assert_within_reach(got_m: float, truth_m: float, reach_m: float) -> None:
    """Check the promise of `PreparedZone.signed_distance_m` against what it says with reach enough."""
    if abs(truth_m) > 1e-6:
        assert (got_m < 0.0) == (truth_m < 0.0)
    if abs(truth_m) <= reach_m:
        assert got_m == pytest.approx(truth_m, abs=1e-6)
    else:
        assert reach_m <= abs(got_m) <= abs(truth_m) + told_within_m(truth_m)


@given(star_parts(80_000.0, 290_000.0), st.data())
@settings(max_examples=15, deadline=None)
def test_corners_are_on_the_line_and_edges_to_a_millimetre(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    _, _, part = drawn
    zone = prepared(part)
    for a, b in edges_of(part):
        assert signed_m(zone, a) == 0.0
        assert abs(signed_m(zone, part_way(a, b, data.draw(parts_of_1)))) < 0.001


@given(star_parts(80_000.0, 290_000.0), st.data())
@settings(max_examples=10, deadline=None)
def test_ways_meet_a_large_area_when_shapely_says_so(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    center, _, part = drawn
    to_flat = flat_map(center)
    area = flat_area([part], to_flat, 1000.0)
    larger, smaller = area.buffer(0.1), area.buffer(-0.1)
    zone = prepared(part)
    for _ in range(4):
        a, b = data.draw(st.sampled_from(edges_of(part)))
        near = part_way(a, b, data.draw(st.sampled_from([0.0, 1.0]) | parts_of_1))
        beside = away(near, data.draw(azimuths), data.draw(st.sampled_from([0.0, 1.0, 50.0, 2000.0])))
        azimuth, way_m = data.draw(azimuths), data.draw(st.floats(1.0, LONGEST_WAY_M))
        start = away(beside, azimuth, way_m * 0.6)
        end = away(beside, azimuth + 180.0, way_m * 0.4)
        way = flat_way(start, end, to_flat)
        if smaller.intersects(way):
            assert is_met(zone, start, end)
        elif not larger.intersects(way):
            assert not is_met(zone, start, end)


@pytest.mark.parametrize("center", NOTABLE)
@pytest.mark.parametrize("radius_m", [PLANAR_MAX_M + 100.0, 100_000.0, 290_000.0])
def test_a_round_large_area_is_as_deep_as_its_radius(center: Point, radius_m: float) -> None:
    count = 180
    zone = prepared((regular(center, radius_m, count),))
    assert isinstance(zone.area, LargeArea)
    sagitta_m = radius_m * (1.0 - math.cos(math.pi / count))
    assert -radius_m - 1.0 <= signed_m(zone, center) <= -radius_m + sagitta_m + 1.0
    for azimuth in (1.0, 77.0, 181.0, 301.0):  # where no corner lies, on the middle of an edge
        outside_m = signed_m(zone, away(center, azimuth, radius_m + 500.0))
        assert 500.0 < outside_m < 501.0 + sagitta_m
        assert signed_m(zone, away(center, azimuth, radius_m - sagitta_m - 100.0), 0.0) < 0.0
        assert not is_met(
            zone, away(center, azimuth, radius_m + 9000.0), away(center, azimuth, radius_m + 1.0)
        )
        assert is_met(
            zone, away(center, azimuth, radius_m + 9000.0), away(center, azimuth, radius_m - sagitta_m - 1)
        )
        assert is_met(zone, center, center)


def test_a_hole_in_a_large_area_is_outside() -> None:
    zone = prepared((regular(HOME, 100_000.0, 8), regular(HOME, 40_000.0, 8)))
    rim_m = 40_000.0 * math.cos(math.pi / 8.0)
    assert signed_m(zone, HOME) == pytest.approx(rim_m, abs=1.0)
    assert signed_m(zone, away(HOME, 90.0, 70_000.0)) < -20_000.0
    assert not is_met(zone, away(HOME, 90.0, 10_000.0), away(HOME, 270.0, 10_000.0))
    assert is_met(zone, away(HOME, 90.0, 30_000.0), away(HOME, 90.0, 45_000.0))


def test_parts_far_apart_are_one_zone_and_between_them_is_outside() -> None:
    west, east = away(HOME, 270.0, 80_000.0), away(HOME, 90.0, 80_000.0)
    zone = prepared((regular(west, 1_000.0, 60),), (regular(east, 10_000.0, 60),))
    assert isinstance(zone.area, LargeArea)
    assert signed_m(zone, west) == pytest.approx(-1_000.0, abs=2.0)
    assert signed_m(zone, east) == pytest.approx(-10_000.0, abs=15.0)
    assert signed_m(zone, HOME) == pytest.approx(70_000.0, abs=15.0)
    # Between two fixes he drove right through the smaller one.
    assert is_met(zone, away(west, 10.0, 10_000.0), away(west, 190.0, 10_000.0))
    assert not is_met(zone, away(HOME, 0.0, 10_000.0), away(HOME, 180.0, 10_000.0))


def test_two_parts_that_share_an_edge_have_none_there() -> None:
    west, east = box(51.0, 4.0, 52.0, 5.0), box(51.0, 5.0, 52.0, 6.0)
    zone = prepared((west,), (east[::-1],))
    edges = [edge for edge in edges_of((west,), (east,)) if {edge[0].lon, edge[1].lon} != {5.0}]
    assert len(edges) == 6
    for lat in (51.1, 51.5, 51.77):
        truth_m = outline_distance_m(Point(lat, 5.0), edges)
        assert signed_m(zone, Point(lat, 5.00001)) == pytest.approx(-truth_m, abs=1.0)
        assert signed_m(zone, Point(lat, 4.99999)) == pytest.approx(-truth_m, abs=1.0)


@pytest.mark.parametrize(("center", "first_deg"), [(HOME, 3.0), (Point(70.0, 25.0), 11.0)])
def test_an_area_cut_into_sectors_has_no_edges_between_them(center: Point, first_deg: float) -> None:
    # 2,000 places where two neighbours cut the edge they share: every one must be the same for both.
    rim = regular(center, 250_000.0, 8, first_deg)
    zone = prepared(*((closed(center, a, b),) for a, b in pairwise(rim)))
    for corner in rim[:-1]:
        azimuth = azimuth_of(center, corner)
        for way_m in range(1_000, 249_000, 500):
            place = away(away(center, azimuth, float(way_m)), azimuth + 90.0, 0.01)
            assert signed_m(zone, place, 1.0) <= -1.0


@pytest.mark.parametrize(("aside_m", "meets"), [(-0.03, True), (0.03, False)])
def test_a_long_way_past_the_farthest_corner_is_not_bent_by_the_map(aside_m: float, meets: bool) -> None:
    # Drawn straight on the map between its ends, this way of 21 km would run 19 cm off.
    zone = prepared((regular(HOME, 280_000.0, 4),))
    beside = away(HOME, 0.0, 280_000.0 + aside_m)
    half_m = LONGEST_WAY_M / 2.0
    assert is_met(zone, away(beside, 90.0, half_m), away(beside, 270.0, half_m)) is meets


def test_the_far_side_of_the_globe_is_outside() -> None:
    area = prepared((regular(HOME, 200_000.0, 8),)).area
    antipode = Point(-HOME.lat, HOME.lon - 180.0)
    for place in (
        antipode,
        away(antipode, 40.0, 100_000.0),
        Point(-90.0, 0.0),
        Point(90.0, 0.0),
        Point(0.0, 95.0),
    ):
        assert area.signed_distance_m(ecef(place), 3e7) > 0.0
        assert area.signed_distance_m(ecef(place), 0.0) > 0.0


def test_a_country_reaches_its_limits() -> None:
    # The Netherlands, roughly: 300 km from north to south.
    ring = closed((51.3, 3.3), (50.8, 5.7), (51.8, 6.0), (52.4, 7.1), (53.4, 7.2), (53.2, 5.0), (52.0, 4.1))
    zone = prepared((ring,))
    amsterdam, utrecht, brussels, at_sea = (
        Point(52.373, 4.9),
        Point(52.09, 5.12),
        Point(50.85, 4.35),
        Point(53.0, 3.0),
    )
    edges = edges_of((ring,))
    for place, sign in ((amsterdam, -1.0), (utrecht, -1.0), (brussels, 1.0), (at_sea, 1.0)):
        truth_m = sign * outline_distance_m(place, edges)
        assert signed_m(zone, place) == pytest.approx(truth_m, abs=told_within_m(abs(truth_m)))


@pytest.mark.parametrize("center", NOTABLE)
@pytest.mark.parametrize("radius_m", [20_001.0, 99_999.0, 100_001.0, 300_000.0])
def test_large_circles_are_decided_by_the_geodesic_to_a_millimetre(center: Point, radius_m: float) -> None:
    zone = prepared_circle(center, radius_m)
    for azimuth in (0.0, 45.0, 90.0, 213.0):
        for aside_m in (-1.0, -0.001, 0.0, 0.001, 1.0):
            place = away(center, azimuth, radius_m + aside_m)
            truth_m = distance_m(center, place) - radius_m
            close = 1e-6 if abs(aside_m) < 0.005 or radius_m > 100_002.0 else 0.013
            assert signed_m(zone, place) == pytest.approx(truth_m, abs=close)
            assert (signed_m(zone, place) <= 0.0) == (aside_m <= 0.0)
