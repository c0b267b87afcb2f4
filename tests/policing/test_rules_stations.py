"""Which station a place belongs to: areas, edges, overlaps, the nearest; and what no station can be."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from geopy.distance import geodesic
from hypothesis import assume, given
from hypothesis import strategies as st

from api.kernel import geo
from api.kernel.geo import Point
from api.policing.geometry import AreaFault, check_area, prepare
from api.policing.model import MAX_VERTICES, Area, BadStation, Found, How
from api.policing.rules import check_station, station_for
from tests.factories import PLACE
from tests.policing.station import make_draft, make_station, square

LATS = st.floats(-89.9, 89.9)
LONS = st.floats(-180.0, 180.0)
POINTS = st.builds(Point, LATS, LONS)


def ring(*corners: tuple[float, float]) -> tuple[Point, ...]:
    return tuple(Point(*corner) for corner in (*corners, corners[0]))


def found_in(point: Point, *areas: Area) -> Found:
    """What is found among stations A, B, … of these areas."""
    names = (chr(ord("A") + place) for place in range(len(areas)))
    stations = [make_station(area=area, reference=name) for name, area in zip(names, areas, strict=True)]
    found = station_for(point, reversed(stations))
    assert found is not None
    return found


def test_without_stations_nothing_is_found() -> None:
    assert station_for(PLACE, []) is None


def test_the_station_whose_area_holds_the_place_is_found() -> None:
    found = found_in(PLACE, square(Point(53.0, 6.0)), square())
    assert (found.station.reference, found.how, found.distance_m) == ("B", How.AREA, 0.0)


@pytest.mark.parametrize("corner", square()[0][0])
def test_a_corner_is_inside(corner: Point) -> None:
    assert found_in(corner, square()).how is How.AREA


@pytest.mark.parametrize("center", [PLACE, Point(0.0, 180.0), Point(-17.0, -179.95), Point(64.0, -22.0)])
@given(lat_part=st.floats(-1.0, 1.0))
def test_the_edge_along_a_meridian_is_inside(center: Point, lat_part: float) -> None:
    lon = square(center)[0][0][1].lon
    assert found_in(Point(center.lat + 0.1 * lat_part, lon), square(center)).how is How.AREA


def test_of_overlapping_areas_the_smallest_counts_then_the_reference() -> None:
    assert found_in(PLACE, square(half_deg=0.3), square(half_deg=0.1)).station.reference == "B"
    assert found_in(PLACE, square(half_deg=0.1), square(half_deg=0.1)).station.reference == "A"
    turned = ((square()[0][0][1:] + square()[0][0][1:2],),)  # the same square, begun at another corner
    assert found_in(PLACE, square(), turned).station.reference == "A"
    assert found_in(PLACE, turned, square()).station.reference == "A"


def test_a_hole_belongs_to_nobody_or_to_whoever_lies_in_it() -> None:
    ringed = (square(half_deg=0.3)[0][0], square(half_deg=0.1)[0][0])
    found = found_in(PLACE, (ringed,))
    assert found.how is How.NEAREST
    assert found.distance_m == pytest.approx(geodesic(PLACE, Point(52.0, 4.6)).m, rel=1e-4)
    assert found_in(PLACE, (ringed,), square(half_deg=0.1)).station.reference == "B"


def test_parts_that_overlap_or_touch_count_as_one() -> None:
    area = square()[0], square(Point(52.0, 4.7))[0], square(Point(52.05, 4.65))[0]
    check_area(area)
    for lon in (4.5, 4.6, 4.65, 4.7):
        assert found_in(Point(52.0, lon), area).how is How.AREA


def test_the_nearest_is_by_its_edge_and_not_by_its_middle() -> None:
    large = square(Point(52.0, 8.0), 1.0)
    small = square(Point(52.0, 5.0), 0.1)
    found = found_in(Point(52.0, 6.2), large, small)
    assert (found.station.reference, found.how) == ("A", How.NEAREST)
    assert found.distance_m == pytest.approx(geodesic(Point(52.0, 6.2), Point(52.0, 7.0)).m, rel=1e-3)


def test_of_two_that_are_equally_near_the_reference_decides() -> None:
    assert found_in(Point(52.0, 4.9), square(), square()).station.reference == "A"


def test_an_area_across_the_antimeridian_is_one_area_drawn_whole_or_cut_in_two() -> None:
    whole = square(Point(-17.0, 180.0), 0.5)
    west = (ring((-17.5, 179.5), (-17.5, 180.0), (-16.5, 180.0), (-16.5, 179.5)),)
    east = (ring((-17.5, -180.0), (-17.5, -179.5), (-16.5, -179.5), (-16.5, -180.0)),)
    for area in (whole, (west, east)):
        check_area(area)
        for lon in (179.6, 179.999999, 180.0, -180.0, -179.999999, -179.6):
            assert found_in(Point(-17.0, lon), area).how is How.AREA, lon
        assert found_in(Point(-17.0, 179.0), area).distance_m == pytest.approx(53_200, rel=1e-2)
        assert found_in(Point(-17.0, -179.0), area).distance_m == pytest.approx(53_200, rel=1e-2)
    assert prepare(whole).area_m2 == pytest.approx(prepare((west, east)).area_m2, rel=1e-4)


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_an_area_round_a_pole_holds_the_pole(pole: float) -> None:
    near = math.copysign(85.0, pole)
    area: Area = ((ring((near, 0.0), (near, 90.0), (near, 180.0), (near, -90.0)),),)
    check_area(area)
    for lon in (0.0, 33.0, 180.0, -120.0):
        assert found_in(Point(pole, lon), area).how is How.AREA
    assert found_in(Point(-pole, 0.0), area).how is How.NEAREST
    assert prepare(area).area_m2 == pytest.approx(
        2.0 * 555_000.0**2, rel=0.02
    )  # a square of that half-diagonal


@given(center=st.builds(Point, st.floats(-80.0, 80.0), LONS), place=POINTS)
def test_some_station_is_always_found_wherever_the_place(center: Point, place: Point) -> None:
    found = found_in(place, square(center, 0.5))
    assert (found.distance_m == 0.0) == (found.how is How.AREA)
    assert 0.0 <= found.distance_m <= 20_004_000.0


@given(point=st.builds(Point, st.floats(50.0, 54.0), st.floats(2.0, 7.0)))
def test_the_distance_is_that_to_the_nearest_of_many_places_on_the_edge(point: Point) -> None:
    area = square(half_deg=0.2)
    found = found_in(point, area)
    assume(found.how is How.NEAREST)
    corners = area[0][0]
    sampled = min(
        geo.distance_m(
            point,
            Point(a.lat + (b.lat - a.lat) * part / 50.0, a.lon + (b.lon - a.lon) * part / 50.0),
        )
        for a, b in pairwise(corners)
        for part in range(51)
    )
    # The samples lie up to 19 m beside the shortest line between two corners on one parallel.
    assert sampled - 300.0 <= found.distance_m <= sampled + 20.0


@given(
    point=POINTS,
    centers=st.lists(st.builds(Point, st.floats(-80.0, 80.0), LONS), min_size=1, max_size=5),
)
def test_no_other_station_is_nearer_than_the_nearest(point: Point, centers: list[Point]) -> None:
    areas = [square(center, 0.3) for center in centers]
    found = found_in(point, *areas)
    alone = [found_in(point, area) for area in areas]
    assert found.distance_m == min(one.distance_m for one in alone)


def test_neighbours_that_share_corners_leave_nothing_between_them() -> None:
    a, b = Point(51.9, 4.4), Point(52.1, 4.7)
    west: Area = ((ring(a, b, (52.2, 4.0)),),)
    east: Area = ((ring(b, a, (51.8, 5.0)),),)
    for part in range(1, 100):
        place = Point(a.lat + (b.lat - a.lat) * part / 100, a.lon + (b.lon - a.lon) * part / 100)
        assert found_in(place, west, east).how is How.AREA


def test_a_quarter_of_the_globe_off_the_distance_is_still_right() -> None:
    along_the_equator: Area = ((ring((0.0, -0.5), (0.0, 0.5), (1.0, 0.0)),),)
    found = found_in(Point(-90.0, 0.0), along_the_equator)
    assert found.distance_m == pytest.approx(geodesic(Point(-90.0, 0.0), Point(0.0, 0.0)).m, rel=1e-6)


FAULTS: list[tuple[Area, str]] = [
    ((), "has no outline"),
    (((),), "has no outline"),
    (((ring((52, 4), (52, 5))[:3],),), "needs at least 4"),
    (((ring((52, 4), (52, 5), (53, 5), (53, 4))[:-1],),), "not closed"),
    (((ring((52, 4), (53, 5), (53, 4), (52, 5)),),), "self-intersection"),
    (((square()[0][0], square(Point(53.0, 4.5))[0][0]),), "hole lies outside"),
    (((ring((52, 4), (52, 4), (52, 4)),),), "too few points"),
    (((ring((90, 0), (90, 90), (90, 180)),),), "encloses nothing"),
    (((ring((0, 0), (0, 60), (40, 30)),),), "larger than 2000 km"),
    (((ring((0, 0), (0, 120), (0, -120)),),), "larger than 2000 km"),
    (((tuple(Point(0.0, 0.0) for _ in range(MAX_VERTICES + 1)),),), "at most 2000"),
]


@pytest.mark.parametrize(("area", "what"), FAULTS)
def test_an_area_that_cannot_be_is_refused_with_what_is_wrong(area: Area, what: str) -> None:
    with pytest.raises(AreaFault, match=what):
        check_area(area)
    with pytest.raises(BadStation) as refusal:
        check_station(make_draft(area=area))
    assert set(refusal.value.fields) == {"area"}


def test_where_an_area_crosses_itself_is_said() -> None:
    crossing: Area = ((ring((52.0, 4.0), (53.0, 5.0), (53.0, 4.0), (52.0, 5.0)),),)
    with pytest.raises(AreaFault, match=r"lat 52\.50\d+, lon 4\.50\d+"):
        check_area(crossing)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seat", Point(4.5, 52.0)),  # longitude and latitude swapped
        ("phone", "0612345678"),
        ("phone", "+0612345678"),
        ("phone", "+31 6 12345678"),
        ("phone", "+3112"),
        ("phone", "+" + "1" * 16),
        ("phone", "+441632960001\n"),
        ("phone", ""),
        ("desk_address", "politie rotterdam"),
        ("desk_address", ""),
        ("desk_address", "a" * 101),
        ("time_zone", "Europe/Rotterdam"),
        ("time_zone", "CET"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
    ],
)
def test_a_field_that_cannot_be_is_named(field: str, value: Any) -> None:
    with pytest.raises(BadStation) as refusal:
        check_station(make_draft(**{field: value}))
    assert set(refusal.value.fields) == {field}


def test_every_field_at_fault_is_named_at_once() -> None:
    with pytest.raises(BadStation) as refusal:
        check_station(make_draft(area=(), phone="1", desk_address=" ", time_zone="x"))
    assert set(refusal.value.fields) == {"area", "phone", "desk_address", "time_zone"}


def test_a_building_beside_its_area_and_a_number_that_stays_are_fine() -> None:
    check_station(make_draft(seat=Point(52.3, 4.5), phone=None))
    check_station(replace(make_draft(), area=square(Point(51.9, 4.5))))
