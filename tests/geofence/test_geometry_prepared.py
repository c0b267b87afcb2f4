"""Signed distances to zones: circles, areas up to 20 km, holes, several parts, the line itself, reach."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point as Spot

from api.geofence.geometry.earth import MEAN_RADIUS_M, ON_THE_LINE_M, chord_m, ecef, point_of
from api.geofence.geometry.large import LargeArea
from api.geofence.geometry.planar import PlanarArea
from api.geofence.geometry.prepared import PLANAR_MAX_M, CircularArea, PreparedZone
from api.kernel.geo import Point, distance_m
from tests.geofence.test_geometry_reference import (
    NOTABLE,
    Part,
    anywhere,
    away,
    azimuths,
    box,
    closed,
    edges_of,
    flat_area,
    flat_map,
    outline_distance_m,
    part_way,
    parts_of_1,
    places_about,
    prepared,
    prepared_circle,
    regular,
    star_parts,
)

GOAL_M = 0.02  # field/geofencing.md section 8: edge distance for zones up to 1.5 km
FAR_M = 1e6
HOME = Point(52.0, 4.5)


def signed_m(zone: PreparedZone, place: Point, reach_m: float = FAR_M) -> float:
    return zone.signed_distance_m(ecef(place), reach_m)


def drawn_too_near_m(far_m: float) -> float:
    """How much nearer a place so far from the middle is drawn in a tangent plane; a tenth to spare."""
    return 1.1 * far_m**3 / (6.0 * MEAN_RADIUS_M**2)


@given(anywhere(), st.floats(10.0, 10_000.0), azimuths, st.floats(0.0, 2.0))
def test_circles_to_10_km_are_the_geodesic_to_a_tenth_of_a_millimetre(
    center: Point, radius_m: float, azimuth: float, share: float
) -> None:
    place = away(center, azimuth, radius_m * share)
    truth_m = distance_m(center, place) - radius_m
    assert signed_m(prepared_circle(center, radius_m), place) == pytest.approx(truth_m, abs=1e-4)


@given(anywhere(), st.floats(10_000.0, 300_000.0), azimuths, st.floats(0.0, 2.0))
def test_circles_of_any_size_are_the_geodesic_to_13_millimetres(
    center: Point, radius_m: float, azimuth: float, share: float
) -> None:
    place = away(center, azimuth, radius_m * share)
    truth_m = distance_m(center, place) - radius_m
    assert signed_m(prepared_circle(center, radius_m), place) == pytest.approx(truth_m, abs=0.013)


@given(anywhere(), st.floats(10.0, 300_000.0), azimuths, st.floats(-0.03, 0.03))
def test_near_a_circle_the_geodesic_decides(
    center: Point, radius_m: float, azimuth: float, aside_m: float
) -> None:
    place = away(center, azimuth, radius_m + aside_m)
    truth_m = distance_m(center, place) - radius_m
    got_m = signed_m(prepared_circle(center, radius_m), place)
    assert got_m == pytest.approx(truth_m, abs=1.1e-6 if abs(truth_m) < 0.006 else 0.013)
    if abs(abs(truth_m) - ON_THE_LINE_M) > 1e-8:
        assert (got_m <= 0.0) == (truth_m <= ON_THE_LINE_M)


@given(anywhere(), st.floats(10.0, 300_000.0), azimuths)
def test_a_place_on_the_circle_is_at_distance_zero(center: Point, radius_m: float, azimuth: float) -> None:
    assert signed_m(prepared_circle(center, radius_m), away(center, azimuth, radius_m)) == 0.0


def test_the_middle_of_a_circle_is_its_radius_deep() -> None:
    for center in NOTABLE:
        assert signed_m(prepared_circle(center, 500.0), center) == pytest.approx(-500.0, abs=1e-6)


@given(star_parts(50.0, 1500.0), st.data())
@settings(max_examples=60, deadline=None)
def test_zones_to_1500_m_agree_with_geodesic_edges_and_with_shapely(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    center, radius_m, part = drawn
    zone = prepared(part)
    to_flat = flat_map(center)
    area = flat_area([part], to_flat, 3000.0)
    for _ in range(5):
        place = data.draw(places_about(center, radius_m, part))
        got_m = signed_m(zone, place)
        truth_m = outline_distance_m(place, edges_of(part))
        assert abs(got_m) == pytest.approx(truth_m, abs=0.002)  # ten times better than the goal of 2 cm
        spot = Spot(*to_flat(place))
        if area.boundary.distance(spot) > 0.001:
            assert (got_m < 0.0) == area.contains(spot)


@given(star_parts(1500.0, 19_000.0), st.data())
@settings(max_examples=30, deadline=None)
def test_zones_to_19_km_agree_to_what_the_tangent_plane_draws_too_near(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    center, radius_m, part = drawn
    zone = prepared(part)
    assert isinstance(zone.area, PlanarArea)
    to_flat = flat_map(center)
    area = flat_area([part], to_flat, 1000.0)
    for _ in range(4):
        place = data.draw(places_about(center, radius_m, part))
        got_m = signed_m(zone, place)
        truth_m = outline_distance_m(place, edges_of(part))
        # The middle of the zone is not the middle of the drawing, but within its radius.
        far_m = max(chord_m(zone.center, ecef(place)), zone.bounding_radius_m)
        assert abs(got_m) == pytest.approx(truth_m, abs=0.002 + drawn_too_near_m(far_m))
        spot = Spot(*to_flat(place))
        if area.boundary.distance(spot) > GOAL_M:
            assert (got_m < 0.0) == area.contains(spot)


@given(star_parts(50.0, 1500.0))
def test_every_corner_is_on_the_line(drawn: tuple[Point, float, Part]) -> None:
    _, _, part = drawn
    zone = prepared(part)
    for corner, _ in edges_of(part):
        assert signed_m(zone, corner) == 0.0


@given(star_parts(50.0, 1500.0), st.data())
def test_every_place_of_an_edge_is_on_the_line_to_a_millimetre(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    _, _, part = drawn
    a, b = data.draw(st.sampled_from(edges_of(part)))
    assert abs(signed_m(prepared(part), part_way(a, b, data.draw(parts_of_1)))) < 0.001


@pytest.mark.parametrize("lon", [4.5, 179.9999, -180.0])
def test_the_middle_of_an_edge_along_the_equator_or_a_meridian_is_exactly_on_the_line(lon: float) -> None:
    zone = prepared((box(0.0, lon, 0.002, (lon + 0.002 + 180.0) % 360.0 - 180.0),))
    assert signed_m(zone, Point(0.0, (lon + 0.001 + 180.0) % 360.0 - 180.0)) == 0.0
    assert signed_m(zone, Point(0.001, lon)) == 0.0


def test_a_hole_is_outside_and_its_line_inside() -> None:
    zone = prepared((regular(HOME, 1000.0, 4), regular(HOME, 300.0, 4)))
    hole_edge_m = 300.0 * math.cos(math.pi / 4.0)
    assert signed_m(zone, HOME) == pytest.approx(hole_edge_m, abs=0.001)
    assert signed_m(zone, away(HOME, 0.0, 300.0)) == 0.0
    assert signed_m(zone, away(HOME, 45.0, hole_edge_m + 50.0)) == pytest.approx(-50.0, abs=0.001)
    assert signed_m(zone, away(HOME, 45.0, hole_edge_m - 50.0)) == pytest.approx(50.0, abs=0.001)


@pytest.mark.parametrize("center", NOTABLE)
def test_several_parts_are_one_zone(center: Point) -> None:
    west, east = away(center, 270.0, 600.0), away(center, 90.0, 900.0)
    zone = prepared((regular(west, 200.0, 60),), (regular(east, 200.0, 60),))
    for middle in (west, east):
        assert signed_m(zone, middle) == pytest.approx(-200.0, abs=0.3)
    assert signed_m(zone, center) == pytest.approx(400.0, abs=0.3)
    assert signed_m(zone, away(center, 90.0, 150.0)) == pytest.approx(550.0, abs=0.3)


@given(star_parts(50.0, 15_000.0), st.data(), parts_of_1)
@settings(deadline=None)
def test_distances_are_exact_to_reach_and_beyond_it_a_bound(
    drawn: tuple[Point, float, Part], data: st.DataObject, share: float
) -> None:
    center, radius_m, part = drawn
    zone = prepared(part)
    place = data.draw(places_about(center, radius_m, part))
    reach_m = share * 2.0 * radius_m
    assert_within_reach(signed_m(zone, place, reach_m), signed_m(zone, place), reach_m)


@given(anywhere(), st.floats(10.0, 300_000.0), azimuths, st.floats(0.0, 4.0), parts_of_1)
def test_distances_to_circles_are_exact_to_reach_and_beyond_it_a_bound(
    center: Point, radius_m: float, azimuth: float, share: float, reach: float
) -> None:
    place = away(center, azimuth, radius_m * share)
    zone = prepared_circle(center, radius_m)
    reach_m = 3.0 * radius_m * reach
    for area in (zone, zone.area):
        got_m = area.signed_distance_m(ecef(place), reach_m)
        assert_within_reach(got_m, distance_m(center, place) - radius_m, reach_m)


def assert_within_reach(got_m: float, truth_m: float, reach_m: float) -> None:
    """Check the promise of `PreparedZone.signed_distance_m`, with 1.3 cm for what it calls exact."""
    if abs(truth_m) > 1e-6:
        assert (got_m < 0.0) == (truth_m < 0.0)
    if abs(truth_m) <= reach_m:
        assert got_m == pytest.approx(truth_m, abs=0.013)
    else:
        assert reach_m - 0.013 <= abs(got_m) <= abs(truth_m) + 0.013


@pytest.mark.parametrize("reach_m", [0.0, 5.0])
def test_a_place_deep_inside_is_negative_with_any_reach(reach_m: float) -> None:
    zone = prepared((regular(HOME, 1000.0, 7),))
    assert signed_m(zone, HOME, reach_m) <= -reach_m
    assert signed_m(zone, HOME, reach_m) < 0.0


@given(star_parts(50.0, 60_000.0), st.data())
@settings(max_examples=50)
def test_every_place_of_a_zone_is_within_its_bounding_radius(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    _, _, part = drawn
    zone = prepared(part, buffer_m=400.0)
    assert zone.watch_m == zone.bounding_radius_m + 400.0
    for a, b in edges_of(part):
        place = part_way(a, b, data.draw(parts_of_1))
        assert distance_m(point_of(zone.center), place) <= zone.bounding_radius_m


def test_a_circle_is_bounded_by_itself() -> None:
    zone = prepared_circle(HOME, 500.0)
    assert isinstance(zone.area, CircularArea)
    assert zone.center == ecef(HOME)
    assert zone.bounding_radius_m == 500.0
    assert zone.watch_m == 750.0


def test_the_bounding_circle_is_not_drawn_to_where_the_corners_are_dense() -> None:
    # 200 corners in the west and one in the east, 2 km away: the middle is between them.
    west = [away(HOME, 200.0 + index * 0.7, 1000.0) for index in range(200)]
    corners = [*west, away(HOME, 90.0, 1000.0)]
    zone = prepared(((*corners, corners[0]),))
    assert zone.bounding_radius_m < 1100.0


def test_areas_up_to_20_km_are_flat_and_larger_ones_are_not() -> None:
    assert isinstance(prepared((regular(HOME, PLANAR_MAX_M - 100.0, 60),)).area, PlanarArea)
    assert isinstance(prepared((regular(HOME, PLANAR_MAX_M + 1.0, 60),)).area, LargeArea)


def test_long_thin_zones_keep_the_bulge_of_their_edges() -> None:
    # 20 km along the parallel of 65 degrees north: the geodesic runs 17 m north of the parallel.
    zone = prepared((closed((65.0, 20.0), (65.0, 20.425), (64.9999, 20.2125)),))
    middle = part_way(Point(65.0, 20.0), Point(65.0, 20.425), 0.5)
    assert middle.lat > 65.0
    assert abs(signed_m(zone, middle)) < 0.001 + drawn_too_near_m(zone.bounding_radius_m)
    assert signed_m(zone, Point(65.00005, 20.2125)) < 0.0


def test_zones_of_one_outline_share_what_was_worked_out() -> None:
    outline = closed((47.0, 3.0), (47.0, 8.0), (51.0, 8.0), (51.0, 3.0))
    first, second = prepared((tuple(outline),), buffer_m=100.0), prepared((tuple(outline),), buffer_m=200.0)
    assert first.area is second.area
    assert second.watch_m - first.watch_m == pytest.approx(100.0)
