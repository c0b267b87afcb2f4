"""Stories: what happens to whom, and which alerts must and must not follow."""

import math
import random
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from simulator.faults import Fault
from simulator.motion import Leg, Manner, Track, leg_duration_s, make_track
from simulator.schedule import Party
from simulator.sensor import Sensor
from simulator.world import Circle, Place, Shape

COMPRESSED_MAX_M_S = 45.0
"""True speed times `--speed` stays under this: the service calls more than 70 m/s a jump, and at one
reading a second two independent errors of 8 m make up to 25 m/s by themselves."""

LONGEST_S = 3600.0
"""A story longer than an hour is two stories, when it is played in real time."""
LONGEST_SCORED_S = 1.5 * 86_400
"""A day with the nights at both ends; time that only `score` plays costs next to nothing."""

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
        "system_restored",
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
class Battery:
    """What the device says of its battery: `pct` at the beginning, less by `per_hour` each hour.

    A negative `per_hour` is charging. An empty battery says nothing more.
    """

    pct: float
    per_hour: float

    def at(self, story_s: float) -> int:
        """Return whole per cent, 0..100, at a moment of the story."""
        return math.floor(min(100.0, max(0.0, self.pct - self.per_hour * story_s / 3600)))


@dataclass(frozen=True, slots=True)
class Actor:
    """One person: where they begin, how they move, what they carry and what goes wrong with it.

    Attributes:
        name: Which protected person, where there are several; empty for the only one and the wearer.
    """

    party: Party
    start: Place
    legs: tuple[Leg, ...]
    device: Device
    sensor: Sensor
    faults: tuple[Fault, ...]
    name: str = ""
    battery: Battery | None = None

    @property
    def whose(self) -> str:
        """Return the name of their device, unique within a story."""
        return self.name or self.party.value

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
        """Return the true track for a seed; each person draws from a stream of their own."""
        return make_track(self.start, self.legs, random.Random(f"{seed}/{self.whose}/motion"))


@dataclass(frozen=True, slots=True)
class Hours:
    """When a zone is in force: on a day of the week from one local time to another, `HH:MM`."""

    day: str
    from_: str
    until: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """The hours of a zone, in a time zone of the IANA data base."""

    time_zone: str
    hours: tuple[Hours, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as the REST contract writes it."""
        hours = [{"day": part.day, "from": part.from_, "until": part.until} for part in self.hours]
        return {"time_zone": self.time_zone, "hours": hours}


class Purpose(StrEnum):
    """What a zone is for: not to enter, not to leave, or the country's edge."""

    EXCLUSION = "exclusion"
    INCLUSION = "inclusion"
    TERRITORY = "territory"


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of an order; without a schedule it is always in force."""

    name: str
    shape: Shape
    buffer_m: float
    visibility: str
    purpose: Purpose = Purpose.EXCLUSION
    schedule: Schedule | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the REST contract writes it."""
        body: dict[str, Any] = {
            "name": self.name,
            "shape": self.shape.to_shape(),
            "buffer_m": self.buffer_m,
            "visibility": self.visibility,
        }
        if self.purpose is not Purpose.EXCLUSION:
            body["purpose"] = self.purpose.value
        if self.schedule is not None:
            body["schedule"] = self.schedule.to_json()
        return body


@dataclass(frozen=True, slots=True)
class Exemption:
    """An agreed exception, in story seconds; with a place it holds only there."""

    kind: str
    from_s: float
    to_s: float
    place: Circle | None


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the wearer: the distances, whom it protects and which zones belong to it."""

    name: str
    alert_radius_m: float
    warning_radius_m: float
    people: tuple[str, ...]
    zones: tuple[Zone, ...]
    exemptions: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True)
class Must:
    """An event that has to come.

    Attributes:
        within_s: Real seconds allowed after the publishing of the first message that shows it.
        by_s: Or: story time by which it must have come; None does not ask.
        party: Whose device it must be about; None does not ask.
        zone: Name of the zone that it must be about; None does not ask.
        person: A message must reach the protected person's stream as well.
        since_s: Story time before which it cannot be known: it must not come earlier, and the delay of a
            kind whose due message cannot be computed counts from here.
        order: Name of the order that it must be about; None does not ask.
        whose: Name of the protected person that it must be about; None does not ask.
        severity: Its alert must be at least as severe as this (1 highest); None does not ask.
    """

    kind: str
    within_s: float = 5.0
    by_s: float | None = None
    party: Party | None = None
    zone: str | None = None
    person: bool = False
    since_s: float | None = None
    order: str | None = None
    whose: str | None = None
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must, must not and may at most follow.

    Attributes:
        must_not: Kinds; `any` stands for every kind.
        silent_wearer: No command may reach the wearer's device (concealed zones).
        no_worse_than: No event may be more severe than this (1 highest .. 5); None does not ask.
        nobody_paged: Whatever is kept in the log, no message may leave for police, her or a device.
    """

    must: tuple[Must, ...] = ()
    must_not: frozenset[str] = frozenset()
    at_most: tuple[tuple[str, int], ...] = ()
    silent_wearer: bool = False
    no_worse_than: int | None = None
    nobody_paged: bool = False

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
        start_at: Wall time of the beginning, for what goes by the clock; None does not care.
        score_only: Too long for real time, or more than one exercise of the register can hold.
        ordinary: Everyday life, by which the noise is measured.
    """

    name: str
    title: str
    about: str
    seed: int
    orders: tuple[Order, ...]
    wearer: Actor
    people: tuple[Actor, ...]
    expect: Expectation
    history_s: int = 0
    max_speed: float = 60.0
    listen_s: float = 3.0
    start_at: datetime | None = None
    score_only: bool = False
    ordinary: bool = False

    @property
    def actors(self) -> tuple[Actor, ...]:
        """Everybody: the wearer first, then whom the orders protect."""
        return (self.wearer, *self.people)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones of all orders."""
        return tuple(zone for order in self.orders for zone in order.zones)

    def duration_s(self) -> float:
        """Return about how long the story lasts after the run begins."""
        return max(actor.duration_s() for actor in self.actors) - self.history_s

    def fastest_allowed(self) -> float:
        """Return the highest `--speed` at which no implied speed looks like a jump."""
        fastest_m_s = max(actor.fastest_m_s() for actor in self.actors)
        limit = COMPRESSED_MAX_M_S / fastest_m_s if fastest_m_s else self.max_speed
        return max(1.0, min(self.max_speed, limit))
