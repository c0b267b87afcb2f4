"""Everything that one pack tells of one alert, before it is written down: values, no files."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from api.alerts.model import Alert, AlertEntry, Attempt, Notification
from api.alerts.model.playbooks import StepRun, Task
from api.evidence.model.pack import Variant
from api.geofence.model import ExclusionZone, ExternalSighting, Limits, LimitsVersion
from api.kernel.audit import Act
from api.kernel.geo import Point
from api.orders.model import DeviceKind, Exemption, Party, ProtectiveOrder


class Window(msgspec.Struct, frozen=True):
    """Of which time positions and messages are told: `begin` <= `opened_at` <= `end`."""

    begin: datetime
    opened_at: datetime
    end: datetime


class Carrier(msgspec.Struct, frozen=True):
    """A device and who carried it, from when until when (None: still).

    Attributes:
        label: Staff's word for the device; empty in the defence's variant.
        entered_at: When the register learned of the hand-over, not before `since`: nobody listened before.
        person_id: Which protected person; None for the wearer.
    """

    device_id: UUID
    kind: DeviceKind
    label: str
    simulated: bool
    sealed: bool
    party: Party
    person_id: UUID | None
    since: datetime
    entered_at: datetime
    until: datetime | None


class Place(msgspec.Struct, frozen=True):
    """One position as it was judged; `timing` is live, late or past, `doubts` the codes of the rules."""

    fixed_at: datetime
    received_at: datetime
    judged_at: datetime
    point: Point
    accuracy_m: float | None
    source: str
    speed_m_s: float | None
    course_deg: float | None
    battery_pct: int | None
    strap_closed: bool | None
    timing: str
    doubts: tuple[str, ...]


class Track(msgspec.Struct, frozen=True):
    """The positions of one device while one person carried it, oldest first."""

    carrier: Carrier
    places: tuple[Place, ...]


class Message(msgspec.Struct, frozen=True):
    """One message as it was received.

    Attributes:
        kind: `judged` for positions and alarms, the kind of a report, or `kept_aside`.
        batch, place: When it was judged with others; None for what was kept aside.
        payload: The very bytes; None when they were too long to be kept.
        opened: The text of a sealed one.
        reason: Why it was kept aside; empty otherwise.
    """

    device_id: UUID
    received_at: datetime
    kind: str
    batch: int | None
    place: int | None
    payload: bytes | None
    opened: bytes | None
    reason: str


class ZoneVersion(msgspec.Struct, frozen=True):
    """A zone as it was from `since` until `until` (None: still)."""

    zone: ExclusionZone
    since: datetime
    until: datetime | None


class OrderVersion(msgspec.Struct, frozen=True):
    """What the order said from `since` on."""

    since: datetime
    order: ProtectiveOrder


class Distance(msgspec.Struct, frozen=True):
    """How far apart the two were at one moment; the truth lies within `doubt_m` of it for 68 % of fixes."""

    at: datetime
    person_id: UUID
    distance_m: float
    doubt_m: float


class Band(StrEnum):
    """How far apart the two were, by the distances that the court's order names."""

    ALERT = "at the alert distance or less"
    WARNING = "between the alert distance and the warning distance"
    BEYOND = "beyond the warning distance"


class BandAt(msgspec.Struct, frozen=True):
    """Of one event the band; `person` is what the pack calls her."""

    at: datetime
    person: str
    band: Band


class Person(msgspec.Struct, frozen=True):
    """Somebody by name: stands in one file of the full variant and nowhere else."""

    party: Party
    id: UUID
    reference: str
    name: str


class Health(msgspec.Struct, frozen=True):
    """How one device was before the alert opened.

    Attributes:
        positions, reports, kept_aside: How many arrived.
        longest_silence_s: The longest time without anything heard, from the window's begin to the opening;
            of a device handed out later from the entry of that on.
        silence_began: When that silence began.
        battery_pct: The last said before the opening.
        strap_closed: The same.
        median_accuracy_m: Of the positions that tell it.
        doubtful: How many positions the rules doubted.
    """

    device_id: UUID
    party: Party
    positions: int
    reports: int
    kept_aside: int
    longest_silence_s: float
    silence_began: datetime
    battery_pct: int | None
    strap_closed: bool | None
    median_accuracy_m: float | None
    doubtful: int


class Material(msgspec.Struct, frozen=True):
    """All of it, of one variant; names of the fields are those of the files.

    Attributes:
        references: By id of the order, the wearer and the protected persons; never a name.
        labels: By id of a protected person, what the pack calls her.
        people: Names; only in the full variant.
        steps: What was awaited of people by when; none in the defence's variant, nor any of `tasks`.
        tasks: Calls that an operator was asked to make, with what came of them.
        distances: None in the defence's variant, which has `bands` instead.
        limits: By which the order was judged when the alert opened.
        replay: Of the recomputation (`rehearsal.replay.Outcome`), or an `error` that says why there is none.
        lacking: What is missing of the evidence, in sentences.
        links: Where rows of this pack stand in the house's ledger.
    """

    variant: Variant
    made_at: datetime
    made_by: UUID | None
    reason: str
    window: Window
    alert: Alert
    references: Mapping[UUID, str]
    labels: Mapping[UUID, str]
    people: tuple[Person, ...]
    orders: tuple[OrderVersion, ...]
    carriers: tuple[Carrier, ...]
    entries: tuple[AlertEntry, ...]
    steps: tuple[StepRun, ...]
    tasks: tuple[Task, ...]
    messages_out: tuple[tuple[Notification, tuple[Attempt, ...]], ...]
    acts: tuple[Act, ...]
    tracks: tuple[Track, ...]
    messages: tuple[Message, ...]
    distances: tuple[Distance, ...]
    bands: tuple[BandAt, ...]
    health: tuple[Health, ...]
    zones: tuple[ZoneVersion, ...]
    limits: Limits
    own_limits: tuple[LimitsVersion, ...]
    house_limits: tuple[tuple[datetime, Limits], ...]
    exemptions: tuple[Exemption, ...]
    sightings: tuple[ExternalSighting, ...]
    outages: tuple[tuple[datetime, datetime], ...]
    replay: Mapping[str, Any]
    lacking: tuple[str, ...]
    links: tuple[Mapping[str, Any], ...]

    @property
    def is_reduced(self) -> bool:
        """Say whether this is what the defence gets."""
        return self.variant is Variant.DEFENCE
