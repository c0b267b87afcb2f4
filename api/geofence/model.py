"""Nouns of the geofence: what devices say, zones, the state kept per zone and pair, events, limits.

Values on the hot path are frozen msgspec structs: building one costs about a tenth of a frozen
dataclass, and a worker builds several per fix (ops/decisions/0003).
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

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


class DeviceReport(msgspec.Struct, frozen=True):
    """News without a position: status, last will, a waypoint list. It counts as contact."""

    device_id: UUID
    received_at: datetime
    kind: str
    battery_pct: int | None = None


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


class Limits(msgspec.Struct, frozen=True):
    """Every threshold of the rules; each has a source or is a proposal.

    Attributes:
        unknown_accuracy_m: Disc of a fix that does not tell its accuracy; proposal.
        good_accuracy_m: Up to this a fix proves a position alone; proposal after NIJ 1004.00's 30 m indoors.
        max_speed_m_s: Faster between two fixes is a jump: 250 km/h (field/monitoring.md kind 17, proposal).
        confirm_fixes: Doubtful fixes that make a breach, of the last `confirm_window` (kind 6: 2 of 3).
        leave_band_part, leave_band_min_m, leave_band_max_m: Beyond the edge by this much counts as leaving:
            10 % of the radius, at least 20 m, at most 50 m (field/geofencing.md section 6).
        leave_fixes, leave_s: And for at least 2 fixes and 60 s of fix time (same source).
        segment_max_s: A straight line between two fixes is believed up to this gap; proposal.
        partner_stale_s: The other party's fix older than this is doubtful: 5 min (kind 20).
        repeat_s: A lasting breach is told again after this; proposal.
        late_s: Older than this on arrival is late data: 2 min (kind 26).
        future_s: A device clock may be ahead by this; proposal, GNSS clocks are exact to less than 1 s.
        ancient_s: Older than this is a broken clock, not a backlog: 31 days, proposal.
        silence_s: Nothing heard from a device for this long: 10 min (kind 14, "far" default).
        near_silence_s: The same while he can have come near meanwhile: 2 min (kind 14, "near" default).
        reach_speed_m_s: How fast he can travel unseen: 130 km/h, the motorway limit in France, Italy and
            Poland; a faster one is a train, which does not stop at her door. Proposal, decision 0008.
        overdue_s: Beyond the interval a device was told to report at, this much is allowed: proposal.
        pairing_s: The tracker speaks, its ankle monitor is not heard: 2 missed heartbeats of 60 s (kind 13).
        motion_no_fix_s, motion_window_s: 10 min of motion without a fix in any 60 min (kind 15).
        frozen_s: The very same position for this long: 30 min (kind 16, proposal).
        battery_low_pct, battery_critical_pct: 25 % (kind 19); 10 % stands for the 30 min that are left.
        battery_rearm_pct: So much above a stage it is over, so that a value on the line tells it once.
        closing_eta_s: He reaches the alert distance within this at his present speed: 5 min (kind 5).
        closing_min_m_s: Slower approach is a walk, which the warning radius sees in time: 18 km/h, proposal.
        still_m_s: Slower than this is standing: the error of two fixes makes as much; proposal.
        traffic_m_s: From this speed somebody is in a vehicle: 29 km/h, no runner's; proposal.
        passing_s: Two in traffic may be near each other for this long before it is no passing: 2 min, as
            Spain tolerates a pass-by (section 1, testimony).
        loiter_count, loiter_window_s: So many contacts with an edge in this time: 3 in 60 min (kind 9).
        longest_interval_s: Her device may be told to report as rarely as this while he is far; 0 tells it
            nothing (rules/horizon.py).
        wearer_longest_interval_s: The same for his. 0 unless the court accepts that he can tell from it
            how far she is; never used where a zone of the order is concealed.
        border_m: This near to the edge of the country: 30 km (kind 24).
        system_silence_s: Our own worker quiet for this long is an outage: 30 s (section 8c).
    """

    unknown_accuracy_m: float = 100.0
    good_accuracy_m: float = 50.0
    max_speed_m_s: float = 70.0
    confirm_fixes: int = 2
    confirm_window: int = 3
    leave_band_part: float = 0.1
    leave_band_min_m: float = 20.0
    leave_band_max_m: float = 50.0
    leave_fixes: int = 2
    leave_s: float = 60.0
    segment_max_s: float = 300.0
    partner_stale_s: float = 300.0
    repeat_s: float = 60.0
    late_s: float = 120.0
    future_s: float = 10.0
    ancient_s: float = 31 * 86400.0
    silence_s: float = 600.0
    near_silence_s: float = 120.0
    reach_speed_m_s: float = 36.1
    overdue_s: float = 60.0
    pairing_s: float = 120.0
    motion_no_fix_s: float = 600.0
    motion_window_s: float = 3600.0
    frozen_s: float = 1800.0
    battery_low_pct: int = 25
    battery_critical_pct: int = 10
    battery_rearm_pct: int = 5
    closing_eta_s: float = 300.0
    closing_min_m_s: float = 5.0
    still_m_s: float = 0.5
    traffic_m_s: float = 8.0
    passing_s: float = 120.0
    loiter_count: int = 3
    loiter_window_s: float = 3600.0
    border_m: float = 30_000.0
    longest_interval_s: float = 0.0
    wearer_longest_interval_s: float = 0.0
    system_silence_s: float = 30.0


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
