"""Two people's ordinary life in a plane round one origin: where they live, work, shop and walk.

They are never truly near each other, nor he near her home, so that whatever rings at severity 1 is false.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from simulator.schedule import Party
from simulator.sensor import SIGMA_PER_R68
from simulator.world import M_PER_DEG_LAT, Place

DAY_S = 86_400
ORIGIN = Place(51.9000, 4.4800)
STILL_S = 1800.0
"""An indoor position stays for about so long: the same networks are heard; proposal."""
WANDER_S = 60.0
"""Errors of satellite positions this far apart are nearly independent; proposal."""


class Spot(NamedTuple):
    """A place in the plane, metres east and north of the origin."""

    east_m: float
    north_m: float


@dataclass(frozen=True, slots=True)
class Life:
    """Where somebody lives, works and shops; all proposals.

    Attributes:
        indoors_m: 68 % radius of a Wi-Fi position at home and at work.
        outdoors_m: The same by satellite, between houses.
        speed_m_s: On the way: by bicycle, bus or car in town.
    """

    home: Spot
    work: Spot
    shop: Spot
    indoors_m: float
    outdoors_m: float
    speed_m_s: float


HIS = Life(Spot(0, -2000), Spot(2800, -900), Spot(300, -1500), 35.0, 8.0, 9.0)
HERS = Life(Spot(2300, 3700), Spot(5000, 5800), Spot(1900, 3300), 45.0, 10.0, 6.0)
ZONE = HERS.home
LIVES: Mapping[Party, Life] = {Party.WEARER: HIS, Party.PROTECTED: HERS}


class Knot(NamedTuple):
    """Where somebody is at a second of the month, and whether indoors from then on."""

    at_s: float
    spot: Spot
    is_indoors: bool


def moved(life: Life, north_m: float) -> Life:
    """Return the same life so much farther north."""
    home, work, shop = (
        Spot(spot.east_m, spot.north_m + north_m) for spot in (life.home, life.work, life.shop)
    )
    return replace(life, home=home, work=work, shop=shop)


class Way:
    """Where somebody is at each second, asked in the order of time."""

    def __init__(self, knots: list[Knot]) -> None:
        """Take knots in the order of time, at least two."""
        self._knots = knots
        self._position = 0

    def at(self, at_s: float) -> tuple[Spot, bool]:
        """Return the spot at `at_s`, never before the last one asked for, and whether indoors."""
        knots = self._knots
        while self._position + 2 < len(knots) and knots[self._position + 1].at_s <= at_s:
            self._position += 1
        before, after = knots[self._position], knots[self._position + 1]
        part = min(1.0, (at_s - before.at_s) / max(1.0, after.at_s - before.at_s))
        spot = Spot(
            before.spot.east_m + (after.spot.east_m - before.spot.east_m) * part,
            before.spot.north_m + (after.spot.north_m - before.spot.north_m) * part,
        )
        return spot, before.is_indoors


class LifeReceiver:
    """Satellites outdoors, with an error that wanders; Wi-Fi indoors, with one that stays for a while."""

    def __init__(self, life: Life, rng: random.Random) -> None:
        """Start indoors, with nothing heard yet."""
        self._life, self._rng = life, rng
        self._error_m = Spot(0.0, 0.0)
        self._until_s, self._last_s = -1.0, 0.0
        self._was_indoors = False

    def sense(self, at_s: float, spot: Spot, *, is_indoors: bool) -> tuple[Spot, float, str]:
        """Return where it is seen, the accuracy that is said (m, 68 %) and how it was found."""
        rng, passed_s = self._rng, at_s - self._last_s
        self._last_s = at_s
        accuracy_m = self._life.indoors_m if is_indoors else self._life.outdoors_m
        sigma_m = accuracy_m * SIGMA_PER_R68
        if is_indoors:
            if at_s >= self._until_s or not self._was_indoors:
                self._until_s = at_s + rng.expovariate(1 / STILL_S)
                self._error_m = Spot(rng.gauss(0, sigma_m), rng.gauss(0, sigma_m))
        else:
            keep = math.exp(-passed_s / WANDER_S) if not self._was_indoors else 0.0
            fresh_m = sigma_m * math.sqrt(1 - keep * keep)
            east_m, north_m = self._error_m
            self._error_m = Spot(
                keep * east_m + rng.gauss(0, fresh_m), keep * north_m + rng.gauss(0, fresh_m)
            )
        self._was_indoors = is_indoors
        said_m = accuracy_m * rng.uniform(0.9, 1.1)
        seen = Spot(spot.east_m + self._error_m.east_m, spot.north_m + self._error_m.north_m)
        return seen, said_m, "wifi" if is_indoors else "gnss"


def make_knots(life: Life, rng: random.Random, days: int) -> list[Knot]:
    """Return the knots of so many days from a Monday on: nights at home, work on weekdays, errands, walks."""
    knots = [Knot(0.0, life.home, is_indoors=True)]
    for day in range(days):
        midnight_s = day * float(DAY_S)
        if day % 7 < 5:
            _go(knots, midnight_s + rng.uniform(7.0, 8.5) * 3600, life.work, life)
            _go(knots, midnight_s + rng.uniform(16.0, 17.5) * 3600, life.shop, life)
            _go(knots, knots[-1].at_s + rng.uniform(900, 2700), life.home, life)
        else:
            _go(knots, midnight_s + rng.uniform(10.0, 12.0) * 3600, life.shop, life)
            _go(knots, knots[-1].at_s + rng.uniform(1800, 5400), life.home, life)
        if rng.random() < 0.4:  # a walk in the evening
            east_m, north_m = life.home
            turn = Spot(east_m + rng.uniform(-500, 500), north_m + rng.uniform(-500, 500))
            _go(knots, midnight_s + rng.uniform(19.5, 21.0) * 3600, turn, life, speed_m_s=1.4)
            _go(knots, knots[-1].at_s, life.home, life, speed_m_s=1.4)
    knots.append(Knot(float(days * DAY_S), life.home, is_indoors=True))
    return knots


def _go(knots: list[Knot], at_s: float, to: Spot, life: Life, speed_m_s: float | None = None) -> None:
    """Add a way that begins at `at_s`, or as soon as the last one has ended."""
    begin_s = max(at_s, knots[-1].at_s)
    here = knots[-1].spot
    took_s = math.dist(here, to) / (speed_m_s or life.speed_m_s)
    knots.append(Knot(begin_s, here, is_indoors=False))
    knots.append(Knot(begin_s + took_s, to, is_indoors=True))


def place_of(spot: Spot) -> Place:
    """Return the place of a spot; the plane is good to a metre here, and the same for everybody."""
    lat = ORIGIN.lat + spot.north_m / M_PER_DEG_LAT
    lon = ORIGIN.lon + spot.east_m / (M_PER_DEG_LAT * math.cos(math.radians(ORIGIN.lat)))
    return Place(lat, lon)
