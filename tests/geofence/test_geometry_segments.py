"""Whether the way between two fixes meets a zone although both may lie outside."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.geofence.geometry.earth import ecef
from api.geofence.geometry.prepared import PreparedZone
from api.kernel.geo import Point, distance_m
from tests.geofence.test_geometry_reference import (
    NOTABLE,
    Part,
    anywhere,
    away,
    azimuth_of,
    azimuths,
    box,
    edges_of,
    flat_area,
    flat_map,
    flat_way,
    least,
    part_way,
    parts_of_1,
    prepared,
    prepared_circle,
    regular,
    star_parts,
)

ZoneOf = Callable[[Point, float], PreparedZone]
HOME = Point(52.0, 4.5)
LONGEST_WAY_M = 21_000.0  # Limits.segment_max_s at Limits.max_speed_m_s


def is_met(zone: PreparedZone, start: Point, end: Point) -> bool:
    met = zone.segment_touches(ecef(start), ecef(end))
    assert met == zone.segment_touches(ecef(end), ecef(start))
    return met


def square_zone(center: Point, radius_m: float) -> PreparedZone:
    """Return a square whose sides pass at `radius_m` north, east, south and west of its centre."""
    return prepared((regular(center, radius_m * math.sqrt(2.0), 4, first_deg=45.0),))


both_shapes = pytest.mark.parametrize("zone_of", [prepared_circle, square_zone])


@both_shapes
@pytest.mark.parametrize("center", NOTABLE)
@pytest.mark.parametrize("way_m", [200.0, 2_000.0, LONGEST_WAY_M])
def test_a_fast_pass_through_a_small_zone_is_seen(zone_of: ZoneOf, center: Point, way_m: float) -> None:
    zone = zone_of(center, 50.0)
    for azimuth in (0.0, 40.0, 100.0, 290.0):
        start, end = away(center, azimuth, way_m / 2.0), away(center, azimuth + 180.0, way_m / 2.0)
        assert zone.signed_distance_m(ecef(start), 0.0) > 0.0
        assert zone.signed_distance_m(ecef(end), 0.0) > 0.0
        assert is_met(zone, start, end)


@both_shapes
@pytest.mark.parametrize("center", NOTABLE)
def test_a_pass_that_grazes_is_told_from_one_that_misses(zone_of: ZoneOf, center: Point) -> None:
    zone = zone_of(center, 500.0)
    for aside_m, meets in ((-0.05, True), (0.05, False)):
        # Square to the way from the centre to its northernmost place, a little nearer or farther than that.
        beside = away(center, 0.0, 500.0 + aside_m)
        on = azimuth_of(beside, away(center, 0.0, 2000.0))
        assert is_met(zone, away(beside, on + 90.0, 800.0), away(beside, on - 90.0, 1200.0)) is meets


@both_shapes
@pytest.mark.parametrize("center", NOTABLE)
def test_a_way_that_stops_short_does_not_meet_what_lies_ahead(zone_of: ZoneOf, center: Point) -> None:
    zone = zone_of(center, 500.0)
    start = away(center, 0.0, 3000.0)
    assert is_met(zone, start, away(center, 0.0, 499.9))
    assert not is_met(zone, start, away(center, 0.0, 500.1))
    assert not is_met(zone, start, away(center, 0.0, 9000.0))


@both_shapes
@pytest.mark.parametrize("center", NOTABLE)
def test_a_way_from_inside_meets_the_zone_wherever_it_leads(zone_of: ZoneOf, center: Point) -> None:
    zone = zone_of(center, 500.0)
    inside = away(center, 180.0, 100.0)
    for end in (inside, away(center, 0.0, 100.0), away(center, 123.0, 5000.0)):
        assert is_met(zone, inside, end)


@both_shapes
def test_who_stands_still_outside_meets_nothing(zone_of: ZoneOf) -> None:
    beside = away(HOME, 0.0, 500.1)
    assert not is_met(zone_of(HOME, 500.0), beside, beside)


def test_who_stands_still_on_the_circle_meets_it() -> None:
    on_it = away(HOME, 33.0, 500.0)
    assert is_met(prepared_circle(HOME, 500.0), on_it, on_it)


def test_a_way_within_a_hole_does_not_meet_the_zone_and_one_out_of_it_does() -> None:
    zone = prepared((regular(HOME, 1000.0, 4), regular(HOME, 300.0, 4)))
    west, east = away(HOME, 270.0, 290.0), away(HOME, 90.0, 290.0)
    assert not is_met(zone, west, east)
    assert is_met(zone, west, away(HOME, 90.0, 310.0))
    assert is_met(zone, away(HOME, 270.0, 2000.0), away(HOME, 90.0, 2000.0))


def test_a_way_between_two_parts_meets_neither() -> None:
    west, east = away(HOME, 270.0, 600.0), away(HOME, 90.0, 600.0)
    zone = prepared((regular(west, 200.0, 8),), (regular(east, 200.0, 8),))
    assert not is_met(zone, away(HOME, 0.0, 4000.0), away(HOME, 180.0, 4000.0))
    assert is_met(zone, away(west, 0.0, 4000.0), away(west, 180.0, 4000.0))
    assert is_met(zone, away(east, 0.0, 4000.0), away(east, 180.0, 4000.0))


def test_a_way_across_the_antimeridian_is_the_short_way() -> None:
    zone = prepared((box(-17.001, 179.999, -16.999, -179.999),))
    assert is_met(zone, Point(-17.0, 179.99), Point(-17.0, -179.99))
    assert not is_met(zone, Point(-17.01, 179.99), Point(-17.01, -179.99))
    elsewhere = prepared((box(-17.001, -0.001, -16.999, 0.001),))
    assert not is_met(elsewhere, Point(-17.0, 179.99), Point(-17.0, -179.99))


def test_a_way_over_the_pole_is_the_short_way() -> None:
    zone = prepared_circle(Point(90.0, 0.0), 50.0)
    assert is_met(zone, Point(89.95, 10.0), Point(89.95, -170.0))
    assert not is_met(zone, Point(89.95, 10.0), Point(89.95, 100.0))


@given(star_parts(50.0, 1500.0), st.data())
@settings(max_examples=60, deadline=None)
def test_ways_meet_an_area_when_shapely_says_so(
    drawn: tuple[Point, float, Part], data: st.DataObject
) -> None:
    center, _, part = drawn
    to_flat = flat_map(center)
    area = flat_area([part], to_flat, 3000.0)
    # Within 2 cm of grazing either answer will do: as much as a distance may be off.
    larger, smaller = area.buffer(0.02), area.buffer(-0.02)
    zone = prepared(part)
    for _ in range(4):
        start, end = data.draw(ways_about_the_edges(part))
        way = flat_way(start, end, to_flat)
        if smaller.intersects(way):
            assert is_met(zone, start, end)
        elif not larger.intersects(way):
            assert not is_met(zone, start, end)


@st.composite
def ways_about_the_edges(draw: st.DrawFn, part: Part) -> tuple[Point, Point]:
    """Draw a way past or through a place near an edge or a corner."""
    a, b = draw(st.sampled_from(edges_of(part)))
    near = part_way(a, b, draw(st.sampled_from([0.0, 1.0]) | parts_of_1))
    beside = away(near, draw(azimuths), draw(st.sampled_from([0.0, 0.05, 1.0, 100.0])))
    azimuth = draw(azimuths)
    way_m = draw(st.floats(1.0, LONGEST_WAY_M))
    before_m = way_m * draw(parts_of_1)
    return away(beside, azimuth, before_m), away(beside, azimuth + 180.0, way_m - before_m)


@given(anywhere(), st.floats(10.0, 300_000.0), azimuths, st.data())
@settings(max_examples=100, deadline=None)
def test_ways_meet_a_circle_when_their_geodesic_does(
    center: Point, radius_m: float, azimuth: float, data: st.DataObject
) -> None:
    near = away(center, azimuth, radius_m + data.draw(st.sampled_from([-20.0, -1.0, -0.1, 0.1, 1.0, 20.0])))
    # Nearly along the circle, where it is hard.
    along = azimuth_of(near, center) + 90.0 + data.draw(st.floats(-3.0, 3.0))
    way_m = data.draw(st.floats(1.0, LONGEST_WAY_M))
    before_m = way_m * data.draw(parts_of_1)
    start, end = away(near, along, before_m), away(near, along + 180.0, way_m - before_m)
    nearest_m = least(lambda share: distance_m(center, part_way(start, end, share)), 1e-8) - radius_m
    # The dive of a 21 km way is 8.6 m, lifted up to 0.2 degrees off the plumb line: 3 cm.
    if abs(nearest_m) > 0.035:
        assert is_met(prepared_circle(center, radius_m), start, end) == (nearest_m < 0.0)
