"""Nouns of the geofence: what devices say, zones, the state kept per zone and pair, events, limits.

Values on the hot path are frozen msgspec structs: building one costs about a tenth of a frozen
dataclass, and a worker builds several per fix (ops/decisions/0003).
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from api.geofence.model.limits import Limits as Limits
from api.kernel.errors import Conflict, Invalid, NotFound
from api.kernel.geo import Point
from api.orders.model import Party


class FixSource(StrEnum):
    """How a device found its position."""

    GNSS = "gnss"
    WIFI = "wifi"
    CELL = "cell"
    RF = "rf"
    UNKNOWN = "unknown"


class Fix(msgspec.Struct, frozen=True, gc=False):
    """A position at a moment.

    Attributes:
        device_id: Whose.
        seq: The device's own counter; restarts with the device, so never a key by itself.
        fixed_at: The device's time, whole seconds.
        received_at: When the message reached us.
        accuracy_m: Radius that holds 68 % of such fixes, > 0; None when the device did not say
            (OwnTracks leaves it out, or sends 0, when unknown).
        speed_m_s: As the device reports it, >= 0.
        battery_pct: 0..100.
        strap_closed: None when the device has no strap or did not say.
        moving: What its accelerometer says; None when it did not.
        mocked: The phone itself says that the place was handed to it by another program.
    """

    device_id: UUID
    fixed_at: datetime
    received_at: datetime
    point: Point
    accuracy_m: float | None = None
    seq: int | None = None
    altitude_m: float | None = None
    speed_m_s: float | None = None
    course_deg: float | None = None
    battery_pct: int | None = None
    source: FixSource = FixSource.UNKNOWN
    strap_closed: bool | None = None
    moving: bool | None = None
    mocked: bool = False


class Gnss(StrEnum):
    """What a device says of its satellite receiver."""

    OK = "ok"
    NONE = "none"
    JAMMED = "jammed"


STATUS = "status"
"""The kind of report that a device makes of itself."""


class DeviceReport(msgspec.Struct, frozen=True):
    """News without a position: status, last will, a waypoint list. It counts as contact.

    Only a status says more than its kind and battery; None is what the device did not say.

    Attributes:
        has_fix: False: it lives and finds no position.
        strap_closed: Of its ankle monitor, where the two are apart.
        permission: Whether her app may ask the phone for positions.
        mocked: As of a fix.
    """

    device_id: UUID
    received_at: datetime
    kind: str
    battery_pct: int | None = None
    moving: bool | None = None
    has_fix: bool | None = None
    gnss: Gnss | None = None
    strap_closed: bool | None = None
    permission: bool | None = None
    mocked: bool = False


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a device's troubles; one without any is `WELL` itself.

    Attributes:
        battery_stage: Told: 0 nothing, 1 low, 2 critical.
        unchanged_since: Time of the first of its last fixes that all show the very same place; None when
            the last two differ, or when it says that it lies still.
        frozen_told: That its position hangs, and no other has come since.
        moves_s: Begin and end of its moves without a fix, Unix seconds, oldest first.
        moving_s: When it last said that it moves without a fix; None when it said otherwise since.
        no_fix_told: That it moves without a fix, and none has come since.
        implausible_at: When its position was last told to be wrong.
        gnss_lost_at: When it last said that its receiver hears nothing; None after a fix by satellites.
        jam_told: That it is jammed, and its receiver has not recovered since.
        unpaired_since: For how long it has spoken without hearing its ankle monitor; silences left out.
        pairing_told: That it does, and the ankle monitor has not been heard since.
        powered_off_at: When it said that it is being switched off; None when heard since.
        permission_told: That her app may not ask for positions.
    """

    battery_stage: int = 0
    unchanged_since: datetime | None = None
    frozen_told: bool = False
    moves_s: tuple[tuple[float, float], ...] = ()
    moving_s: float | None = None
    no_fix_told: bool = False
    implausible_at: datetime | None = None
    gnss_lost_at: datetime | None = None
    jam_told: bool = False
    unpaired_since: datetime | None = None
    pairing_told: bool = False
    powered_off_at: datetime | None = None
    permission_told: bool = False


WELL = Health()


class AlarmKind(StrEnum):
    """What a device's alarm lane says; anything else is UNKNOWN, and still an alarm."""

    SOS = "sos"
    STRAP_CUT = "strap_cut"
    CASE_OPEN = "case_open"
    SEPARATION = "separation"
    RF_PROXIMITY = "rf_proximity"
    JAMMING = "jamming"
    SHIELDING = "shielding"
    POWER_OFF = "power_off"
    UNKNOWN = "unknown"


class DeviceAlarm(msgspec.Struct, frozen=True):
    """One message of the alarm lane; `kind_said` keeps the device's own word, at most 64 characters."""

    device_id: UUID
    occurred_at: datetime
    received_at: datetime
    kind: AlarmKind
    kind_said: str
    seq: int | None = None
    point: Point | None = None
    accuracy_m: float | None = None


class DeviceReceipt(msgspec.Struct, frozen=True):
    """A device's answer to a command: `outcome` is done, refused, expired or unsupported."""

    device_id: UUID
    received_at: datetime
    command_id: UUID
    outcome: str


class SightingSource(StrEnum):
    """Who saw somebody where no device of ours was asked."""

    CAMERA = "camera"
    WITNESS = "witness"
    POLICE = "police"
    OTHER = "other"


MAX_SIGHTING_ACCURACY_M = 5000.0
"""Coarser is a region and no place; proposal."""


class ExternalSighting(msgspec.Struct, frozen=True):
    """Somebody was seen by other means than a device; kept as it was told, never changed.

    Attributes:
        order_id: Under which it was entered; it is judged under every order of who was seen.
        party: Who was seen.
        person_id: Which protected person, when she was; None for the wearer.
        seen_at: When, as the source says.
        received_at: When it was entered.
        accuracy_m: Radius within which the place is certain, 1..MAX_SIGHTING_ACCURACY_M.
        note: Staff's words; never leaves the control room.
        author_id: Who entered it; None is the command line.
    """

    id: UUID
    order_id: UUID
    party: Party
    person_id: UUID | None
    seen_at: datetime
    received_at: datetime
    point: Point
    accuracy_m: float
    source: SightingSource
    note: str
    author_id: UUID | None


class Visibility(StrEnum):
    """Whether the wearer has been told of a zone; a concealed one causes nothing he can observe."""

    DECLARED = "declared"
    CONCEALED = "concealed"


class Circle(msgspec.Struct, frozen=True):
    """A disc on the ellipsoid: `radius_m` > 0, geodesic."""

    center: Point
    radius_m: float


class Polygon(msgspec.Struct, frozen=True):
    """One part of an area: closed rings of at least 4 points, the first the outline, the others holes."""

    rings: tuple[tuple[Point, ...], ...]


class Purpose(StrEnum):
    """What an area is to the wearer: EXCLUSION keeps him out, INCLUSION and TERRITORY keep him in."""

    EXCLUSION = "exclusion"
    INCLUSION = "inclusion"
    TERRITORY = "territory"


class Hours(msgspec.Struct, frozen=True):
    """Some hours of one weekday by the clock on the wall.

    Attributes:
        day: On which they begin: 0 is Monday, 6 Sunday.
        begin: "HH:MM", 00:00..23:59.
        until: "HH:MM", no more part of them, 00:00..24:00; before `begin` it is on the day after.
    """

    day: int
    begin: str
    until: str


class Schedule(msgspec.Struct, frozen=True):
    """When an inclusion zone applies: every week alike, by the clocks of `time_zone` (IANA name)."""

    time_zone: str
    hours: tuple[Hours, ...]


class ExclusionZone(msgspec.Struct, frozen=True):
    """An area of an order, in one version: a change makes a new version.

    An order's zones are exclusion zones, which the wearer must not enter, unless the purpose says otherwise.

    Attributes:
        shape: A circle, or one or more polygons (union).
        buffer_m: Width of the warning ring round the area, >= 0; 0 unless it is an exclusion zone.
        visibility: Always DECLARED unless it is an exclusion zone: he must know where to be.
        purpose: Never changes from one version to the next, so that its state goes on meaning the same.
        schedule: When an inclusion zone applies; None is always, and for other purposes.
    """

    id: UUID
    version: int
    order_id: UUID
    name: str
    shape: Circle | tuple[Polygon, ...]
    buffer_m: float
    visibility: Visibility
    purpose: Purpose = Purpose.EXCLUSION
    schedule: Schedule | None = None


class Presence(StrEnum):
    """Where the wearer is as to one zone or one protected person, with hysteresis."""

    OUTSIDE = "outside"
    BUFFER = "buffer"
    INSIDE = "inside"


class PresenceState(msgspec.Struct, frozen=True, gc=False):
    """What is remembered per (order, zone) and per (order, protected person).

    Attributes:
        presence: The state in force.
        since: Fix time at which it began; None before the first fix.
        clear_fixes: Fixes in a row that show a lower presence, 0 when the last did not.
        clear_since: Fix time of the first of them.
        doubtful_recent: Bit mask of the last fixes, lowest bit the latest; 1 = doubtful inside.
        told_at: Fix time at which a live event last told of this presence; None if only late data has.
        mild: It was told as her own coming near, or as passing in traffic: what is worse is told at once.
        closing: Fixes in a row that show him closing fast, CLOSING_TOLD once that was told.
        contacts: When he last came to the edge from outside, oldest first, within the loitering window.
    """

    presence: Presence = Presence.OUTSIDE
    since: datetime | None = None
    clear_fixes: int = 0
    clear_since: datetime | None = None
    doubtful_recent: int = 0
    told_at: datetime | None = None
    mild: bool = False
    closing: int = 0
    contacts: tuple[datetime, ...] = ()


class LimitsVersion(msgspec.Struct, frozen=True):
    """The limits that one order has of its own, in one version; the one before it ends with its `since`.

    Attributes:
        version: From 1 upwards; a change makes the next and overwrites nothing.
        overrides: By name of the limit, every one that differs from the house's on purpose; may be empty.
        since: When it came into force.
        author_id: Who decided; None is the command line.
        reason: Why, in a person's words.
    """

    order_id: UUID
    version: int
    overrides: dict[str, int | float]
    since: datetime
    author_id: UUID | None
    reason: str


class BadLimits(Invalid):
    """A limit is unknown, no number, out of its range, not an order's to set, or contradicts another."""


class LimitsChanged(Conflict):
    """Somebody else changed the order's limits meanwhile: read them again."""


class BadSighting(Invalid):
    """A sighting is in the future, or does not say whom it is of."""


class ZoneNotFound(NotFound):
    """There is no such zone on this order."""


class BadZone(Invalid):
    """A change would make another kind of zone of one that is known by its number."""


class ZoneChanged(Conflict):
    """Somebody else changed the zone meanwhile: read it again."""
