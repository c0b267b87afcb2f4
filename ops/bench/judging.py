"""Measures judging alone, one fix at a time on one core, with all state logic: `python ops/bench/judging.py`.

Orders lie in 200 towns over Europe and their zones overlap; each has two polygons of 8 to 40 corners and a
circle, 150 to 1,500 m in radius, a wearer and a protected person, whose fixes come in turn. People walk or
drive from one destination to the next: 70 % of those lie round home, 20 % in or near a zone, 10 % where
the two meet. A fix goes through what the worker does with it between decoding and storing: doubts and
path, every zone, the pair, the states.
"""

import argparse
import gc
import math
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2]))

from api.geofence.memory import Changes, Memory, Place
from api.geofence.model import Circle, ExclusionZone, Fix, Limits, Polygon, Visibility
from api.geofence.rules.quality import Timing, see, timing_of
from api.geofence.service.deciding import judge_fix
from api.kernel.geo import Point
from api.orders.model import ProtectiveOrder, Watch

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOWNS = 200
M_PER_DEG = 111_320.0
INTERVAL_S = 15
HOME_M, NEAR_M, MEET_M = 3_000.0, 1_800.0, 300.0
WALK_M_S, DRIVE_M_S = 1.4, 13.9
HANDFUL = 100
"""A batch: about what arrives during one commit at 10,000/s."""


def _shifted(point: Point, east_m: float, north_m: float) -> Point:
    lon = point.lon + east_m / (M_PER_DEG * math.cos(math.radians(point.lat)))
    return Point(point.lat + north_m / M_PER_DEG, lon)


def _near(rng: random.Random, point: Point, spread_m: float) -> Point:
    return _shifted(point, rng.uniform(-spread_m, spread_m), rng.uniform(-spread_m, spread_m))


def _polygon(rng: random.Random, center: Point) -> Polygon:
    count, radius_m = rng.randint(8, 40), rng.uniform(150.0, 1_500.0)
    ring = [
        _shifted(center, far * math.cos(2 * math.pi * n / count), far * math.sin(2 * math.pi * n / count))
        for n in range(count)
        for far in [radius_m * rng.uniform(0.7, 1.0)]
    ]
    return Polygon(((*ring, ring[0]),))


class Case:
    """One order: where people live, what is forbidden, who moves."""

    def __init__(self, number: int, rng: random.Random, town: Point) -> None:
        """Draw everything from the seed's chance."""
        self.home = _near(rng, town, 8_000.0)
        self.centers = [_near(rng, town, 8_000.0) for _ in range(3)]
        ids = [UUID(int=number * 16 + n) for n in range(5)]
        order_id, wearer_id, person_id, self.wearer, self.protected = ids
        order = ProtectiveOrder(
            id=order_id,
            reference=f"bench-{number}",
            court="bench",
            wearer_id=wearer_id,
            protected_person_ids=(person_id,),
            valid_from=BEGIN - timedelta(days=1),
            valid_until=None,
            revoked_at=None,
            alert_radius_m=500.0,
            warning_radius_m=1_000.0,
            exercise=True,
        )
        self.watch = Watch(order, (self.wearer,), ((person_id, (self.protected,)),))
        shapes: list[Circle | tuple[Polygon, ...]] = [
            (_polygon(rng, self.centers[0]),),
            (_polygon(rng, self.centers[1]),),
            Circle(self.centers[2], rng.uniform(150.0, 1_500.0)),
        ]
        self.zones = [
            ExclusionZone(
                UUID(int=2**100 + number * 16 + n), 1, order_id, "bench", shape, 250.0, Visibility.DECLARED
            )
            for n, shape in enumerate(shapes)
        ]

    def destination(self, rng: random.Random) -> Point:
        """Return where somebody of this case goes next: mostly near home, now and then where it matters."""
        chance = rng.random()
        if chance < 0.7:
            return _near(rng, self.home, HOME_M)
        if chance < 0.9:
            return _near(rng, rng.choice(self.centers), NEAR_M)
        return _near(rng, self.centers[0], MEET_M)


class Traveller:
    """Somebody on the way, who is asked every quarter of a minute."""

    def __init__(self, case: Case, device_id: UUID, rng: random.Random) -> None:
        """Start near home."""
        self._case, self._rng, self._device_id = case, rng, device_id
        self._at = BEGIN
        self._here = self._there = _near(rng, case.home, HOME_M)
        self._speed_m_s = WALK_M_S

    def fix(self) -> Fix:
        """Move on for a quarter of a minute and say where that is."""
        rng = self._rng
        north_m = (self._there.lat - self._here.lat) * M_PER_DEG
        east_m = (self._there.lon - self._here.lon) * M_PER_DEG * math.cos(math.radians(self._here.lat))
        far_m, step_m = math.hypot(north_m, east_m), self._speed_m_s * INTERVAL_S
        if far_m <= step_m:
            self._here, self._there = self._there, self._case.destination(rng)
            self._speed_m_s = rng.choice((WALK_M_S, DRIVE_M_S))
        else:
            self._here = _shifted(self._here, east_m * step_m / far_m, north_m * step_m / far_m)
        self._at += timedelta(seconds=INTERVAL_S)
        return Fix(
            self._device_id,
            self._at,
            self._at + timedelta(seconds=1),
            _near(rng, self._here, 5.0),
            rng.uniform(3.0, 60.0),
        )


def _cases(count: int, rng: random.Random) -> list[Case]:
    towns = [Point(rng.uniform(36.0, 68.0), rng.uniform(-9.0, 28.0)) for _ in range(TOWNS)]
    return [Case(number, rng, towns[number % TOWNS]) for number in range(count)]


def _fixes(cases: list[Case], count: int, rng: random.Random) -> list[Fix]:
    """Return fixes of everybody in a random order; each device's own in order of time."""
    travellers = [
        Traveller(case, device_id, rng) for case in cases for device_id in (case.wearer, case.protected)
    ]
    return [rng.choice(travellers).fix() for _ in range(count)]


def _judge(memory: Memory, changes: Changes, fix: Fix, kinds: Counter[str]) -> None:
    """Do with one fix of a batch what the worker does."""
    newest = memory.seen(fix.device_id, changes)
    timing = timing_of(fix, newest.fix.fixed_at if newest else None, memory.limits)
    if timing is Timing.PAST:
        raise AssertionError("the bench makes no past fixes")
    now = see(fix, newest, memory.limits)
    changes.seen[fix.device_id] = now
    place: Place
    for place in memory.places[fix.device_id]:
        for event in judge_fix(memory, changes, now, place, timing):
            kinds[event.kind] += 1


def _filled(cases: list[Case]) -> Memory:
    memory = Memory(Limits())
    memory.put_orders([case.watch for case in cases], [zone for case in cases for zone in case.zones])
    return memory


def _run(cases: list[Case], fixes: list[Fix]) -> tuple[float, Counter[str]]:
    """Return processor seconds and what was told.

    Each handful of fixes is made anew just before its turn, outside the measured time: a worker has
    just decoded what it judges, and does not fetch it from a list of 220,000 that no cache can hold.
    """
    memory, kinds = _filled(cases), Counter[str]()
    gc.collect()
    spent_s = 0.0
    for first in range(0, len(fixes), HANDFUL):
        fresh = [_anew(fix) for fix in fixes[first : first + HANDFUL]]
        begun_s = time.process_time()
        changes = Changes()
        for fix in fresh:
            _judge(memory, changes, fix, kinds)
        memory.take_over(changes)
        spent_s += time.process_time() - begun_s
    return spent_s, kinds


def _anew(fix: Fix) -> Fix:
    return Fix(
        fix.device_id,  # the register's own, as the worker takes it
        datetime.fromtimestamp(fix.fixed_at.timestamp(), UTC),
        datetime.fromtimestamp(fix.received_at.timestamp(), UTC),
        Point(fix.point.lat * 1.0, fix.point.lon * 1.0),
        fix.accuracy_m,
    )


def _each(cases: list[Case], fixes: list[Fix]) -> Iterator[float]:
    memory, kinds = _filled(cases), Counter[str]()
    for first in range(0, len(fixes), HANDFUL):
        changes = Changes()
        for fix in [_anew(fix) for fix in fixes[first : first + HANDFUL]]:
            begun_s = time.perf_counter()
            _judge(memory, changes, fix, kinds)
            yield time.perf_counter() - begun_s
        memory.take_over(changes)


def main(arguments: list[str]) -> None:
    """Print rate, percentiles and what was told."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--fixes", type=int, default=220_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    rng = random.Random(chosen.seed)  # noqa: S311 - a seed's, no secret
    print(
        f"{chosen.orders:,} orders of 3 zones and a pair, {chosen.fixes:,} fixes, seed {chosen.seed}",
        flush=True,
    )
    cases = _cases(chosen.orders, rng)
    fixes = _fixes(cases, chosen.fixes, rng)
    rates: list[float] = []
    kinds: Counter[str] = Counter()
    for number in range(chosen.rounds):
        spent_s, kinds = _run(cases, fixes)
        rates.append(len(fixes) / spent_s)
        print(f"round {number + 1}: {rates[-1]:,.0f} fixes/s of processor time", flush=True)
    each = sorted(_each(cases, fixes))
    p50, p99 = (each[math.ceil(part * len(each)) - 1] * 1e6 for part in (0.5, 0.99))
    print(
        f"median {sorted(rates)[len(rates) // 2]:,.0f} fixes/s; one by one p50 {p50:.1f} µs, p99 {p99:.1f} µs"
    )
    print("told: " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items())))
    print(f"Python {platform.python_version()}, one core of {platform.machine()}")


if __name__ == "__main__":
    main(sys.argv[1:])
