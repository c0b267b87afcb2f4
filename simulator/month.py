"""One pair's ordinary month, made cheaply and judged in virtual time: what does a quiet life set off?

Everything lies in a plane round one origin, in metres, so that no fix costs a geodesic; the two are never
truly near each other or the zone, so that whatever rings at severity 1 is false.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from simulator.judge import WEARER, Judge, Said, lines_of, read_told
from simulator.plan import Plan
from simulator.schedule import Party
from simulator.sensor import SIGMA_PER_R68
from simulator.world import M_PER_DEG_LAT, Place

DAYS = 30
DAY_S = 86_400
BEGIN = datetime(2026, 11, 1, 23, 0, tzinfo=UTC)
"""Midnight in Rotterdam, a Monday."""
ORIGIN = Place(51.9000, 4.4800)
BATCH = 500
"""Up to so many messages are judged in one go, as a busy worker does."""
RADIUS_M, WARNING_M = 500.0, 1000.0
ZONE_RADIUS_M, BUFFER_M = 300.0, 250.0
STILL_S = 1800.0
"""An indoor position stays for about so long: the same networks are heard; proposal."""
DEAD_ZONES_PER_DAY, DEAD_ZONE_S = 1.0, 120.0
"""Of each device, and how long one lasts in the mean (exponentially): a lift, a cellar shop, a stretch of
underground. Readings are stored and sent afterwards. Proposal: nobody publishes it."""
WANDER_S = 60.0
"""Errors of satellite positions this far apart are nearly independent; proposal."""


NO_LIMITS: Mapping[str, float] = MappingProxyType({})


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


@dataclass(frozen=True, slots=True)
class Month:
    """What a month came to.

    Attributes:
        made_s, judged_s: Real seconds for making the messages and for judging all of them.
        kinds: How often somebody was called, by the event that began it; see `judge.Rehearsed`.
        events: All events that are no repeats.
    """

    fixes: int
    made_s: float
    judged_s: float
    kinds: Counter[str]
    events: Counter[str]
    false_grave: int
    rejected: Mapping[str, int]

    @property
    def alerts_per_pair_day(self) -> float:
        """Return alerts of any kind."""
        return self.kinds.total() / DAYS

    @property
    def false_grave_per_pair_day(self) -> float:
        """Return events of severity 1; nothing true stands behind any."""
        return self.false_grave / DAYS


def judge_month(judge: Judge, seed: int, interval_s: int, limits: Mapping[str, float] = NO_LIMITS) -> Month:
    """Return what the service makes of a month with a message every `interval_s` from each device.

    `limits` are names of the service's limits with other values than its own.
    """
    begin_s = int(BEGIN.timestamp())
    began = time.perf_counter()
    messages = make_messages(seed, interval_s, begin_s)
    end: list[Said] = [{"say": "until", "at": begin_s + DAYS * DAY_S + 1.0}, {"say": "end"}]
    text = lines_of([*messages, *end])
    made_s = time.perf_counter() - began
    judge.ask(_provision(begin_s, limits), "device")
    judge.ask([_device(Party.PROTECTED, begin_s)], "device")
    began = time.perf_counter()
    told = judge.ask_text(text, "end")
    judged_s = time.perf_counter() - began
    found = read_told(told, Plan((), 0.0), begin_s)
    return Month(
        fixes=len(messages),
        made_s=made_s,
        judged_s=judged_s,
        kinds=Counter(event.kind for event in found.began),
        events=Counter(event.kind for event in found.evidence.events if not event.repeat),
        false_grave=sum(event.is_grave and not event.repeat for event in found.evidence.events),
        rejected=found.rejected,
    )


def _provision(begin_s: int, limits: Mapping[str, float]) -> list[Said]:
    center = place_of(ZONE)
    return [
        {"say": "begin", "at": begin_s - 1.0, "batch": BATCH, "limits": dict(limits)},
        {
            "say": "order",
            "order": "order",
            "wearer": WEARER,
            "people": [Party.PROTECTED.value],
            "alert_radius_m": RADIUS_M,
            "warning_radius_m": WARNING_M,
            "valid_from": begin_s - 3600.0,
            "zones": [
                {
                    "name": "home",
                    "shape": {
                        "type": "Circle",
                        "center": [center.lon, center.lat],
                        "radius_m": ZONE_RADIUS_M,
                    },
                    "buffer_m": BUFFER_M,
                    "visibility": "declared",
                }
            ],
        },
        _device(Party.WEARER, begin_s),
    ]


def _device(party: Party, begin_s: int) -> Said:
    kind = "ankle_monitor" if party is Party.WEARER else "personal_device"
    return {
        "say": "device",
        "device": party.value,
        "holder": party.value,
        "kind": kind,
        "sealed": False,
        "since": begin_s - 3600.0,
    }


def make_messages(seed: int, interval_s: int, begin_s: int) -> list[Said]:
    """Return both devices' messages in the order of sending; the same seed gives the same."""
    lines = [
        line
        for party, life in LIVES.items()
        for line in _messages(party, life, random.Random(f"{seed}/{party}"), interval_s, begin_s)
    ]
    lines.sort(key=lambda line: float(line["at"]))
    return lines


def _messages(party: Party, life: Life, rng: random.Random, interval_s: int, begin_s: int) -> Iterator[Said]:
    knots = _month(life, rng)
    network_s = rng.uniform(0.05, 0.4)
    receiver = _Receiver(life, rng)
    hold_s, queue_s = -1.0, 0.0
    position = 0
    for number, at_s in enumerate(range(0, DAYS * DAY_S, interval_s)):
        while position + 2 < len(knots) and knots[position + 1].at_s <= at_s:
            position += 1
        before, after = knots[position], knots[position + 1]
        part = min(1.0, (at_s - before.at_s) / max(1.0, after.at_s - before.at_s))
        spot = Spot(
            before.spot.east_m + (after.spot.east_m - before.spot.east_m) * part,
            before.spot.north_m + (after.spot.north_m - before.spot.north_m) * part,
        )
        seen, accuracy_m, source = receiver.sense(at_s, spot, is_indoors=before.is_indoors)
        if at_s > hold_s and rng.random() < interval_s * DEAD_ZONES_PER_DAY / DAY_S:
            hold_s, queue_s = at_s + rng.expovariate(1 / DEAD_ZONE_S), 0.0
        sent_s = at_s + network_s
        if at_s <= hold_s:
            queue_s += 0.02
            sent_s = hold_s + queue_s
        place = place_of(seen)
        message = {
            "_type": "location",
            "lat": round(place.lat, 7),
            "lon": round(place.lon, 7),
            "tst": begin_s + at_s,
            "seq": number,
            "acc": round(accuracy_m, 1),
            "src": source,
            "batt": 100 - round(at_s % DAY_S / DAY_S * 60),
        }
        if party is Party.WEARER:
            message["strap"] = "closed"
        yield {"say": "message", "at": begin_s + sent_s, "device": party.value, "lane": "", "json": message}


class _Receiver:
    """Satellites outdoors, with an error that wanders; Wi-Fi indoors, with one that stays for a while."""

    def __init__(self, life: Life, rng: random.Random) -> None:
        self._life, self._rng = life, rng
        self._error_m = Spot(0.0, 0.0)
        self._until_s, self._last_s = -1.0, 0.0
        self._was_indoors = False

    def sense(self, at_s: float, spot: Spot, *, is_indoors: bool) -> tuple[Spot, float, str]:
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


def _month(life: Life, rng: random.Random) -> list[Knot]:
    """Return the knots of thirty days: nights at home, work on weekdays, errands, walks at weekends."""
    knots = [Knot(0.0, life.home, is_indoors=True)]
    for day in range(DAYS):
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
    knots.append(Knot(float(DAYS * DAY_S), life.home, is_indoors=True))
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
