import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.motion import Leg, Manner, Track, leg_duration_s, make_track
from simulator.world import Place, destination, distance_m

BEURS = Place(51.9186, 4.4813)


def walk_to(place: Place, speed_m_s: float = 1.4) -> Leg:
    return Leg(Manner.WALK, to=place, speed_m_s=speed_m_s)


def drive_to(place: Place, speed_m_s: float = 13.9) -> Leg:
    return Leg(Manner.DRIVE, to=place, speed_m_s=speed_m_s)


def test_the_same_seed_walks_the_same_way_and_another_does_not() -> None:
    legs = [walk_to(destination(BEURS, 80, 600))]

    def way(seed: int) -> list[Place]:
        track = make_track(BEURS, legs, random.Random(seed))
        return [track.at(t) for t in range(0, 400, 7)]

    assert way(1) == way(1)
    assert way(1) != way(2)


@settings(max_examples=25, deadline=None)
@given(
    course_deg=st.floats(0, 360),
    length_m=st.floats(50, 1500),
    speed_m_s=st.floats(0.5, 7),
    seed=st.integers(),
)
def test_a_walk_arrives_at_about_its_time_and_never_runs(
    course_deg: float, length_m: float, speed_m_s: float, seed: int
) -> None:
    goal = destination(BEURS, course_deg, length_m)
    track = make_track(BEURS, [walk_to(goal, speed_m_s)], random.Random(seed))
    assert distance_m(track.at(track.duration_s), goal) < 0.01
    assert 0.7 <= track.duration_s / leg_duration_s(BEURS, walk_to(goal, speed_m_s)) <= 1.43
    for t_s in range(1, int(track.duration_s) - 1, 17):
        assert distance_m(track.at(t_s), track.at(t_s + 1)) <= speed_m_s * 1.3 + 0.01


@settings(max_examples=30, deadline=None)
@given(length_m=st.floats(20, 4000), speed_m_s=st.floats(5, 69))
def test_a_drive_keeps_its_time_and_its_speed(length_m: float, speed_m_s: float) -> None:
    goal = destination(BEURS, 45, length_m)
    track = make_track(BEURS, [drive_to(goal, speed_m_s)], random.Random(1))
    assert track.duration_s == pytest.approx(leg_duration_s(BEURS, drive_to(goal, speed_m_s)), rel=0.01)
    steps = [distance_m(track.at(t_s), track.at(t_s + 1)) for t_s in range(0, int(track.duration_s), 3)]
    assert max(steps, default=0) <= speed_m_s * 1.01


def test_a_car_starts_and_stops_at_rest() -> None:
    track = make_track(BEURS, [drive_to(destination(BEURS, 45, 2000), 20)], random.Random(1))
    speeds = [track.speed_m_s(t_s) for t_s in (1, 60, track.duration_s - 1)]
    assert speeds[0] < 6
    assert speeds[1] == pytest.approx(20, abs=0.2)
    assert speeds[2] < 6


def test_waiting_stays_and_after_the_end_one_stands_still() -> None:
    track = make_track(BEURS, [Leg(Manner.WAIT, wait_s=60)], random.Random(1))
    assert {track.at(t) for t in (-5.0, 0.0, 30.0, 60.0, 500.0)} == {BEURS}
    assert track.duration_s == 60


def test_a_track_crosses_the_antimeridian_the_short_way() -> None:
    west, east = Place(-16.5, 179.999), Place(-16.5, -179.999)
    track = Track([0, 10], [west, east])
    assert distance_m(track.at(5), Place(-16.5, 180.0)) < 1
    assert track.speed_m_s(5) == pytest.approx(distance_m(west, east) / 10, rel=0.01)
