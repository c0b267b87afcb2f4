"""Nouns of protective orders: the order, the people, their devices and who carried which, when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound

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


@dataclass(frozen=True, slots=True)
class Watch:
    """One order as the geofence needs it: whose devices to hold against whose, and since when.

    Attributes:
        wearer_devices: Assigned to the wearer now.
        protected: Per protected person, the devices assigned to her now.
        exercise: The order is an exercise.
    """

    order: ProtectiveOrder
    wearer_devices: tuple[UUID, ...]
    protected: tuple[tuple[UUID, tuple[UUID, ...]], ...]


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


class BadDevice(Invalid):
    """The device's properties contradict each other."""


class BadAssignment(Invalid):
    """A device is assigned to exactly one person, who exists."""
