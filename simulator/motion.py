"""True positions: people walk, drive and wait along legs, with the uneven pace of a seed."""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from simulator.world import Place, between, distance_m, leg_points, near_distance_m

WALK_MAX_M_S = 7.0
"""A good amateur sprints at this; faster on foot is a mistake in the story."""
DRIVE_MAX_M_S = 69.0
"""Under the 250 km/h from which the field calls a movement implausible (field/monitoring.md kind 17)."""
WALK_M_S = 1.4
"""Usual adult walking speed, EN 1998 and pedestrian-crossing design use 1.2 to 1.4."""
DRIVE_M_S = 13.9
"""50 km/h, the limit in towns."""
CAR_ACCELERATION_M_S2 = 2.0
"""Ordinary driving; proposal."""
PACE_SPREAD = 0.08
"""Standard deviation of a walker's pace as part of it; proposal."""
STEP_M = 20.0


class Manner(StrEnum):
    """How a leg is covered."""

    WALK = "walk"
    DRIVE = "drive"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Leg:
    """One part of a way: to `to` at `speed_m_s`, or `wait_s` where one stands."""

    manner: Manner
    to: Place | None = None
    speed_m_s: float = 0.0
    wait_s: float = 0.0


class Track:
    """Where somebody truly is at each second; straight between knots, still before and after."""

    def __init__(self, times_s: Sequence[float], places: Sequence[Place]) -> None:
        """Take knots in order of time, at least one."""
        self._times_s = list(times_s)
        self._places = list(places)

    @property
    def duration_s(self) -> float:
        """Time of the last knot."""
        return self._times_s[-1]

    def at(self, t_s: float) -> Place:
        """Return the place at `t_s`."""
        after = bisect_right(self._times_s, t_s)
        if after == 0:
            return self._places[0]
        if after == len(self._times_s):
            return self._places[-1]
        begin_s, end_s = self._times_s[after - 1], self._times_s[after]
        part = (t_s - begin_s) / (end_s - begin_s)
        return between(self._places[after - 1], self._places[after], part)

    def speed_m_s(self, t_s: float) -> float:
        """Return the mean speed over the two seconds round `t_s`."""
        return near_distance_m(self.at(t_s - 1), self.at(t_s + 1)) / 2


def make_track(start: Place, legs: Sequence[Leg], rng: random.Random) -> Track:
    """Return the track of somebody who covers the legs one after another from `start`."""
    times_s, places = [0.0], [start]
    for leg in legs:
        if leg.manner is Manner.WAIT:
            times_s.append(times_s[-1] + leg.wait_s)
            places.append(places[-1])
        elif leg.to is not None:
            points = leg_points(places[-1], leg.to, STEP_M)
            pace = _walk_pace(rng) if leg.manner is Manner.WALK else None
            _append(times_s, places, points, leg, pace)
    return Track(times_s, places)


def leg_duration_s(start: Place, leg: Leg) -> float:
    """Return about how long a leg takes (a walker's uneven pace left out)."""
    if leg.to is None:
        return leg.wait_s
    total_m = distance_m(start, leg.to)
    if leg.manner is Manner.WALK:
        return total_m / leg.speed_m_s
    return _drive_time_s(total_m, total_m, leg.speed_m_s)


def _append(
    times_s: list[float], places: list[Place], points: list[Place], leg: Leg, pace: "_WalkPace | None"
) -> None:
    total_m = distance_m(points[0], points[-1])
    begin_s, covered_m = times_s[-1], 0.0
    step_m = total_m / (len(points) - 1)
    for point in points[1:]:
        covered_m += step_m
        if pace is not None:
            times_s.append(times_s[-1] + step_m / (leg.speed_m_s * pace.next()))
        else:
            times_s.append(begin_s + _drive_time_s(min(covered_m, total_m), total_m, leg.speed_m_s))
        places.append(point)


class _WalkPace:
    """A factor round 1 that changes slowly; never under 0.7 or over 1.3, so that legs keep their time."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._value = 1.0

    def next(self) -> float:
        self._value += 0.4 * (1.0 - self._value) + self._rng.gauss(0, PACE_SPREAD * 0.8)
        self._value = min(1.3, max(0.7, self._value))
        return self._value


def _walk_pace(rng: random.Random) -> _WalkPace:
    return _WalkPace(rng)


def _drive_time_s(covered_m: float, total_m: float, speed_m_s: float) -> float:
    """Return when a car that starts and stops at rest has covered `covered_m` of `total_m`."""
    ramp_m = min(speed_m_s**2 / (2 * CAR_ACCELERATION_M_S2), total_m / 2)
    top_m_s = math.sqrt(2 * CAR_ACCELERATION_M_S2 * ramp_m)
    ramp_s = top_m_s / CAR_ACCELERATION_M_S2
    if covered_m <= ramp_m:
        return math.sqrt(2 * covered_m / CAR_ACCELERATION_M_S2)
    if covered_m <= total_m - ramp_m:
        return ramp_s + (covered_m - ramp_m) / top_m_s
    level_s = (total_m - 2 * ramp_m) / top_m_s
    return 2 * ramp_s + level_s - math.sqrt(max(0.0, 2 * (total_m - covered_m) / CAR_ACCELERATION_M_S2))
