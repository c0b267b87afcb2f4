import math
import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.sensor import Multipath, Reading, Receiver, Sensor
from simulator.world import Place, distance_m

HERE = Place(51.9186, 4.4813)


def read(sensor: Sensor, count: int = 400, every_s: float = 300.0, seed: int = 1) -> list[Reading | None]:
    receiver = Receiver(sensor, random.Random(seed))
    return [receiver.sense(number * every_s, HERE, 0.0, 0.0) for number in range(count)]


def errors_m(sensor: Sensor, **how: float) -> list[float]:
    readings = read(sensor, **how)  # type: ignore[arg-type]  # one keyword of several types
    return [distance_m(reading.place, HERE) for reading in readings if reading is not None]


@settings(max_examples=10, deadline=None)
@given(noise_m=st.floats(1, 60), seed=st.integers(0, 1000))
def test_two_thirds_of_independent_errors_lie_within_the_reported_accuracy(noise_m: float, seed: int) -> None:
    errors = errors_m(Sensor(noise_m=noise_m), count=1500, seed=seed)
    within = sum(error <= noise_m for error in errors) / len(errors)
    assert within == pytest.approx(0.68, abs=0.06)


def test_errors_wander_instead_of_jumping() -> None:
    sensor = Sensor(noise_m=10, correlation_s=60)
    places = [reading.place for reading in read(sensor, every_s=1) if reading is not None]
    steps = [distance_m(a, b) for a, b in pairwise(places)]
    assert statistics.mean(steps) < 3


def test_the_same_seed_reads_the_same() -> None:
    assert read(Sensor(), count=20, seed=4) == read(Sensor(), count=20, seed=4)
    assert read(Sensor(), count=20, seed=4) != read(Sensor(), count=20, seed=5)


def test_a_receiver_may_leave_out_its_accuracy_or_flatter_itself() -> None:
    silent = read(Sensor(reports_accuracy=False), count=3)
    assert [reading.accuracy_m for reading in silent if reading] == [None] * 3
    flattered = read(Sensor(noise_m=20, optimism=0.5), count=1)[0]
    assert flattered is not None
    assert flattered.accuracy_m == pytest.approx(10)


def test_multipath_shifts_by_bursts_and_worsens_the_reported_accuracy() -> None:
    sensor = Sensor(noise_m=4, multipath=Multipath(every_s=60, lasts_s=30, bias_m=50))
    readings = [reading for reading in read(sensor, every_s=5, count=1000) if reading is not None]
    shifted = [reading for reading in readings if (reading.accuracy_m or 0) > 10]
    assert 0.1 < len(shifted) / len(readings) < 0.7
    assert statistics.mean(distance_m(reading.place, HERE) for reading in shifted) > 25


def test_drift_grows_steadily() -> None:
    sensor = Sensor(noise_m=0, drift_m_s=0.5)
    assert errors_m(sensor, count=3, every_s=100) == pytest.approx([0, 50, 100], abs=0.5)


def test_no_fix_loses_its_part() -> None:
    lost = read(Sensor(no_fix_part=0.3), count=2000).count(None) / 2000
    assert lost == pytest.approx(0.3, abs=0.05)


def test_a_perfect_receiver_tells_the_truth_and_still_an_accuracy() -> None:
    reading = read(Sensor(noise_m=0), count=1)[0]
    assert reading is not None
    assert math.isclose(distance_m(reading.place, HERE), 0, abs_tol=1e-6)
    assert reading.accuracy_m == 1.0
