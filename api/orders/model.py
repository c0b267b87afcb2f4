"""Nouns of protective orders: the order, the people, their devices and who carried which, when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound
from api.kernel.geo import Point

MIN_RADIUS_M = 50.0
"""Below the error of a fix in a city a radius means nothing; proposal."""
MAX_RADIUS_M = 50_000.0
"""France sets 1-10 km with a warning at twice that (field/monitoring.md section 2); room above it."""


class DeviceKind(StrEnum):
    """What a device is; decides nothing about who carries it."""

    ANKLE_MONITOR = "ankle_monitor"
    PERSONAL_DEVICE = "personal_device"
    PHONE = "phone"


class Party(StrEnum):
    """Which side of an order somebody is on."""

    WEARER = "wearer"
    PROTECTED = "protected"


@dataclass(frozen=True, slots=True)
class Wearer:
    """Who wears the ankle monitor; `name` is kept encrypted and shown only beside an alert."""

    id: UUID
    reference: str
    name: str


@dataclass(frozen=True, slots=True)
class ProtectedPerson:
    """Whom an order protects; `name` is kept encrypted and shown only beside an alert."""

    id: UUID
    reference: str
    name: str


@dataclass(frozen=True, slots=True)
class ProtectiveOrder:
    """A court order that forbids one wearer to approach one or more people.

    Attributes:
        reference: The court's own; unique.
        valid_from: First moment in force.
        valid_until: First moment no longer in force; None has no end yet.
        revoked_at: Ended early by the court; None while it was not.
        alert_radius_m: Closer than this to a protected person is a breach, MIN_RADIUS_M..MAX_RADIUS_M.
        warning_radius_m: Closer than this warns; >= alert_radius_m.
        exercise: Everything it causes is marked as an exercise and can never page real police.
    """

    id: UUID
    reference: str
    court: str
    wearer_id: UUID
    protected_person_ids: tuple[UUID, ...]
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    alert_radius_m: float
    warning_radius_m: float
    exercise: bool


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """What the court says of an order; `rules.check_order` says whether it holds together.

    Attributes:
        wearer_id: Cannot be changed later: what the order has caused is told by it.
        exercise: Cannot be changed later either: a real order never becomes a game, nor a game real.
    """

    reference: str
    court: str
    wearer_id: UUID
    protected_person_ids: tuple[UUID, ...]
    valid_from: datetime
    valid_until: datetime | None
    alert_radius_m: float
    warning_radius_m: float
    exercise: bool


@dataclass(frozen=True, slots=True)
class Device:
    """An ankle monitor, a personal device or a phone; its `id` is also its name at the broker.

    Attributes:
        shard: 0..63, part of its topics.
        secret_hash: bcrypt hash of its broker password.
        sealing_key: 32 bytes for `encrypted` messages; None when it never seals.
        require_sealed: Plain messages are refused, so that sealing cannot be talked down.
        simulated: Played by software; refused on orders that are not exercises.
    """

    id: UUID
    kind: DeviceKind
    label: str
    shard: int
    secret_hash: str
    sealing_key: bytes | None
    require_sealed: bool
    simulated: bool
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceDraft:
    """What is said of a device when it joins the register; `sealed` gives it a sealing key."""

    kind: DeviceKind
    label: str
    sealed: bool
    require_sealed: bool
    simulated: bool


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who carried a device from when until when; exactly one of the two people is set.

    Attributes:
        entered_at: When the register learned of it, not before `assigned_at`: nobody listened before.
    """

    id: UUID
    device_id: UUID
    wearer_id: UUID | None
    protected_person_id: UUID | None
    assigned_at: datetime
    unassigned_at: datetime | None
    entered_at: datetime


class ExemptionKind(StrEnum):
    """Why the two may be near each other for once; CUSTODY also bounds how long and where he is held."""

    COURT_HEARING = "court_hearing"
    AGREED_HANDOVER = "agreed_handover"
    CUSTODY = "custody"
    OTHER = "other"


LONGEST_EXEMPTION = {kind: timedelta(hours=24) for kind in ExemptionKind} | {
    ExemptionKind.CUSTODY: timedelta(days=31)
}
"""A hearing or a hand-over is over within a day; whoever forgets it must not leave her without alerts for
long. Custody is renewed by a court every few weeks. Proposals."""
EXEMPTIONS_KEPT = timedelta(days=31)
"""So long after its end an exemption is given to workers: older data is a broken clock (`ancient_s`)."""
MAX_REASON_CHARACTERS = 500
"""A sentence or two; the agreement itself is in the case file. Proposal."""


@dataclass(frozen=True, slots=True)
class AgreedPlace:
    """A circle in which an exemption holds: `radius_m` MIN_RADIUS_M..MAX_RADIUS_M along the ground."""

    center: Point
    radius_m: float


@dataclass(frozen=True, slots=True)
class ExemptionDraft:
    """What is agreed; fields as in `Exemption`. `rules.check_exemption` says whether it holds together."""

    kind: ExemptionKind
    reason: str
    person_ids: tuple[UUID, ...]
    zone_ids: tuple[UUID, ...]
    place: AgreedPlace | None
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Exemption:
    """An agreed exception to one order: what it covers is kept in the log and pages nobody.

    Attributes:
        reason: Staff's words, 1..MAX_REASON_CHARACTERS; never leaves the control host.
        person_ids: Whom it covers as to proximity; empty is everybody of the order.
        zone_ids: Which zones it covers; empty is all. One that is not there (any more) covers nothing.
        place: It holds only while the wearer is within; None holds anywhere.
        valid_from: First moment covered, but nothing before `created_at` ever is.
        valid_until: First moment no longer covered.
        created_by: The account; None is the command line.
        ended_at: Ended early; None while it was not.
    """

    id: UUID
    order_id: UUID
    kind: ExemptionKind
    reason: str
    person_ids: tuple[UUID, ...]
    zone_ids: tuple[UUID, ...]
    place: AgreedPlace | None
    valid_from: datetime
    valid_until: datetime
    created_by: UUID | None
    created_at: datetime
    ended_at: datetime | None
    ended_by: UUID | None


@dataclass(frozen=True, slots=True)
class Watch:
    """One order as the geofence needs it: whose devices to hold against whose, and since when.

    Attributes:
        wearer_devices: Assigned to the wearer now.
        protected: Per protected person, the devices assigned to her now.
        exercise: The order is an exercise.
        exemptions: Agreed exceptions, those that ended lately included: late data is judged as of its time.
    """

    order: ProtectiveOrder
    wearer_devices: tuple[UUID, ...]
    protected: tuple[tuple[UUID, tuple[UUID, ...]], ...]
    exemptions: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """Notice that the watch of an order, or a device's entry in the register, is not what it was.

    Attributes:
        revision: Rises by at least one with each change; a cursor that skips nothing.
    """

    revision: int
    order_id: UUID | None
    device_id: UUID | None


class OrderNotFound(NotFound):
    """There is no such order."""


class WearerNotFound(NotFound):
    """There is no such wearer."""


class PersonNotFound(NotFound):
    """There is no such protected person."""


class ExemptionNotFound(NotFound):
    """There is no such exemption of this order."""


class DeviceNotFound(NotFound):
    """There is no such device."""


class ReferenceTaken(Conflict):
    """Another order, wearer or protected person has this reference already."""


class OrderChanged(Conflict):
    """Somebody else changed the order meanwhile: read it again."""


class OrderRevoked(Conflict):
    """The order was revoked and cannot be changed: the court has to make another."""


class DeviceTaken(Conflict):
    """The device is assigned to somebody already: unassign it first."""


class DeviceRetired(Conflict):
    """The device is retired and cannot be used again."""


class DeviceUnassigned(NotFound):
    """The device is assigned to nobody."""


class SimulatedOnRealOrder(Conflict):
    """A simulated device cannot be part of an order that is not an exercise."""


class BadOrder(Invalid):
    """The order's dates or radii contradict each other."""


class BadExemption(Invalid):
    """The exemption is too long, covers somebody who is not of the order, or contradicts itself."""


class BadDevice(Invalid):
    """The device's properties contradict each other."""


class BadAssignment(Invalid):
    """A device is assigned to exactly one person, who exists."""
