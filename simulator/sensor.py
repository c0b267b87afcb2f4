"""From a true position to what a receiver says: noise, multipath, drift, no fix, no accuracy."""

import math
import random
from dataclasses import dataclass
from enum import StrEnum

from simulator.world import Place, offset

SIGMA_PER_R68 = 1.0 / math.sqrt(-2.0 * math.log(1.0 - 0.68))
"""Per-axis standard deviation of a round normal error whose 68 % radius is 1 (Rayleigh distribution)."""
COORDINATE_DIGITS = 7
"""A unit of the seventh decimal is 11 mm; receivers give no more."""
OPEN_SKY_M = 4.9
"""Phones under open sky: 4.9 m (van Diggelen & Enge, ION GNSS+ 2015, cited by gps.gov)."""


class Source(StrEnum):
    """How the position was found, as the wire says it."""

    GNSS = "gnss"
    WIFI = "wifi"
    CELL = "cell"


@dataclass(frozen=True, slots=True)
class Multipath:
    """Reflections between high buildings: for a while the position is off to one side.

    Attributes:
        every_s: Mean time between two bursts.
        lasts_s: Mean length of a burst.
        bias_m: Typical shift; the receiver notices part of it and reports a worse accuracy.
    """

    every_s: float
    lasts_s: float
    bias_m: float


@dataclass(frozen=True, slots=True)
class Sensor:
    """What a receiver is like.

    Attributes:
        noise_m: 68 % radius of the error that wanders with time.
        correlation_s: Errors this far apart are nearly independent (a factor of e).
        drift_m_s: Steady creep to one side, as of a receiver that dead-reckons.
        no_fix_part: Part of the readings that fail, 0..1.
        reports_accuracy: False leaves `acc` out, as OwnTracks does when it does not know.
        optimism: Reported accuracy as part of the true one: 0.5 claims twice as good.
    """

    noise_m: float = OPEN_SKY_M
    correlation_s: float = 30.0
    multipath: Multipath | None = None
    drift_m_s: float = 0.0
    no_fix_part: float = 0.0
    reports_accuracy: bool = True
    optimism: float = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A position as a device has it, and where it truly was.

    Attributes:
        t_s: Story time.
        accuracy_m: As the device says; None when it does not.
    """

    t_s: float
    true: Place
    place: Place
    accuracy_m: float | None
    speed_m_s: float
    course_deg: float
    source: Source = Source.GNSS


def as_said(place: Place) -> Place:
    """Return a place as a message can say it: what is due must be due by what is said."""
    return Place(round(place.lat, COORDINATE_DIGITS), round(place.lon, COORDINATE_DIGITS))


class Receiver:
    """A sensor in use: remembers its wandering error from reading to reading."""

    def __init__(self, sensor: Sensor, rng: random.Random) -> None:
        """Start with an error drawn from the long-run distribution."""
        self._sensor, self._rng = sensor, rng
        self._sigma_m = sensor.noise_m * SIGMA_PER_R68
        self._east_m, self._north_m = (rng.gauss(0, self._sigma_m) for _ in range(2))
        self._last_s: float | None = None
        self._begun_s = 0.0
        self._drift_rad = rng.uniform(0, 2 * math.pi)
        self._burst_until_s = -math.inf
        self._burst_m = (0.0, 0.0)

    def sense(self, t_s: float, true: Place, speed_m_s: float, course_deg: float) -> Reading | None:
        """Return the reading at `t_s` (never before the last one), or None when there is no fix."""
        if self._last_s is None:
            self._begun_s = t_s
        self._wander(t_s)
        biased = self._multipath(t_s)
        self._last_s = t_s
        if self._rng.random() < self._sensor.no_fix_part:
            return None
        drift_m = self._sensor.drift_m_s * (t_s - self._begun_s)
        east_m = self._east_m + biased[0] + drift_m * math.sin(self._drift_rad)
        north_m = self._north_m + biased[1] + drift_m * math.cos(self._drift_rad)
        accuracy_m = None
        if self._sensor.reports_accuracy:
            noticed_m = 0.7 * math.hypot(*biased)  # a receiver sees part of it in its residuals; proposal
            accuracy_m = max(1.0, (self._sensor.noise_m + noticed_m) * self._sensor.optimism)
        place = as_said(offset(true, east_m, north_m))
        return Reading(t_s, true, place, accuracy_m, speed_m_s, course_deg)

    def _wander(self, t_s: float) -> None:
        """Move the error on as a first-order Gauss-Markov process, whose spread stays the same."""
        if self._last_s is None:
            return
        keep = math.exp(-(t_s - self._last_s) / self._sensor.correlation_s)
        fresh_m = self._sigma_m * math.sqrt(1 - keep * keep)
        self._east_m = keep * self._east_m + self._rng.gauss(0, fresh_m)
        self._north_m = keep * self._north_m + self._rng.gauss(0, fresh_m)

    def _multipath(self, t_s: float) -> tuple[float, float]:
        path = self._sensor.multipath
        if path is None:
            return 0.0, 0.0
        if t_s >= self._burst_until_s:
            gap_s = t_s - (self._last_s if self._last_s is not None else t_s)
            self._burst_m = (0.0, 0.0)
            if self._rng.random() < 1 - math.exp(-gap_s / path.every_s):
                side_rad = self._rng.uniform(0, 2 * math.pi)
                size_m = path.bias_m * self._rng.uniform(0.5, 1.5)
                self._burst_m = (size_m * math.sin(side_rad), size_m * math.cos(side_rad))
                self._burst_until_s = t_s + self._rng.expovariate(1 / path.lasts_s)
        return self._burst_m
