import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.geofence.geometry.validity import MAX_VERTICES, ShapeFault, check_shape
from api.geofence.model import Circle, Polygon
from api.kernel.geo import Point, distance_m

Position = list[float]
METRES_PER_DEGREE = 111_195.0

SQUARE: list[Position] = [[4.0, 52.0], [4.1, 52.0], [4.1, 52.1], [4.0, 52.1], [4.0, 52.0]]
HOLE: list[Position] = [[4.02, 52.02], [4.02, 52.04], [4.04, 52.04], [4.04, 52.02], [4.02, 52.02]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def multi(*parts: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": list(parts)}


def moved(ring: list[Position], lon: float, lat: float = 0.0) -> list[Position]:
    return [[x + lon, y + lat] for x, y in ring]


def fault_of(geojson: object) -> ShapeFault:
    with pytest.raises(ShapeFault) as caught:
        check_shape(geojson)
    return caught.value


def place_in(fault: ShapeFault) -> Point:
    found = re.search(r"lat (\S+), lon ([-\d.]+)", fault.what)
    assert found, fault.what
    return Point(float(found[1]), float(found[2]))


def points(ring: list[Position]) -> tuple[Point, ...]:
    return tuple(Point(lat, lon) for lon, lat in ring)


def parts_of(geojson: dict[str, Any]) -> tuple[Polygon, ...]:
    shape = check_shape(geojson)
    assert isinstance(shape, tuple)
    return shape


def test_square_with_a_hole_is_taken_as_drawn() -> None:
    assert parts_of(polygon(SQUARE, HOLE)) == (Polygon((points(SQUARE), points(HOLE))),)


def test_rings_are_turned_to_the_right_hand_rule() -> None:
    turned = parts_of(polygon(SQUARE[::-1], HOLE[::-1]))
    assert turned == parts_of(polygon(SQUARE, HOLE))


def test_two_parts_that_touch_at_one_corner_are_two_parts() -> None:
    assert len(parts_of(multi([SQUARE], [moved(SQUARE, 0.1, 0.1)]))) == 2


def test_heights_and_bbox_are_left_out() -> None:
    with_heights = [[*position, 12.5] for position in SQUARE]
    assert parts_of(polygon(with_heights) | {"bbox": [4, 52, 4.1, 52.1]}) == parts_of(polygon(SQUARE))


def test_whole_numbers_are_numbers() -> None:
    shape = check_shape({"type": "Circle", "center": [4, 52], "radius_m": 500})
    assert shape == Circle(Point(52.0, 4.0), 500.0)


def test_polygon_across_the_antimeridian_is_taken() -> None:
    ring = [[179.9, -17], [-179.9, -17], [-179.9, -16.9], [179.9, -16.9], [179.9, -17]]
    assert parts_of(polygon(ring)) == (Polygon((points(ring),)),)


def test_the_two_names_of_the_antimeridian_close_a_ring() -> None:
    ring = [[180, 10], [180, 10.1], [179.9, 10.1], [179.9, 10], [-180, 10]]
    (part,) = parts_of(polygon(ring))
    assert part.rings[0][0] == part.rings[0][-1] == Point(10, 180)


@pytest.mark.parametrize("lat", [89.5, -89.5])
def test_polygon_round_a_pole_is_taken(lat: float) -> None:
    ring = [[lon, lat] for lon in (-180, -90, 0, 90, 180)]
    (part,) = parts_of(polygon(ring))
    eastward = part.rings[0][1].lon < part.rings[0][2].lon
    assert eastward == (lat > 0)  # the pole lies to the left of the outline


def test_crossing_across_the_antimeridian_is_found() -> None:
    ring = [[179.9, 0], [-179.9, 0.1], [-179.9, 0], [179.9, 0.1], [179.9, 0]]
    fault = fault_of(polygon(ring))
    assert fault.where == "coordinates[0]"
    assert distance_m(place_in(fault), Point(0.05, 180)) < 5


@pytest.mark.parametrize(
    ("geojson", "where", "what"),
    [
        (None, "shape", "GeoJSON object"),
        ([], "shape", "GeoJSON object"),
        ({}, "type", "is None"),
        ({"type": "Point", "coordinates": [4, 52]}, "type", "'Point'"),
        ({"type": "Feature", "geometry": polygon(SQUARE)}, "type", "'Feature'"),
        ({"type": ["Polygon"]}, "type", "Polygon"),
        (polygon(SQUARE) | {"crs": {}}, "crs", "WGS-84"),
        (polygon(SQUARE) | {"radius_m": 5}, "radius_m", "not a member"),
        ({"type": "Polygon"}, "coordinates", "must be a list"),
        ({"type": "Polygon", "coordinates": "4 52"}, "coordinates", "must be a list"),
        (polygon(), "coordinates", "is empty"),
        (multi(), "coordinates", "is empty"),
        (multi([]), "coordinates[0]", "is empty"),
        (multi([SQUARE], [[]]), "coordinates[1][0]", "the outline is empty"),
        (polygon(SQUARE, []), "coordinates[1]", "hole 1 is empty"),
        (polygon(SQUARE[:3]), "coordinates[0]", "has 3 points"),
        (polygon(SQUARE[:4]), "coordinates[0]", "not closed"),
        (multi([SQUARE, HOLE[:4]]), "coordinates[0][1]", "hole 1 is not closed"),
        (polygon([*SQUARE[:2], *SQUARE[1:]]), "coordinates[0][2]", "twice in a row"),
        (polygon([*SQUARE[:2], [4.1], *SQUARE[2:]]), "coordinates[0][2]", "[longitude, latitude]"),
        (polygon([*SQUARE[:2], "4.1,52", *SQUARE[2:]]), "coordinates[0][2]", "[longitude, latitude]"),
        (polygon([*SQUARE[:2], [4.1, 52, 0, 0], *SQUARE[2:]]), "coordinates[0][2]", "[longitude, latitude]"),
        (polygon([["4.0", 52.0], *SQUARE[1:]]), "coordinates[0][0][0]", "not a number"),
        (polygon([[4.0, True], *SQUARE[1:]]), "coordinates[0][0][1]", "not a number"),
        (polygon([[4.0, None], *SQUARE[1:]]), "coordinates[0][0][1]", "not a number"),
        (polygon([[4.0, math.nan], *SQUARE[1:]]), "coordinates[0][0][1]", "not a finite number"),
        (polygon([[math.inf, 52], *SQUARE[1:]]), "coordinates[0][0][0]", "not a finite number"),
        (polygon([[10**400, 52], *SQUARE[1:]]), "coordinates[0][0][0]", "not a finite number"),
        (polygon([[200, 52], *SQUARE[1:]]), "coordinates[0][0]", "longitude 200 is outside -180..180"),
        (polygon([[4, 91], *SQUARE[1:]]), "coordinates[0][0]", "latitude 91 is outside -90..90"),
        (polygon([[52, 104.3], *SQUARE[1:]]), "coordinates[0][0]", "look swapped"),
        (polygon([[4, 52], [4, 52.1], [4, 52.2], [4, 52]]), "coordinates[0]", "encloses no area"),
        (polygon([[4, 52], [4.000001, 52], [4, 52.000001], [4, 52]]), "coordinates[0]", "encloses no area"),
        (polygon([[4, 52], [4.1, 52], [4, 52], [4.1, 52], [4, 52]]), "coordinates[0]", "encloses no area"),
        (polygon(SQUARE, moved(HOLE, 1)), "coordinates[1]", "hole 1 lies outside its outline"),
        (polygon(SQUARE, moved(HOLE, 0.07)), "coordinates[1]", "hole 1 lies outside its outline"),
        (polygon(SQUARE, HOLE, moved(HOLE, 0.01)), "coordinates[2]", "hole 2 crosses hole 1"),
        (polygon(SQUARE, HOLE, HOLE), "coordinates[2]", "hole 2 crosses hole 1"),
        (polygon(SQUARE, HOLE, moved(HOLE, 0.04), HOLE), "coordinates[3]", "hole 3 crosses hole 1"),
        (multi([SQUARE], [moved(SQUARE, 0.05)]), "coordinates[1]", "overlaps or borders part 0"),
        (multi([SQUARE], [moved(SQUARE, 1)], [SQUARE]), "coordinates[2]", "overlaps or borders part 0"),
        (multi([SQUARE], [HOLE]), "coordinates[1]", "overlaps or borders part 0"),
        (polygon([[0, 50], [10, 50], [10, 56], [0, 56], [0, 50]]), "coordinates", "larger than a country"),
        (polygon([[0, 0], [90, 0], [180, 0], [-90, 0], [0, 0]]), "coordinates", "larger than a country"),
        (multi([SQUARE], [moved(SQUARE, 9)]), "coordinates", "larger than a country"),
        ({"type": "Circle", "radius_m": 500}, "center", "[longitude, latitude]"),
        ({"type": "Circle", "center": [4, 52]}, "radius_m", "not a number"),
        ({"type": "Circle", "center": [4, 52], "radius_m": 9.9}, "radius_m", "it must be 10 to 300000 m"),
        ({"type": "Circle", "center": [4, 52], "radius_m": 3e5 + 1}, "radius_m", "it must be 10 to 300000 m"),
        ({"type": "Circle", "center": [4, 52], "radius_m": math.nan}, "radius_m", "not a finite number"),
        ({"type": "Circle", "center": [4, 99], "radius_m": 500}, "center", "latitude 99"),
        ({"type": "Circle", "center": [4, 52], "radius_m": 500, "radius": 5}, "radius", "not a member"),
    ],
)
def test_a_fault_is_named_with_its_place(geojson: object, where: str, what: str) -> None:
    fault = fault_of(geojson)
    assert fault.where == where
    assert what in fault.what
    assert fault.fields == {"shape": [f"{where}: {fault.what}"]}


def test_hole_along_its_outline_is_refused() -> None:
    outline = [[4.0, 52.0], [4.1, 52.0], [4.1, 52.1], [4.0, 52.04], [4.0, 52.02], [4.0, 52.0]]
    hole = [[4.0, 52.02], [4.0, 52.04], [4.04, 52.04], [4.04, 52.02], [4.0, 52.02]]
    fault = fault_of(polygon(outline, hole))
    assert fault.where == "coordinates[1]"
    assert "runs along its outline" in fault.what


def test_holes_that_cut_the_area_apart_are_refused() -> None:
    # A diamond from the western corner to the eastern corner leaves two areas that only touch.
    outline = [[4.0, 0.0], [4.05, -0.05], [4.1, 0.0], [4.05, 0.05], [4.0, 0.0]]
    hole = [[4.0, 0.0], [4.05, 0.02], [4.1, 0.0], [4.05, -0.02], [4.0, 0.0]]
    fault = fault_of(polygon(outline, hole))
    assert fault.where == "coordinates"
    assert "cut the area apart" in fault.what


def test_too_many_corners_are_refused() -> None:
    def ring(count: int) -> list[Position]:
        turns = [2 * math.pi * index / count for index in range(count)]
        return [[4 + 0.1 * math.cos(t), 52 + 0.1 * math.sin(t)] for t in turns] + [[4.1, 52.0]]

    assert len(parts_of(polygon(ring(MAX_VERTICES)))[0].rings[0]) == MAX_VERTICES + 1
    fault = fault_of(polygon(ring(MAX_VERTICES + 1)))
    assert fault.where == "coordinates"
    assert f"{MAX_VERTICES + 1} corners" in fault.what


@st.composite
def rings(draw: st.DrawFn, *, convex: bool = False) -> list[Position]:
    """A ring seen from its middle without overlap, anywhere up to 85 degrees, 100 m to 50 km in size."""
    lat = draw(st.floats(-85, 85))
    lon = draw(st.floats(-180, 180))
    size_m = draw(st.floats(100, 50_000))
    count = draw(st.integers(5, 12))
    ring = []
    for index in range(count):
        turn = 2 * math.pi * (index + draw(st.floats(0.0, 0.4))) / count
        far_m = size_m * (1 if convex else draw(st.floats(0.3, 1)))
        north = far_m * math.sin(turn) / METRES_PER_DEGREE
        east = far_m * math.cos(turn) / METRES_PER_DEGREE / math.cos(math.radians(lat))
        ring.append([(lon + east + 180) % 360 - 180, lat + north])
    return [*ring, ring[0]]


@given(rings())
def test_every_star_shaped_ring_is_taken_unchanged(ring: list[Position]) -> None:
    (part,) = parts_of(polygon(ring))
    assert part.rings == (points(ring),)


@given(rings())
def test_the_direction_of_drawing_does_not_matter(ring: list[Position]) -> None:
    ((backward,),) = (part.rings for part in parts_of(polygon(ring[::-1])))
    assert backward == points(ring)


@given(rings(convex=True), st.data())
def test_two_corners_swapped_is_a_crossing_named_at_its_place(
    ring: list[Position], data: st.DataObject
) -> None:
    index = data.draw(st.integers(1, len(ring) - 3))
    a, b, c, d = (ring[i] for i in (index - 1, index, index + 1, index + 2))
    ring[index], ring[index + 1] = c, b
    fault = fault_of(polygon(ring))
    assert fault.where == "coordinates[0]"
    nearby = max(distance_m(Point(p[1], p[0]), Point(q[1], q[0])) for p in (a, b, c, d) for q in (a, b, c, d))
    crossing = place_in(fault)
    assert all(distance_m(crossing, Point(lat, lon)) <= nearby for lon, lat in (a, b, c, d))


@given(rings(), st.data())
def test_an_opened_ring_is_named(ring: list[Position], data: st.DataObject) -> None:
    hole_count = data.draw(st.integers(0, 2))
    geojson = polygon(*[SQUARE] * hole_count, ring[:-1])
    fault = fault_of(geojson)
    assert fault.where == f"coordinates[{hole_count}]"
    assert "not closed" in fault.what


@given(rings(), st.data())
def test_a_repeated_corner_is_named(ring: list[Position], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(ring) - 1))
    fault = fault_of(polygon([*ring[: index + 1], *ring[index:]]))
    assert fault.where == f"coordinates[0][{index + 1}]"
    assert distance_m(place_in(fault), points(ring)[index]) < 1


@given(rings(), st.data(), st.floats(90.001, 1e6) | st.floats(-1e6, -90.001) | st.just(math.nan))
def test_a_number_out_of_range_is_named(ring: list[Position], data: st.DataObject, lat: float) -> None:
    index = data.draw(st.integers(0, len(ring) - 1))
    ring[index] = [ring[index][0], lat]
    assert fault_of(polygon(ring)).where.startswith(f"coordinates[0][{index}]")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(st.sampled_from(["Polygon", "MultiPolygon", "Circle", "Point"]), _JSON, _JSON, _JSON)
def test_whatever_json_comes_is_a_shape_or_a_fault(kind: str, first: Any, second: Any, third: Any) -> None:
    for geojson in (
        first,
        {"type": kind, "coordinates": first},
        {"type": kind, "coordinates": [[first, second, third, first]]},
        {"type": kind, "center": first, "radius_m": second},
    ):
        try:
            check_shape(geojson)
        except ShapeFault as fault:
            assert fault.where  # noqa: PT017 - a fault is one of the two good answers
