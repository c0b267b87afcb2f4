"""Outlines in a flat map against shapely: inside or not, how near the edge, what crosses it."""

import math
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPoint, MultiPolygon
from shapely.geometry import Point as Spot
from shapely.geometry import Polygon as FlatPolygon

from api.geofence.geometry.outline import (
    EDGES_PER_BOX,
    EDGES_PER_SLAB,
    SLABS_MAX,
    Outline,
    Xy,
    edges_of,
    outline_of,
    true_edges,
    wound,
)

FAR = 1000.0
SQUARE: list[Xy] = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (0.0, 0.0)]
HOLE: list[Xy] = [(4.0, 4.0), (4.0, 6.0), (6.0, 6.0), (6.0, 4.0), (4.0, 4.0)]
Part = list[list[Xy]]

# Whole numbers stay exact in these maps, so that touching is decided without a rounding error.
SHEARS = ((1, 0, 0, 1), (0, 1, 1, 0), (2, 1, -1, 3), (3, -2, 1, 1), (1, 5, 0, 1), (5, 1, -4, -1))
cells = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=16)
shears = st.sampled_from(SHEARS)
halves = st.integers(-2, 12).map(lambda value: value / 2.0)
spots = st.tuples(halves, halves)


def sheared(x: float, y: float, shear: Sequence[int]) -> Xy:
    a, b, c, d = shear
    return (a * x + b * y, c * x + d * y)


def cell_ring(cell: tuple[int, int], shear: Sequence[int]) -> list[Xy]:
    x, y = cell
    corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)]
    return [sheared(*corner, shear) for corner in corners]


def united(chosen: set[tuple[int, int]], shear: Sequence[int]) -> MultiPolygon:
    """Return squares of a board as one area: several parts, holes, corners that touch."""
    area = shapely.union_all([FlatPolygon(cell_ring(cell, shear)) for cell in chosen])
    if isinstance(area, FlatPolygon):
        return MultiPolygon([area])
    assert isinstance(area, MultiPolygon)
    return area


def parts_of(area: MultiPolygon) -> list[Part]:
    return [
        [[(x, y) for x, y in ring.coords] for ring in (part.exterior, *part.interiors)] for part in area.geoms
    ]


def is_inside(outline: Outline, area: MultiPolygon, x: float, y: float) -> bool:
    """Compare with shapely, off the line, where either answer will do."""
    inside = outline.contains(x, y)
    assert inside == shapely.contains_xy(area, x, y) or area.boundary.distance(Spot(x, y)) == 0.0
    return inside


@given(cells, shears, st.lists(spots, min_size=1, max_size=12))
def test_inside_is_what_shapely_says_off_the_line(
    chosen: set[tuple[int, int]], shear: Sequence[int], asked: list[Xy]
) -> None:
    area = united(chosen, shear)
    outline = outline_of(parts_of(area))
    for spot in asked:
        is_inside(outline, area, *sheared(*spot, shear))


@given(cells, shears, st.lists(spots, min_size=1, max_size=12), st.floats(0.1, 30.0))
def test_edge_distance_is_what_shapely_says_up_to_reach(
    chosen: set[tuple[int, int]], shear: Sequence[int], asked: list[Xy], reach: float
) -> None:
    area = united(chosen, shear)
    outline = outline_of(parts_of(area))
    for spot in asked:
        x, y = sheared(*spot, shear)
        truth = area.boundary.distance(Spot(x, y))
        assert outline.edge_distance(x, y, FAR) == pytest.approx(truth, abs=1e-12)
        assert outline.edge_distance(x, y, reach) == pytest.approx(min(truth, reach), abs=1e-12)


@given(cells, shears, spots, spots)
@settings(max_examples=300)
def test_a_way_from_off_the_line_crosses_what_shapely_says_it_meets(
    chosen: set[tuple[int, int]], shear: Sequence[int], start: Xy, end: Xy
) -> None:
    area = united(chosen, shear)
    (x0, y0), (x1, y1) = sheared(*start, shear), sheared(*end, shear)
    assume(area.boundary.distance(Spot(x0, y0)) > 0.0)
    way = LineString([(x0, y0), (x1, y1)])
    assert outline_of(parts_of(area)).crosses(x0, y0, x1, y1) == area.boundary.intersects(way)


@given(cells, shears, st.randoms(use_true_random=False), st.lists(spots, min_size=1, max_size=8))
def test_an_area_drawn_in_pieces_has_the_edges_of_the_whole(
    chosen: set[tuple[int, int]], shear: Sequence[int], dice: random.Random, asked: list[Xy]
) -> None:
    # Either direction, any first corner: as cutting programs write them (RFC 7946 section 3.1.9).
    pieces: list[Part] = []
    for cell in sorted(chosen):
        ring = cell_ring(cell, shear)[:-1]
        first = dice.randrange(4)
        ring = [*ring[first:], *ring[:first], ring[first]]
        pieces.append([ring[::-1] if dice.random() < 0.5 else ring])
    area = united(chosen, shear)
    outline = outline_of(pieces)
    for spot in asked:
        x, y = sheared(*spot, shear)
        assert outline.edge_distance(x, y, FAR) == pytest.approx(
            area.boundary.distance(Spot(x, y)), abs=1e-12
        )
        if area.boundary.distance(Spot(x, y)) > 0.0:
            assert outline.contains(x, y) == shapely.contains_xy(area, x, y)


@st.composite
def star(draw: st.DrawFn) -> list[Xy]:
    """Draw a ring seen whole from (0, 0), with corners in any direction."""
    count = draw(st.integers(5, 90))
    ring = []
    for index in range(count):
        turn = 2.0 * math.pi * (index + draw(st.floats(0.0, 0.4))) / count
        far = draw(st.floats(20.0, 100.0))
        ring.append((far * math.cos(turn), far * math.sin(turn)))
    return [*ring, ring[0]]


coordinates = st.floats(-120.0, 120.0)


@given(star(), st.lists(st.tuples(coordinates, coordinates), min_size=4, max_size=12))
@settings(max_examples=60, deadline=None)
def test_rings_in_any_direction_agree_with_shapely(ring: list[Xy], asked: list[Xy]) -> None:
    area = FlatPolygon(ring)
    outline = outline_of([[ring]])
    corners = MultiPoint(ring)
    for (x0, y0), (x1, y1) in pairwise(asked):
        distance = area.boundary.distance(Spot(x0, y0))
        assert outline.edge_distance(x0, y0, FAR) == pytest.approx(distance, abs=1e-9)
        if distance > 1e-9:
            assert outline.contains(x0, y0) == area.contains(Spot(x0, y0))
        way = LineString([(x0, y0), (x1, y1)])
        # Nearer than 2 micrometres to a line's end, either answer will do.
        ends = (distance, area.boundary.distance(Spot(x1, y1)), corners.distance(way))
        if min(ends) > 2e-6:
            assert outline.crosses(x0, y0, x1, y1) == area.boundary.intersects(way)


@pytest.mark.parametrize("count", [EDGES_PER_SLAB, EDGES_PER_BOX + 1, EDGES_PER_SLAB * SLABS_MAX + 1000])
def test_however_many_corners_a_round_outline_is_round(count: int) -> None:
    turns = [2.0 * math.pi * index / count for index in range(count)]
    ring = [(100.0 * math.cos(turn), 100.0 * math.sin(turn)) for turn in turns]
    outline = outline_of([[[*ring, ring[0]]]])
    assert len(outline.slabs) <= SLABS_MAX + 1
    in_radius = 100.0 * math.cos(math.pi / count)
    for index in range(400):
        turn = 0.7 + 2.0 * math.pi * index / 400
        near, far = in_radius - 1e-6, 100.0 + 1e-6
        assert outline.contains(near * math.cos(turn), near * math.sin(turn))
        assert not outline.contains(far * math.cos(turn), far * math.sin(turn))
        distance = outline.edge_distance(150.0 * math.cos(turn), 150.0 * math.sin(turn), FAR)
        assert 50.0 - 1e-9 <= distance <= 150.0 - in_radius + 1e-9
    assert outline.crosses(-150.0, 0.1, 150.0, 0.1)
    assert not outline.crosses(-150.0, 100.1, 150.0, 100.1)


@pytest.mark.parametrize(
    ("x", "y"), [(0.0, 0.0), (10.0, 10.0), (5.0, 0.0), (10.0, 2.5), (4.0, 4.0), (6.0, 5.0)]
)
def test_a_place_on_a_line_or_corner_is_at_distance_zero(x: float, y: float) -> None:
    assert outline_of([[SQUARE, HOLE]]).edge_distance(x, y, FAR) == 0.0


def test_a_hole_is_outside() -> None:
    outline = outline_of([[SQUARE, HOLE]])
    assert outline.contains(5.0, 3.0)
    assert not outline.contains(5.0, 5.0)
    assert outline.edge_distance(5.0, 5.0, FAR) == 1.0
    assert outline.edge_distance(5.0, 3.5, FAR) == 0.5


def test_an_island_in_a_hole_is_inside() -> None:
    island = [(4.5, 4.5), (5.5, 4.5), (5.5, 5.5), (4.5, 5.5), (4.5, 4.5)]
    outline = outline_of([[SQUARE, HOLE], [island]])
    assert outline.contains(5.0, 5.0)
    assert not outline.contains(4.25, 5.0)


def test_the_box_round_the_outline_is_not_the_outline() -> None:
    triangle = [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0), (0.0, 0.0)]
    outline = outline_of([[triangle]])
    assert outline.contains(4.9, 4.9)
    assert not outline.contains(5.1, 5.1)
    for x, y in ((-0.1, 5.0), (10.1, 5.0), (5.0, -0.1), (5.0, 10.1)):
        assert not outline.contains(x, y)


@pytest.mark.parametrize(("x", "nearest"), [(0.01, 0.01), (0.02, 0.01), (0.012, 0.012), (0.018, 0.012)])
def test_the_nearer_of_two_rings_counts_however_close_both_are(x: float, nearest: float) -> None:
    hole = [(0.03, 4.0), (0.03, 6.0), (6.0, 6.0), (6.0, 4.0), (0.03, 4.0)]
    for part in ([SQUARE, hole], [SQUARE[::-1], hole[::-1]]):
        assert outline_of([part]).edge_distance(x, 5.0, FAR) == pytest.approx(nearest, abs=1e-12)


def test_reach_is_told_when_no_edge_is_nearer() -> None:
    outline = outline_of([[SQUARE]])
    assert outline.edge_distance(-7.0, 5.0, 6.5) == 6.5
    assert outline.edge_distance(-7.0, 5.0, 7.5) == 7.0


@pytest.mark.parametrize(
    ("way", "crosses"),
    [
        ((-5.0, 5.0, 15.0, 5.0), True),  # right through, both ends outside
        ((-5.0, 5.0, 0.0, 5.0), True),  # ends on the line
        ((-5.0, 5.0, -0.001, 5.0), False),  # ends before it
        ((5.0, 5.0, 15.0, 5.0), True),  # leaves
        ((1.0, 1.0, 9.0, 1.0), False),  # stays inside
        ((-5.0, 10.0, 15.0, 10.0), True),  # along an edge and beyond it on both sides
        ((-5.0, 10.001, 15.0, 10.001), False),  # beside that edge
        ((-5.0, 5.0, 5.0, 15.0), True),  # only touches the corner (0, 10)
        ((-5.0, 5.001, 5.0, 15.001), False),  # passes the corner by
        ((-5.0, -5.0, 0.0, 0.0), True),  # ends on a corner
        ((12.0, 5.0, 12.0, 5.0), False),  # stands still outside
        ((5.0, 5.0, 5.0, 5.0), False),  # stands still inside
    ],
)
def test_a_way_crosses_the_line_when_it_touches_it(
    way: tuple[float, float, float, float], crosses: bool
) -> None:
    outline = outline_of([[SQUARE]])
    x0, y0, x1, y1 = way
    assert outline.crosses(x0, y0, x1, y1) is crosses
    if outline.edge_distance(x1, y1, FAR) > 0.0:  # from off the line, it is the same way back
        assert outline.crosses(x1, y1, x0, y0) is crosses


def test_a_way_within_a_hole_crosses_nothing() -> None:
    outline = outline_of([[SQUARE, HOLE]])
    assert not outline.crosses(4.5, 4.5, 5.5, 5.5)
    assert outline.crosses(5.0, 5.0, 5.0, 6.0)


def test_a_corner_that_is_drawn_twice_changes_nothing() -> None:
    stuttered = [corner for corner in SQUARE for _ in range(2)]
    assert list(edges_of(stuttered)) == list(pairwise(SQUARE))
    assert outline_of([[stuttered]]).boxes == outline_of([[SQUARE]]).boxes
    assert outline_of([[stuttered]]).contains(5.0, 5.0)


def test_rings_are_wound_with_the_inside_on_the_left() -> None:
    for outline in (SQUARE, SQUARE[::-1]):
        for hole in (HOLE, HOLE[::-1]):
            assert wound([outline, hole]) == [SQUARE, HOLE]


def test_a_part_that_is_drawn_twice_keeps_its_edges() -> None:
    twice = list(true_edges([[SQUARE], [SQUARE[::-1]]]))
    assert twice == [list(pairwise(SQUARE))] * 2
    assert outline_of([[SQUARE], [SQUARE]]).edge_distance(5.0, 9.0, FAR) == 1.0


def test_a_cut_between_two_pieces_is_no_edge() -> None:
    east = [(x + 10.0, y) for x, y in SQUARE]
    west_edges, east_edges = true_edges([[SQUARE], [east]])
    assert ((10.0, 0.0), (10.0, 10.0)) not in west_edges
    assert len(west_edges) == len(east_edges) == 3
    outline = outline_of([[SQUARE], [east]])
    assert outline.edge_distance(10.0, 4.0, FAR) == 4.0
    assert not outline.crosses(9.0, 5.0, 11.0, 5.0)


@pytest.mark.parametrize("noise", [1e-9, -1e-9])
def test_a_rounding_error_between_two_pieces_makes_no_edge(noise: float) -> None:
    east = [(x + 10.0 + noise, y - noise) for x, y in SQUARE]
    assert outline_of([[SQUARE], [east]]).edge_distance(10.0, 4.0, FAR) == pytest.approx(4.0, abs=1e-8)


def test_a_piece_that_fills_a_hole_closes_it() -> None:
    outline = outline_of([[SQUARE, HOLE], [HOLE]])
    assert outline.contains(5.0, 5.0)
    assert outline.edge_distance(5.0, 5.0, FAR) == 5.0
