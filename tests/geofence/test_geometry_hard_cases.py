"""The hard cases that other geofence engines get wrong (field/geofencing.md section 7)."""

import pytest

from api.geofence.geometry.earth import ecef
from api.geofence.geometry.prepared import CircularArea, PreparedZone
from api.kernel.geo import Point, distance_m
from tests.geofence.test_geometry_reference import away, box, closed, prepared, prepared_circle

FAR_M = 1e6


def signed_m(zone: PreparedZone, place: Point) -> float:
    return zone.signed_distance_m(ecef(place), FAR_M)


@pytest.mark.parametrize("lat", [40.0, 65.0])
@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0])
def test_501_m_is_outside_a_circle_of_500_m_and_499_m_is_inside(lat: float, azimuth: float) -> None:
    # A sphere puts 501 m east or west inside at 65 degrees north, and 499 m north outside at 40.
    center = Point(lat, 10.0)
    zone = prepared_circle(center, 500.0)
    assert signed_m(zone, away(center, azimuth, 501.0)) == pytest.approx(1.0, abs=1e-6)
    assert signed_m(zone, away(center, azimuth, 499.0)) == pytest.approx(-1.0, abs=1e-6)


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0])
def test_2990_km_is_inside_a_circle_of_3000_km(azimuth: float) -> None:
    # Larger than any zone may be; every sphere puts north and south of it outside.
    center = Point(40.0, 10.0)
    area = CircularArea(ecef(center), 3_000_000.0)
    for way_m in (2_990_000.0, 2_999_999.0, 3_000_001.0, 3_010_000.0):
        got_m = area.signed_distance_m(ecef(away(center, azimuth, way_m)), 1e7)
        assert got_m == pytest.approx(way_m - 3_000_000.0, abs=1e-6)


@pytest.mark.parametrize("lat", [-17.0, 0.0, 65.0])
def test_a_polygon_across_the_antimeridian_does_not_wrap_round_the_world(lat: float) -> None:
    zone = prepared((box(lat, 179.9, lat + 0.1, -179.9),))
    for lon in (179.95, 180.0, -180.0, -179.95):
        assert signed_m(zone, Point(lat + 0.05, lon)) < 0.0
    for lon in (0.0, 4.5, -120.0, 179.8, -179.8):
        assert signed_m(zone, Point(lat + 0.05, lon)) > 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_polygon_round_the_pole_holds_the_pole(sign: float) -> None:
    zone = prepared((closed(*((sign * 89.9, lon) for lon in (-180.0, -120.0, -60.0, 0.0, 60.0, 120.0))),))
    for lon in (-180.0, 0.0, 90.0):
        assert signed_m(zone, Point(sign * 90.0, lon)) < -9_000.0
        assert signed_m(zone, Point(sign * 89.95, lon)) < 0.0
        assert signed_m(zone, Point(sign * 89.8, lon)) > 0.0


@pytest.mark.parametrize(("lat", "lon"), [(52.0, 4.5), (-17.0, 180.0), (89.0, 33.0)])
@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0, 33.0])
def test_the_line_of_a_circle_is_inside_on_every_side(lat: float, lon: float, azimuth: float) -> None:
    center = Point(lat, lon)
    assert signed_m(prepared_circle(center, 500.0), away(center, azimuth, 500.0)) <= 0.0


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 0.0), (0.01, 0.0), (0.0, 0.005), (0.01, 0.01), (0.005, 0.01)])
def test_the_line_of_a_polygon_is_inside_on_every_side(lat: float, lon: float) -> None:
    zone = prepared((box(0.0, 0.0, 0.01, 0.01),))
    assert abs(signed_m(zone, Point(lat, lon))) < 1e-3
    inward = Point(lat + (0.005 - lat) * 1e-6, lon + (0.005 - lon) * 1e-6)
    outward = Point(lat - (0.005 - lat) * 1e-3, lon - (0.005 - lon) * 1e-3)
    assert signed_m(zone, inward) < 1e-3
    assert signed_m(zone, outward) > 0.0


@pytest.mark.parametrize(
    ("width_deg", "bulge_m"),
    # The geodesic runs L^2 tan(lat) / 8R north of the parallel: 2.3 cm per 1 km edge at 50 degrees north.
    [(1.0 / 71.696, 0.0234), (10.0 / 71.696, 2.34), (100.0 / 71.696, 234.0)],
)
def test_an_edge_is_the_shortest_line_and_not_the_parallel(width_deg: float, bulge_m: float) -> None:
    zone = prepared((box(49.9, 10.0, 50.0, 10.0 + width_deg),))
    middle = Point(50.0, 10.0 + width_deg / 2.0)
    assert signed_m(zone, middle) == pytest.approx(-bulge_m, rel=0.02, abs=0.001)
    assert signed_m(zone, away(middle, 0.0, bulge_m * 0.9)) < 0.0
    assert signed_m(zone, away(middle, 0.0, bulge_m * 1.1)) > 0.0


def test_one_kilometre_of_the_parallel_is_what_the_cases_above_say() -> None:
    assert distance_m(Point(50.0, 10.0), Point(50.0, 10.0 + 1.0 / 71.696)) == pytest.approx(1000.0, abs=0.5)


def test_a_place_of_a_thousand_kilometres_away_is_told_as_far_without_being_measured() -> None:
    zone = prepared_circle(Point(52.0, 4.5), 500.0)
    place = Point(40.4, -3.7)
    truth_m = distance_m(Point(52.0, 4.5), place) - 500.0
    assert 1_000.0 < zone.signed_distance_m(ecef(place), 1_000.0) <= truth_m
