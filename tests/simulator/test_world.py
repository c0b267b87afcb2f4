import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.world import (
    Area,
    Circle,
    Place,
    bearing_deg,
    closest_m,
    destination,
    distance_m,
    leg_points,
    offset,
)

CENTER = Place(51.9, 4.5)
SQUARE = Area(
    tuple(offset(CENTER, east, north) for east, north in ((-100, -100), (-100, 100), (100, 100), (100, -100)))
)

places = st.builds(Place, st.floats(-80, 80), st.floats(-180, 180))


@settings(max_examples=50, deadline=None)
@given(start=places, course_deg=st.floats(0, 359.9), far_m=st.floats(1, 100_000))
def test_a_destination_lies_as_far_and_in_the_direction_asked_for(
    start: Place, course_deg: float, far_m: float
) -> None:
    there = destination(start, course_deg, far_m)
    assert distance_m(start, there) == pytest.approx(far_m, rel=1e-6)
    turn = abs(bearing_deg(start, there) - course_deg) % 360
    assert min(turn, 360 - turn) < 1


@settings(max_examples=30, deadline=None)
@given(start=places, course_deg=st.floats(0, 359.9), far_m=st.floats(30, 30_000))
def test_a_leg_is_cut_into_short_steps_that_add_up(start: Place, course_deg: float, far_m: float) -> None:
    goal = destination(start, course_deg, far_m)
    points = leg_points(start, goal, 500)
    steps = [distance_m(a, b) for a, b in itertools.pairwise(points)]
    assert (points[0], points[-1]) == (start, goal)
    assert max(steps) < 520
    assert sum(steps) == pytest.approx(far_m, rel=0.002)


def test_the_edge_of_an_area_is_measured_from_both_sides() -> None:
    assert SQUARE.edge_distance_m(CENTER) == pytest.approx(-100, abs=0.3)
    assert SQUARE.edge_distance_m(offset(CENTER, 150, 0)) == pytest.approx(50, abs=0.3)
    assert Circle(CENTER, 100).edge_distance_m(destination(CENTER, 200, 130)) == pytest.approx(30, abs=0.01)


def test_a_polygon_is_sent_closed_and_counter_clockwise_in_lon_lat() -> None:
    ring = SQUARE.to_shape()["coordinates"][0]
    assert ring[0] == ring[-1]
    assert len(ring) == 5
    doubled = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in itertools.pairwise(ring))
    assert doubled < 0, "counter-clockwise"
    assert ring[0][0] == pytest.approx(4.5, abs=0.01)


def test_a_path_is_measured_between_its_ends() -> None:
    path = [offset(CENTER, -500, 0), offset(CENTER, 500, 0)]
    assert closest_m(SQUARE, path) == pytest.approx(-100, abs=1)
    assert closest_m(Circle(CENTER, 50), [offset(CENTER, -500, 80), offset(CENTER, 500, 80)]) > 28
