"""Places as Earth-centred metres: distances against geopy, thresholds, directions, two people who move."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.geofence.geometry.earth import (
    AXIS_M,
    CHORD_MAX_M,
    EXACT_BAND_M,
    FLATTENING,
    MEAN_RADIUS_M,
    ON_THE_LINE_M,
    Xyz,
    between,
    beyond_m,
    chord_m,
    closest_approach,
    distance_against_m,
    distance_m,
    ecef,
    frame,
    point_of,
    surface,
)
from api.kernel import geo
from api.kernel.geo import Point
from tests.geofence.test_geometry_reference import anywhere, away, azimuths, least, part_way, parts_of_1

POLE_RADIUS_M = 6356752.314245  # WGS-84 semi-minor axis (NGA.STND.0036)
QUARTER_MERIDIAN_M = 10001965.729  # from the equator to a pole, WGS-84


def dot(a: Xyz, b: Xyz) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def moved(start: Point, azimuth_deg: float, way_m: float) -> tuple[Xyz, Xyz]:
    return ecef(start), ecef(away(start, azimuth_deg, way_m))


def dive_m(a: Point, b: Point) -> float:
    """How far the straight line between two places dives under the surface."""
    return geo.distance_m(a, b) ** 2 / (8.0 * MEAN_RADIUS_M)


def geodesic_approach_m(a0: Point, a1: Point, b0: Point, b1: Point) -> float:
    """Return the least geopy distance of two who move evenly along geodesics, by search."""
    return least(lambda part: geo.distance_m(part_way(a0, a1, part), part_way(b0, b1, part)), 1e-9)


@pytest.mark.parametrize(
    ("point", "xyz"),
    [
        (Point(0.0, 0.0), (AXIS_M, 0.0, 0.0)),
        (Point(0.0, 90.0), (0.0, AXIS_M, 0.0)),
        (Point(0.0, -180.0), (-AXIS_M, 0.0, 0.0)),
        (Point(90.0, 123.0), (0.0, 0.0, POLE_RADIUS_M)),
        (Point(-90.0, -45.0), (0.0, 0.0, -POLE_RADIUS_M)),
    ],
)
def test_the_axes_pierce_the_earth_where_they_should(point: Point, xyz: Xyz) -> None:
    assert ecef(point) == pytest.approx(xyz, abs=1e-6)


@given(anywhere())
def test_a_place_lies_on_the_ellipsoid_and_comes_back_unchanged(point: Point) -> None:
    x, y, z = ecef(point)
    polar_m = AXIS_M * (1.0 - FLATTENING)
    assert (x * x + y * y) / AXIS_M**2 + z * z / polar_m**2 == pytest.approx(1.0, abs=1e-14)
    assert geo.distance_m(point_of((x, y, z)), point) < 1e-8


@given(anywhere(), st.floats(0.01, 1.01))
def test_a_place_under_the_surface_is_lifted_along_the_line_from_the_centre(
    point: Point, depth: float
) -> None:
    x, y, z = ecef(point)
    assert surface((x * depth, y * depth, z * depth)) == pytest.approx((x, y, z), abs=1e-7)


@given(anywhere(), azimuths, st.floats(0.0, 20_000.0))
def test_distances_to_20_km_are_the_geodesic_to_a_tenth_of_a_millimetre(
    start: Point, azimuth: float, way_m: float
) -> None:
    a, b = moved(start, azimuth, way_m)
    geodesic_m = geo.distance_m(point_of(a), point_of(b))
    assert distance_m(a, b) == pytest.approx(geodesic_m, abs=1e-4)
    assert distance_m(b, a) == distance_m(a, b)


@given(anywhere(), azimuths, st.floats(20_000.0, CHORD_MAX_M))
def test_distances_to_100_km_are_the_geodesic_to_13_millimetres(
    start: Point, azimuth: float, way_m: float
) -> None:
    a, b = moved(start, azimuth, way_m)
    assert distance_m(a, b) == pytest.approx(way_m, abs=0.013)


@given(anywhere(), azimuths, st.floats(CHORD_MAX_M * 1.001, 1.9e7))
@settings(max_examples=30)
def test_longer_distances_are_the_geodesic_itself(start: Point, azimuth: float, way_m: float) -> None:
    a, b = moved(start, azimuth, way_m)
    assert distance_m(a, b) == pytest.approx(geo.distance_m(point_of(a), point_of(b)), abs=1e-7)


def test_from_pole_to_equator_is_a_quarter_of_the_meridian() -> None:
    for lon in (-180.0, 0.0, 77.0):
        assert distance_m(ecef(Point(90.0, 5.0)), ecef(Point(0.0, lon))) == pytest.approx(
            QUARTER_MERIDIAN_M, abs=1e-3
        )


@given(anywhere(), anywhere())
def test_the_chord_is_never_longer_than_the_geodesic(a: Point, b: Point) -> None:
    assert chord_m(ecef(a), ecef(b)) <= geo.distance_m(a, b) + 1e-8


@pytest.mark.parametrize("lat", [-89.9999, -70.0, 0.0, 45.0, 70.0, 90.0])
def test_the_antimeridian_is_a_line_like_any_other(lat: float) -> None:
    west, east = Point(lat, 179.999), Point(lat, -179.999)
    assert distance_m(ecef(west), ecef(east)) == pytest.approx(geo.distance_m(west, east), abs=1e-6)
    assert distance_m(ecef(Point(lat, 180.0)), ecef(Point(lat, -180.0))) == pytest.approx(0.0, abs=1e-8)


# Along a meridian at the equator the earth is most curved: there the quick distance is 12 mm short.
LONG_WAY_M = 99_900.0
MOST_CURVED = moved(Point(-0.45, 10.0), 0.0, LONG_WAY_M)


def test_the_quick_distance_is_off_where_the_earth_is_most_curved() -> None:
    assert 0.010 < abs(distance_m(*MOST_CURVED) - LONG_WAY_M) < 0.013


@pytest.mark.parametrize("aside_m", [-0.005, 0.0, 0.005])
def test_near_either_threshold_the_geodesic_decides(aside_m: float) -> None:
    threshold_m = LONG_WAY_M + aside_m
    assert distance_against_m(*MOST_CURVED, threshold_m, 1.0) == pytest.approx(LONG_WAY_M, abs=1e-7)
    assert distance_against_m(*MOST_CURVED, 1.0, threshold_m) == pytest.approx(LONG_WAY_M, abs=1e-7)


def test_far_from_both_thresholds_the_quick_distance_will_do() -> None:
    beyond = LONG_WAY_M + 2.0 * EXACT_BAND_M
    assert distance_against_m(*MOST_CURVED, beyond, 500.0) == distance_m(*MOST_CURVED)


@given(anywhere(), azimuths, st.floats(1.0, CHORD_MAX_M), st.floats(-0.05, 0.05))
def test_no_threshold_is_ever_passed_by_an_error_of_ours(
    start: Point, azimuth: float, way_m: float, aside_m: float
) -> None:
    threshold_m = way_m + aside_m
    a, b = moved(start, azimuth, way_m)
    truth_m = geo.distance_m(point_of(a), point_of(b))
    assert (distance_against_m(a, b, threshold_m, -1.0) <= threshold_m) == (truth_m <= threshold_m)


@given(st.floats(0.0, 1e5), st.floats(-0.99e-6, 0.99e-6))
def test_a_micrometre_beside_a_threshold_is_exactly_on_it(threshold_m: float, aside_m: float) -> None:
    if abs((threshold_m + aside_m) - threshold_m) < ON_THE_LINE_M:
        assert beyond_m(threshold_m + aside_m, threshold_m) == 0.0


@pytest.mark.parametrize(("distance", "expected"), [(510.0, 10.0), (495.0, -5.0), (500.0, 0.0)])
def test_beyond_counts_from_the_threshold(distance: float, expected: float) -> None:
    assert beyond_m(distance, 500.0) == expected


@pytest.mark.parametrize("aside_m", [2e-6, -2e-6])
def test_two_micrometres_are_beside_the_threshold(aside_m: float) -> None:
    assert beyond_m(500.0 + aside_m, 500.0) == pytest.approx(aside_m, rel=1e-3)


@given(anywhere())
def test_the_directions_at_a_place_are_square_and_right_handed(point: Point) -> None:
    east, north, up = frame(ecef(point))
    for first, second, product in (
        (east, east, 1.0),
        (north, north, 1.0),
        (up, up, 1.0),
        (east, north, 0.0),
        (north, up, 0.0),
        (up, east, 0.0),
    ):
        assert dot(first, second) == pytest.approx(product, abs=1e-12)
    crossed = (
        east[1] * north[2] - east[2] * north[1],
        east[2] * north[0] - east[0] * north[2],
        east[0] * north[1] - east[1] * north[0],
    )
    assert crossed == pytest.approx(up, abs=1e-12)


@given(st.floats(-89.999, 89.999), st.floats(-180.0, 180.0))
def test_up_is_plumb_and_east_is_level_along_the_parallel(lat: float, lon: float) -> None:
    east, _, up = frame(ecef(Point(lat, lon)))
    phi, lam = math.radians(lat), math.radians(lon)
    plumb = (math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi))
    assert up == pytest.approx(plumb, abs=1e-9)
    assert east == pytest.approx((-math.sin(lam), math.cos(lam), 0.0), abs=1e-9)


@pytest.mark.parametrize("lat", [90.0, -90.0])
@pytest.mark.parametrize("lon", [0.0, 90.0, -180.0])
def test_at_a_pole_east_is_towards_90_degrees_east(lat: float, lon: float) -> None:
    east, north, up = frame(ecef(Point(lat, lon)))
    assert east == (0.0, 1.0, 0.0)
    assert up == pytest.approx((0.0, 0.0, math.copysign(1.0, lat)), abs=1e-12)
    assert north == pytest.approx((-math.copysign(1.0, lat), 0.0, 0.0), abs=1e-12)


@given(anywhere(), azimuths, st.floats(0.0, 20_000.0), parts_of_1)
def test_between_goes_evenly_and_a_little_under_the_surface(
    start: Point, azimuth: float, way_m: float, part: float
) -> None:
    a, b = moved(start, azimuth, way_m)
    place = between(a, b, part)
    assert chord_m(a, place) == pytest.approx(part * chord_m(a, b), abs=1e-7)
    assert chord_m(place, surface(place)) <= way_m**2 / (8.0 * MEAN_RADIUS_M) * 1.01 + 1e-8


HOME = Point(52.0, 4.5)


def east_of_home(way_m: float) -> Xyz:
    return ecef(away(HOME, 90.0, way_m))


def north_of_home(way_m: float) -> Xyz:
    return ecef(away(HOME, 0.0, way_m))


def test_two_who_pass_the_same_place_at_the_same_time_meet() -> None:
    distance, part = closest_approach(
        east_of_home(-1000.0), east_of_home(1000.0), north_of_home(-500.0), north_of_home(500.0)
    )
    assert distance == pytest.approx(0.0, abs=0.001)
    assert part == pytest.approx(0.5, abs=1e-5)


def test_two_who_pass_the_same_place_at_different_times_do_not_meet() -> None:
    # He is at home at half time, she when it is over: relative motion past a place 500 m aside.
    distance, part = closest_approach(
        east_of_home(-1000.0), east_of_home(1000.0), north_of_home(-1000.0), ecef(HOME)
    )
    assert distance == pytest.approx(1000.0 / math.sqrt(5.0), abs=0.001)
    assert part == pytest.approx(0.6, abs=1e-5)


def test_two_who_go_side_by_side_stay_equally_far() -> None:
    distance, part = closest_approach(
        east_of_home(0.0), east_of_home(400.0), east_of_home(300.0), east_of_home(700.0)
    )
    assert distance == pytest.approx(300.0, abs=0.001)
    assert 0.0 <= part <= 1.0


def test_two_who_stand_still_are_as_far_as_they_stand() -> None:
    home, away_from_it = ecef(HOME), east_of_home(120.0)
    distance, part = closest_approach(home, home, away_from_it, away_from_it)
    assert distance == pytest.approx(120.0, abs=1e-6)
    assert part == 0.0
    assert closest_approach(home, home, home, home) == (0.0, 0.0)


def test_two_who_part_were_nearest_at_the_start() -> None:
    distance, part = closest_approach(
        east_of_home(-50.0), east_of_home(-900.0), east_of_home(50.0), east_of_home(800.0)
    )
    assert distance == pytest.approx(100.0, abs=0.001)
    assert part == 0.0


def test_two_who_draw_near_are_nearest_at_the_end() -> None:
    distance, part = closest_approach(
        east_of_home(-900.0), east_of_home(-50.0), east_of_home(800.0), east_of_home(50.0)
    )
    assert distance == pytest.approx(100.0, abs=0.001)
    assert part == 1.0


@pytest.mark.parametrize("lat", [0.0, 45.0, -70.0, 89.999])
def test_a_fast_pass_between_two_fixes_does_not_dive_under_the_other(lat: float) -> None:
    """The straight line of a 21 km way is 8.6 m deep in the middle: not a distance between people."""
    she = Point(lat, 180.0)
    start, end = away(she, 70.0, 10_500.0), away(she, 250.0, 10_500.0)
    distance, part = closest_approach(ecef(start), ecef(end), ecef(she), ecef(she))
    assert dive_m(start, end) > 8.6
    assert distance < 0.05
    assert part == pytest.approx(0.5, abs=1e-4)


@st.composite
def ways_about(draw: st.DrawFn, longest_m: float) -> tuple[Point, Point, Point, Point]:
    """Draw the ways of two people who start and end about two meeting places; one may stand still."""
    first = draw(anywhere())
    second = away(first, draw(azimuths), draw(st.sampled_from([0.0, 1.0, 50.0, 500.0, 5000.0])))
    places = [
        away(meeting, draw(azimuths), draw(st.floats(0.0, longest_m / 2.0)))
        for meeting in (first, first, second, second)
    ]
    if draw(st.booleans()):
        places[3] = places[2]
    return places[0], places[1], places[2], places[3]


@given(ways_about(2_000.0))
@settings(max_examples=60, deadline=None)
def test_walkers_come_as_near_as_along_geodesics_to_2_mm(ways: tuple[Point, Point, Point, Point]) -> None:
    distance, part = closest_approach(*map(ecef, ways))
    assert distance == pytest.approx(geodesic_approach_m(*ways), abs=0.002)
    assert 0.0 <= part <= 1.0


@given(ways_about(21_000.0))
@settings(max_examples=60, deadline=None)
def test_drivers_come_as_near_as_along_geodesics_to_the_tilt_of_the_dive(
    ways: tuple[Point, Point, Point, Point],
) -> None:
    # Places are lifted along the line from the centre, which is at most 0.0034 (0.19 degrees) off the plumb.
    tilted_m = 0.0034 * (dive_m(*ways[:2]) + dive_m(*ways[2:]))
    distance, _ = closest_approach(*map(ecef, ways))
    assert distance == pytest.approx(geodesic_approach_m(*ways), abs=1.2 * tilted_m + 0.005)


@given(ways_about(21_000.0))
def test_an_approach_is_the_same_for_both_and_in_reversed_time(
    ways: tuple[Point, Point, Point, Point],
) -> None:
    a0, a1, b0, b1 = map(ecef, ways)
    distance, _ = closest_approach(a0, a1, b0, b1)
    assert closest_approach(b0, b1, a0, a1)[0] == pytest.approx(distance, abs=1e-6)
    assert closest_approach(a1, a0, b1, b0)[0] == pytest.approx(distance, abs=1e-6)


@given(ways_about(2_000.0))
def test_an_approach_is_never_farther_than_the_ends(ways: tuple[Point, Point, Point, Point]) -> None:
    a0, a1, b0, b1 = map(ecef, ways)
    nearer_end = min(distance_m(a0, b0), distance_m(a1, b1))
    assert closest_approach(a0, a1, b0, b1)[0] <= nearer_end + 0.001
