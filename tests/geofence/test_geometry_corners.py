"""Ways through corners, zones cut at the antimeridian, the far side of the Earth: faults that once were."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.geofence.geometry.earth import ecef
from api.geofence.geometry.large import large_area
from api.kernel.geo import Point
from tests.geofence.test_geometry_reference import (
    NOTABLE,
    away,
    closed,
    edges_of,
    outline_distance_m,
    parts_of_1,
    prepared,
    regular,
)

SIZES = pytest.mark.parametrize("size_deg", [0.01, 0.5])


def test_a_way_through_two_opposite_corners_is_met() -> None:
    """Both edges at a corner said that the way passes on the other one's side."""
    zone = prepared(
        (
            closed(
                (-88.99552346913912, 45.0),
                (-88.99998998142416, 44.74350289569768),
                (-89.00447653073749, 45.0),
                (-88.99998998142416, 45.25649710430232),
            ),
        )
    )
    start, end = ecef(Point(-88.97439879046817, 45.0)), ecef(Point(-89.0124692414414, 45.0))
    assert zone.segment_touches(start, end)
    assert zone.segment_touches(end, start)


@given(
    st.sampled_from(NOTABLE) | st.builds(Point, st.floats(-89.0, 89.0), st.sampled_from([45.0, 90.0, 180.0])),
    st.sampled_from([0.0, 90.0, 180.0, 270.0]),
    st.floats(50.0, 1500.0),
    st.floats(1.0, 5000.0),
)
@settings(max_examples=300, deadline=None)
def test_a_way_through_a_corner_is_met(
    center: Point, azimuth: float, radius_m: float, before_m: float
) -> None:
    zone = prepared((regular(center, radius_m, 4),))
    outside, inside = away(center, azimuth, radius_m + before_m), away(center, azimuth, radius_m * 0.9)
    assert zone.segment_touches(ecef(outside), ecef(inside))
    assert zone.segment_touches(ecef(outside), ecef(away(center, azimuth + 180.0, radius_m + before_m)))


@SIZES
@given(st.floats(-80.0, 80.0), st.floats(0.1, 1.0), st.floats(0.1, 1.0), parts_of_1)
@settings(max_examples=150, deadline=None)
def test_places_on_the_cut_are_as_deep_as_in_the_whole(
    size_deg: float, lat: float, west: float, east: float, share: float
) -> None:
    """The two names of the antimeridian lie 2 nm apart: a gap, and an edge where rounding parts them."""
    south, north = lat, lat + size_deg
    left, right = 180.0 - size_deg * west, -180.0 + size_deg * east
    western = closed((south, left), (south, 180.0), (north, 180.0), (north, left))
    eastern = closed((south, -180.0), (south, right), (north, right), (north, -180.0))
    zone = prepared((western,), (eastern,))
    every = edges_of((western,), (eastern,))
    edges = [(a, b) for a, b in every if {abs(a.lon), abs(b.lon)} != {180.0}]
    for lon in (180.0, -180.0):
        place = Point(south + size_deg * (0.1 + 0.8 * share), lon)
        truth_m = outline_distance_m(place, edges)
        assert zone.signed_distance_m(ecef(place), 1e6) == pytest.approx(-truth_m, abs=0.05)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@SIZES
@given(st.lists(st.floats(0.2, 1.0), min_size=4, max_size=4), parts_of_1)
@settings(max_examples=60, deadline=None)
def test_a_cap_drawn_down_to_the_pole_has_no_edge_there(
    sign: float, size_deg: float, sizes: list[float], share: float
) -> None:
    lats = [sign * (90.0 - size_deg * size) for size in sizes]
    along = list(zip([*lats, lats[0]], (-180.0, -90.0, 0.0, 90.0, 180.0), strict=True))
    zone = prepared((closed(*along, (sign * 90.0, 180.0), (sign * 90.0, -180.0)),))
    edges = edges_of((closed(*along[:-1]),))
    for place in (Point(sign * 90.0, 0.0), Point(sign * (90.0 - size_deg * sizes[0] * share * 0.9), 180.0)):
        truth_m = outline_distance_m(place, edges)
        assert zone.signed_distance_m(ecef(place), 1e6) == pytest.approx(-truth_m, abs=0.05)


def test_the_very_antipode_is_outside() -> None:
    area = large_area((6378137.0, 0.0, 0.0), [[regular(Point(0.0, 0.0), 50_000.0, 6)]])
    antipode = (-6378137.0, 0.0, 0.0)
    assert area.signed_distance_m(antipode, 10.0) > 10.0
    assert not area.segment_touches(antipode, antipode)
