"""Stories: what happens to whom, and which alerts must and must not follow."""

import random
from dataclasses import dataclass
from enum import StrEnum

from simulator.faults import Fault
from simulator.motion import Leg, Manner, Track, leg_duration_s, make_track
from simulator.schedule import Party
from simulator.sensor import Sensor
from simulator.world import Place, Shape

COMPRESSED_MAX_M_S = 45.0
"""True speed times `--speed` stays under this: the service calls more than 70 m/s a jump, and at one
reading a second two independent errors of 8 m make up to 25 m/s by themselves."""

ZONE_KINDS = frozenset({"zone_breach", "zone_buffer", "zone_transit", "zone_left"})
PROXIMITY_KINDS = frozenset({"proximity_breach", "proximity_warning", "proximity_left"})
KINDS = (
    ZONE_KINDS
    | PROXIMITY_KINDS
    | {
        "late_data_breach",
        "sos",
        "strap_tamper",
        "case_open",
        "separation",
        "proximity_rf",
        "jam_shield",
        "power_off",
        "device_alarm",
        "closing_fast",
        "protected_approaches",
        "boundary_loiter",
        "inclusion_breach",
        "border_approach",
        "pairing_lost",
        "implausible_position",
        "no_fix_motion",
        "position_frozen",
        "battery_low",
        "battery_critical",
        "protected_device_degraded",
        "external_sighting",
        "status_conflict",
        "condition_ended",
        "lost_contact",
        "contact_restored",
        "system_degraded",
    }
)
"""Event kinds of the service's contract (field/monitoring.md section 8b)."""
ANY = "any"


class DeviceKind(StrEnum):
    """What a device is."""

    ANKLE_MONITOR = "ankle_monitor"
    PERSONAL_DEVICE = "personal_device"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the story; `interval_s` real seconds between readings at speed 1."""

    kind: DeviceKind
    interval_s: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """One person: where they begin, how they move, what they carry and what goes wrong with it."""

    party: Party
    start: Place
    legs: tuple[Leg, ...]
    device: Device
    sensor: Sensor
    faults: tuple[Fault, ...]

    def duration_s(self) -> float:
        """Return about how long the legs take."""
        total_s, here = 0.0, self.start
        for leg in self.legs:
            total_s += leg_duration_s(here, leg)
            here = leg.to or here
        return total_s

    def fastest_m_s(self) -> float:
        """Return the highest speed of any leg, a walker's uneven pace included."""
        speeds = [leg.speed_m_s * (1.3 if leg.manner is Manner.WALK else 1.0) for leg in self.legs]
        return max(speeds, default=0.0)

    def track(self, seed: int) -> Track:
        """Return the true track for a seed; the two parties draw from different streams."""
        return make_track(self.start, self.legs, random.Random(f"{seed}/{self.party}/motion"))


@dataclass(frozen=True, slots=True)
class Zone:
    """An exclusion zone of the story's order."""

    name: str
    shape: Shape
    buffer_m: float
    visibility: str


@dataclass(frozen=True, slots=True)
class Must:
    """An event that has to come.

    Attributes:
        within_s: Real seconds allowed after the publishing of the first message that shows it.
        by_s: Or: story time by which it must have come; None does not ask.
        party: Whose device it must be about; None does not ask.
        zone: Name of the zone that it must be about; None does not ask.
        person: A message must reach the protected person's stream as well.
    """

    kind: str
    within_s: float = 5.0
    by_s: float | None = None
    party: Party | None = None
    zone: str | None = None
    person: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must, must not and may at most follow.

    Attributes:
        must_not: Kinds; `any` stands for every kind.
        silent_wearer: No command may reach the wearer's device (concealed zones).
    """

    must: tuple[Must, ...] = ()
    must_not: frozenset[str] = frozenset()
    at_most: tuple[tuple[str, int], ...] = ()
    silent_wearer: bool = False

    def wants_alert(self) -> bool:
        """Say whether anything has to come."""
        return bool(self.must)


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that one run plays.

    Attributes:
        history_s: How much of the story lies before the run begins: devices had no network then and
            send what they stored at the beginning, so lateness needs no waiting.
        max_speed: Highest sensible `--speed`; the fastest leg may lower it further.
        listen_s: Real seconds to go on listening after the last message.
    """

    name: str
    title: str
    about: str
    seed: int
    alert_radius_m: float
    warning_radius_m: float
    zones: tuple[Zone, ...]
    wearer: Actor
    protected: Actor | None
    expect: Expectation
    history_s: int = 0
    max_speed: float = 60.0
    listen_s: float = 3.0

    @property
    def actors(self) -> tuple[Actor, ...]:
        """Both, or the wearer alone."""
        return (self.wearer,) if self.protected is None else (self.wearer, self.protected)

    def duration_s(self) -> float:
        """Return about how long the story lasts after the run begins."""
        return max(actor.duration_s() for actor in self.actors) - self.history_s

    def fastest_allowed(self) -> float:
        """Return the highest `--speed` at which no implied speed looks like a jump."""
        fastest_m_s = max(actor.fastest_m_s() for actor in self.actors)
        limit = COMPRESSED_MAX_M_S / fastest_m_s if fastest_m_s else self.max_speed
        return max(1.0, min(self.max_speed, limit))
