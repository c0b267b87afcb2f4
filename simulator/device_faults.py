"""What goes wrong in the device itself, or is done to it; what goes wrong on the way is in `faults`.

Times are story seconds after the run begins. A reading keeps where its *person* truly is in `true`,
whatever the device says: that is what false alerts are measured against.
"""

import math
import random
from dataclasses import dataclass, replace

from simulator.schedule import Sending
from simulator.sensor import SIGMA_PER_R68, Reading, Source, as_said
from simulator.world import Place, near_distance_m, offset, shift_m

Sendings = list[Sending]
SAME_NETWORK_S = 300.0
"""An indoor position stays as it is while the same access points or masts are heard; proposal."""
SAME_NETWORK_M = 40.0
"""And changes when the person moved on by this much; proposal."""


def _within(sending: Sending, from_s: float, to_s: float) -> bool:
    return from_s <= sending.story_s < to_s and not sending.alarm and not sending.raw


def _says(sending: Sending, place: Place, **more: object) -> Sending:
    """Return the message with another position; other values of the reading go by name."""
    if sending.reading is None:
        return sending
    values = {name: getattr(sending.reading, name) for name in Reading.__slots__}
    return replace(sending, reading=Reading(**{**values, "place": as_said(place), **more}))


@dataclass(frozen=True, slots=True)
class Frozen:
    """The receiver hangs: the last position again and again, bit by bit, with new stamps.

    Attributes:
        motion: What the motion sensor says meanwhile; None when the device has none.
    """

    from_s: float
    to_s: float
    motion: bool | None = None

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Repeat the last reading before the span, else the first in it."""
        held: Reading | None = None
        result = []
        for sending in sendings:
            if sending.reading is None or not _within(sending, self.from_s, self.to_s):
                held = sending.reading or held
                result.append(sending)
                continue
            held = held or sending.reading
            said = {name: getattr(held, name) for name in ("accuracy_m", "speed_m_s", "course_deg")}
            frozen = _says(sending, held.place, **said)
            result.append(replace(frozen, moving=self.motion, genuine=False))
        return result


@dataclass(frozen=True, slots=True)
class NoFix:
    """No position is found: the device says so, and what its motion sensor sees."""

    from_s: float
    to_s: float
    motion: bool

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Replace positions by status messages."""
        return [
            replace(s, reading=None, moving=self.motion) if _within(s, self.from_s, self.to_s) else s
            for s in sendings
        ]


@dataclass(frozen=True, slots=True)
class Unpaired:
    """The tracker no longer hears its ankle monitor: its messages say nothing of a strap."""

    from_s: float
    to_s: float = math.inf

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Leave the strap out."""
        return [replace(s, strap_closed=None) if _within(s, self.from_s, self.to_s) else s for s in sendings]


@dataclass(frozen=True, slots=True)
class Mock:
    """An application makes the positions up, and the telephone admits it."""

    from_s: float
    to_s: float
    to: Place

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Move the positions and mark them."""
        return [
            replace(_says(s, self.to), mock=True, genuine=False)
            if s.reading is not None and _within(s, self.from_s, self.to_s)
            else s
            for s in sendings
        ]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Somebody who recorded messages sends them again: the same bytes, old stamps and numbers."""

    from_s: float
    to_s: float
    at_s: float

    def apply(self, sendings: Sendings, _rng: random.Random, speed: float) -> Sendings:
        """Add the recorded ones, half a second apart."""
        recorded = [s for s in sendings if _within(s, self.from_s, self.to_s)]
        again = [
            replace(s, at_s=self.at_s / speed + 0.5 * number, backlog=True)
            for number, s in enumerate(recorded)
        ]
        return [*sendings, *again]


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """The device lies where it was; its person goes on, and no message shows that."""

    from_s: float
    to_s: float = math.inf

    def apply(self, sendings: Sendings, _rng: random.Random, _speed: float) -> Sendings:
        """Keep each reading's own error, but round the place where the device lies."""
        lies: Place | None = None
        result = []
        for sending in sendings:
            reading = sending.reading
            if reading is None or not _within(sending, self.from_s, self.to_s):
                result.append(sending)
                continue
            lies = lies or reading.true
            place = offset(lies, *shift_m(reading.true, reading.place))
            result.append(_says(sending, place, speed_m_s=0.0, course_deg=0.0))
        return result


@dataclass(frozen=True, slots=True)
class Indoors:
    """Positions by Wi-Fi or masts instead of satellites: coarse, and in steps.

    Attributes:
        accuracy_m: 68 % radius. Wi-Fi 30 to 60 m, masts 150 to 300 m in towns: proposal after the spread
            that telephones report.
    """

    from_s: float
    to_s: float
    source: Source
    accuracy_m: float

    def apply(self, sendings: Sendings, rng: random.Random, _speed: float) -> Sendings:
        """Put each position where the networks would, the same as long as they are the same."""
        sigma_m = self.accuracy_m * SIGMA_PER_R68
        since_s, seen, place = -math.inf, None, None
        result = []
        for sending in sendings:
            reading = sending.reading
            if reading is None or not _within(sending, self.from_s, self.to_s):
                result.append(sending)
                continue
            moved = seen is None or near_distance_m(seen, reading.true) > SAME_NETWORK_M
            if place is None or moved or sending.story_s - since_s > SAME_NETWORK_S:
                since_s, seen = sending.story_s, reading.true
                place = offset(reading.true, rng.gauss(0, sigma_m), rng.gauss(0, sigma_m))
            said = self.accuracy_m * rng.uniform(0.9, 1.1)  # one hears more or fewer networks each time
            result.append(_says(sending, place, accuracy_m=said, source=self.source))
        return result


@dataclass(frozen=True, slots=True)
class Drift:
    """The receiver creeps to one side and claims to be good, as behind thick walls at night."""

    from_s: float
    to_s: float
    m_s: float
    most_m: float

    def apply(self, sendings: Sendings, rng: random.Random, _speed: float) -> Sendings:
        """Add a way that grows to `most_m` and back again."""
        side_rad = rng.uniform(0, 2 * math.pi)
        result = []
        for sending in sendings:
            if sending.reading is None or not _within(sending, self.from_s, self.to_s):
                result.append(sending)
                continue
            gone_m = self.m_s * (sending.story_s - self.from_s) % (2 * self.most_m)
            away_m = min(gone_m, 2 * self.most_m - gone_m)
            place = offset(sending.reading.place, away_m * math.sin(side_rad), away_m * math.cos(side_rad))
            result.append(_says(sending, place))
        return result


DeviceFault = Frozen | NoFix | Unpaired | Mock | Replayed | LeftBehind | Indoors | Drift
