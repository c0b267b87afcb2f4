"""Nouns of policing: stations with their areas, officers, the roster of duties, absences, routing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.kernel.errors import Conflict, Invalid, NotFound
from api.kernel.geo import Point

Ring = tuple[Point, ...]
"""Corners of a closed line: the last like the first; its edges are the shortest lines between them."""
Part = tuple[Ring, ...]
"""An outline, then its holes."""
Area = tuple[Part, ...]
"""One or more parts; where they overlap or touch they count as one."""

MAX_STATIONS = 2_000
"""Not retired: each is looked at for every alert. France has about 3,100 brigades of its gendarmerie, the
Netherlands under 200 stations; proposal."""
MAX_VERTICES = 2_000
"""Of an area, all rings together: a municipality's border has about as many; proposal."""
MAX_AREA_RADIUS_M = 2_000_000.0
"""The islands of one ocean territory lie about so far apart; more is a slip. Proposal."""
MAX_SEAT_DISTANCE_M = 100_000.0
"""Of a station's building from its area: farther off, longitude and latitude are most likely swapped;
proposal."""
MAX_SLOTS = 500
"""Of one roster: ten officers with a slot of their own on each day of seven weeks; proposal."""
MAX_STAND_IN_ORDER = 20
"""Nobody telephones farther down a list; proposal."""
MAX_DATED = timedelta(days=31)
"""Longest dated slot; a longer one is a slip of the date; proposal."""
MAX_ABSENCE = timedelta(days=366)
"""Longest absence that is entered at once; proposal."""
MAX_ABSENCES = 200
"""Of one officer, counting those that are not over; proposal."""
MAX_IMPORT = 500
"""Stations of one import; the body's 1 MiB bounds them sooner where borders are drawn finely; proposal."""
HOLES_AHEAD = timedelta(days=14)
"""So far a roster's holes are told unless asked otherwise: the planning of the next two weeks; proposal."""
MAX_HOLES_WINDOW = timedelta(days=92)
"""A quarter; bounds the work of one question. Proposal."""
GAPS_AHEAD = timedelta(hours=24)
"""The control room is warned so long before: one working day to find somebody; proposal."""

DAY_MINUTES = 24 * 60
DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class StationDraft:
    """What is said of a station; `rules.check_station` says whether it holds together.

    Attributes:
        phone: The desk's, E.164; None when a change leaves it as it is.
        desk_address: Where its messages go, a CAP address such as `politie.rotterdam-centrum`.
        time_zone: IANA name; the clocks that its roster goes by.
        seat: Where the building is.
    """

    reference: str
    name: str
    area: Area
    seat: Point
    phone: str | None
    desk_address: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Station:
    """A police station in one version; fields as in `StationDraft`.

    The desk's telephone number is kept encrypted and only `phones_of` opens it.

    Attributes:
        version: 1.. ; a change makes the next one, and the earlier ones stay.
        phone_end: Its last two digits: enough to see that the right number was entered.
        retired_at: Closed for good; None while it was not.
    """

    id: UUID
    version: int
    reference: str
    name: str
    area: Area
    seat: Point
    phone_end: str
    desk_address: str
    time_zone: str
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class OfficerDraft:
    """What is said of an officer.

    Attributes:
        phone: E.164; empty when there is none (any more), None when a change leaves it as it is.
        account_id: What the officer signs in with; None for one who does not.
    """

    station_id: UUID
    reference: str
    name: str
    phone: str | None
    account_id: UUID | None


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer for violence at home; name and telephone number are kept encrypted.

    Attributes:
        station_id: Where the officer works; may stand in at other stations.
        phone_end: Last two digits of the number; empty when none is known.
        retired_at: Left for good; None while not.
    """

    id: UUID
    station_id: UUID
    reference: str
    name: str
    phone_end: str
    account_id: UUID | None
    retired_at: datetime | None


class DutyRole(StrEnum):
    """Whether somebody is the one on duty or is asked when that one is away."""

    OFFICER = "officer"
    STAND_IN = "stand_in"


@dataclass(frozen=True, slots=True)
class Weekly:
    """The same hours on some days of every week, by the clocks of the station.

    Attributes:
        days: 0 (Monday) .. 6; on which it begins.
        from_minute: 0..1439 after midnight.
        until_minute: 0..1440, no more part of it; not later than `from_minute` is on the next day.
    """

    days: tuple[int, ...]
    from_minute: int
    until_minute: int


@dataclass(frozen=True, slots=True)
class Dated:
    """One stretch of time, once; `until` is no more part of it."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class SlotDraft:
    """One line of a roster.

    Attributes:
        order: 1..MAX_STAND_IN_ORDER: who is asked first among stand-ins; 0 for an officer.
    """

    officer_id: UUID
    role: DutyRole
    order: int
    when: Weekly | Dated


@dataclass(frozen=True, slots=True)
class Duty:
    """One line of a station's roster, and since when until when that roster was in force.

    Attributes:
        position: 0.. ; its place in the roster, which decides between two that are otherwise alike.
        valid_from: When the roster was entered: it says nothing of the time before.
        valid_until: When another took its place, or the officer left; None while it is in force.
    """

    id: UUID
    station_id: UUID
    officer_id: UUID
    role: DutyRole
    order: int
    when: Weekly | Dated
    position: int
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Roster:
    """The roster of a station that is in force, in its own order."""

    station_id: UUID
    duties: tuple[Duty, ...]


class AbsenceKind(StrEnum):
    """Why an officer is away; no more is written down of it."""

    LEAVE = "leave"
    SICK = "sick"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class AbsenceDraft:
    """An officer is away from `since`; `until` is the first moment back."""

    kind: AbsenceKind
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """An officer is away; nothing before `created_at` is, for nobody knew.

    Attributes:
        ended_at: Back earlier, or called off; None while not.
    """

    id: UUID
    officer_id: UUID
    kind: AbsenceKind
    since: datetime
    until: datetime
    created_at: datetime
    ended_at: datetime | None


class How(StrEnum):
    """How a station was found."""

    AREA = "area"
    NEAREST = "nearest"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Found:
    """The station of a place; `distance_m` from its area along the ground, 0 within it."""

    station: Station
    how: How
    distance_m: float


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is to be reached now."""

    officer_id: UUID
    is_stand_in: bool


@dataclass(frozen=True, slots=True)
class Hole:
    """Nobody is on duty from `since`; `until` is the first moment of somebody, or the end of the question."""

    since: datetime
    until: datetime


class Problem(StrEnum):
    """What a routing lacks."""

    NONE = ""
    NOBODY_ON_DUTY = "nobody_on_duty"


@dataclass(frozen=True, slots=True)
class Routing:
    """Where an alert goes: the station's desk always, and the officer on duty if there is one.

    Attributes:
        how: `only`: there was no position, and there is but this station.
        distance_m: Of the position from the station's area, along the ground; None without a position.
        officer_id: None when nobody is on duty: the desk has to answer by itself.
    """

    station_id: UUID
    station_reference: str
    desk_address: str
    how: How
    distance_m: float | None
    officer_id: UUID | None
    officer_reference: str | None
    is_stand_in: bool
    problem: Problem


@dataclass(frozen=True, slots=True)
class RosterGap:
    """A station whose roster has holes soon."""

    station_id: UUID
    station_reference: str
    holes: tuple[Hole, ...]


class StationNotFound(NotFound):
    """There is no such police station."""


class OfficerNotFound(NotFound):
    """There is no such officer."""


class AbsenceNotFound(NotFound):
    """There is no such absence of this officer."""


class NoStation(NotFound):
    """No station can be named: there is none, or there are several and no position."""


class ReferenceTaken(Conflict):
    """Another station or officer has this reference already."""


class Changed(Conflict):
    """Somebody else changed it meanwhile: read it again."""


class Retired(Conflict):
    """The station is closed or the officer has left, and nothing about them can be changed."""


class TooMany(Conflict):
    """There are as many already as can be kept."""


class BadStation(Invalid):
    """Something said of the station cannot be; `fields` says what."""


class BadOfficer(Invalid):
    """Something said of the officer cannot be; `fields` says what."""


class BadRoster(Invalid):
    """A slot of the roster cannot be; `fields` names it."""


class BadAbsence(Invalid):
    """The absence ends before it begins, is over already or is too long."""


class BadWindow(Invalid):
    """The stretch of time that was asked for ends before it begins, or is too long."""


class BadImport(Invalid):
    """Some of the imported stations cannot be; `fields` names each. Nothing was imported."""
